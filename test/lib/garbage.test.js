'use strict';
/*
 * Garbage for every function and method of the face: whatever comes, there is an answer or an error with a code and
 * words, never a crash and never an engine's complaint about what happened inside.
 *
 * BIFFI_TEST_SEED is another sequence.
 */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { inspect, types } = require('node:util');
const { biffi, fixture } = require('./fixtures');
const { randomOf } = require('./random');

const long = process.env.BIFFI_LONG === '1';
const seed = Number(process.env.BIFFI_TEST_SEED ?? 1);
const ROUNDS = long ? 150 : 12;
const CALLS = 40; // of each function, a round

/** What objects of somebody else throw arrives as it is. */
const POISON = Object.assign(new Error('poison'), { code: 'POISON' });
const poison = () => {
  Error.captureStackTrace(POISON);
  throw POISON;
};

const DECLARATIONS = `typedef struct { double x, y; } vec; vec vec_add(vec a, vec b); typedef enum { RED, GREEN = 5 } color;
  typedef union { int i; float f; } either; struct nested { vec v[2]; int n : 3; const char *s; either e; };
  int to_i32(int v); long to_i64(long v); double to_double(double v); uint32_t hash(const char *s);
  int call(int (*f)(int), int v); const char *word(int which);
  struct opaque; int is_null(struct opaque *p);`;

const TEXTS = [
  '',
  'int',
  'char *',
  'const char *',
  'void',
  'double (*)(int, ...)',
  'struct nowhere',
  'int x[3',
  'int[3]',
  'int[-1]',
  'int[99999999999999999999]',
  'unsigned _Complex',
  'struct { int a; }',
  'struct s { struct s *next; }',
  'int a; int b',
  'int (int, double)',
  'int @',
  '\0',
  'int\0',
  '\ud800',
  '🙂',
  '/*',
  '"',
  '#define X',
  'x'.repeat(300),
  '('.repeat(300),
  'long long long',
  '__attribute__((vector_size(16))) float',
  'x',
  'y',
  'value',
  'to_i32',
  'RED',
  '__proto__',
  'constructor',
  '1',
  '-1',
];

/* To iterate over what was detached, or to look into it, is the engine's affair. */
const DETACHED = /on a detached (or out-of-bounds )?ArrayBuffer$/;

/** Values of every kind, made anew: what is done to them stays in one round. */
function garbage() {
  const lib = biffi.load(fixture('tiers'), DECLARATIONS);
  const closed = biffi.load(fixture('tiers'), DECLARATIONS);
  const { to_i32 } = closed;
  closed.close();
  const Struct = biffi.struct({ a: 'int', b: { type: 'unsigned', bits: 3 }, c: 'const char *' });
  const Array3 = biffi.array('short', 3);
  const released = biffi.callback('int (int)', (v) => v);
  released.release();
  const freed = biffi.alloc(Struct);
  biffi.free(freed);
  const detached = new Uint8Array(16);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const odd = [
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    3,
    1.5,
    NaN,
    Infinity,
    -Infinity,
    127,
    256,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 64,
    -(2 ** 31) - 1,
    0n,
    1n,
    -1n,
    2n ** 63n,
    2n ** 64n,
    2n ** 200n,
    -(2n ** 64n),
    Symbol('odd'),
    Symbol.iterator,
    {},
    Object.create(null),
    { a: 1 },
    { x: 1, y: 'no' },
    { type: 'int' },
    { type: 'int', bits: 99 },
    { type: 'int', align: 3 },
    { a: { type: 'int', bits: 'x' } },
    {
      get a() {
        return poison();
      },
    },
    { [Symbol.toPrimitive]: poison },
    { valueOf: () => 5 },
    { toString: poison },
    { length: 5 },
    { mantissa: 5n, exponent: 1e9 },
    {
      constructor: {
        get name() {
          return poison();
        },
      },
    },
    { address: 5n },
    new Proxy({}, { get: poison, has: poison, ownKeys: poison, getPrototypeOf: poison }),
    [],
    [1, 2, 3],
    [[]],
    ['int'],
    ['int', ['int']],
    ['int', 'int'],
    [undefined],
    [
      ['a', 'int'],
      ['a', 'int'],
    ],
    [['a', 5]],
    new Array(5),
    new Array(300).fill('int'),
    () => 1,
    poison,
    class {},
    new Date(0),
    /x/g,
    new Map([[1, 2]]),
    new Set([1]),
    new WeakMap(),
    Promise.resolve(1),
    new Error('an error'),
    new Number(5),
    new String('int'),
    new Uint8Array(0),
    new Uint8Array(16),
    new Float64Array(4),
    new BigInt64Array(2),
    new DataView(new ArrayBuffer(8)),
    new ArrayBuffer(32),
    new SharedArrayBuffer(32),
    Buffer.from('bytes\0'),
    detached,
    detached.buffer,
    globalThis,
    process.versions,
    new AbortController().signal,
    { signal: AbortSignal.abort(POISON) },
    { signal: 5 },
    ...TEXTS,
  ];
  const good = [
    lib,
    closed,
    lib.vec,
    lib.color,
    lib.either,
    lib['struct nested'],
    lib['struct opaque'],
    new lib.vec({ x: 1 }),
    new lib.either({ i: 5 }),
    new lib['struct nested'](),
    Struct,
    new Struct(),
    Array3,
    new Array3([1, 2, 3]),
    biffi.alloc(Struct),
    biffi.alloc('int', 4),
    biffi.alloc(16),
    freed,
    biffi.out('int', 5),
    biffi.out(),
    biffi.out('char *'),
    biffi.cstring('text'),
    biffi.pointerAt(new Int32Array(8), 'int'),
    biffi.pointerAt(new Int32Array(8)).cast(Struct),
    biffi.callback('int (int)', (v) => v),
    released,
    lib.to_i32,
    lib.hash,
    to_i32,
    biffi.type('int'),
    biffi.type('void'),
    biffi.type('int (*)(int)'),
    biffi.type('int (int, const char *, ...)'),
    biffi.fn('int', ['int']),
    biffi.constant('int'),
    biffi.pointer(Struct),
    biffi.as('double', 1),
    biffi.as('int', 'wrong'),
    biffi.handle('void', () => {}),
    new biffi.LongDouble(2n ** 63n + 1n, -3),
    biffi.flags.RTLD_NOW,
    'int',
    'char',
    'const char *',
    2,
    4,
  ];
  return { lib, odd, good };
}

