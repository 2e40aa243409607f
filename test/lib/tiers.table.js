'use strict';
/*
 * The conversion table, called: every function of the fixture with good, odd and
 * wrong values, cold, then hot, then after errors again. Prints what came of each
 * as JSON. tiers.test.js runs this in processes of every tier and compares.
 */
const assert = require('node:assert/strict');
const vm = require('node:vm');
const { biffi, fixture } = require('./fixtures');

const DECLARATIONS = `_Bool to_bool(_Bool v); int8_t to_i8(int8_t v); uint8_t to_u8(uint8_t v); int16_t to_i16(int16_t v);
   uint16_t to_u16(uint16_t v); int32_t to_i32(int32_t v); uint32_t to_u32(uint32_t v); int64_t to_i64(int64_t v);
   uint64_t to_u64(uint64_t v); float to_float(float v); double to_double(double v); long double to_ldouble(long double v);
   enum shade { DARK = -3, LIGHT = 7 }; enum shade to_shade(enum shade v);
   int64_t widths(int8_t, uint8_t, int16_t, uint16_t, _Bool, int32_t, uint32_t);
   double mixed(int a, double b, int64_t c, float d, uint8_t e, double f, const char *g, double h);
   double many(int a, double b, int c, double d, int e, double f, int g, double h, int i, double j, int k, double l,
               int m, double n, int o, double p, int q, double r, int s, double t);
   int64_t many_words(int64_t a, const uint8_t *b, int16_t c, int64_t d, const char *e, int64_t f, uint64_t g, int8_t h,
                      int64_t i, const char *j);
   uint32_t hash(const char *s); uint32_t hash_two(const char *s, const char *t);
   uint32_t sum(const uint8_t *bytes, unsigned long n); double sum_doubles(const double *v, int n);
   int is_null(void *p); void bump(int *counter); void tick(void); int ticked(void);
   const char *spell(const char *kinds, ...); int call(int (*f)(int), int v); const char *word(int which); int set_errno(int number); int get_errno(void);
   typedef struct { double x, y; } vec; typedef struct { int8_t tag; int32_t value; } small;
   typedef struct { int64_t a, b, c; } large;
   vec vec_add(vec a, vec b); double vec_norm(vec v); double vec_norm_at(const vec *v); void vec_scale(vec *v, double by);
   small small_next(small s); int64_t large_sum(large l, int8_t more); large large_make(int64_t a);
   void void_errno(int number); int64_t i64_errno(int64_t v); double double_errno(double v); large large_errno(int64_t a);
   int call_errno(int (*f)(int), int v);`;
const lib = biffi.load(fixture('tiers'), DECLARATIONS);
if (process.argv[2] === 'tier') {
  process.stdout.write(biffi.info(lib.to_i32).tier);
  process.exit();
}

const bigint = biffi.load(fixture('tiers'), {
  declarations: 'long to_i64(long v); unsigned long to_u64(unsigned long v);',
  int64: 'bigint',
});
const number = biffi.load(fixture('tiers'), {
  declarations: 'long to_i64(long v); unsigned long to_u64(unsigned long v);',
  int64: 'number',
});

/* Values that every scalar is tried with, most of them wrong for most types. */
const ODD = [
  undefined,
  null,
  true,
  false,
  '',
  '12',
  'DARK',
  'x',
  NaN,
  Infinity,
  -Infinity,
  1.5,
  -0.5,
  -0,
  0,
  1,
  -1,
  7,
  127,
  128,
  -128,
  -129,
  255,
  256,
  32767,
  32768,
  -32768,
  -32769,
  65535,
  65536,
  2147483647,
  2147483648,
  -2147483648,
  -2147483649,
  4294967295,
  4294967296,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 60,
  2 ** 63,
  2 ** 64,
  -(2 ** 63),
  1e300,
  0n,
  1n,
  -1n,
  127n,
  300n,
  2n ** 31n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  -(2n ** 63n),
  -(2n ** 63n) - 1n,
  2n ** 64n - 1n,
  2n ** 64n,
  2n ** 100n,
  {},
  [],
  [1],
  () => 1,
  Symbol.iterator,
  new Date(0),
  { valueOf: () => 5 },
  new Number(5),
  new Uint8Array(1),
];

