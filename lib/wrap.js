'use strict';
/*
 * Wrappers of the V8 tier: one small function a C function. A wrapper checks what
 * a fast call would silently truncate, and gives all that it does not know to the
 * generic call, which converts it or throws.
 *
 * Functions of one shape share a script, which is compiled once and run for each
 * of them: the engine gives what a run makes feedback and optimised code of its
 * own, where closures of one run would share theirs.
 */
const vm = require('node:vm');
const { TYPE } = require('./keys');
const { KIND } = require('./type');
const { NativeMemory } = require('./memory');
const { Pointer } = require('./pointer');

/*
 * Conditions on an argument, by the codes of v8_tier.c; 'v' is checked where it arrives. Machine code reads the
 * address of an object with TYPE from its first properties, but only here it can be seen whether it is of the right type.
 */
const type = (i) => `(T${i} ??= type(record, ${i}))`;
const number = (a) => `typeof ${a} === 'number'`;
const CHECKS = {
  b: (a) => `(${a} === true || ${a} === false)`,
  c: (a) => `${number(a)} && ${a} << 24 >> 24 === ${a}`,
  C: (a) => `${number(a)} && (${a} & 255) === ${a}`,
  s: (a) => `${number(a)} && ${a} << 16 >> 16 === ${a}`,
  S: (a) => `${number(a)} && (${a} & 65535) === ${a}`,
  i: (a) => `${number(a)} && (${a} | 0) === ${a}`,
  I: (a) => `${number(a)} && ${a} >>> 0 === ${a}`,
  d: number,
  p: (a, i) => `(${a} === null || (typeof ${a} === 'object' && (${a}[TYPE] === ${type(i)} || isView(${a}))))`,
  P: (a, i) => `(${a} === null || (typeof ${a} === 'object' && (isView(${a}) || ${a}[TYPE] === ${type(i)})))`,
  q: (a) =>
    `(typeof ${a} === 'string' || ${a} === null || (typeof ${a} === 'object' && (isView(${a}) || ${a}[TYPE] !== undefined)))`,
  m: (a, i) => `${a} !== null && typeof ${a} === 'object' && ${a}[TYPE] === ${type(i)}`,
};

/*
 * How the result `r` of the call is returned. Its slow path returns what is wanted; the fast call has no way to return a
 * BigInt: it leaves 64 bits in memory that `signed` and `unsigned` show, and returns NaN or nothing.
 */
const RESULTS = {
  '=': 'return r;',
  n: 'return r === r ? r : signed[0];',
  N: 'return r === r ? r : unsigned[0];',
  r: 'return r === r ? r : Number(signed[0]);',
  R: 'return r === r ? r : Number(unsigned[0]);',
  b: 'return r === undefined ? signed[0] : r;',
  B: 'return r === undefined ? unsigned[0] : r;',
  p: "return typeof r !== 'number' ? r : r === 0 ? null : pointer(type(record, -1), r === r ? r : unsigned[0]);",
  m: 'return r === undefined ? v : r;',
};

/* 64 bits of a result, then a byte that a refused fast call sets where it may not throw (until V8 12.4). */
const words = new ArrayBuffer(16);
const signed = new BigInt64Array(words, 0, 1);
const unsigned = new BigUint64Array(words, 0, 1);
const refused = new Uint8Array(words, 8, 1);

/* Scripts that are kept for the next function of their shape. */
const SCRIPTS = 256;

function body(count, codes, flagged) {
  const names = Array.from({ length: count }, (_, i) => `a${i}`);
  if (codes === '')
    return [names, `return arguments.length === ${count} ? call(${names}) : call(...arguments);`];
  const stores = codes[count] === 'm';
  const passed = stores ? ['v', ...names] : names;
  const checks = names.map((a, i) => CHECKS[codes[i]]?.(a, i)).filter(Boolean);
  const all = [`arguments.length === ${count}`, ...checks].join(' && ');
  const again = flagged
    ? `if (refused[0] !== 0) { refused[0] = 0; r = (slow ??= raw(record))(${passed}); }`
    : '';
  return [
    names,
    `if (${all}) {
      ${stores ? 'const v = new (Value ??= type(record, -1).valueConstructor)();' : ''}
      let r = call(${passed}); ${again} ${RESULTS[codes[count]]}
    }
    return generic(record, ...arguments);`,
  ];
}

/**
 * @param {object} native the addon
 * @param {Function} pointer (type, address) makes what a pointer is in JavaScript
 * @returns {Function} what the addon calls to wrap one of its functions: name, number of arguments, codes of
 *   arguments and result, the engine's function, the record, and whether refusals are flagged
 */
function wrapperFor(native, pointer) {
  const scope = {
    generic: native.callGeneric,
    raw: native.rawFunction,
    type(record, index) {
      const found = native.typeOf(record, index);
      return index >= 0 && found.resolved.kindNumber === KIND.POINTER
        ? found.resolved.base.resolved
        : found.resolved;
    },
    pointer,
    isView: ArrayBuffer.isView,
    TYPE,
    signed,
    unsigned,
    refused,
  };
  const names = Object.keys(scope);
  const values = Object.values(scope);
  const scripts = new Map();

  function scriptFor(count, codes, flagged) {
    const shape = `${count} ${codes} ${flagged}`;
    let script = scripts.get(shape);
    if (script !== undefined) return script;
    const [parameters, text] = body(count, codes, flagged);
    const variables = ['slow', 'Value', ...parameters.map((_, i) => `T${i}`)];
    script = new vm.Script(
      `(function (name, call, record, ${names}) {
        'use strict'; let ${variables}; return ({ [name](${parameters}) { ${text} } })[name];
      })`,
      { filename: 'biffi' },
    );
    if (scripts.size >= SCRIPTS) scripts.delete(scripts.keys().next().value);
    scripts.set(shape, script);
    return script;
  }

  return function wrap(name, count, codes, call, record, flagged) {
    return scriptFor(count, codes, flagged).runInThisContext()(name, call, record, ...values);
  };
}

/**
 * For callbacks with pointers: what C calls instead of the function, with it and with addresses in the pointers' place.
 * @param {string} codes 'p' for a pointer, anything else for what is passed on
 * @param {object[]} types of the pointers
 */
function adapterFor(pointer) {
  return function adapt(codes, types) {
    const names = Array.from(codes, (_, i) => `a${i}`);
    const passed = names.map((a, i) =>
      codes[i] === 'p' ? `${a} === 0 ? null : pointer(types[${i}], ${a})` : a,
    );
    return vm.compileFunction(`'use strict'; return (f, ${names}) => f(${passed});`, ['pointer', 'types'])(
      pointer,
      types,
    );
  };
}

/** Values in memory for the addon to look at: see bf_v8_layout_probe_values. */
function samples(view) {
  const more = new Pointer(undefined, view, 24);
  for (let i = 0; i < 12; i++) Object.defineProperty(more, `property${i}`, { value: i });
  return [new Pointer(undefined, view, 24), new Pointer(undefined, new NativeMemory(0x14000, 100), 8), more];
}

/* One Pointer that stays, for the reason that keepOne() of struct.js gives. */
let pointers;

/** Opens the V8 tier where there is one. Returns whether it did. */
function setup(native, pointer) {
  const view = new DataView(new ArrayBuffer(64), 8);
  pointers = samples(view);
  return native.setupTier(wrapperFor(native, pointer), words, pointers, view, adapterFor(pointer));
}

module.exports = { setup };