/* Constructors that are not for users, and what is no function. */
const PRIVATE = ['Type', 'Pointer', 'Callback', 'flags'];

/** What was wrong with an error, once a place that threw it. */
class Problems {
  #seen = new Map();

  check(error, what) {
    if (error === POISON || DETACHED.test(error?.message)) return;
    const expected = {
      BF_ETYPE: TypeError,
      BF_EARGUMENTS: TypeError,
      BF_ERANGE: RangeError,
      BF_ESYNTAX: SyntaxError,
    };
    const right =
      error instanceof Error &&
      /^BF_E[A-Z]+$/.test(error.code) &&
      error.message.length > 5 &&
      error instanceof (expected[error.code] ?? Error);
    if (right) return;
    const place = /lib\/\w+\.js:\d+/.exec(error?.stack)?.[0] ?? inspect(error);
    if (!this.#seen.has(place)) this.#seen.set(place, `${what()} threw ${inspect(error)}`);
  }

  /** There are none. */
  none() {
    assert.equal(this.#seen.size, 0, `seed ${seed}:\n${[...this.#seen.values()].join('\n')}`);
  }
}

/** One call. Promises that come of it must settle in the same ways. */
function attempt(run, what, problems, promises) {
  let result;
  try {
    result = run();
  } catch (error) {
    problems.check(error, what);
    return undefined;
  }
  if (types.isPromise(result)) promises.push(result.then(undefined, (error) => problems.check(error, what)));
  return result;
}

const isClass = (f) => /^class\b/.test(Function.prototype.toString.call(f));

/** Keys of what an object has and inherits, without those of every object. */
function keysOf(object) {
  const keys = new Set(['0', '7']);
  const ends = [null, Object.prototype, Function.prototype, Array.prototype];
  /* What a type object itself has is the library's own. */
  const start = object instanceof biffi.Type ? biffi.Type.prototype : object;
  for (let at = start; !ends.includes(at); at = Object.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at))
      if (!['constructor', 'caller', 'arguments', 'prototype'].includes(key)) keys.add(key);
  }
  return [...keys];
}

const show = (args) =>
  args.map((v) => inspect(v, { depth: 0, breakLength: Infinity }).slice(0, 80)).join(', ');

test('functions of the face', async () => {
  const random = randomOf(seed);
  const promises = [];
  const problems = new Problems();
  const names = Object.keys(biffi).filter((name) => !PRIVATE.includes(name));
  for (let round = 0; round < ROUNDS; round++) {
    const { odd, good } = garbage();
    const any = () => random.of(random.chance(50) ? odd : good);
    for (const name of names) {
      const f = biffi[name];
      for (let i = 0; i < CALLS; i++) {
        const args = Array.from({ length: random.below(5) }, any);
        const run = name === 'LongDouble' ? () => new f(...args) : () => f(...args);
        const made = attempt(run, () => `${name}(${show(args)})`, problems, promises);
        /* What it made can be looked at. */
        attempt(
          () => inspect(made),
          () => `inspect(${name}(${show(args)}))`,
          problems,
          promises,
        );
      }
    }
  }
  await Promise.all(promises);
  problems.none();
});

test('methods and properties of what it makes', async () => {
  const random = randomOf(seed + 1);
  const promises = [];
  const problems = new Problems();
  for (let round = 0; round < ROUNDS; round++) {
    const { odd, good } = garbage();
    const any = () => random.of(random.chance(70) ? odd : good);
    const objects = good.filter((value) => Object(value) === value);
    const small = new Set(objects.filter((value) => value instanceof biffi.Pointer));
    for (const object of objects) {
      /* What lies beyond what a pointer was made for is others', and may be read if one asks for it, as in C. */
      const keys = keysOf(object).filter(
        (key) => !(small.has(object) && /^(\d|get|set|toText|toArrayBuffer)$/.test(String(key))),
      );
      for (let i = 0; i < CALLS; i++) {
        const key = random.of(keys);
        const args = Array.from({ length: random.below(4) }, any);
        const what = (how) => () => `${how} ${inspect(object, { depth: 0 })}.${String(key)}(${show(args)})`;
        const value = attempt(() => object[key], what('get'), problems, promises);
        if (typeof value === 'function' && key !== inspect.custom && !isClass(value))
          attempt(() => value.apply(object, args), what('call'), problems, promises);
        /* Methods can be hidden as those of any object can; types are shared by all that have them. */
        if (typeof value !== 'function' && typeof key === 'string' && !(object instanceof biffi.Type))
          attempt(() => Reflect.set(object, key, args[0]), what('set'), problems, promises);
        if (typeof object !== 'function') continue;
        if (!isClass(object)) attempt(() => object(...args), what('call it, '), problems, promises);
        if (object.prototype !== undefined)
          attempt(() => new object(...args), what('new, '), problems, promises);
      }
    }
  }
  await Promise.all(promises);
  problems.none();
});
