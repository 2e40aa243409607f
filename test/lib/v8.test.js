'use strict';
/* What only machine code behind JavaScript functions can get wrong: hot code, callbacks, garbage, closing, workers. */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const v8 = require('node:v8');
const vm = require('node:vm');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { Worker } = require('node:worker_threads');
const { biffi, fixture, fails } = require('./fixtures');
const native = require('../../lib/native');

v8.setFlagsFromString('--allow-natives-syntax');
v8.setFlagsFromString('--expose-gc');
if (process.versions.node.startsWith('18.')) v8.setFlagsFromString('--turbo-fast-api-calls');
const gc = vm.runInNewContext('gc');
const optimize = new Function(
  'f',
  '%PrepareFunctionForOptimization(f); f(); f(); %OptimizeFunctionOnNextCall(f); f();',
);

const DECLARATIONS = `int called_from(void); int32_t to_i32(int32_t v); double to_double(double v); int8_t to_i8(int8_t v);
  int64_t to_i64(int64_t v); uint32_t hash(const char *s); uint32_t hash_two(const char *s, const char *t);
  uint32_t sum(const uint8_t *bytes, unsigned long n); void tick(void); int ticked(void); int set_errno(int number);
  int is_null(void *p); const char *word(int which);
  typedef int (*callback)(int); int call(callback f, int v); void keep(callback f); int call_kept(int v);
  double call_kept_between(double a, int v, double b);
  uint32_t call_kept_with_bytes(const uint8_t *bytes, unsigned long n, int v);
  uint32_t call_kept_with_string(const char *s, int v);`;
const load = () => biffi.load(fixture('tiers'), DECLARATIONS);
const lib = load();
const onV8 = biffi.info().tier === 'v8';
const tryIsFast = !process.versions.v8.startsWith('12.4.');

/** A function of a source text of its own. */
let serial = 0;
const compiled = (names, values, body) =>
  vm.compileFunction(`return function f${serial++}() { ${body} }`, names)(...values);

/* called_from() knows biffi's code by the name of its mapping, which pages of their own do not have. */
const named = biffi.info().code === 'dual';

test(
  'optimised code calls C directly',
  { skip: !(onV8 && named) && 'no V8 tier, or code without a name' },
  () => {
    const f = compiled(
      ['called_from'],
      [lib.called_from],
      'let r; for (let i = 0; i < 300; i++) r = called_from(); return r;',
    );
    assert.equal(lib.called_from(), 1); // not yet optimised: through a raw callback and biffi's code
    optimize(f);
    assert.equal(f(), 2);
    const inTry = compiled(
      ['called_from'],
      [lib.called_from],
      'let r; for (let i = 0; i < 300; i++) try { r = called_from(); } catch { return -1; } return r;',
    );
    optimize(inTry);
    assert.equal(inTry(), tryIsFast ? 2 : 1);
    assert.deepEqual(biffi.info(lib.called_from), { tier: 'v8', fast: true });
  },
);

test(
  'Node.js 18 has fast calls when BIFFI_TIER=v8 asks for them',
  { skip: !(onV8 && named && process.versions.v8.startsWith('10.2.')) && 'for Node.js 18' },
  () => {
    const code = `
      const { called_from } = require(${JSON.stringify(path.join(__dirname, '../..'))}).load(
        ${JSON.stringify(fixture('tiers'))}, 'int called_from(void);');
      const f = () => { let r; for (let i = 0; i < 300; i++) r = called_from(); return r; };
      %PrepareFunctionForOptimization(f); f(); f(); %OptimizeFunctionOnNextCall(f); f();
      process.stdout.write(String(f()));`;
    const run = (tier) =>
      spawnSync(process.execPath, ['--allow-natives-syntax', '-e', code], {
        env: { ...process.env, BIFFI_TIER: tier },
        encoding: 'utf8',
      }).stdout;
    assert.equal(run(''), '1');
    assert.equal(run('v8'), '2');
  },
);

