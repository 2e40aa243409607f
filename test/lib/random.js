'use strict';
/*
 * Random C functions for random.test.js, made from a seed: their source, their declarations, and for each of them
 * values to call it with.
 *
 * A function tells what it got as words of 64 bits, one or more for each scalar, in `seen`, and makes what it returns
 * of the words in `answer`; so what a value is in C is known here without a layout. A type here knows how C writes
 * its words and reads them, which JavaScript values it takes, and what it gives back.
 */
const { biffi } = require('./fixtures');

/** Random numbers that a seed repeats (mulberry32). */
function randomOf(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const random = {
    next,
    below: (n) => next() % n,
    chance: (percent) => next() % 100 < percent,
    of: (list) => list[next() % list.length],
    word: () => (BigInt(next()) << 32n) | BigInt(next()),
  };
  return random;
}

const floats = new Float64Array(1);
const bits = new BigUint64Array(floats.buffer);

/** The word of a double; every NaN is the same one. */
function wordOf(number) {
  floats[0] = number;
  return Number.isNaN(number) ? 0x7ff8000000000000n : bits[0];
}

const unsigned = (v) => BigInt.asUintN(64, v);

const NO_OPTIONS = {};

/* --- scalars ------------------------------------------------------------------ */

/** An integer near the ends of what `width` bits hold, or anywhere. */
function randomInteger(random, width, isSigned) {
  const low = isSigned ? -(1n << BigInt(width - 1)) : 0n;
  const high = isSigned ? (1n << BigInt(width - 1)) - 1n : (1n << BigInt(width)) - 1n;
  let v = (random.word() << 64n) | random.word();
  if (random.chance(40))
    v = random.of([0n, 1n, -1n, 2n, low, low + 1n, high, high - 1n, 1n << 53n, -(1n << 53n)]);
  if (random.chance(20)) v = BigInt.asIntN(8, v);
  if (v >= low && v <= high) return v;
  return isSigned ? BigInt.asIntN(width, v) : BigInt.asUintN(width, v);
}

const isSafe = (v) => v >= -(2n ** 53n - 1n) && v <= 2n ** 53n - 1n;

/** What an integer of `width` bits, or a bit-field of as many, is in JavaScript, where the library has that option int64. */
function integerIn(v, width, int64) {
  if (width <= 32 || int64 === 'number') return Number(v);
  return int64 === 'bigint' || !isSafe(v) ? v : Number(v);
}

const differs = (got, expected) =>
  Object.is(got, expected)
    ? undefined
    : `expected ${typeof expected} ${String(expected)}, got ${typeof got} ${String(got)}`;

function integer(c, width, isSigned, bitField = 0) {
  const held = bitField || width;
  return {
    c: (name) => `${c} ${name}${bitField ? ` : ${bitField}` : ''}`,
    put: (e) => (isSigned ? `*s++ = (uint64_t)(int64_t)(${e});` : `*s++ = (uint64_t)(${e});`),
    get: (e) => `${e} = (${c})*a++;`,
    /* Of fewer bits, as a member; an enum stays what it is. */
    narrow: c.startsWith('enum') ? undefined : (bits) => integer(c, width, isSigned, bits),
    width,
    value(random) {
      const v = randomInteger(random, held, isSigned);
      return { js: isSafe(v) && random.chance(70) ? Number(v) : v, words: [unsigned(v)] };
    },
    result(random, { int64 }) {
      const v = randomInteger(random, held, isSigned);
      return { words: [unsigned(v)], check: (got) => differs(got, integerIn(v, held, int64)) };
    },
  };
}

const boolean = {
  c: (name) => `_Bool ${name}`,
  put: (e) => `*s++ = ${e};`,
  get: (e) => `${e} = *a++ != 0;`,
  value(random) {
    const js = random.chance(50);
    return { js, words: [BigInt(js)] };
  },
  result(random) {
    const v = random.chance(50);
    return { words: [BigInt(v)], check: (got) => differs(got, v) };
  },
};

