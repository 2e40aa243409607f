'use strict';
/*
 * Makes calls of every kind, so many times and as many again, and prints what memory each kind has grown by meanwhile:
 *
 *   node --expose-gc leak.run.js CALLS
 *
 * Bytes that malloc() has given out tell more, and sooner, than what the process has: those are asked for too.
 */
const { Worker } = require('node:worker_threads');
const { biffi, fixture, root } = require('./fixtures');
const native = require('../../lib/native');

const calls = Number(process.argv[2]);

/** Bytes that so many calls may leave behind: what tables and caches keep, not two bytes a call. */
const limit = (n, each = 2) => 256 * 1024 + each * n;

/* Pages that the allocator and the engine hold for later are a few megabytes, however many calls there were. */
const RESIDENT = 48 * 1024 * 1024;
/* From 20 on, Node.js forgets 40 bytes of each External that a worker has when it ends. */
const A_WORKER = 2048;
/* As many signatures of callbacks stay, of workers that ended too, for C's late calls: see signature.c. */
const RETIRED_SIGNATURES = 256;

const { mallinfo2 } = biffi.load(
  null,
  `struct mallinfo2 { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost; };
   struct mallinfo2 mallinfo2(void);`,
);
const TIERS = `int32_t to_i32(int32_t v); double to_double(double v); int64_t to_i64(int64_t v); uint64_t to_u64(uint64_t v);
   uint32_t hash(const char *s); uint32_t sum(const uint8_t *bytes, unsigned long n); const char *word(int which); void tick(void);
   double many(int, double, int, double, int, double, int, double, int, double, int, double, int, double, int, double, int,
               double, int, double);
   void bump(int *counter); int set_errno(int number); const char *spell(const char *kinds, ...);
   typedef struct { double x, y; } vec; typedef struct { int64_t a, b, c; } large; typedef struct { int8_t tag; int32_t value; } small;
   vec vec_add(vec a, vec b); double vec_norm(vec v); double vec_norm_at(const vec *v); large large_make(int64_t a);
   int64_t large_sum(large l, int8_t more); small small_named(const char *name, int8_t tag);
   typedef int (*callback)(int); int call(callback f, int v); void keep(callback f); int call_kept(int v);
   uint32_t call_kept_with_string(const char *s, int v);`;
const lib = biffi.load(fixture('tiers'), TIERS);
const big = biffi.load(fixture('tiers'), { declarations: TIERS, int64: 'bigint', errno: true });
const strings = biffi.load(fixture('strings'), {
  declarations: 'char *owned(const char *s); size_t length16(const char16_t *s);',
  owned: ['owned'],
});
const callbacks = biffi.load(
  fixture('callbacks'),
  `typedef struct { double x, y; } Point; Point map_point(Point (*f)(Point p), Point p); typedef int (*binary)(int, int);
   const char *say(const char *(*f)(const char *name), const char *name); binary pick(int which);
   double each(void (*f)(double v, void *user), const double *v, int n, void *user);`,
);

const buffer = Buffer.alloc(256, 1);
const small = new Uint8Array([1, 2, 3]);
const [p, q] = [new lib.vec({ x: 1, y: 2 }), new lib.vec({ x: 3, y: 4 })];
const large = new lib.large({ a: 1, b: 2n, c: 3 });
const numbers = new Float64Array(3);
const thrown = new Error('thrown by a callback');
const many = Array.from({ length: 20 }, (_, i) => i);
const held = biffi.callback('int (*)(int)', (v) => v + 1);
const refuse = (f, ...args) => {
  try {
    f(...args);
  } catch {
    return;
  }
  throw new Error(`${f.name} took it`);
};
const turn = () => new Promise(setImmediate);

