'use strict';
// What the tests of libbiffi call: one handler for each way to answer.

exports.echo = (request) => request;
exports.shout = (request) => `${request.toUpperCase()}!`;
exports.type = (request) =>
  request === null ? 'null' : Buffer.isBuffer(request) ? 'buffer' : typeof request;
exports.bytes = () => Buffer.from([0, 1, 0, 255]);
exports.empty = () => '';
exports.nothing = () => undefined;
exports.words = (request) => new Uint16Array([1, 2, Number(request)]);
exports.json = (request, context) => ({ request, method: context.method, config: context.config });
exports.number = () => 42;
exports.later = async (request) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return `later ${request}`;
};

const hooks = require('node:async_hooks');
const storage = new hooks.AsyncLocalStorage();
exports.stored = () => storage.getStore();
exports.store = (request) => {
  storage.enterWith(request);
  return storage.getStore();
};
exports.storeLater = async (request) => {
  storage.enterWith(request);
  await new Promise((resolve) => setTimeout(resolve, 5));
  return storage.getStore();
};
exports.mark = () => {
  const resource = hooks.executionAsyncResource();
  const before = resource.mark;
  resource.mark = true;
  return String(before);
};

// What a handler leaves for later.
const order = [];
exports.leave = () => {
  setImmediate(() => order.push('turn'));
  Promise.resolve().then(() => order.push('microtask'));
  process.nextTick(() => order.push('tick'));
  order.push('call');
  return 'left';
};
exports.leaveError = () => {
  process.once('uncaughtException', (error) => order.push(error.message));
  process.nextTick(() => {
    throw new Error('nobody waits for it');
  });
  process.nextTick(() => order.push('another'));
  return 'left';
};
exports.order = () => order.slice(0, 3).join(); // the loop may have turned
exports.orderLater = async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return order.splice(0).sort().join();
};

exports.throws = () => {
  throw Object.assign(new RangeError('too much'), { rc: 7 });
};
exports.rejects = async () => {
  throw new Error('not today');
};
exports.unprintable = () => () => {};
exports.cyclic = () => {
  const one = {};
  one.self = one;
  return one;
};
exports.throwsOddly = () => {
  throw null;
};
/** Does not come back before there is a file of that name. */
exports.untilThereIs = (file) => {
  while (!require('node:fs').existsSync(file));
  return 'there is';
};
exports.exits = () => process.exit(3);
exports.aborts = () => process.abort();
exports.uncaught = (request) => {
  setTimeout(() => {
    throw new Error(`uncaught ${request}`);
  }, 0);
  Promise.reject(new Error(`unhandled ${request}`));
  return new Promise((resolve) => setTimeout(() => resolve('still here'), 20));
};
exports.prints = () => console.warn('a %s', 'warning');
exports.never = () => new Promise(() => {});
let kept = 'nothing';
exports.keep = (request) => (kept = request);
exports.kept = () => kept;
exports.signal = (request, context) => {
  context.signal.addEventListener('abort', () => (exports.aborted = (exports.aborted ?? 0) + 1));
  return new Promise(() => {});
};
exports.abortedCount = () => String(exports.aborted ?? 0);
exports.endlessInside = (place) => {
  const loop = () => {
    for (;;);
  };
  const enter = {
    tick: () => process.nextTick(loop),
    microtask: () => queueMicrotask(loop),
    timer: () => setTimeout(loop, 1),
    resource: () => new hooks.AsyncResource('test').runInAsyncScope(loop),
    nested: () => setTimeout(() => new hooks.AsyncResource('test').runInAsyncScope(loop), 1),
  };
  enter[place]();
  return new Promise((resolve) => setTimeout(resolve, 5, `after ${place}`));
};
exports.endless = () => {
  for (;;);
};
exports.pid = () => process.pid;
exports.hogs = () => {
  const all = [];
  for (;;) all.push(new Array(10000).fill(all.length));
};