const ODD_NUMBERS = [0, -0, 1, -1, 0.5, 1e300, -1e300, 5e-324, NaN, Infinity, -Infinity, 2 ** 53, 16777217];

function randomNumber(random) {
  if (random.chance(30)) return random.of(ODD_NUMBERS);
  if (random.chance(30)) return random.below(2000) - 1000;
  return (random.next() - 2 ** 31) * 2 ** (random.below(80) - 60);
}

function floating(c, round) {
  return {
    c: (name) => `${c} ${name}`,
    put: (e) => `*s++ = word_of((double)(${e}));`,
    get: (e) => `${e} = (${c})number_of(*a++);`,
    value(random) {
      const js = randomNumber(random);
      return { js, words: [wordOf(round(js))] };
    },
    result(random) {
      const v = round(randomNumber(random));
      return { words: [wordOf(v)], check: (got) => differs(got, v) };
    },
  };
}

/** A long double as three doubles, whose sum it is. */
function randomLong(random) {
  if (random.chance(50)) {
    const js = randomNumber(random);
    return { js, parts: [js, 0, 0] };
  }
  const mantissa = random.word() >> BigInt(random.below(30));
  const exponent = random.below(60) - 30;
  const high = Number(mantissa);
  const low = Number(mantissa - BigInt(high));
  const sign = random.chance(50) ? -1 : 1;
  return {
    js: new biffi.LongDouble(BigInt(sign) * mantissa, exponent),
    parts: [high, low, 0].map((part) => (part === 0 && part !== high ? 0 : sign * part * 2 ** exponent)),
  };
}

/** What is read of it is a Number, or has a mantissa and an exponent. */
function differsLong(got, [high, low]) {
  if (low === 0) return differs(got, high);
  const exact = BigInt(high * 2 ** 64) + BigInt(low * 2 ** 64);
  if (typeof got?.mantissa !== 'bigint') return `expected a LongDouble, got ${typeof got} ${String(got)}`;
  const read = got.mantissa * 2n ** BigInt(got.exponent + 64);
  return read === exact ? undefined : `expected ${exact} / 2**64, got ${read} / 2**64`;
}

const longDouble = {
  c: (name) => `long double ${name}`,
  put: (e) => `s = put_long(s, ${e});`,
  get: (e) => `${e} = long_of(a); a += 3;`,
  value(random) {
    const { js, parts } = randomLong(random);
    return { js, words: parts.map(wordOf) };
  },
  result(random) {
    const { parts } = randomLong(random);
    return { words: parts.map(wordOf), check: (got) => differsLong(got, parts) };
  },
};

function complex(c, round) {
  return {
    c: (name) => `${c} _Complex ${name}`,
    put: (e) => `*s++ = word_of((double)__real__(${e})); *s++ = word_of((double)__imag__(${e}));`,
    get: (e) => `__real__ ${e} = (${c})number_of(*a++); __imag__ ${e} = (${c})number_of(*a++);`,
    value(random) {
      const [re, im] = [randomNumber(random), randomNumber(random)];
      if (random.chance(20)) return { js: re, words: [wordOf(round(re)), 0n] };
      return { js: { re, im }, words: [wordOf(round(re)), wordOf(round(im))] };
    },
    result(random) {
      const [re, im] = [round(randomNumber(random)), round(randomNumber(random))];
      return {
        words: [wordOf(re), wordOf(im)],
        check: (got) => differs(got?.re, re) ?? differs(got?.im, im),
      };
    },
  };
}

const int128 = {
  c: (name) => `__int128 ${name}`,
  put: (e) => `*s++ = (uint64_t)(${e}); *s++ = (uint64_t)((${e}) >> 64);`,
  get: (e) => `${e} = (__int128)((unsigned __int128)a[1] << 64 | a[0]); a += 2;`,
  value(random) {
    const v = randomInteger(random, 128, true);
    return { js: isSafe(v) && random.chance(50) ? Number(v) : v, words: [unsigned(v), unsigned(v >> 64n)] };
  },
  result(random) {
    const v = randomInteger(random, 128, true);
    const check = (got) => differs(typeof got === 'number' && isSafe(v) ? BigInt(got) : got, v);
    return { words: [unsigned(v), unsigned(v >> 64n)], check };
  },
};