/** What is done once, and how much more it takes than a call: [weight, (i) => ...]. */
const KINDS = {
  void: [1, () => lib.tick()],
  integers: [1, (i) => lib.to_i32(i)],
  doubles: [1, (i) => lib.to_double(i + 0.5)],
  '20 arguments': [2, () => lib.many(...many)],
  '64 bits as Number': [1, (i) => lib.to_i64(i)],
  '64 bits as BigInt': [1, (i) => lib.to_u64(2n ** 63n + BigInt(i))],
  'always BigInt, and errno': [2, (i) => big.to_i64(i)],
  'errno()': [1, (i) => [lib.set_errno(i & 127), biffi.errno()]],
  'string in': [1, () => lib.hash('hello, world')],
  'long string in': [100, (i) => lib.hash('x'.repeat(200000 + (i & 1)))],
  'string of two bytes in': [2, (i) => lib.hash(`grüße, 世界 ${i}`)],
  'char16_t string in': [2, (i) => strings.length16(`grüße, 世界 ${i}`)],
  'string out': [1, (i) => lib.word(i % 3)],
  'owned string out': [2, (i) => strings.owned(`string ${i}`)],
  'bytes in': [1, () => lib.sum(buffer, 256)],
  'few bytes in': [1, () => lib.sum(small, 3)],
  'array in': [4, () => lib.sum([1, 2, 3], 3)],
  'out()': [2, () => lib.bump(biffi.out('int', 5))],
  'struct in and out': [1, () => lib.vec_add(p, q)],
  'object for a struct': [4, () => lib.vec_norm({ x: 1, y: 2 })],
  'struct through a pointer': [1, () => lib.vec_norm_at(p)],
  'object through a pointer': [4, () => lib.vec_norm_at({ x: 1, y: 2 })],
  'struct in memory': [2, (i) => lib.large_sum(lib.large_make(i), 1) + lib.large_sum(large, 2)],
  'struct and string': [2, (i) => lib.small_named(`name ${i}`, 5)],
  'function pointer out': [4, () => callbacks.pick(1)(1, 2)],
  variadic: [2, (i) => lib.spell('isdl', i, 'text', 0.5, 2 ** 40)],
  'variadic with as()': [
    4,
    () => lib.spell('dip', biffi.as('float', 1), biffi.as('int8_t', 2), biffi.as('void *', null)),
  ],
  'wrong type': [8, () => [refuse(lib.to_i32, 'x'), refuse(lib.hash, 5), refuse(lib.vec_norm, 5)]],
  'wrong number': [4, () => refuse(lib.to_i32)],
  'function lent': [2, (i) => lib.call((v) => v + i, 1)],
  'function with structs': [4, () => callbacks.map_point((v) => ({ x: v.y, y: v.x }), { x: 1, y: 2 })],
  'function with strings': [4, () => callbacks.say((name) => `hello ${name}`, 'world')],
  'function with pointers': [4, () => callbacks.each(() => {}, numbers, 3, buffer)],
  'callback held': [1, (i) => lib.call_kept(i), () => lib.keep(held), () => lib.keep(null)],
  'callback held, with a string': [
    2,
    () => lib.call_kept_with_string('text', 1),
    () => lib.keep(held),
    () => lib.keep(null),
  ],
  'callback that throws': [
    4,
    () =>
      refuse(
        lib.call,
        () => {
          throw thrown;
        },
        1,
      ),
  ],
  'callback with a wrong result': [4, () => refuse(lib.call, () => 'x', 1)],
  'callback() and release()': [
    4,
    () => {
      const cb = biffi.callback('int (int)', (v) => v);
      lib.call(cb, 1);
      cb.release();
    },
  ],
  'callback() forgotten': [20, () => void biffi.callback('int (int)', (v) => v)],
  'alloc() and free()': [2, () => biffi.free(biffi.alloc(64))],
  'alloc() forgotten': [8, () => void biffi.alloc('int', 16)],
  'cstring()': [2, (i) => biffi.cstring(`text ${i}`)],
  'struct made': [1, (i) => new lib.vec({ x: i })],
  'functionAt()': [100, () => biffi.functionAt(lib.to_i32.address, 'int (int)')(1)],
  'types made': [100, (i) => biffi.struct({ a: 'int', b: biffi.array('short', 1 + (i % 50)) })],
  'types parsed': [100, () => biffi.typeIn(lib, 'struct { int a; vec *v; }')],
  'declarations refused': [100, () => refuse(biffi.load, null, 'int f(int; struct')],
  'load() and close()': [
    1000,
    () => {
      const again = biffi.load(fixture('tiers'), TIERS);
      again.to_i32(1);
      again.hash('x');
      again.close();
    },
  ],
  'load() forgotten': [1000, () => biffi.load(fixture('tiers'), TIERS).vec_add({ x: 1 }, { y: 2 })],
  async: [50, (i) => lib.to_i32.async(i)],
  'async with strings': [50, (i) => lib.hash.async(`string ${i}`)],
  'async with a callback': [100, () => callbacks.map_point.async((v) => v, { x: 1, y: 2 })],
  'async refused': [50, () => lib.to_i32.async('x').catch(() => {})],
  worker: [
    20000,
    () =>
      new Promise((resolve, reject) => {
        new Worker(
          `const biffi = require(${JSON.stringify(root)});
           const lib = biffi.load(${JSON.stringify(fixture('tiers'))}, ${JSON.stringify(TIERS)});
           for (let i = 0; i < 50; i++) { lib.to_i32(i); lib.hash('abc'); lib.call((v) => v, 1); lib.vec_add({ x: 1 }, { y: 2 }); }
           lib.to_i32.async(1);`,
          { eval: true },
        )
          .once('exit', resolve)
          .once('error', reject);
      }),
  ],
};

