'use strict';
// Echo with Buffers: get_req(tsk, true).
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const ffi = require('resty_ffi');

if (isMainThread) {
  exports.init = (cfg, tq) => {
    new Worker(__filename, { workerData: tq });
    return 0;
  };
} else {
  // The Worker may answer as well as poll.
  for (let tsk; (tsk = ffi.poll_task(workerData)) !== 0;) {
    const req = ffi.get_req(tsk, true);
    if (req !== null && !Buffer.isBuffer(req)) throw new Error('not a Buffer');
    ffi.respond(tsk, 0, req);
  }
}
