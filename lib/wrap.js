'use strict';
/*
 * Wrappers of the V8 tier: one small function a C function. A wrapper checks what
 * a fast call would silently truncate, and gives all that it does not know to the
 * generic call, which converts it or throws.
 *
 * Functions of one shape share a script, which the engine compiles once and runs
 * for each of them: what a run makes has feedback and optimised code of its own,
 * where closures of one run would share theirs.
 *
 * A wrapper is made when its function is read, what it calls when it is first
 * called. The latter is a property of an object that gets it once, so optimised
 * code takes it for the constant that it is.
 */
const vm = require('node:vm');
const { TYPE } = require('./keys');
const { KIND } = require('./type');
const { NativeMemory } = require('./memory');
const { Pointer } = require('./pointer');

/*
 * Conditions on an argument, by the codes of v8_shape.c; 'v' is checked where it arrives. Machine code reads the
 * address of an object with TYPE from its first properties, but only here it can be seen whether it is of the right type.
 */
const type = (i) => `(T${i} ??= type(record, ${i}))`;
const isNumber = (a) => `typeof ${a} === 'number'`;
const CHECKS = {
  b: (a) => `(${a} === true || ${a} === false)`,
  c: (a) => `${isNumber(a)} && ${a} << 24 >> 24 === ${a}`,
  C: (a) => `${isNumber(a)} && (${a} & 255) === ${a}`,
  s: (a) => `${isNumber(a)} && ${a} << 16 >> 16 === ${a}`,
  S: (a) => `${isNumber(a)} && (${a} & 65535) === ${a}`,
  i: (a) => `${isNumber(a)} && (${a} | 0) === ${a}`,
  I: (a) => `${isNumber(a)} && ${a} >>> 0 === ${a}`,
  d: isNumber,
  p: (a, i) => `(${a} === null || (typeof ${a} === 'object' && (${a}[TYPE] === ${type(i)} || isView(${a}))))`,
  P: (a, i) => `(${a} === null || (typeof ${a} === 'object' && (isView(${a}) || ${a}[TYPE] === ${type(i)})))`,
  q: (a) =>
    `(typeof ${a} === 'string' || ${a} === null || (typeof ${a} === 'object' && (isView(${a}) || ${a}[TYPE] !== undefined)))`,
  m: (a, i) => `${a} !== null && typeof ${a} === 'object' && ${a}[TYPE] === ${type(i)}`,
};

/*
 * What is made of the result `r` of the call. Its slow path returns what is wanted; the fast call has no way to return a
 * BigInt: it leaves 64 bits in memory that `signed` and `unsigned` show, and returns NaN or nothing.
 */
const RESULTS = {
  '=': 'r',
  n: 'r === r ? r : signed[0]',
  N: 'r === r ? r : unsigned[0]',
  r: 'r === r ? r : Number(signed[0])',
  R: 'r === r ? r : Number(unsigned[0])',
  b: 'r === undefined ? signed[0] : r',
  B: 'r === undefined ? unsigned[0] : r',
  p: "typeof r !== 'number' ? r : r === 0 ? null : pointer(type(record, -1), r === r ? r : unsigned[0])",
  m: 'r === undefined ? v : r',
};

/*
 * 64 bits of a result; errno, of functions that have it in their results; a byte that a refused fast call sets where it
 * may not throw (until V8 12.4).
 */
const words = new ArrayBuffer(16);
const signed = new BigInt64Array(words, 0, 1);
const unsigned = new BigUint64Array(words, 0, 1);
const number = new Int32Array(words, 8, 1);
const refused = new Uint8Array(words, 12, 1);

/* Texts that are kept for the next function of their shape. */
const TEXTS = 256;

/**
 * A wrapper's parameters and body.
 * @param {string} shape of bf_v8_shape_text: codes of arguments and result, or how many arguments there are; then ':'
 *   and 'e' for results with errno, 'f' where refusals are flagged
 */
function body(shape) {
  const [codes, options] = shape.split(':');
  const plain = Number(codes); // NaN if they are codes
  const count = plain === plain ? plain : codes.length - 1;
  const names = Array.from({ length: count }, (_, i) => `a${i}`);
  const result = (value) => (options.includes('e') ? `{ value: ${value}, errno: number[0] }` : value);
  if (plain === plain) {
    return [
      names,
      `if (arguments.length === ${count}) return ${result(`state.call(${names})`)};
      return ${result('state.call(...arguments)')};`,
    ];
  }
  const stores = codes[count] === 'm';
  const passed = stores ? ['v', ...names] : names;
  const checks = names.map((a, i) => CHECKS[codes[i]]?.(a, i)).filter(Boolean);
  const all = [`arguments.length === ${count}`, ...checks].join(' && ');
  const again = options.includes('f')
    ? `if (refused[0] !== 0) { refused[0] = 0; r = (slow ??= raw(record))(${passed}); }`
    : '';
  return [
    names,
    `if (${all}) {
      ${stores ? 'const v = new (Value ??= type(record, -1).valueConstructor)();' : ''}
      let r = state.call(${passed}); ${again} return ${result(RESULTS[codes[count]])};
    }
    return ${result('generic(record, ...arguments)')};`,
  ];
}

/**
 * @param {object} native the addon
 * @param {Function} pointer (type, address) makes what a pointer is in JavaScript
 * @returns {Function} what the addon calls to wrap one of its functions: name, shape, and the record
 */
function wrapperFor(native, pointer) {
  /** Behind one wrapper. `call` of its own, once it was called: the engine's function. */
  class State {
    constructor(record) {
      this.record = record;
    }

    call(...args) {
      const { record } = this;
      const prepared = native.prepare(record);
      if (prepared === undefined) return native.callGeneric(record, ...args);
      this.call = prepared;
      return this.call(...args);
    }
  }

  const scope = {
    State,
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
    number,
    refused,
  };
  const texts = new Map();

  function textFor(shape) {
    const [parameters, text] = body(shape);
    const used = Object.keys(scope).filter((name) => name === 'State' || text.includes(name));
    const variables = ['slow', 'Value', ...parameters.map((_, i) => `T${i}`)].filter((name) =>
      text.includes(name),
    );
    const found = {
      text: `(function (name, record, values) {
        'use strict';
        const { ${used} } = values;
        const state = new State(record);
        ${variables.length ? `let ${variables};` : ''}
        return ({ __proto__: null, [name](${parameters}) { ${text} } })[name];
      })
      //# sourceURL=biffi`,
      values: Object.fromEntries(used.map((name) => [name, scope[name]])),
    };
    if (texts.size >= TEXTS) texts.delete(texts.keys().next().value);
    texts.set(shape, found);
    return found;
  }

  return function wrap(name, shape, record) {
    const { text, values } = texts.get(shape) ?? textFor(shape);
    return native.runScript(text)(name, record, values);
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