test('functions of one shape are optimised each for itself', { skip: !onV8 && 'no V8 tier' }, () => {
  const status = new Function('f', 'return %GetOptimizationStatus(f);');
  const [one, other] = [load().called_from, load().called_from];
  for (const f of [one, other]) for (let i = 0; i < 3; i++) f();
  optimize(one);
  for (let i = 0; i < 3; i++) other();
  assert.notEqual(status(one), status(other)); // code is found by what the two would share
  for (let i = 0; i < 1000; i++) fails(() => other(i), 'BF_EARGUMENTS', /expected 0 arguments, got 1$/);
  optimize(one);
  if (named) assert.equal(one(), 1 + Number(biffi.info(one).fast));
});

test('a bound function looks like a function of its name', () => {
  assert.equal(lib.hash_two.name, 'hash_two');
  if (!onV8) return;
  assert.equal(lib.hash_two.length, 2);
  assert.throws(() => new lib.tick(), TypeError);
});

test('hot code passes strings of every length and kind', () => {
  const hashOf = (s) => Buffer.from(s).reduce((h, byte) => (Math.imul(h, 33) + byte) >>> 0, 5381);
  const kinds = {
    flat: (s) => Buffer.from(s, 'latin1').toString('latin1'),
    unique: (s) => Object.keys({ [s]: 0 })[0],
    rope: (s) => s.slice(0, s.length >> 1) + s.slice(s.length >> 1),
    slice: (s) => `<${s}>`.slice(1, -1),
  };
  const at = (s, i, c) => s.slice(0, i) + c + s.slice(i + 1);
  let given = 'text';
  const f = compiled(
    ['hash', 'string'],
    [lib.hash, () => given],
    'let r; const s = string(); for (let i = 0; i < 3; i++) r = hash(s); return r;',
  );
  optimize(f);
  for (let n = 0; n <= 90; n++) {
    const text = Array.from({ length: n }, (_, i) => String.fromCharCode(97 + ((i + n) % 26))).join('');
    for (const make of Object.values(kinds)) {
      given = make(text);
      const before = given + '.';
      assert.equal(f(), hashOf(text), text);
      assert.equal(given + '.', before);
    }
    for (let i = 0; i < n; i++) {
      for (const odd of ['é', '\x7f', '\x80', '\x01']) {
        given = kinds.flat(at(text, i, odd));
        assert.equal(f(), hashOf(given), given);
      }
      given = kinds.flat(at(text, i, '\0'));
      fails(f, 'BF_ETYPE', /^hash\(\): argument 1 's' .* without NUL characters/);
    }
  }
});

test("hot code reads and writes C's memory as it is", () => {
  const memory = biffi.alloc(64);
  const start = biffi.addressOf(memory);
  const all = biffi.pointerAt(start, 'uint8_t');
  const bytes = () => Buffer.from(memory.toArrayBuffer(32));
  const kinds = {
    int8_t: [-128, 'Int8'],
    uint8_t: [255, 'UInt8'],
    int16_t: [-30000, 'Int16LE'],
    uint16_t: [60000, 'UInt16LE'],
    int32_t: [-2000000000, 'Int32LE'],
    uint32_t: [4000000000, 'UInt32LE'],
    int64_t: [-(2 ** 52), 'BigInt64LE'],
    uint64_t: [2n ** 64n - 1n, 'BigUInt64LE'],
    float: [-0.15625, 'FloatLE'],
    double: [Math.PI, 'DoubleLE'],
  };
  for (const [type, [value, read]] of Object.entries(kinds)) {
    const { size } = biffi.type(type);
    for (let offset = 0; offset < 9; offset++) {
      const p = biffi.pointerAt(start + BigInt(offset), type);
      const f = compiled(['p', 'v'], [p, value], 'p.value = v; return p.value;');
      const g = compiled(['p', 'v'], [p, value], 'p.set(1, v); return p[1];');
      for (let i = 0; i < 3; i++) {
        if (i > 0) [f, g].forEach(optimize);
        for (const [h, at] of [
          [f, offset],
          [g, offset + size],
        ]) {
          for (let k = 0; k < 32; k++) all.set(k, 0x55);
          assert.equal(h(), value, type);
          const after = bytes();
          const got = after[`read${read}`](at);
          assert.equal(typeof value === 'number' ? Number(got) : got, value, type);
          assert.ok(after.every((byte, k) => byte === 0x55 || (k >= at && k < at + size)));
        }
      }
    }
  }
  const Pair = biffi.struct({ tag: 'int8_t', value: 'double' });
  const pair = biffi.pointerAt(start, Pair).value;
  const f = compiled(['pair'], [pair], 'pair.value = 0.5; pair.tag = -3; return pair.value + pair.tag;');
  optimize(f);
  assert.equal(f(), -2.5);
  assert.deepEqual(pair.toJSON(), { tag: -3, value: 0.5 });
  const at = compiled(['pointerAt'], [biffi.pointerAt], 'return pointerAt(8, "int").value;');
  fails(at, 'BF_ETYPE', /a NULL pointer has no value/);
  /* what makes that possible is not counted as memory in use */
  assert.ok(process.memoryUsage().external < 2 ** 30);
});

