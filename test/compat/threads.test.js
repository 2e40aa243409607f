'use strict';
/*
 * Callbacks from threads that JavaScript knows nothing of, asynchronous calls, workers that end in the middle of
 * either. Programs that may end badly run as processes of their own.
 */
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');
const { Worker } = require('node:worker_threads');
const ffi = require('../../compat/ffi-napi');

const build = process.env.BIFFI_BUILD ?? path.join(__dirname, '../../build');
const library = path.join(build, 'fixtures/compat.so');
const signatures = {
  call_from_threads: ['int', ['pointer', 'int', 'int']],
  call_from_thread_later: ['void', ['pointer', 'int']],
  sleep_ms: ['void', ['int']],
};
const lib = ffi.Library(library, signatures);

/** Runs a program with ffi and lib at hand; gives its exit code, signal and output. */
function program(body) {
  const prelude = `
    const ffi = require(${JSON.stringify(path.join(__dirname, '../../compat/ffi-napi'))});
    const lib = ffi.Library(${JSON.stringify(library)}, ${JSON.stringify(signatures)});
  `;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--expose-gc', '-e', prelude + body],
      { timeout: 60000 },
      (error, stdout, stderr) => {
        resolve({ code: error ? error.code : 0, signal: error ? error.signal : null, stdout, stderr });
      },
    );
  });
}

test('8 threads, 1000 calls each', async () => {
  let calls = 0;
  const cb = ffi.Callback('int', ['int'], (n) => {
    calls++;
    return n % 10;
  });
  const sum = await new Promise((resolve, reject) => {
    lib.call_from_threads.async(cb, 8, 1000, (error, value) => (error ? reject(error) : resolve(value)));
  });
  assert.equal(calls, 8000);
  assert.equal(sum, 8 * 4500);
});

test("a thread's callback runs while JavaScript does other things", async () => {
  const seen = [];
  const cb = ffi.Callback('int', ['int'], (n) => seen.push(n));
  lib.call_from_thread_later(cb, 5);
  lib.sleep_ms(20);
  assert.deepEqual(seen, []);
  while (seen.length < 5) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(seen, [0, 1, 2, 3, 4]);
});

test("what a thread's callback throws is an uncaught exception, and C gets 0", async () => {
  const { code, stdout, stderr } = await program(`
    const cb = ffi.Callback('int', ['int'], (n) => { if (n === 1) throw new TypeError('of a thread'); return n; });
    process.on('uncaughtException', (error) => console.log('uncaught', String(error)));
    lib.call_from_threads.async(cb, 1, 4, (error, sum) => console.log('sum', sum));
  `);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 'uncaught TypeError: of a thread\nsum 5\n');
});

test('a synchronous call that waits for a thread that calls back ends with an error', async () => {
  const { code, stdout, stderr } = await program(`
    const cb = ffi.Callback('int', ['int'], (n) => 1);
    try { lib.call_from_threads(cb, 2, 1); } catch (error) { console.log(error.code, error.message); }
    lib.call_from_threads.async(cb, 2, 3, (error, sum) => console.log('sum', sum));
  `);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^BF_EDEADLOCK another thread called a callback.*\nsum 6\n$/);
});

test('a long synchronous call that waits for nobody only delays the callbacks of threads', async () => {
  const { code, stdout, stderr } = await program(`
    const cb = ffi.Callback('int', ['int'], (n) => { console.log('called', n); return 1; });
    lib.call_from_thread_later(cb, 1);
    lib.sleep_ms(2500);
    console.log('slept');
    setTimeout(() => {}, 200);
  `);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 'slept\ncalled 0\n');
});

test('a process ends though a thread still wants to call back', async () => {
  const { code, signal, stderr } = await program(`
    const cb = ffi.Callback('int', ['int'], (n) => 1);
    lib.call_from_thread_later(cb, 1000000);
  `);
  assert.deepEqual([code, signal], [0, null], stderr);
});

const workerBody = `
  const { parentPort } = require('node:worker_threads');
  const ffi = require(${JSON.stringify(path.join(__dirname, '../../compat/ffi-napi'))});
  const lib = ffi.Library(${JSON.stringify(library)}, ${JSON.stringify(signatures)});
`;

test('workers, one after the other and at once', async () => {
  const body = `${workerBody}
    const cb = ffi.Callback('int', ['int'], (n) => n);
    lib.call_from_threads.async(cb, 2, 10, (error, sum) => parentPort.postMessage(sum));
  `;
  const run = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(body, { eval: true });
      let message;
      worker.on('message', (m) => (message = m));
      worker.on('error', reject);
      worker.on('exit', () => resolve(message));
    });
  for (let i = 0; i < 10; i++) assert.equal(await run(), 90);
  assert.deepEqual(await Promise.all([run(), run(), run(), run()]), [90, 90, 90, 90]);
});

test('a worker that is terminated during an asynchronous call', async () => {
  const { code, signal, stdout, stderr } = await program(`
    const { Worker } = require('node:worker_threads');
    const body = ${JSON.stringify(`${workerBody}
      lib.sleep_ms.async(300, () => {});
      parentPort.postMessage('go');`)};
    let left = 5;
    for (let i = 0; i < 5; i++) {
      const worker = new Worker(body, { eval: true });
      worker.on('message', () => worker.terminate());
      worker.on('exit', () => { if (--left === 0) console.log('all ended'); });
    }
  `);
  assert.deepEqual([code, signal, stdout], [0, null, 'all ended\n'], stderr);
});

test('a worker that is terminated while threads call back, and the threads go on', async () => {
  const { code, signal, stdout, stderr } = await program(`
    const { Worker } = require('node:worker_threads');
    const body = ${JSON.stringify(`${workerBody}
      globalThis.cb = ffi.Callback('int', ['int'], (n) => { if (n === 5) parentPort.postMessage('go'); return n; });
      for (let i = 0; i < 4; i++) lib.call_from_thread_later(cb, 2000);
      setInterval(() => {}, 1000);`)};
    let left = 3;
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(body, { eval: true });
      worker.once('message', () => worker.terminate());
      worker.on('exit', () => { if (--left === 0) setTimeout(() => console.log('all ended'), 300); });
    }
  `);
  assert.deepEqual([code, signal, stdout], [0, null, 'all ended\n'], stderr);
});
