'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { biffi, fixture, fails, root } = require('./fixtures');

const DECLARATIONS = `typedef int (*binary)(int a, int b);
  long call_from_threads(binary f, int threads, int count); void notify_later(void (*f)(int n), int count, int pause);
  int slow_add(int a, int b, int milliseconds);`;
const lib = biffi.load(fixture('callbacks'), DECLARATIONS);

/** Runs a script in a process of its own: [exit code or signal, stdout, stderr]. */
function run(script, limit = 60000) {
  const source = `const biffi = require(${JSON.stringify(root)}); const fixture = ${JSON.stringify(fixture('callbacks'))};
    const DECLARATIONS = ${JSON.stringify(DECLARATIONS)}; const root = ${JSON.stringify(root)};
    const lib = biffi.load(fixture, DECLARATIONS); ${script}`;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['-e', source], {
      timeout: limit,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('close', (code, signal) => resolve([signal ?? code, stdout, stderr]));
  });
}

test('eight threads, each waits for its results', async () => {
  const count = 500;
  const sum = await lib.call_from_threads.async((thread, i) => thread + i, 8, count);
  assert.equal(sum, 28 * count + 8 * ((count * (count - 1)) / 2));
});

test('a thread that outlives the call that made it', async () => {
  const seen = [];
  await new Promise((resolve) => {
    const cb = biffi.callback(
      'void (int)',
      (n) => {
        seen.push(n);
        if (n === 9) {
          cb.release();
          resolve();
        }
      },
      { ref: true },
    );
    lib.notify_later(cb, 10, 100);
  });
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('wait: false lets the thread go on', async () => {
  const seen = [];
  await new Promise((resolve) => {
    const cb = biffi.callback('void (int)', (n) => (seen.push(n), n === 99 && resolve(cb.release())), {
      wait: false,
      ref: true,
    });
    lib.notify_later(cb, 100, 0);
  });
  assert.equal(seen.length, 100);
  fails(() => biffi.callback('int (int)', () => 1, { wait: false }), 'BF_ETYPE', /needs a void result/);
});

test('ref keeps the event loop alive, unref lets it end', async () => {
  const ref =
    await run(`const cb = biffi.callback('void (int)', (n) => { console.log(n); if (n === 2) cb.release(); },
    { ref: true }); lib.notify_later(cb, 3, 20000);`);
  assert.deepEqual(ref, [0, '0\n1\n2\n', '']);
  const unref = await run(`globalThis.cb = biffi.callback('void (int)', (n) => console.log(n));
    lib.notify_later(cb, 3, 300000);`);
  assert.deepEqual(unref, [0, '', '']);
});

test("an exception goes to 'uncaughtException' with the callback's name", async () => {
  const [status, stdout] =
    await run(`process.on('uncaughtException', (error) => { console.log(error.message, error.callback);
      cb.release(); });
    const cb = biffi.callback('void (int)', function mine(n) { throw new Error('from ' + n); }, { ref: true });
    lib.notify_later(cb, 1, 0);`);
  assert.equal(stdout, 'from 0 mine\n');
  assert.equal(status, 0);
});

test('a deadlock is said, not hidden', async () => {
  const [status, , stderr] = await run(`lib.call_from_threads((a, b) => 0, 1, 1);`, 5000);
  assert.equal(status, 'SIGTERM');
  assert.match(stderr, /callback 'call_from_threads\(\) argument 1'.*waiting.*\.async\(\)/);
});

test('process.exit() while threads call and async calls run', async () => {
  const [status, stdout, stderr] =
    await run(`lib.call_from_threads.async((a, b) => { if (b === 20) { console.log('exit');
      process.exit(3); } return 0; }, 4, 1000000); for (let i = 0; i < 10; i++) lib.slow_add.async(1, 2, 50);`);
  assert.deepEqual([status, stdout, stderr], [3, 'exit\n', '']);
});

const WORKER = `const { Worker } = require('node:worker_threads');
  const source = \`const biffi = require(\${JSON.stringify(root)});
    const lib = biffi.load(\${JSON.stringify(fixture)}, \${JSON.stringify(DECLARATIONS)});
    const { parentPort } = require('node:worker_threads');\`;
  const start = (script) => new Worker(source + script, { eval: true });`;

test('workers get their own calls', async () => {
  const [status, stdout, stderr] = await run(`${WORKER}
    let open = 4;
    for (let i = 0; i < 4; i++) start("lib.call_from_threads.async((a, b) => a + b, 4, 200)" +
      ".then((sum) => parentPort.postMessage(sum))").on('message', (sum) => { console.log(sum); });`);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, `${4 * ((200 * 199) / 2) + 6 * 200}\n`.repeat(4));
});

test('a worker that is terminated while threads call into it', async () => {
  const [status, stdout, stderr] = await run(`${WORKER}
    (async () => {
      for (let i = 0; i < 6; i++) {
        const worker = start("lib.call_from_threads.async((a, b) => { if (b === 10) parentPort.postMessage(1); return 0; }," +
          " 4, 1000000).catch(() => {}); globalThis.cb = biffi.callback('void (int)', () => {});" +
          " lib.notify_later(cb, 100, 1000); for (let i = 0; i < 8; i++) lib.slow_add.async(1, 2, 20);");
        await new Promise((resolve) => worker.once('message', resolve));
        await worker.terminate();
      }
      console.log('ended');
      process.exit(0);
    })();`);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'ended\n');
});

test('a library closed by another thread of its own, and by an async call', async () => {
  const [status, stdout, stderr] = await run(`(async () => {
      for (let i = 0; i < 20; i++) {
        const other = biffi.load(fixture, DECLARATIONS);
        const { slow_add } = other;
        const running = Array.from({ length: 8 }, (_, n) => slow_add.async(n, 1, 5));
        const sum = await other.call_from_threads.async((thread, n) => {
          if (n === 3) other.close();
          return 1;
        }, 4, 10);
        if (sum !== 40) throw new Error('sum ' + sum);
        const sums = await Promise.all(running);
        if (sums.join() !== '1,2,3,4,5,6,7,8') throw new Error(sums.join());
        let code;
        try { slow_add(1, 2, 0); } catch (error) { code = error.code; }
        if (code !== 'BF_ECLOSED') throw new Error('code ' + code);
      }
      console.log('closed');
    })();`);
  assert.deepEqual([status, stdout, stderr], [0, 'closed\n', '']);
});
