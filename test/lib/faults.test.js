'use strict';
/*
 * Memory runs out: each allocation in turn that the addon makes fails. What was asked for is done another way, or is
 * refused with words; then it works again. test/fixtures/faults.c stands between biffi.node and malloc.
 */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { biffi, fixture } = require('./fixtures');

const TIERS = `int32_t to_i32(int32_t v); double to_double(double v); uint32_t hash(const char *s); const char *word(int which);
  uint32_t sum(const uint8_t *bytes, unsigned long n); const char *spell(const char *kinds, ...);
  typedef struct { double x, y; } vec; vec vec_add(vec a, vec b); typedef struct { int64_t a, b, c; } large; large large_make(int64_t a);
  typedef int (*callback)(int); int call(callback f, int v); void bump(int *counter);`;
const OPTIONS = { declarations: 'size_t length16(const char16_t *s);', int64: 'bigint', errno: true };

/** What is done, and what comes of it. Everything is made anew, so that everything is allocated. */
const tasks = {
  'load()': () => biffi.load(fixture('tiers'), TIERS).to_i32(5),
  'load() with options': () => String(biffi.load(fixture('strings'), OPTIONS).length16('text')),
  'a double': (lib) => lib().to_double(0.5),
  'a string': (lib) => lib().hash('text'),
  'a long string': (lib) => lib().hash('x'.repeat(300000)),
  'a wide string': (lib) => lib().hash('€'.repeat(100000)),
  'a string back': (lib) => lib().word(2),
  'an array': (lib) => lib().sum([1, 2, 3], 3),
  structs: (lib) => lib().vec_add({ x: 1, y: 2 }, { x: 3, y: 4 }).y,
  'a struct in memory': (lib) => String(lib().large_make(5).c),
  variadic: (lib) => lib().spell('isd', 1, 'two', 0.5),
  'as()': (lib) => lib().spell('di', biffi.as('float', 0.5), biffi.as('int8_t', -1)),
  'a function': (lib) => lib().call((v) => v + 1, 5),
  'many functions': (lib) =>
    Array.from({ length: 5 }, (_, i) => biffi.callback('int (int)', (v) => v + i)).map((cb) =>
      lib().call(cb, 1),
    )[4],
  'callback()': (lib) => {
    const cb = biffi.callback('long (double, const char *)', (v, s) => v + s.length);
    const result = biffi.functionAt(cb, 'long (double, const char *)')(2, 'abc');
    cb.release();
    return result + lib().to_i32(0);
  },
  async: async (lib) =>
    lib()
      .vec_add.async({ x: 1, y: 2 }, { x: 3, y: 4 })
      .then((v) => v.y),
  'async with a string': async (lib) => lib().hash.async('text'),
  'async with a function': async (lib) => lib().call.async((v) => v + 1, 5),
  'functionAt()': (lib) => biffi.functionAt(lib().to_i32.address, 'int (int)')(7),
  'struct()': () =>
    new (biffi.struct('made', { a: 'int', b: biffi.array('short', 3), c: 'const char *' }))({
      a: 3,
      c: 'text',
    }).c,
  types: () =>
    [
      biffi.pointer('int'),
      biffi.fn('int', ['double', '...']),
      biffi.array('char', 7).type,
      biffi.type('struct { int a; } (*)(int)'),
    ].join(),
  'enumeration()': () => biffi.enumeration('colors', { RED: 0, GREEN: 5 }).GREEN,
  'alloc()': () => biffi.alloc('int', 100).length,
  'out()': (lib) => {
    const counter = biffi.out();
    lib().bump(counter);
    return counter.value;
  },
  'cstring()': () => biffi.cstring('some text').toText(),
  'symbol()': (lib) => typeof biffi.symbol(lib(), 'to_i32').address,
  'Library()': () => biffi.Library(fixture('tiers'), { to_i32: ['int', ['int']] }).to_i32(3),
  'load() of what is wrong': () => {
    try {
      return biffi.load(null, 'int f(int; struct x { int a');
    } catch (error) {
      return error.code === 'BF_ESYNTAX' ? 'refused' : Promise.reject(error);
    }
  },
};

async function outcome(task) {
  const lib = () => biffi.load(fixture('tiers'), TIERS);
  try {
    return { value: await task(lib) };
  } catch (error) {
    return { error };
  }
}

/** In a process with faults.so in it. Prints how often each task was refused, and done in spite of it. */
async function failAll() {
  const { faults_watch, faults_arm, faults_disarm } = biffi.load(
    null,
    '_Bool faults_watch(const char *name); long faults_arm(long n); long faults_disarm(void);',
  );
  const result = {};

  assert.ok(faults_watch('biffi.node'));
  for (const [name, task] of Object.entries(tasks)) {
    const { value: expected, error } = await outcome(task);
    assert.equal(error, undefined, name);
    await outcome(task);
    const counts = (result[name] = { allocations: 0, refused: 0, done: 0 });
    for (let n = 1; ; n++) {
      faults_arm(n);
      const { value, error } = await outcome(task);
      const failed = faults_disarm();
      if (error === undefined) {
        assert.deepEqual(value, expected, `${name}, allocation ${n}`);
      } else {
        assert.equal(failed, 1, `${name}, allocation ${n}: ${error.stack}`);
        assert.match(
          `${error.code} ${error.message}`,
          /^BF_ENOMEM /,
          `${name}, allocation ${n}: ${error.stack}`,
        );
        counts.refused++;
      }
      if (failed === 0) break;
      if (error === undefined) counts.done++;
      counts.allocations++;
      assert.ok(n < 20000, `${name}: there is no end of it`);
    }
    assert.deepEqual(await outcome(task), { value: expected }, `${name}, afterwards`);
  }
  process.stdout.write(JSON.stringify(result));
}

if (process.env.BIFFI_FAULTS) {
  failAll();
} else {
  for (const tier of process.env.BIFFI_LONG === '1' ? ['v8', 'napi', 'ffi'] : ['v8']) {
    test(`every allocation fails once, tier ${tier}`, () => {
      const { status, signal, stdout, stderr } = spawnSync(process.execPath, [__filename], {
        encoding: 'utf8',
        env: { ...process.env, BIFFI_FAULTS: '1', BIFFI_TIER: tier, LD_PRELOAD: fixture('faults') },
      });
      assert.equal(signal ?? status, 0, stderr);
      const counts = Object.values(JSON.parse(stdout));
      assert.equal(counts.length, Object.keys(tasks).length);
      assert.ok(counts.reduce((sum, { refused }) => sum + refused, 0) > 300);
    });
  }
}
