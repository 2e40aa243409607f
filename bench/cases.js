'use strict';
/*
 * What is measured. A case is the source text of a loop over functions that the peer's adapter opened; the same
 * text runs over `reference`, plain JavaScript that says what the C functions return, and both must give the same
 * value before anything is timed.
 *
 * The functions an adapter offers have these names and take and return plain JavaScript values:
 *
 *   nop add_i32 add_f64 mix6 sum8 length greet ends vsum poly0..poly7    as in targets.h
 *   add_i64n, add_i64b        add_i64 with Numbers in and out, with BigInts in and out
 *   fails(number)             { value, errno }
 *   point(x, y)               what the peer passes as a struct point; results have .x and .y
 *   norm1(p) mid(p, q)        structs by value
 *   norm1o(object)            the same for an object with x and y
 *   open() next(handle)       what C gives and takes back
 *   total(array, n)           an Array of Numbers for a pointer to doubles
 *   fill(x, y)                lets C fill a struct through a pointer, the same each time, and returns its x + y
 *   callback(fn)              what the peer passes as int_callback when it is used for many calls
 *   each(cb, n)               with such a callback
 *   each_once(fn, n)          with a JavaScript function met for the first time
 *   sort(n)                   with a comparator that reads both ints and subtracts them
 *   add_async(a, b)           a Promise; the call runs off the main thread
 *
 * An adapter leaves out what its peer cannot do and says why in `lacks`.
 */

const text = {
  short: 'hello, world',
  long: 'the quick brown fox jumps over the lazy dog. '.repeat(23).slice(0, 1000),
  unicode: 'Grüße, 世界! ναί 🙂',
};

/* A sequential one-byte string, not a rope: what a program gets from a file or a socket. */
const flat = (s) => Buffer.from(s, 'latin1').toString('latin1');

/** Values the loops use, made afresh for every loop. */
function inputs() {
  return { short: text.short, long: flat(text.long), unicode: text.unicode, bytes: Buffer.alloc(64, 7) };
}

function wrap(x) {
  return x | 0;
}

function sortChecksum(n) {
  const values = new Int32Array(n);
  let seed = 12345;
  for (let i = 0; i < n; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    values[i] = seed >>> 8;
  }
  values.sort();
  return values.reduce((check, v) => (Math.imul(check, 31) + v) | 0, 0);
}

const reference = {
  nop() {},
  add_i32: (a, b) => wrap(a + b),
  add_f64: (a, b) => a + b,
  mix6: (a, b, c, d, e, f) => a + b + c + Math.fround(d) + e + f,
  sum8: (...args) => wrap(args.reduce((a, b) => a + b)),
  add_i64n: (a, b) => a + b,
  add_i64b: (a, b) => BigInt.asIntN(64, a + b),
  length: (s) => Buffer.byteLength(s),
  greet: (which) => ['hello, world', 'bonjour, toi', 'servus, Welt', 'salve, munde'][which & 3],
  ends: (bytes, n) => bytes[0] + bytes[n - 1],
  fails: (number) => ({ value: -1, errno: number }),
  point: (x, y) => ({ x, y }),
  norm1: (p) => Math.abs(p.x) + Math.abs(p.y),
  mid: (p, q) => ({ x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 }),
  norm1o: (p) => reference.norm1(p),
  open: () => ({ next: 5 }),
  next: (counter) => counter.next++,
  total: (values) => values.reduce((a, b) => a + b),
  fill: (x, y) => x + y,
  callback: (fn) => fn,
  each(fn, n) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum = wrap(sum + fn(i));
    return sum;
  },
  each_once: (fn, n) => reference.each(fn, n),
  sort: sortChecksum,
  vsum: (n, ...args) => wrap(args.reduce((a, b) => a + b)),
  add_async: async (a, b) => wrap(a + b),
};
for (let i = 0; i < 8; i++) reference[`poly${i}`] = (a) => wrap(a + i);

const SORTED = 1000; /* ints; glibc's qsort compares 8678 times for these */
const IN_FLIGHT = 64;

