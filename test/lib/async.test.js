'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { biffi, fixture, fails } = require('./fixtures');

const lib = biffi.load(
  fixture('callbacks'),
  `typedef struct { double x, y; } Point; typedef int (*binary)(int a, int b);
   int slow_add(int a, int b, int milliseconds); int apply(binary f, int a, int b);
   Point map_point(Point (*f)(Point p), Point p); const char *say(const char *(*f)(const char *), const char *name);
   double sum_of(const char *kinds, ...); long call_from_threads(binary f, int threads, int count);`,
);
const strings = biffi.load(
  fixture('strings'),
  'const char *same(const char *s); char *owned(const char *s);',
);
const scalars = biffi.load(fixture('scalars'), 'int fail_with(int number);');

test('an async call gives a Promise, calls run side by side', async () => {
  const promise = lib.slow_add.async(1, 2, 30);
  assert.ok(promise instanceof Promise);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const results = await Promise.all([promise, ...[1, 2, 3].map((n) => lib.slow_add.async(n, 10, 30))]);
  clearInterval(timer);
  assert.deepEqual(results, [3, 11, 12, 13]);
  assert.ok(turns > 0, 'the event loop went on meanwhile');
});

test('async calls under way while the function is first called here', async () => {
  for (let round = 0; round < 20; round++) {
    const { fail_with } = biffi.load(fixture('scalars'), 'int fail_with(int number);');
    const promises = Array.from({ length: 50 }, (_, i) => fail_with.async(i));
    assert.equal(fail_with(1), -1);
    assert.ok((await Promise.all(promises)).every((r) => r === -1));
  }
});

test('many calls, strings kept alive', async () => {
  const list = await Promise.all(
    Array.from({ length: 2000 }, (_, i) => strings.owned.async(`string number ${i} ${'x'.repeat(i)}`)),
  );
  list.forEach((s, i) => assert.equal(s, `string number ${i} ${'x'.repeat(i)}`));
});

/* A thread of the pool looks out for the next call then, see look_out() of async.c. */
test('calls that wait for one another run side by side, however closely they follow others', async () => {
  const c = biffi.load(
    null,
    `int pipe(int *ends); int close(int end); int abs(int n);
     long read(int end, void *bytes, unsigned long n); long write(int end, const void *bytes, unsigned long n);`,
  );
  const ends = new Int32Array(2);
  assert.equal(c.pipe(ends), 0);
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 10; i++) assert.equal(await c.abs.async(-i), i);
    if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const bytes = Buffer.alloc(2);
    const both = [c.read.async(ends[0], bytes, 1), c.write.async(ends[1], Buffer.from('x'), 1)];
    assert.deepEqual(await Promise.all(both), [1, 1]);
    assert.equal(bytes.toString(), 'x\0');
  }
  ends.forEach((end) => c.close(end));
});

test('a worker ends while calls follow each other closely', async () => {
  for (let round = 0; round < 10; round++) {
    const worker = new Worker(
      `const { load } = require(${JSON.stringify(require.resolve('../..'))});
       const c = load(null, 'int abs(int n);');
       (async () => {
         for (let i = 0; ; i++) {
           await c.abs.async(-i);
           if (i === 200) require('node:worker_threads').parentPort.postMessage(i);
         }
       })();`,
      { eval: true },
    );
    await once(worker, 'message');
    await worker.terminate();
  }
});

test('what is wrong rejects', async () => {
  const rejects = async (promise, code, message) => {
    assert.ok(promise instanceof Promise);
    await assert.rejects(promise, (error) => error.code === code && message.test(error.message));
  };
  await rejects(
    lib.slow_add.async(1, 'x', 1),
    'BF_ETYPE',
    /^slow_add\(\): argument 2 'b' \(int\): .*got string 'x'$/,
  );
  await rejects(lib.slow_add.async(1), 'BF_EARGUMENTS', /expected 3 arguments, got 1/);
  await rejects(lib.slow_add.async(1, 2, 3, 4), 'BF_EARGUMENTS', /expected 3 arguments, got 4/);
});

test('callbacks run on the JavaScript thread while C runs on the pool', async () => {
  assert.equal(await lib.apply.async((a, b) => a * b, 6, 7), 42);
  assert.equal((await lib.map_point.async((p) => ({ x: p.y, y: p.x }), { x: 1, y: 2 })).x, 2);
  const sum = await lib.call_from_threads.async((thread, i) => thread * 1000 + i, 4, 50);
  assert.equal(sum, (0 + 1 + 2 + 3) * 1000 * 50 + 4 * ((50 * 49) / 2));
});

test('errno is that of the call', async () => {
  assert.equal(await scalars.fail_with.async(11), -1);
  assert.equal(biffi.errno(), 11);
  const { fail_with } = biffi.load(fixture('scalars'), {
    declarations: 'int fail_with(int number);',
    errno: true,
  });
  const results = await Promise.all([3, 4, 5].map((n) => fail_with.async(n)));
  assert.deepEqual(
    results.map((r) => r.errno),
    [3, 4, 5],
  );
});

test('variadic functions too', async () => {
  assert.equal(await lib.sum_of.async('isd', 1, 'abc', 0.5), 4.5);
});

test('an AbortSignal cancels what has not started', async () => {
  const reason = new Error('enough');
  await assert.rejects(
    lib.slow_add.async(1, 2, 1, { signal: AbortSignal.abort(reason) }),
    (e) => e === reason,
  );
  const controller = new AbortController();
  /* More than the pool has threads, so that the last ones wait. */
  const running = Array.from({ length: 64 }, (_, i) =>
    lib.slow_add.async(i, 0, 20, { signal: controller.signal }),
  );
  assert.equal(await running[0], 0);
  controller.abort(reason); // now the next ones run
  const results = await Promise.allSettled(running);
  assert.equal(results.filter((r) => r.status === 'fulfilled').length > 1, true, 'what runs already ends');
  assert.equal(results[63].status, 'rejected');
  assert.equal(results[63].reason, reason);
  assert.equal(await lib.slow_add.async(1, 2, 1, { signal: new AbortController().signal }), 3);
});

test('closing the library lets running calls end', async () => {
  const other = biffi.load(fixture('callbacks'), 'int slow_add(int a, int b, int milliseconds);');
  const { slow_add } = other;
  const promise = slow_add.async(1, 2, 30);
  other.close();
  fails(() => slow_add(1, 2, 0), 'BF_ECLOSED');
  assert.equal(await promise, 3);
  await assert.rejects(slow_add.async(1, 2, 0), { code: 'BF_ECLOSED' });
});
