'use strict';
// Handlers of every kind, for the tests of all modes.
exports.echo = (req) => req;
exports.upper = (req) => req.toUpperCase();
exports.kind = (req) => (Buffer.isBuffer(req) ? 'buffer' : typeof req);
exports.json = (req, { method, config }) => ({ req, method, config });
exports.later = async (ms) => {
  await new Promise((resolve) => setTimeout(resolve, Number(ms)));
  return `after ${ms}`;
};
exports.immediate = () => new Promise((resolve) => setImmediate(() => resolve('immediate')));
exports.tick = () => new Promise((resolve) => process.nextTick(() => resolve('tick')));
exports.micro = async () => 'micro';
exports.read = () =>
  require('node:fs')
    .promises.readFile(__filename, 'utf8')
    .then((text) => String(text.length > 10));
exports.fails = () => {
  throw Object.assign(new Error('failed'), { rc: 5 });
};
exports.rejects = async () => {
  throw new TypeError('rejected');
};
exports.never = () => new Promise(() => {});
exports.waits = (req, { signal }) =>
  new Promise(() => {
    exports.waiting = (exports.waiting ?? 0) + 1;
    signal.addEventListener('abort', () => exports.waiting--);
  });
exports.waitingNow = () => String(exports.waiting ?? 0);
exports.exits = () => process.exit(9);
exports.kills = () => process.abort();
exports.uncaught = () => {
  setTimeout(() => {
    throw new Error('uncaught in a timer');
  }, 1);
  Promise.reject(new Error('nobody handles this'));
  return 'started';
};
exports.logs = (req) => {
  console.log('log %s', req);
  console.warn('warn\nin two lines');
  console.error('error %j', { req });
  console.debug('debug');
};
exports.spin = (ms) => {
  for (const end = Date.now() + Number(ms); Date.now() < end;);
  return 'spun';
};
exports.endless = () => {
  for (;;);
};
// Node.js 24 optimizes a loop that only calls built-in functions to one that nothing interrupts, so these
// are arrays that it does not make inline.
exports.hog = () => {
  const all = [];
  for (;;) all.push(new Array(10000).fill(all.length));
};
exports.fork = () =>
  new Promise((resolve, reject) => {
    require('node:child_process').exec('echo child', (error, out) =>
      error ? reject(error) : resolve(out.trim()),
    );
  });
exports.pid = () => String(process.pid);

/* Requests that stay, and what a handler could do to their memory. */
let kept = [];
exports.keep = (request) => void kept.push(request);
exports.kept = () => {
  const all = Buffer.concat(kept);
  kept = [];
  return all;
};
exports.detach = (request) => {
  for (const how of [
    () => structuredClone(request.buffer, { transfer: [request.buffer] }),
    () => request.buffer.transfer(),
  ]) {
    try {
      how();
    } catch {
      // it is not to be had, or there is no such method
    }
  }
};