test('a function with a string result or a callback takes values in memory without Node-API, of the right type', () => {
  const { basename, each } = {
    ...biffi.load(null, 'char *basename(const char *path);'),
    ...biffi.load(
      fixture('callbacks'),
      'double each(void (*f)(double v, void *user), const double *v, int n, void *user);',
    ),
  };
  const text = biffi.cstring('/usr/lib');
  const list = new (biffi.array('double', 3))([1, 2, 3.5]);
  for (let i = 0; i < 300; i++) {
    assert.equal(basename(text), 'lib');
    assert.equal(basename('/usr/bin'), 'bin');
    let sum = 0;
    for (const values of [list, [1, 2, 3.5], Float64Array.of(1, 2, 3.5), biffi.pointerAt(list)]) {
      each((v) => void (sum += v), values, 3, null);
    }
    assert.equal(sum, 26);
    fails(
      () => each(() => {}, biffi.out('int'), 1, null),
      'BF_ETYPE',
      /^each\(\): argument 2 'v' .*pointer to double/,
    );
    fails(() => each(5, list, 1, null), 'BF_ETYPE', /^each\(\): argument 1 'f'/);
    fails(() => basename({}), 'BF_ETYPE', /^basename\(\): argument 1/);
  }
});

test('hot code takes whatever a pointer or a struct can be made of, and refuses the rest', () => {
  const structs = biffi.load(
    fixture('tiers'),
    `typedef struct { double x, y; } vec; typedef vec point; double vec_norm_at(const vec *v); double vec_norm(vec v);
     double sum_doubles(const double *v, int n); void bump(int *counter);`,
  );
  const { vec, point } = structs;
  const v = new vec({ x: 3, y: 4 });
  const floats = new Float64Array([3, 4]);
  let given;
  const hot = (f, first, more = '') => {
    const run = compiled(
      ['f', 'argument'],
      [f, () => given],
      `let r; const a = argument(); for (let i = 0; i < 40; i++) r = f(a${more}); return r;`,
    );
    given = first;
    optimize(run);
    return (value) => {
      given = value;
      return run();
    };
  };
  const at = hot(structs.vec_norm_at, v);
  const norm = hot(structs.vec_norm, v);
  const sum = hot(structs.sum_doubles, floats, ', 2');
  const bump = hot(structs.bump, biffi.out('int', 0));
  const pointers = [point, vec, 'void', 'vec', 'char'].map((type) => {
    const known = typeof type === 'string' ? biffi.typeIn(structs, type) : type;
    return biffi.pointerAt(biffi.addressOf(v), known);
  });
  for (let round = 0; round < 3; round++) {
    for (const good of [v, ...pointers, floats, { x: 3, y: 4 }, { y: 4, x: 3 }]) assert.equal(at(good), 25);
    for (const good of [v, pointers[0], pointers[1], { x: 3, y: 4 }]) assert.equal(norm(good), 25);
    for (const good of [
      floats,
      [3, 4],
      new (biffi.array('double', 2))([3, 4]),
      biffi.pointerAt(floats, 'double'),
    ])
      assert.equal(sum(good), 7);
    const bad = [
      [
        at,
        biffi.out('int'),
        'BF_ETYPE',
        /^vec_norm_at\(\): argument 1 'v' \(const vec \*\): expected a pointer to .*int/,
      ],
      [at, { x: 3, z: 4 }, 'BF_ETYPE', /^vec_norm_at\(\): argument 1 'v' .*has no member 'z'$/],
      [
        at,
        { x: '3' },
        'BF_ETYPE',
        /^vec_norm_at\(\): argument 1 .*vec\.x .*: expected a number, got string '3'$/,
      ],
      [at, () => v, 'BF_ETYPE', /^vec_norm_at\(\): argument 1 .*got a function$/],
      [at, 'text', 'BF_ETYPE', /^vec_norm_at\(\): argument 1/],
      [at, 5, 'BF_ETYPE', /^vec_norm_at\(\): argument 1/],
      [at, undefined, 'BF_ETYPE', /^vec_norm_at\(\): argument 1/],
      [norm, null, 'BF_ETYPE', /^vec_norm\(\): argument 1/],
      [norm, [3, 4], 'BF_ETYPE', /^vec_norm\(\): argument 1/],
      [norm, vec, 'BF_ETYPE', /^vec_norm\(\): argument 1/],
      [
        sum,
        [3, '4'],
        'BF_ETYPE',
        /^sum_doubles\(\): argument 1 .*\[1\] .*: expected a number, got string '4'$/,
      ],
      [
        sum,
        v,
        'BF_ETYPE',
        /^sum_doubles\(\): argument 1 'v' \(const double \*\): expected a pointer to double/,
      ],
      [bump, [1], 'BF_ETYPE', /only for a pointer to const/],
      [bump, new Uint8Array(2), 'BF_ERANGE', /at least 4 bytes of memory, got 2$/],
    ];
    for (const [f, value, code, message] of bad) fails(() => f(value), code, message);
    const thrown = new Error('from a getter');
    const thrower = {
      get x() {
        throw thrown;
      },
    };
    assert.throws(
      () => at(thrower),
      (e) => e === thrown,
    );
    const counter = biffi.out();
    bump(counter);
    assert.equal(counter.value, 40);
    for (const number of [biffi.out('int', 1), biffi.out('unsigned', 1), biffi.out('int[1]', [1])]) {
      bump(number);
      assert.equal(Number(number.value[0] ?? number.value), 41);
    }
  }
});