const SHADES = { DARK: -3n, NONE: 0n, LIGHT: 7n };
const shade = {
  ...integer('enum shade', 32, true),
  value(random) {
    const name = random.of(Object.keys(SHADES));
    return { js: random.of([name, Number(SHADES[name]), SHADES[name]]), words: [unsigned(SHADES[name])] };
  },
};

/* --- strings and memory ------------------------------------------------------- */

const PIECES = [
  'a',
  'hello, world ',
  'ü',
  'é\xff',
  '€uro',
  '世界',
  '🙂',
  '\ud800',
  '\udc00x',
  '\t',
  '-'.repeat(40),
];

function randomString(random) {
  let text = '';
  for (let n = random.below(random.chance(10) ? 60 : 6); n > 0; n--) text += random.of(PIECES);
  return text;
}

/** FNV-1a, as in C below. */
function hash(bytes) {
  let h = 0xcbf29ce484222325n;
  for (const byte of bytes) h = unsigned((h ^ BigInt(byte)) * 0x100000001b3n);
  return h;
}

/* What C returns pointers to. */
const pool = Buffer.alloc(1 << 16);
const poolAddress = biffi.addressOf(pool);

const string = {
  c: (name) => `const char *${name}`,
  put: (e) => `*s++ = hash(${e});`,
  get: (e) => `${e} = (const char *)*a++;`,
  value(random) {
    if (random.chance(10)) return { js: null, words: [0n] };
    const js = randomString(random);
    const bytes = Buffer.from(js);
    if (random.chance(15)) return { js: Buffer.from(`${js}\0`), words: [hash(bytes)] };
    return { js, words: [hash(bytes)] };
  },
  result(random) {
    if (random.chance(10)) return { words: [0n], check: (got) => differs(got, null) };
    const text = randomString(random);
    const bytes = Buffer.from(`${text}\0`);
    const fill = (offset) => bytes.copy(pool, offset);
    const check = (got) => differs(got, text.toWellFormed?.() ?? bytes.toString('utf8', 0, bytes.length - 1));
    return { words: [{ bytes: bytes.length, fill }], check };
  },
};

/** `void *`: C tells the first byte. */
const address = {
  c: (name) => `void *${name}`,
  put: (e) => `*s++ = ${e} ? 1 + *(const uint8_t *)${e} : 0;`,
  get: (e) => `${e} = (void *)*a++;`,
  value(random) {
    const bytes = Uint8Array.from({ length: 8 + random.below(90) }, () => random.next());
    const words = [1n + BigInt(bytes[0])];
    const at = biffi.pointerAt(bytes);
    const js = random.of([
      null,
      bytes,
      Buffer.from(bytes),
      bytes.buffer,
      new DataView(bytes.buffer),
      at,
      at.cast('int'),
    ]);
    return { js, words: js === null ? [0n] : words };
  },
  result(random) {
    const offset = BigInt(random.below(pool.length));
    const word = random.chance(10) ? 0n : random.chance(50) ? poolAddress + offset : random.word() | 1n;
    return { words: [word], check: (got) => differs(got === null ? 0n : got?.address, word) };
  },
};

/** `const int32_t *`: C tells the first one. */
const numbers = {
  c: (name) => `const int32_t *${name}`,
  put: (e) => `*s++ = ${e} ? (uint64_t)(int64_t)*${e} : 99;`,
  get: (e) => `${e} = (const int32_t *)*a++;`,
  value(random) {
    const list = Int32Array.from({ length: 1 + random.below(40) }, () => random.next());
    const js = random.of([null, list, Array.from(list), Buffer.from(list.buffer), new DataView(list.buffer)]);
    return { js, words: [js === null ? 99n : unsigned(BigInt(list[0]))] };
  },
  result: address.result,
};