/* body: statements with n in scope and the functions of `uses` as constants; `per`: operations a turn. */
const cases = [
  { name: 'nop', title: 'void call', uses: ['nop'], body: 'for (let i = 0; i < n; i++) nop();' },
  {
    name: 'add_i32',
    title: '2 ints',
    uses: ['add_i32'],
    body: 'let r; for (let i = 0; i < n; i++) r = add_i32(i, 3); return r;',
  },
  {
    name: 'add_f64',
    title: '2 doubles',
    uses: ['add_f64'],
    body: 'let r; for (let i = 0; i < n; i++) r = add_f64(i * 0.5, 1.25); return r;',
  },
  {
    name: 'mix6',
    title: '6 mixed numbers',
    uses: ['mix6'],
    body: 'let r; for (let i = 0; i < n; i++) r = mix6(i, 1.5, 7, 0.25, -3, 2.5); return r;',
  },
  {
    name: 'sum8',
    title: '8 ints',
    uses: ['sum8'],
    body: 'let r; for (let i = 0; i < n; i++) r = sum8(i, 2, 3, 4, 5, 6, 7, 8); return r;',
  },
  {
    name: 'add_i64n',
    title: '64-bit as Number',
    uses: ['add_i64n'],
    body: 'let r; for (let i = 0; i < n; i++) r = add_i64n(i, 7); return r;',
  },
  {
    name: 'add_i64b',
    title: '64-bit as BigInt',
    uses: ['add_i64b'],
    body: 'let r; for (let i = 0; i < n; i++) r = add_i64b(1099511627776n, 7n); return r;',
  },
  {
    name: 'poly8',
    title: '8 functions, one call site',
    uses: [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `poly${i}`),
    body:
      'const all = [poly0, poly1, poly2, poly3, poly4, poly5, poly6, poly7];' +
      'let r; for (let i = 0; i < n; i++) r = all[i & 7](i); return r;',
  },
  {
    name: 'strlen12',
    title: 'string in, 12 ASCII',
    uses: ['length'],
    body: 'const s = input.short; let r; for (let i = 0; i < n; i++) r = length(s); return r;',
  },
  {
    name: 'strlen1k',
    title: 'string in, 1000 ASCII',
    uses: ['length'],
    body: 'const s = input.long; let r; for (let i = 0; i < n; i++) r = length(s); return r;',
  },
  {
    name: 'strlenu',
    title: 'string in, Unicode',
    uses: ['length'],
    body: 'const s = input.unicode; let r; for (let i = 0; i < n; i++) r = length(s); return r;',
  },
  {
    name: 'greet',
    title: 'string out, 12',
    uses: ['greet'],
    body: 'let r, t = 0; for (let i = 0; i < n; i++) { r = greet(i & 3); t += r.length; } return [typeof r, r, t];',
  },
  {
    name: 'bytes',
    title: 'Buffer and length',
    uses: ['ends'],
    body: 'const b = input.bytes; let r; for (let i = 0; i < n; i++) r = ends(b, 64); return r;',
  },
  {
    name: 'errno',
    title: 'int, and errno with it',
    uses: ['fails'],
    body: 'let r, t = 0; for (let i = 0; i < n; i++) { r = fails(i & 15); t += r.errno; } return [r.value, t];',
  },
  {
    name: 'handle',
    title: 'handle of the library',
    uses: ['open', 'next'],
    body: 'const h = open(); let r; for (let i = 0; i < n; i++) r = next(h); return r;',
  },
  {
    name: 'array',
    title: 'array of 8 doubles in',
    uses: ['total'],
    body: 'const a = [1, 2, 3, 4, 5, 6, 7, 8.5]; let r; for (let i = 0; i < n; i++) r = total(a, 8); return r;',
  },
  {
    name: 'fill',
    title: 'struct filled by pointer',
    uses: ['fill'],
    body: 'let r; for (let i = 0; i < n; i++) r = fill(i, 0.5); return r;',
  },
  {
    name: 'norm1',
    title: 'struct by value in',
    uses: ['point', 'norm1'],
    body: 'const p = point(3, -4.5); let r; for (let i = 0; i < n; i++) r = norm1(p); return r;',
  },
  {
    name: 'object',
    title: 'object for a struct',
    uses: ['norm1o'],
    body: 'let r; for (let i = 0; i < n; i++) r = norm1o({ x: i, y: -4.5 }); return r;',
  },
  {
    name: 'mid',
    title: 'struct by value in, out',
    uses: ['point', 'mid'],
    body:
      'const p = point(3, -4.5), q = point(1, 2); let r, t = 0;' +
      'for (let i = 0; i < n; i++) { r = mid(p, q); t += r.x; } return [t, r.x, r.y];',
  },
  {
    name: 'vsum',
    title: 'variadic, 5 ints',
    uses: ['vsum'],
    body: 'let r; for (let i = 0; i < n; i++) r = vsum(4, i, 2, 3, 4); return r;',
  },
  {
    name: 'cb100',
    title: 'callback, per callback',
    uses: ['callback', 'each'],
    per: 100,
    body: 'const cb = callback((v) => v + 1); let r; for (let i = 0; i < n; i++) r = each(cb, 100); return r;',
  },
  {
    name: 'cbonce',
    title: 'new callback a call',
    uses: ['each_once'],
    body: 'let r; for (let i = 0; i < n; i++) r = each_once((v) => v + i, 1); return r;',
  },
  {
    name: 'qsort',
    title: 'qsort, per comparison',
    uses: ['sort'],
    per: 8678,
    body: `let r; for (let i = 0; i < n; i++) r = sort(${SORTED}); return r;`,
  },
  {
    name: 'aseq',
    title: 'async, one at a time',
    uses: ['add_async'],
    async: true,
    body: 'let r; for (let i = 0; i < n; i++) r = await add_async(i, 3); return r;',
  },
  {
    name: 'apar',
    title: `async, ${IN_FLIGHT} in flight`,
    uses: ['add_async'],
    async: true,
    per: IN_FLIGHT,
    body:
      `let r; for (let i = 0; i < n; i++) { const all = []; for (let k = 0; k < ${IN_FLIGHT}; k++)` +
      ' all.push(add_async(i, k)); r = await Promise.all(all); } return r;',
  },
];

/* Measured in processes of their own, see load.js. */
const loads = [
  { name: 'load30', title: 'load 30 functions, each', functions: 30 },
  { name: 'load300', title: 'load 300 functions, each', functions: 300 },
];

let compiled = 0;

/**
 * The loop of a case over a set of functions. Every loop has a source text of its own: V8 shares type feedback
 * between functions made of equal texts, and a loop that ran over the reference would spoil the measured one.
 */
function compile(kase, functions) {
  const missing = kase.uses.filter((name) => typeof functions[name] !== 'function');
  if (missing.length) throw new Error(`no ${missing.join(', ')}`);
  const make = new Function(
    'functions',
    'input',
    `'use strict';
    const { ${kase.uses.join(', ')} } = functions;
    return ${kase.async ? 'async ' : ''}function ${kase.name}_${compiled++}(n) { ${kase.body} }`,
  );
  return make(functions, inputs());
}

module.exports = { cases, loads, reference, compile };