test('a struct comes back from hot code, whatever the arguments are', () => {
  const { small_named } = biffi.load(
    fixture('tiers'),
    'typedef struct { int8_t tag; int32_t value; } small; small small_named(const char *name, int8_t tag);',
  );
  const names = ['abc', '€', '-'.repeat(50), `${'x'.repeat(20)}ü`, Buffer.from('text\0'), null];
  let given = ['four', -7];
  const f = compiled(
    ['f', 'args'],
    [small_named, () => given],
    'let r; const [name, tag] = args(); for (let i = 0; i < 50; i++) r = f(name, tag); return r;',
  );
  optimize(f);
  for (let i = 0; i < 60; i++) {
    const name = names[i % names.length];
    const value = name === null ? -1 : Buffer.isBuffer(name) ? 4 : Buffer.byteLength(name);
    given = [name, i];
    assert.deepEqual(f().toJSON(), { tag: i, value });
  }
});

test('a callback that C kept is called from hot code', () => {
  const cb = biffi.callback('int (*)(int)', (v) => v * 2);
  const f = compiled(
    ['call_kept', 'n'],
    [lib.call_kept, 0],
    'let r; for (let i = 0; i < 500; i++) r = call_kept(i); return r;',
  );
  lib.keep(cb);
  optimize(f);
  assert.equal(f(), 999);
  lib.keep(null);
  assert.equal(f(), -1);
  lib.keep(cb);
  assert.equal(f(), 999);
  assert.equal(lib.call_kept_between(0.5, 21, 0.25), 42.75);
  lib.keep(null);
  cb.release();
});

test('a function passed for one call runs from hot code', () => {
  const f = compiled(
    ['call'],
    [lib.call],
    'let r = 0; for (let i = 0; i < 300; i++) r += call((v) => v + i, 1); return r;',
  );
  optimize(f);
  assert.equal(f(), 300 + (299 * 300) / 2);
});

