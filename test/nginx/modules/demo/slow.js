'use strict';
// A poller that sleeps between tasks, so that its queue fills.
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const ffi = require('resty_ffi');

if (isMainThread) {
  exports.init = (cfg, tq) => {
    new Worker(__filename, { workerData: tq });
    return 0;
  };
} else {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let tsk; (tsk = ffi.poll_task(workerData)) !== 0;) {
    Atomics.wait(cell, 0, 0, 20);
    ffi.respond(tsk, 0, ffi.get_req(tsk));
  }
}