/* Strings of every length near a vector's, one and two bytes wide, flat and not. */
function strings() {
  const list = [
    '',
    'a',
    'grüße',
    '\xff'.repeat(31),
    '€',
    '🙂',
    'a🙂b',
    '\ud800',
    'x\udc00y',
    '\ud83d',
    'a\0b',
    '\0',
    'ü\0',
    '€\0',
  ];
  for (const n of [7, 8, 15, 16, 17, 30, 31, 32, 33, 63, 64, 65, 1000, 70000]) {
    list.push(Buffer.alloc(n, 'abcdefg').toString('latin1'), Buffer.alloc(n, 'abcdefé').toString('utf8'));
    list.push(
      '-'.repeat(n),
      ('+' + 'z'.repeat(n)).slice(1),
      'q'.repeat(n - 1) + 'ü',
      'q'.repeat(n - 1) + '€',
    );
    list.push(Buffer.alloc(n, 'ab').toString('latin1') + '\0');
  }
  return list;
}

function memory() {
  const buffer = Buffer.from(
    '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  );
  const detached = new Uint8Array(100).fill(3);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const list = [
    buffer,
    buffer.subarray(7),
    new Uint8Array(16).fill(9),
    new Uint8Array(100).fill(5),
    new Uint8ClampedArray(20).fill(1),
    new Float64Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    new Int16Array(40).fill(-2),
    new DataView(new ArrayBuffer(80), 8),
    new ArrayBuffer(96),
    new SharedArrayBuffer(96),
    new Uint8Array(new SharedArrayBuffer(96)),
    new BigInt64Array(20).fill(-1n),
    new Uint8Array(0),
    new ArrayBuffer(0),
    detached,
    detached.buffer,
    'a string of more than sixteen characters',
    null,
  ];
  if (ArrayBuffer.prototype.resize) {
    const resizable = new ArrayBuffer(96, { maxByteLength: 200 });
    list.push(new Uint8Array(resizable), new Uint8Array(resizable, 8, 80), resizable);
    const shrunk = new ArrayBuffer(96, { maxByteLength: 200 });
    const view = new Uint8Array(shrunk, 80, 16);
    shrunk.resize(16);
    list.push(view);
  }
  return list;
}

/* Arrays of every kind that the engine knows; `odd` are elements that most types refuse. */
function arrays(odd) {
  const holed = (array) => (delete array[1], array);
  const sparse = [1, 2];
  sparse[1 << 20] = 3;
  const named = Object.assign([1, 2, 3], { name: 'x' });
  const short = [1, 2, 3, 4.5];
  short.length = 2;
  const long = [1, 2];
  long.length = 4;
  const moved = [9, 1, 2, 3];
  moved.shift();
  const inherited = Object.setPrototypeOf(holed([1, 0, 3]), { __proto__: Array.prototype, 1: 2 });
  const counted = Object.defineProperty([1, 2, 3], 1, { get: () => 7 });
  return [
    [],
    [1],
    [1, 2, 3],
    [0, -0, 0.5, -0.5, NaN, -(0 / 0), Infinity, -Infinity],
    holed([1, 0, 3]),
    holed([1.5, 0, 2.5]),
    [1.5, undefined],
    [1.5, 2, 3, 4, 5, 6, 7, 8.25],
    [2 ** 40, -(2 ** 40), 2 ** 53, 2 ** 63, 2 ** 64],
    Array.from({ length: 1000 }, (_, i) => i % 100),
    Array.from({ length: 1000 }, (_, i) => i / 8),
    Array.from({ length: 70000 }, (_, i) => i & 63),
    new Array(4),
    new Array(5).fill(2),
    new Array(5).fill(0.25),
    Object.freeze([1, 2]),
    Object.seal([1.5, 2]),
    new (class extends Array {})(1, 2, 3),
    vm.runInNewContext('[1, 2.5]'),
    new Proxy([1, 2], {}),
    sparse.slice(0, 2),
    named,
    short,
    long,
    moved,
    inherited,
    counted,
    ...odd.flatMap((v) => [[v], [1, v], [1.5, v, 2]]),
  ];
}

const pad = (args, i, value) => args.map((a, k) => (k === i ? value : a));
const each = (good, values) => good.flatMap((_, i) => values.map((v) => pad(good, i, v)));

/* name: function, good arguments, and what else to try. */
const WIDTHS = [-5, 200, -3000, 60000, true, -100000, 4000000000];
const MANY = [1, 2.5, -3, 4.5, 5, 6.5, 7, 8.5, 9, 10.5, 11, 12.5, 13, 14.5, 15, 16.5, 17, 18.5, 19, 20.5];
const WORDS = [5, Buffer.from('hello'), -7, 2 ** 40, 'eee', -1, 2n ** 63n, -8, 99n, 'grüße'];
const p = new lib.vec({ x: 3, y: 4 });
const q = new lib.vec({ x: 0.5, y: -1 });
const view = biffi.alloc(lib.vec);

/* A variadic call of these values: the letter that spell() knows each one's C type by comes first. */
function variadic(...values) {
  const letters = values.map((v) => {
    if (typeof v === 'number') {
      if (!Number.isInteger(v) || Math.abs(v) > 2 ** 53) return 'd';
      return (v | 0) === v ? 'i' : 'l';
    }
    if (typeof v === 'bigint') return BigInt.asIntN(64, v) === v ? 'l' : 'L';
    return { boolean: 'i', string: 's' }[typeof v] ?? 'p';
  });
  return [letters.join(''), ...values];
}
const ALL_KINDS = [1, 0.5, 'two', null, 2 ** 40, 3n, true, Buffer.from('x')];

const cases = [
  ...[
    'to_bool',
    'to_i8',
    'to_u8',
    'to_i16',
    'to_u16',
    'to_i32',
    'to_u32',
    'to_i64',
    'to_u64',
    'to_float',
    'to_double',
    'to_ldouble',
    'to_shade',
  ].map((name) => [name, lib[name], [name === 'to_bool' ? true : 1], ODD.map((v) => [v])]),
  ['i64 as bigint', bigint.to_i64, [1], ODD.map((v) => [v])],
  ['u64 as bigint', bigint.to_u64, [1], ODD.map((v) => [v])],
  ['i64 as number', number.to_i64, [1], ODD.map((v) => [v])],
  ['u64 as number', number.to_u64, [1], ODD.map((v) => [v])],
  ['widths', lib.widths, WIDTHS, each(WIDTHS, [0, -1, 1.5, 'a', 2 ** 33, 3n, true])],
  [
    'mixed',
    lib.mixed,
    [1, 2.5, 3, 4.5, 5, 6.5, 'seven', 8.5],
    each([1, 2.5, 3, 4.5, 5, 6.5, 'seven', 8.5], [0, -1, 1.5, 'é', 9n, 300]),
  ],
  ['many', lib.many, MANY, each(MANY, [2, 0.5, '3'])],
  ['many_words', lib.many_words, WORDS, each(WORDS, [2, 'ä', 5n])],
  ['hash', lib.hash, ['hello'], [...strings(), ...ODD, Buffer.from('bytes\0'), null].map((v) => [v])],
  ['hash_two', lib.hash_two, ['hello', 'wörld'], each(['one', 'two'], strings())],
  [
    'sum',
    lib.sum,
    [Buffer.from('0123456789abcdef'), 16],
    [...memory(), ...ODD].map((v) => [v, 16]).filter(([v]) => fitsBytes(v, 16)),
  ],
  [
    'sum_doubles',
    lib.sum_doubles,
    [new Float64Array(10), 10],
    [...memory(), ...ODD, [1, 2]].map((v) => [v, 1]).filter(([v]) => Array.isArray(v) || fitsBytes(v, 8)),
  ],
  /* The bytes that C finds. */
  ...[
    ['_Bool', 1],
    ['char', 1],
    ['int8_t', 1],
    ['uint8_t', 1],
    ['int16_t', 2],
    ['uint16_t', 2],
    ['int32_t', 4],
    ['uint32_t', 4],
    ['int64_t', 8],
    ['uint64_t', 8],
    ['float', 4],
    ['double', 8],
    ['enum shade', 4],
    ['long double', 16],
  ].map(([type, size]) => [
    `sum of ${type}s`,
    biffi.functionAt(
      biffi.symbol(lib, 'sum'),
      biffi.typeIn(lib, `uint32_t (const ${type} *bytes, unsigned long n)`),
    ),
    [type === '_Bool' ? [true, false, true] : [1, 0, 1], type === 'long double' ? 10 : 3 * size],
    /* A long double's last bytes are anything. */
    arrays(ODD).map((a) => [a, Math.min(a.length * size, type === 'long double' ? 10 : Infinity)]),
  ]),
  [
    'is_null',
    lib.is_null,
    [null],
    [...memory(), ...ODD, p, biffi.pointerAt(4096, 'int'), view, [1, 2], [0.5]].map((v) => [v]),
  ],
  [
    'bump',
    lib.bump,
    [new Int32Array(1)],
    [...ODD, biffi.out('int'), new Uint8Array(3), new Int32Array(20), 'str'].map((v) => [v]),
  ],
  [
    'spell',
    lib.spell,
    variadic(1, 2, 3, 4, 5),
    [
      ...[...ODD, ...strings(), view, biffi.as('void *', null)].map((v) => variadic(v)),
      ...each(ALL_KINDS, ALL_KINDS).map((values) => variadic(...values)),
      variadic(...MANY),
      variadic(...MANY, ...WORDS),
      variadic(...MANY, ...MANY),
      variadic(...MANY, 'q', 'ü'.repeat(3000), ...WORDS),
      [],
      [5],
    ],
  ],
  [
    'call',
    lib.call,
    [(v) => v + 1, 5],
    [
      ...each([(v) => v * 2, 7], ODD).filter(([f]) => f !== null),
      [() => 'x', 1],
      [() => assert.fail('thrown by the function'), 1],
      [lib.to_i32, -9],
      [biffi.callback('int (*)(int)', (v) => -v), 3],
      [(v) => lib.call((w) => w + v, 10), 20],
      [(v) => v],
    ],
  ],
  ['tick', lib.tick, [], []],
  ['word', lib.word, [0], [[1], [2], [3], [-1], ['0'], [1.5]]],
  [
    'vec_add',
    lib.vec_add,
    [p, q],
    [[{ x: 1, y: 2 }, q], [p], [p, null], [p, 5], [p, view], [new Uint8Array(16), p], [lib.vec, p]],
  ],
  [
    'vec_norm',
    lib.vec_norm,
    [p],
    [
      [{ x: 1, y: 2 }],
      [{ x: 1 }],
      [null],
      [new Float64Array(2)],
      [new lib.small({ tag: 1 })],
      [{ x: 'a', y: 1 }],
    ],
  ],
  [
    'vec_norm_at',
    lib.vec_norm_at,
    [p],
    [
      [null],
      [{ x: 1, y: 2 }],
      [new Float64Array([1, 2])],
      [new Uint8Array(8)],
      [view],
      [new lib.small()],
      ['s'],
    ],
  ],
  [
    'vec_scale',
    lib.vec_scale,
    [new lib.vec({ x: 1, y: 1 }), 1],
    [[null, 1].slice(1), [{ x: 1, y: 2 }, 2], [new lib.vec({ x: 1, y: 2 }), '2']],
  ],
  [
    'small_next',
    lib.small_next,
    [new lib.small({ tag: 1, value: 2 })],
    [[{ tag: 3, value: 4 }], [{ tag: 300 }], [p]],
  ],
  [
    'large_sum',
    lib.large_sum,
    [new lib.large({ a: 1, b: 2, c: 3 }), 4],
    [
      [{ a: 2 ** 40, b: 1n, c: -1 }, -5],
      [{ a: 1.5 }, 1],
    ],
  ],
  ['large_make', lib.large_make, [5], [[-1], [2n ** 60n], ['a']]],
];

/* Bound with the option errno, which is the last thing that was there. */
const withErrno = biffi.load(fixture('tiers'), { declarations: DECLARATIONS, errno: true });
const errnoBigint = biffi.load(fixture('tiers'), {
  declarations: DECLARATIONS,
  errno: true,
  int64: 'bigint',
});
const v = new withErrno.vec({ x: 3, y: 4 });
const errnoCases = [
  ['set_errno', [5], [...[0, 1, 2, 3, 300].map((v) => [v]), ...ODD.map((v) => [v])]],
  ['void_errno', [6], [[7], [1.5], ['a'], [null]]],
  ['i64_errno', [7], ODD.map((v) => [v])],
  ['double_errno', [1.5], ODD.map((v) => [v])],
  ['large_errno', [8], [[9], [-1], [2n ** 60n], ['a']]],
  [
    'call_errno',
    [(v) => v * 2, 4],
    [[() => 'x', 1], [() => assert.fail('thrown by the function'), 1], [null], [5, 5]],
  ],
  ['hash', ['hello'], [['wörld'], [5], [Buffer.from('bytes\0')]]],
  ['word', [0], [[1], ['0']]],
  ['vec_add', [v, v], [[{ x: 1, y: 2 }, v], [v], [v, null]]],
  ['spell', variadic(1, 2), [variadic(...ALL_KINDS), [5]]],
  ['is_null', [null], [[p], [5]]],
].map(([name, good, others]) => [`${name} with errno`, withErrno[name], good, others]);
errnoCases.push(['i64 as bigint with errno', errnoBigint.i64_errno, [1], ODD.map((v) => [v])]);

/* C reads that many bytes: only where they are, or where an error comes first. */
function fitsBytes(value, n) {
  if (value === null || value === undefined) return value === undefined;
  if (typeof value === 'string') return value.length >= n;
  if (Array.isArray(value)) return value.length >= n;
  const size = value.byteLength;
  return size === undefined || size >= n || size === 0 ? size !== 0 : false;
}

function show(v) {
  if (typeof v === 'bigint') return `${v}n`;
  if (typeof v === 'number') return Object.is(v, -0) ? '-0' : String(v);
  if (v !== null && typeof v === 'object')
    return JSON.stringify(v, (_, x) => (typeof x === 'bigint' ? `${x}n` : x));
  return `${typeof v} ${String(v)}`;
}

/* One call, from code that is this function's own and as hot as its caller made it. */
function outcome(f, args) {
  try {
    return show(f(...args));
  } catch (error) {
    return `${error.name} ${error.code}: ${error.message}`;
  }
}

/** A loop of its own source, so that nothing but this function is seen by it; `catching` puts the call into a try. */
function loopOf(f, count, catching) {
  const names = Array.from({ length: count }, (_, i) => `a${i}`);
  const call = `f(${names})`;
  return vm.compileFunction(
    `return function loop(n, ${names}) { let r; for (let i = 0; i < n; i++) ${catching ? `try { r = ${call}; } catch (e) { r = e; }` : `r = ${call};`} return r; }`,
    ['f'],
  )(f);
}

const optimize = (() => {
  try {
    return new Function(
      'f',
      'run',
      '%PrepareFunctionForOptimization(f); run(); run(); %OptimizeFunctionOnNextCall(f); run();',
    );
  } catch {
    return (f, run) => run();
  }
})();

const result = {};
function tryAll([name, f, good, others]) {
  const expected = outcome(f, good);
  const cold = others.map((args) => outcome(f, args));
  for (const catching of [false, true]) {
    const loop = loopOf(f, good.length, catching);
    const run = () => {
      const r = loop(Number(process.env.HOT ?? 3000), ...good);
      if (name !== 'vec_scale') assert.equal(show(r), expected, `${name}, hot`);
    };
    optimize(loop, run);
    others.forEach((args, i) => {
      const hot = args.length === good.length ? outcome((...a) => loop(1, ...a), args) : outcome(f, args);
      const seen = catching && hot.startsWith('{') && !cold[i].startsWith('{') ? cold[i] : hot;
      if (!catching && !['bump', 'vec_scale'].includes(name))
        assert.equal(seen, cold[i], `${name}(${args.map(show)}), hot`);
      if (i % 7 === 0) run();
    });
    run();
  }
  result[name] = [expected, ...cold];
  result[`${name}, counts`] = [[], [...good, 1], good.slice(1)].map((args) =>
    args.length === good.length ? '' : outcome(f, args),
  );
}
cases.forEach(tryAll);
withErrno.set_errno(21);
errnoCases.forEach(tryAll);

/* errno, from the first use of errno() on. */
lib.set_errno(5);
result.errno = [biffi.errno(), lib.set_errno(17), biffi.errno(), biffi.errno(3), lib.get_errno()];
for (let i = 0; i < 5000; i++) lib.set_errno(i);
result.errno.push(biffi.errno());
result.errno.push(show(withErrno.set_errno(9)));
lib.ticked();

process.stdout.write(JSON.stringify(result));