test('what a callback throws arrives, the same object, in hot code too', () => {
  const error = new Error('from JavaScript');
  let bad = false;
  const cb = biffi.callback('int (*)(int)', (v) => {
    if (bad) throw error;
    return v;
  });
  lib.keep(cb);
  const f = compiled(
    ['call_kept'],
    [lib.call_kept],
    'let r; for (let i = 0; i < 100; i++) r = call_kept(i); return r;',
  );
  optimize(f);
  assert.equal(f(), 100);
  bad = true;
  for (let i = 0; i < 20; i++) {
    assert.throws(f, (e) => e === error);
    assert.throws(
      () => lib.call_kept_with_string('text', 1),
      (e) => e === error,
    );
  }
  bad = false;
  assert.equal(f(), 100);
  lib.keep(null);
  cb.release();
  assert.equal(f(), -1);
});

test('callbacks that collect garbage and call C again leave arguments alone', () => {
  const expected = lib.hash('a text that must not be overwritten, of some length');
  const bytes = (seed) => new Uint8Array(3000).fill(seed);
  const sums = Array.from({ length: 20 }, (_, i) => lib.sum(bytes(i), 3000));
  let depth = 0;
  const cb = biffi.callback('int (*)(int)', (v) => {
    if (depth < 3) {
      depth++;
      assert.equal(lib.call_kept_with_string('inner', 1), (lib.hash('inner') + 1) >>> 0);
      depth--;
    }
    gc();
    assert.notEqual(lib.hash('x'.repeat(40) + v), 0);
    return v;
  });
  lib.keep(cb);
  const withString = compiled(
    ['f', 's'],
    [
      lib.call_kept_with_string,
      Buffer.from('a text that must not be overwritten, of some length').toString('latin1'),
    ],
    'let r; for (let i = 0; i < 5; i++) r = f(s, 7); return r;',
  );
  optimize(withString);
  assert.equal(withString(), (expected + 7) >>> 0);
  const withBytes = compiled(
    ['f', 'make', 'check'],
    [lib.call_kept_with_bytes, bytes, (i, r) => assert.equal(r, (sums[i] + 5) >>> 0)],
    'for (let i = 0; i < 20; i++) check(i, f(make(i), 3000, 5));',
  );
  optimize(withBytes);
  withBytes();
  lib.keep(null);
  cb.release();
});

test('small arrays, which the collector moves, are passed right', () => {
  const expected = lib.sum(Buffer.from([1, 2, 3, 4]), 4);
  const f = compiled(
    ['sum', 'check'],
    [lib.sum, (r) => assert.equal(r, expected)],
    'for (let i = 0; i < 200; i++) check(sum(new Uint8Array([1, 2, 3, 4]), 4));',
  );
  optimize(f);
  f();
});

test('wrong types again and again do not change what right ones give', () => {
  const values = [1, 'a', 2, 1.5, 3, null, 4, 5n, 2 ** 31, {}, -7];
  const f = compiled(
    ['g', 'values', 'out'],
    [lib.to_i32, values, []],
    `out.length = 0;
     for (let i = 0; i < 440; i++) try { out.push(g(values[i % 11])); } catch (e) { out.push(e.code); } return out.join();`,
  );
  const expected = f();
  optimize(f);
  for (let i = 0; i < 30; i++) assert.equal(f(), expected);
});

test('a closed library refuses hot calls, and opens again', () => {
  for (let round = 0; round < 3; round++) {
    const again = load();
    const plain = compiled(['f'], [again.to_i32], 'let r; for (let i = 0; i < 300; i++) r = f(i); return r;');
    const string = compiled(
      ['f'],
      [again.hash],
      "let r; for (let i = 0; i < 300; i++) r = f('abc'); return r;",
    );
    optimize(plain);
    optimize(string);
    assert.equal(plain(), 299);
    assert.equal(string(), lib.hash('abc'));
    again.close();
    fails(plain, 'BF_ECLOSED', /^to_i32\(\): its library \(.*\) is closed$/);
    fails(string, 'BF_ECLOSED', /^hash\(\)/);
    fails(() => again.to_i32(1), 'BF_ECLOSED');
  }
});

test('a library closed by a callback of its own call', () => {
  const again = load();
  const cb = biffi.callback('int (*)(int)', (v) => {
    again.close();
    return v;
  });
  again.keep(cb);
  assert.equal(again.call_kept(5), 6);
  fails(() => again.call_kept(5), 'BF_ECLOSED');
  cb.release();
});