/* --- structs and unions ------------------------------------------------------- */

/** A struct, union or array of members: [{ name, type }], or elements. */
function aggregate(random, depth, definitions) {
  const isUnion = random.chance(20);
  const tag = `T${definitions.serial++}`;
  const spelling = `${isUnion ? 'union' : 'struct'} ${tag}`;
  const uniform = random.chance(40) ? scalar(random) : undefined;
  const members = Array.from({ length: 1 + random.below(random.chance(60) ? 3 : 7) }, (_, i) => {
    let type =
      uniform ??
      (depth > 1 && !isUnion && random.chance(25)
        ? aggregate(random, depth - 1, definitions)
        : scalar(random));
    const name = 'abcdefg'[i];
    const way = random.below(100);
    if (way < 15) type = arrayOf(type, 1 + random.below(4));
    else if (way < 30 && !isUnion && type.narrow) type = type.narrow(1 + random.below(type.width));
    else if (way < 36 && !isUnion) type = string; // one that another member wrote would be read by who looks at all
    return { name, type };
  });
  /* One member of a union is what is looked at. */
  const seen = isUnion ? [random.of(members)] : members;
  const packed = random.chance(10) ? '__attribute__((packed)) ' : '';
  definitions.list.push({
    declaration: `${isUnion ? 'union' : 'struct'} ${packed}${tag} { ${members.map(({ name, type }) => `${type.c(name)}; `).join('')}};`,
    source: `static uint64_t *put_${tag}(uint64_t *s, ${spelling} v) { ${seen.map(({ name, type }) => type.put(`v.${name}`)).join(' ')} return s; }
      static const uint64_t *get_${tag}(const uint64_t *a, ${spelling} *v) { memset(v, 0, sizeof *v); ${seen.map(({ name, type }) => type.get(`v->${name}`)).join(' ')} return a; }`,
  });
  const each = (method, ...args) => seen.map(({ name, type }) => [name, type[method](...args)]);
  return {
    c: (name) => `${spelling} ${name}`,
    put: (e) => `s = put_${tag}(s, ${e});`,
    get: (e) => `{ ${spelling} whole; a = get_${tag}(a, &whole); ${e} = whole; }`,
    spelling,
    members: true,
    isUnion,
    value(random, library) {
      const parts = each('value', random, library);
      /* A member that holds a pointer to JavaScript's memory keeps it alive in a value only. */
      const plain = Object.fromEntries(parts.map(([name, part]) => [name, part.js]));
      const js = random.chance(50) ? new library.object[spelling](plain) : plain;
      return { js, words: parts.flatMap(([, part]) => part.words) };
    },
    result(random, library) {
      const parts = each('result', random, library);
      const check = (got) => {
        for (const [name, part] of parts) {
          const wrong = part.check(got?.[name]);
          if (wrong !== undefined) return `.${name}: ${wrong}`;
        }
        return undefined;
      };
      return { words: parts.flatMap(([, part]) => part.words), check };
    },
  };
}

/** Elements do not belong to a library: 64 bits are what they are without the option int64. */
function arrayOf(type, count) {
  const all = Array.from({ length: count }, (_, i) => i);
  return {
    c: (name) => type.c(`${name}[${count}]`),
    put: (e) => all.map((i) => type.put(`${e}[${i}]`)).join(' '),
    get: (e) => all.map((i) => type.get(`${e}[${i}]`)).join(' '),
    value(random, library) {
      const parts = all.map(() => type.value(random, library));
      return { js: parts.map((part) => part.js), words: parts.flatMap((part) => part.words) };
    },
    result(random, library) {
      const parts = all.map(() => type.result(random, type.members ? library : NO_OPTIONS));
      const check = (got) => {
        const wrongs = parts.map((part, i) => part.check(got?.[i]));
        const i = wrongs.findIndex((wrong) => wrong !== undefined);
        return i < 0 ? undefined : `[${i}]${wrongs[i]}`;
      };
      return { words: parts.flatMap((part) => part.words), check };
    },
  };
}

