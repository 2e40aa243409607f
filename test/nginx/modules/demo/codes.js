'use strict';
// Tasks of the form "code:message" are answered with these; some others go wrong.
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const ffi = require('resty_ffi');

const special = {
  throw() {
    throw new Error('thrown in the handler');
  },
  reject: () => Promise.reject(new Error('rejected in the handler')),
  async later() {
    await new Promise((resolve) => setTimeout(resolve, 5));
    throw new Error('thrown later');
  },
  timer() {
    setTimeout(() => {
      throw new Error('thrown in a timer');
    }, 5);
  },
};

/** What respond and get_req say to wrong arguments, and to a second answer. */
function misuse(tsk) {
  const messages = [];
  const note = (f) => {
    try {
      messages.push(`no error: ${f()}`);
    } catch (error) {
      messages.push(`${error.name} ${error.code}: ${error.message}`);
    }
  };
  note(() => ffi.respond(tsk, 'zero', ''));
  note(() => ffi.respond(tsk, 0, { an: 'object' }));
  note(() => ffi.respond('task', 0, ''));
  note(() => ffi.respond(1.5, 0, ''));
  note(() => ffi.get_req(-1));
  note(() => ffi.get_req(2 ** 53));
  note(() => ffi.get_req());
  note(() => ffi.poll_task(99999));
  note(() => ffi.poll_task({}));
  ffi.respond(tsk, 0, messages.join('\n'));
  note(() => ffi.respond(tsk, 0, 'again'));
  note(() => ffi.get_req(tsk));
  console.warn(messages.slice(-2).join(' | '));
}

if (isMainThread) {
  exports.init = (cfg, tq) => {
    const worker = new Worker(__filename, { workerData: tq });
    worker.on('message', (tsk) => {
      const req = ffi.get_req(tsk);
      if (req === 'misuse') return misuse(tsk);
      if (Object.hasOwn(special, req)) return special[req]();
      const [, code, message] = /^(-?\d+)(?::(.*))?$/s.exec(req);
      return ffi.respond(tsk, Number(code), message);
    });
    return 0;
  };
} else {
  for (let tsk; (tsk = ffi.poll_task(workerData)) !== 0;) parentPort.postMessage(tsk);
}