test('a function is prepared when it is first called', { skip: !onV8 && 'no V8 tier' }, () => {
  const libc = biffi.load(null, 'int atoi(const char *s); int isdigit(int c);');
  const before = native.engine().codeUsed;
  const { atoi, isdigit } = libc;
  assert.equal(native.engine().codeUsed, before);
  assert.equal(atoi('12'), 12);
  assert.ok(native.engine().codeUsed > before);
  assert.equal(libc.atoi, atoi);
  fails(() => isdigit('1'), 'BF_ETYPE', /^isdigit\(\): argument 1 'c' \(int\)/);
  assert.notEqual(isdigit(49), 0);
});

test('a function first called while a callback is alive', () => {
  const again = load();
  const { to_i32, hash } = again;
  const cb = biffi.callback('int (*)(int)', (v) => v);
  assert.equal(to_i32(3), 3);
  assert.equal(hash('abc'), lib.hash('abc'));
  cb.release();
  assert.equal(to_i32(4), 4);
});

test('a function first read, or first called, after its library was closed', () => {
  const again = load();
  const { to_i32, hash } = again;
  again.close();
  fails(() => to_i32(1), 'BF_ECLOSED', /^to_i32\(\): its library/);
  fails(() => hash('abc'), 'BF_ECLOSED');
  fails(() => again.to_double(1), 'BF_ECLOSED', /^to_double\(\)/);
  fails(() => to_i32(1), 'BF_ECLOSED', /^to_i32\(\): its library/);
});

test('a library object is laid out for fast reading, however many properties it has', () => {
  const isFast = new Function('object', 'return %HasFastProperties(object);');
  const text = Array.from({ length: 400 }, (_, i) => `int f${i}(int) __asm__("abs");`).join('\n');
  const many = biffi.load(null, text);
  for (const library of [lib, many]) {
    const read = compiled(['library'], [library], 'return library.to_i32 ?? library.f399;');
    for (let i = 0; i < 100; i++) read();
    assert.ok(isFast(library));
  }
  assert.equal(Object.keys(many).length, 400);
  for (const [name, f] of Object.entries(many)) {
    assert.equal(f.name, name);
    assert.equal(many[name], f);
    assert.equal(f(-5), 5);
  }
});

test(
  'where memory for code runs out, functions go through libffi',
  { skip: !named && 'no memory that could run out' },
  () => {
    const code = `
    const fs = require('node:fs');
    const biffi = require(${JSON.stringify(path.join(__dirname, '../..'))});
    const text = Array.from({ length: 400 }, (_, i) => \`int f\${i}(int) __asm__("abs");\`).join('');
    const lib = biffi.load(null, text + 'typedef struct { int quot, rem; } div_t;' +
      Array.from({ length: 20 }, (_, i) => \`div_t div\${i}(int a, int b) __asm__("div");\`).join(''));
    const opened = [];
    try { for (;;) opened.push(fs.openSync('/dev/null')); } catch (error) { if (error.code !== 'EMFILE') throw error; }
    const functions = Object.entries(lib).filter(([name]) => /^f\\d/.test(name)).map(([, f]) => f);
    const divs = Object.entries(lib).filter(([name]) => /^div\\d/.test(name)).map(([, f]) => f);
    const sums = () => functions.reduce((sum, f, i) => sum + f(-i), 0) + divs.reduce((sum, f) => sum + f(7, 4).rem, 0);
    const before = sums();
    const slow = functions.filter((f) => !biffi.info(f).fast).length;
    opened.forEach((fd) => fs.closeSync(fd));
    process.stdout.write(JSON.stringify([before, sums(), slow > 0 && slow < 400, biffi.info(functions[399]).fast]));`;
    const child = spawnSync('sh', ['-c', 'ulimit -n 48; exec "$0" -e "$1"', process.execPath, code], {
      encoding: 'utf8',
    });
    assert.equal(child.stderr, '');
    const sum = (399 * 400) / 2 + 20 * 3;
    assert.deepEqual(JSON.parse(child.stdout), [sum, sum, onV8, onV8]);
  },
);

