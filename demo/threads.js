'use strict';
// Threads made by libuv, in C: each calls a JavaScript function and waits until it is done.

const { load, callback, array, pointerAt } = require('biffi');

const uv = load('libuv.so.1', { header: 'uv.h', files: ['uv.h', 'uv/unix.h', 'bits/pthreadtypes.h'] });
const { gettid } = load(null, 'int gettid(void);');
const COUNT = 4;

const said = [];
const work = callback(
  'void (void *)',
  (argument) => {
    // JavaScript runs on its own thread, whoever calls.
    const where = gettid() === process.pid ? 'the main thread' : 'another thread';
    said.push(`thread ${argument.cast('int').value} was heard on ${where}`);
  },
  { name: 'work', ref: true }, // the event loop goes on as long as threads may call
);

const threads = pointerAt(new (array(uv.uv_thread_t, COUNT))(), uv.uv_thread_t);
const numbers = pointerAt(
  Int32Array.from({ length: COUNT }, (_, i) => i + 1),
  'int',
);
console.log(`libuv ${uv.uv_version_string()} starts ${COUNT} threads`);
for (let i = 0; i < COUNT; i++) {
  const code = uv.uv_thread_create(threads.add(i), work, numbers.add(i));
  if (code !== 0) throw new Error(uv.uv_strerror(code));
}

async function main() {
  // Waiting blocks, so it is done on the thread pool; the callbacks run meanwhile.
  for (let i = 0; i < COUNT; i++) await uv.uv_thread_join.async(threads.add(i));
  work.release();
  // The last use of the numbers: C has read them where they lie, so they had to stay until here.
  if (said.length !== COUNT || numbers.value !== 1) throw new Error('a thread was not heard');
  console.log(said.sort().join('\n'));
}

main();