const HEAPS = ['malloc', 'heap', 'code'];

/**
 * What memory is in use, when nothing is left to collect: what the engine found dead is freed in later turns of the
 * event loop and on other threads, which may get their turn late.
 */
async function usage() {
  let least;
  for (let vain = 0; vain < 3;) {
    global.gc();
    await turn();
    const { uordblks, hblkhd } = mallinfo2();
    const now = {
      malloc: uordblks + hblkhd,
      heap: process.memoryUsage().heapUsed,
      code: native.engine().codeUsed,
      rss: process.memoryUsage().rss,
    };
    least ??= now;
    vain = HEAPS.some((name) => now[name] < least[name]) ? 0 : vain + 1;
    for (const name in now) least[name] = Math.min(least[name], now[name]);
  }
  return least;
}

async function repeat(run, n) {
  for (let i = 0; i < n; i++) {
    const result = run(i);
    if (result instanceof Promise) await result;
    /* What was forgotten is collected between turns of the event loop. */
    if ((i & 4095) === 4095) await turn();
  }
}

async function main() {
  const only = process.env.BIFFI_TEST_KIND;
  const result = {};

  for (const [kind, [weight, run, before, after]] of Object.entries(KINDS)) {
    if (only !== undefined && only !== kind) continue;
    const n = Math.ceil(calls / weight);
    const most = limit(n, kind === 'worker' ? A_WORKER : 2);
    before?.();
    await repeat(run, kind === 'worker' && n > 50 ? RETIRED_SIGNATURES + 16 : Math.max(Math.ceil(n / 4), 4));
    /* A second look at what may have been the engine's own: compiled code, tables that grow at times. */
    let least;
    for (let look = 0; look < 6; look++) {
      const start = await usage();
      await repeat(run, n);
      let end = await usage();
      for (let wait = 0; wait < 20 && HEAPS.some((name) => end[name] - start[name] > most); wait++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        end = await usage();
      }
      const grown = Object.fromEntries(Object.keys(end).map((name) => [name, end[name] - start[name]]));
      least =
        least &&
        Object.fromEntries(Object.keys(least).map((name) => [name, Math.min(least[name], grown[name])]));
      least ??= grown;
      if (HEAPS.every((name) => least[name] <= most) && least.rss <= RESIDENT) break;
    }
    after?.();
    result[kind] = { n, most, resident: RESIDENT, ...least };
  }
  process.stdout.write(JSON.stringify(result));
}

main();