test('machine code is taken over by the next function of its kind', async () => {
  const cycle = async (n) => {
    for (let i = 0; i < n; i++) load().to_i32(1);
    for (let i = 0; i < 4; i++) {
      gc();
      await new Promise(setImmediate);
    }
  };
  await cycle(20);
  const before = native.engine().codeUsed;
  for (let i = 0; i < 6; i++) await cycle(20);
  const grown = native.engine().codeUsed - before;
  assert.ok(grown < 40 * 20 * 1024, `${grown} bytes more`);
});

test('a function of another vm context', () => {
  const context = vm.createContext({ f: lib.to_i32, hash: lib.hash });
  const loop = vm.runInContext(
    "(function () { let r; for (let i = 0; i < 300; i++) { r = f(i); hash('abc'); } return r; })",
    context,
  );
  optimize(loop);
  assert.equal(loop(), 299);
  assert.throws(vm.runInContext("() => f('a')", context), { code: 'BF_ETYPE' });
});

test('async functions and spread calls', async () => {
  const f = compiled(
    ['f'],
    [lib.to_i32],
    'return (async () => { let r; for (let i = 0; i < 300; i++) r = f(i); return r; })();',
  );
  for (let i = 0; i < 20; i++) assert.equal(await f(), 299);
  const spread = compiled(
    ['f', 'args'],
    [lib.to_double, [1.5]],
    'let r; for (let i = 0; i < 300; i++) r = f(...args); return r;',
  );
  optimize(spread);
  assert.equal(spread(), 1.5);
  assert.equal(lib.to_i32.call({}, 5), 5);
  assert.equal(Reflect.apply(lib.to_i32, null, [6]), 6);
  assert.deepEqual(
    [1, 2].map((v) => lib.to_i32(v)),
    [1, 2],
  );
});

test('functions of doubles in a loop: a wrong number of arguments, wrong types, a closed library', () => {
  const libm = biffi.load('libm.so.6', 'double hypot(double x, double y);');
  const given = { n: 0, y: 4 };
  const loop = (args) =>
    compiled(
      ['hypot', 'given'],
      [libm.hypot, given],
      `let r; for (let i = 0; i < given.n; i++) r = hypot(${args}); return r;`,
    );
  const right = loop('i, given.y');
  const [few, many] = [loop('i'), loop('i, given.y, 7')];
  assert.equal(right(), undefined);
  for (let round = 0; round < 6; round++) {
    Object.assign(given, { n: 4, y: 4 });
    optimize(right);
    assert.equal(right(), 5);
    fails(few, 'BF_EARGUMENTS', /^hypot\(\): expected 2 arguments, got 1/);
    fails(many, 'BF_EARGUMENTS', /^hypot\(\): expected 2 arguments, got 3/);
    given.y = '4';
    fails(right, 'BF_ETYPE', /^hypot\(\): argument 2 'y' \(double\)/);
  }
  given.y = 4;
  optimize(right);
  libm.close();
  fails(right, 'BF_ECLOSED', /^hypot\(\)/);
  fails(right, 'BF_ECLOSED', /^hypot\(\)/);
});

test('errno() is exact from its first call on', () => {
  lib.set_errno(11);
  assert.equal(biffi.errno(), 11);
  const f = compiled(
    ['f', 'g'],
    [lib.set_errno, lib.to_i32],
    'for (let i = 0; i < 300; i++) f(i); return f(33);',
  );
  optimize(f);
  f();
  gc();
  assert.equal(biffi.errno(), 33);
});

