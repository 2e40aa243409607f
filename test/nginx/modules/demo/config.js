'use strict';
// Polls in a Worker and answers every task with the configuration it was started with.
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const ffi = require('resty_ffi');

if (isMainThread) {
  exports.start = (cfg, tq) => {
    new Worker(__filename, { workerData: { cfg, tq } });
  };
} else {
  for (let tsk; (tsk = ffi.poll_task(workerData.tq)) !== 0;) ffi.respond(tsk, 0, String(workerData.cfg));
}
