'use strict';
// Echo the request. The module is loaded twice: nginx loads it for `init`, and the
// Worker that init starts loads it to poll.
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const ffi = require('resty_ffi');

if (isMainThread) {
  exports.init = (cfg, tq) => {
    const worker = new Worker(__filename);
    // A task from nginx: answer it with its own request, as bytes (true: a Buffer instead of a string).
    worker.on('message', (tsk) => {
      const req = ffi.get_req(tsk, true);
      ffi.respond(tsk, 0, req);
    });
    worker.postMessage(tq);
    return 0;
  };
} else {
  parentPort.once('message', (tq) => {
    while (true) {
      const tsk = ffi.poll_task(tq);
      if (tsk === 0) {
        console.log('exit ffi nodejs echo runtime');
        break;
      }
      parentPort.postMessage(tsk);
    }
  });
}