test('workers start, call and end, also in the middle of calls', async () => {
  const code = `
    const { workerData, parentPort } = require('node:worker_threads');
    const biffi = require(workerData.root);
    const lib = biffi.load(workerData.path, 'int to_i32(int v); unsigned hash(const char *s); typedef int (*callback)(int); int call(callback f, int v);');
    let r = 0;
    for (let i = 0; i < 20000; i++) r += lib.to_i32(i & 7) + (lib.hash('abc') & 1) + lib.call((v) => v, 1);
    parentPort.postMessage(r);
    if (workerData.forever) for (;;) lib.call((v) => v + lib.to_i32(v), 1);`;
  const start = (forever) =>
    new Worker(code, {
      eval: true,
      workerData: { root: path.join(__dirname, '../..'), path: fixture('tiers'), forever },
    });
  const answer = (worker) =>
    new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const expected = 20000 * 3.5 + 20000 * (lib.hash('abc') & 1) + 20000;
  for (let round = 0; round < 2; round++) {
    const workers = [start(false), start(true)];
    assert.deepEqual(await Promise.all(workers.map(answer)), [expected, expected]);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  assert.equal(lib.to_i32(9), 9);
});

test('many calls take no memory', () => {
  const calls = process.env.BIFFI_LONG === '1' ? 10_000_000 : 200_000;
  const buffer = Buffer.alloc(64, 1);
  const f = compiled(
    ['lib', 'buffer', 'n', 'odd'],
    [lib, buffer, calls / 10, 'grüße €'],
    `const { to_i32, hash, hash_two, sum, to_i64, word, to_double } = lib;
     for (let i = 0; i < n; i++) {
       to_i32(i); hash('hello'); hash_two(odd, 'x'); sum(buffer, 64); to_i64(2n ** 40n); word(0); to_double(i);
       if ((i & 1023) === 0) { try { to_i32('x'); } catch {} try { hash(5); } catch {} }
     }`,
  );
  for (let i = 0; i < 3; i++) f();
  gc();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 10; i++) f();
  gc();
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 24 * 1024 * 1024, `${grown} bytes more`);
});

test('values are right when all earlier ones of their kind were collected', () => {
  const { div } = biffi.load(
    null,
    'typedef struct { int quot, rem; } div_t; div_t div(int numerator, int denominator);',
  );
  const { vec, vec_add, vec_norm_at } = biffi.load(
    fixture('tiers'),
    `typedef struct { double x, y; } vec; vec vec_add(vec a, vec b); double vec_norm_at(const vec *v);`,
  );
  for (let i = 0; i < 20; i++) {
    gc();
    assert.equal(div(100 + i, 100).rem, i);
    assert.equal(vec_add(new vec({ x: i }), new vec({ x: 1 })).x, i + 1);
    assert.equal(vec_norm_at(biffi.pointerAt(new Float64Array([i, 1]), vec)), i * i + 1);
    assert.equal(vec_norm_at(biffi.alloc(vec)), 0);
  }
});

test('a site that gets wrong types again and again settles', { skip: !onV8 && 'no V8 tier' }, () => {
  /* The engine may learn from each kind of value once; it must not optimise and give up over and over. */
  const script = `
    const biffi = require(${JSON.stringify(path.join(__dirname, '../..'))});
    const { to_i32, hash, is_null, vec_norm, vec } = biffi.load(${JSON.stringify(fixture('tiers'))},
      \`int32_t to_i32(int32_t v); uint32_t hash(const char *s); int is_null(void *p);
        typedef struct { double x, y; } vec; double vec_norm(vec v);\`);
    const right = [5, 'text', Buffer.alloc(4), new vec({ x: 1 })];
    const wrong = [undefined, 'x', 1.5, 2n, {}, null, 2 ** 40, [], Symbol.iterator, true, () => 1];
    function one(v) { return to_i32(v); }
    function two(v) { return hash(v); }
    function three(v) { return is_null(v); }
    function four(v) { return vec_norm(v); }
    const results = [];
    /* This one is given up once, for sure. */
    function plus(a, b) { return a + b; }
    for (let i = 0; i < 300000; i++) plus(i, 1);
    for (let i = 0; i < 1000; i++) plus('x', {});
    [one, two, three, four].forEach((f, k) => {
      const expected = f(right[k]);
      for (let i = 0; i < 60000; i++) {
        if (f(right[k]) !== expected) throw new Error('call ' + i);
        if (i % 3 === 0) try { f(wrong[i % wrong.length]); } catch (error) { if (!/^BF_E/.test(error.code)) throw error; }
      }
      results.push(expected);
    });
    console.log('results ' + results.join());`;
  const flags = [
    '--trace-deopt',
    ...(process.versions.node.startsWith('18.') ? ['--turbo-fast-api-calls'] : []),
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^results 5,\d+,0,1$/m);
  const bailouts = stdout.split('\n').filter((line) => /bailout \(kind|\[deoptimizing/.test(line)).length;
  assert.ok(bailouts > 0 && bailouts < 100, `${bailouts} times the engine gave up optimised code`);
});