/** A pointer to a const struct: C tells the whole of it. */
function pointerTo(type) {
  return {
    isUnion: type.isUnion,
    c: (name) => `const ${type.c(`*${name}`)}`,
    put: (e) => `*s++ = ${e} != NULL; if (${e}) { ${type.put(`*${e}`)} }`,
    get: (e) => `${e} = (const void *)*a++;`,
    value(random, library) {
      if (random.chance(15)) return { js: null, words: [0n] };
      const { js, words } = type.value(random, library);
      return { js, words: [1n, ...words] };
    },
    result: address.result,
  };
}

const SCALARS = [
  boolean,
  integer('int8_t', 8, true),
  integer('uint8_t', 8, false),
  integer('int16_t', 16, true),
  integer('uint16_t', 16, false),
  integer('int32_t', 32, true),
  integer('int32_t', 32, true),
  integer('uint32_t', 32, false),
  integer('int64_t', 64, true),
  integer('uint64_t', 64, false),
  floating('float', Math.fround),
  floating('float', Math.fround),
  floating('double', (v) => v),
  floating('double', (v) => v),
  shade,
];
const RARE = [longDouble, complex('float', Math.fround), complex('double', (v) => v), int128];
const POINTERS = [string, string, address, numbers];

function scalar(random) {
  return random.of(random.chance(8) ? RARE : SCALARS);
}

function randomType(random, definitions, isResult) {
  if (random.chance(25)) return aggregate(random, 2, definitions);
  if (random.chance(30)) return random.of(POINTERS);
  if (random.chance(8) && !isResult) return pointerTo(aggregate(random, 1, definitions));
  return scalar(random);
}

/* --- variadic arguments --------------------------------------------------------- */

/** What stands for "...": the value brings the type that C reads, as it is or by as(). */
const INTEGER = integer('int', 32, true);
const LONG = integer('long long', 64, true);
const DOUBLE = floating('double', (v) => v);
const VARIADIC = [
  { ...INTEGER, value: (random) => bare(INTEGER, random, (v) => typeof v === 'number') },
  {
    ...LONG,
    value: (random) => bare(LONG, random, (v) => typeof v === 'bigint' || v > 2 ** 31 || v < -(2 ** 31)),
  },
  {
    ...DOUBLE,
    value: (random) => bare(DOUBLE, random, (v) => !Number.isInteger(v) || Math.abs(v) > 2 ** 53),
  },
  { ...string, value: (random) => bare(string, random, (v) => v !== null) },
  address,
  ...[integer('int8_t', 8, true), integer('uint16_t', 16, false)].map((type) => explicit(type, 'int')),
  explicit(floating('float', Math.fround), 'double'),
  explicit(integer('uint64_t', 64, false)),
  explicit(longDouble),
];

function bare(type, random, fits) {
  for (;;) {
    const made = type.value(random);
    if (fits(made.js)) return made;
  }
}

/** as(type, value), which C reads as the promoted type. */
function explicit(type, promoted) {
  return {
    ...type,
    c: promoted === undefined ? type.c : (name) => `${promoted} ${name}`,
    value(random, library) {
      const { js, words } = type.value(random, library);
      return { js: biffi.as(type.c('').trim(), js), words };
    },
  };
}

function explicitAggregate(type) {
  return {
    ...type,
    value(random, library) {
      const { js, words } = type.value(random, library);
      return { js: biffi.as(library.object[type.spelling], js), words };
    },
  };
}

/* --- functions -------------------------------------------------------------------- */

