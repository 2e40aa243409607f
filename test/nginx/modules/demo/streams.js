'use strict';
// Handlers that answer with bodies in pieces. The query says how many, and how far apart in milliseconds.
const fs = require('node:fs');
const { Readable } = require('node:stream');
const { ReadableStream } = require('node:stream/web');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = ({ args }) => args.split(',').map(Number);
const state = { given: 0, stopped: 0, aborted: 0, slow: 0 };

async function* pieces(count, ms, size) {
  for (let i = 0; i < count; i++) {
    if (ms) await pause(ms);
    yield size ? Buffer.alloc(size, String(i % 10)) : `${i} `;
  }
}

exports.generator = (request) => pieces(...numbers(request));
exports.part = (request) => ({
  status: 203,
  headers: { 'X-Kind': 'part' },
  body: pieces(...numbers(request)),
});
exports.readable = async (request) => Readable.from(pieces(...numbers(request)));
exports.web = (request) => ({ body: ReadableStream.from?.(pieces(...numbers(request))) ?? webOf(request) });
function webOf(request) {
  const source = pieces(...numbers(request));
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}
exports.file = () => fs.createReadStream(__filename);
exports.synchronous = function* synchronous(request) {
  const [count] = numbers(request);
  for (let i = 0; i < count; i++) yield i % 2 ? `${i} ` : Promise.resolve(`${i} `);
};
/** The request's body in pieces of a hundred bytes, with a pause in the middle. */
exports.echo = async function* echo({ body }) {
  for (let i = 0; i < body.length; i += 100) {
    if (i === 500) await pause(1);
    yield body.subarray(i, i + 100);
  }
};
/** One buffer for all pieces. */
exports.reused = async function* reused(request) {
  const [count, ms] = numbers(request);
  const buffer = Buffer.alloc(4);
  for (let i = 0; i < count; i++) {
    if (ms) await pause(ms);
    buffer.fill(String(i % 10));
    yield buffer;
  }
};
exports.kinds = async function* kinds() {
  yield 'a string, ';
  yield '';
  yield new Uint16Array([0x6161, 0x6161]);
  await pause(5);
  yield { an: 'object' };
};

/** Its second piece comes when somebody calls letGo. */
let letGo;
exports.held = async function* held() {
  yield 'first ';
  await new Promise((resolve) => (letGo = resolve));
  yield 'second';
};
exports.letGo = () => letGo();

/** Subrequests in the middle of a stream. */
exports.page = async function* page() {
  yield '<<!--#include virtual="/generator?3,5" -->|<!--#include';
  await pause(5);
  yield ' virtual="/generator?2,1,1000" -->|';
  await pause(5);
  yield '<!--#include virtual="/generator?4,3" -->>';
};

/** Goes on until it is stopped, and says so. */
exports.endless = async function* endless(request) {
  const [size, ms] = numbers(request);
  request.signal.addEventListener('abort', () => state.aborted++);
  try {
    for (;;) {
      if (ms) await pause(ms);
      state.given += size;
      yield Buffer.alloc(size, 'x');
    }
  } finally {
    state.stopped++;
  }
};
/** Waits for something that never comes: only destroy() and the signal end it. */
exports.stuck = ({ signal }) => {
  const stream = new Readable({ read() {} });
  stream.push('first ');
  stream.on('close', () => state.stopped++);
  signal.addEventListener('abort', () => state.aborted++);
  return stream;
};
/** Answers late, when the client may have gone. */
exports.slowly = async (request) => {
  await pause(numbers(request)[0]);
  state.slow++;
  return exports.endless({ args: '10,10', signal: request.signal });
};
exports.state = () => state;

exports.fails = async function* fails(request) {
  yield* pieces(...numbers(request));
  if (numbers(request)[1]) await pause(30);
  throw new Error('in the middle of a stream');
};
exports.failsAtOnce = async function* failsAtOnce() {
  yield 'never sent';
  throw Object.assign(new Error('before it began'), { status: 503 });
};
exports.bad = async function* bad(request) {
  yield* pieces(...numbers(request));
  yield 1n;
};
exports.length = (request) => {
  const [length, ...rest] = numbers(request);
  return { headers: { 'Content-Length': length }, body: pieces(...rest) };
};
exports.exits = async function* exits(request) {
  yield* pieces(...numbers(request));
  if (numbers(request)[0]) await pause(300); // what was yielded is not lost with the process that nginx has yet to ask
  process.kill(process.pid, 'SIGKILL');
  await pause(1000);
};
exports.late = async function* late() {
  yield 'the first ';
  await pause(20);
  yield 'the second ';
  await new Promise(() => {});
};
exports.gate = (request) => (request.query.get('in') ? undefined : pieces(3, 5));

/** One runtime for all of them, by the path: they share their counts in every mode. */
exports.all = (request) => exports[request.path.slice(1)](request);
