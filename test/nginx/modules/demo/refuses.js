'use strict';
const { Worker } = require('node:worker_threads');

exports.answer = 42;
Object.defineProperty(exports, 'init', { value: () => 3 });
Object.defineProperty(exports, 'fails', {
  value: async () => {
    throw new Error('no connection to the database');
  },
});
// Refuses after it has started a Worker that waits for tasks.
Object.defineProperty(exports, 'polls', {
  value: async (cfg, tq) => {
    const code =
      'const { workerData, parentPort } = require("node:worker_threads"); const ffi = require("resty_ffi");';
    const worker = new Worker(`${code} parentPort.postMessage("up"); ffi.poll_task(workerData);`, {
      eval: true,
      workerData: tq,
    });
    await new Promise((resolve) => worker.once('message', resolve));
    return 4;
  },
});