const PRELUDE = `#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
static uint64_t *seen; static const uint64_t *answer;
void use(void *s, void *a) { seen = s; answer = a; }
static inline uint64_t word_of(double v) { uint64_t w; if (v != v) return 0x7ff8000000000000; memcpy(&w, &v, 8); return w; }
static inline double number_of(uint64_t w) { double v; memcpy(&v, &w, 8); return v; }
static inline uint64_t *put_long(uint64_t *s, long double v)
{
	double high = (double)v, middle, low;
	if (high != high || high - high != 0) { *s++ = word_of(high); *s++ = 0; *s++ = 0; return s; }
	middle = (double)(v - high);
	low = (double)(v - high - middle);
	*s++ = word_of(high); *s++ = word_of(middle); *s++ = word_of(low);
	return s;
}
static inline long double long_of(const uint64_t *a)
{
	long double v = number_of(a[0]);
	return a[1] ? v + number_of(a[1]) + number_of(a[2]) : v; /* -0 stays what it is */
}
static inline uint64_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325;
	if (!text) return 0;
	for (; *text; text++) h = (h ^ (uint8_t)*text) * 0x100000001b3;
	return h;
}
`;
const SHADE = 'enum shade { DARK = -3, NONE = 0, LIGHT = 7 };';

/** One function: called by JavaScript with arguments, or (`back`) calling a function of JavaScript with them. */
function randomFunction(random, index, definitions) {
  const most = random.chance(70) ? 8 : 32;
  const params = Array.from({ length: random.below(most + 1) }, () => randomType(random, definitions, false));
  const result = random.chance(10) ? undefined : randomType(random, definitions, true);
  const back = random.chance(20);
  const extra = [];
  if (!back && params.length > 0 && random.chance(20)) {
    for (let n = random.below(33 - params.length); n > 0; n--) {
      extra.push(
        random.chance(10) ? explicitAggregate(aggregate(random, 1, definitions)) : random.of(VARIADIC),
      );
    }
  }
  const name = `f${index}`;
  const list = params.map((type, i) => type.c(`a${i}`));
  const head = (inner) => (result === undefined ? `void ${inner}` : result.c(inner));
  const results = result === undefined ? '' : `${result.c('r')}; ${result.get('r')} return r;`;
  /* The first word says that the function was called, and which. */
  const start = `uint64_t *s = seen; const uint64_t *a = answer; (void)a; *s++ = ${index};`;
  const prototype = back
    ? `int ${name}(${head(`(*callback)(${list.join(', ') || 'void'})`)})`
    : head(`${name}(${[...list, ...(extra.length > 0 ? ['...'] : [])].join(', ') || 'void'})`);
  const body = back
    ? `${start} int error = (int)*a++; if (!callback) { errno = error; return -1; } ${params.map((type, i) => `${type.c(`a${i}`)}; ${type.get(`a${i}`)}`).join(' ')}
       ${result === undefined ? '' : `${result.c('r')} = `}callback(${params.map((_, i) => `a${i}`)}); ${result === undefined ? '' : result.put('r')}
       errno = error; return 0;`
    : `${start} ${params.map((type, i) => type.put(`a${i}`)).join(' ')}
       ${extra.length > 0 ? `va_list v; va_start(v, a${params.length - 1}); ${extra.map((type, i) => `{ ${type.c(`e${i}`)} = va_arg(v, ${type.c('')}); ${type.put(`e${i}`)} }`).join(' ')} va_end(v);` : ''}
       errno = (int)*a++; ${results}`;
  return { name, index, params, extra, result, back, prototype, source: `${prototype} { ${body} }` };
}

/** @returns {{ functions: object[], declarations: string, source: string }} */
function program(seed, count) {
  const random = randomOf(seed);
  const definitions = { serial: 0, list: [] };
  const functions = Array.from({ length: count }, (_, i) => randomFunction(random, i, definitions));
  const types = definitions.list.map(({ declaration }) => declaration).join('\n');
  const declarations = [
    SHADE,
    types,
    'void use(void *s, void *a);',
    ...functions.map((f) => `${f.prototype};`),
  ].join('\n');
  const source = [
    PRELUDE,
    SHADE,
    ...definitions.list.map((d) => `${d.declaration}\n${d.source}`),
    ...functions.map((f) => f.source),
    '',
  ].join('\n');
  return { functions, declarations, source };
}

module.exports = { program, randomOf, pool, poolAddress, NO_OPTIONS };
