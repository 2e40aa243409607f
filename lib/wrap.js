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
const { TYPE, RECORD } = require('./keys');
const { KIND } = require('./type');
const { NativeMemory } = require('./memory');
const { Pointer } = require('./pointer');

/*
 * Conditions on an argument @, whose number is #, by the codes of v8_shape.c; 'v' is checked where it arrives. Machine code
 * reads the address of an object with TYPE from its first properties, but only here it can be seen whether it is of the
 * right type.
 */
const CHECKS = {
  b: '(@ === true || @ === false)',
  c: "typeof @ === 'number' && @ << 24 >> 24 === @",
  C: "typeof @ === 'number' && (@ & 255) === @",
  s: "typeof @ === 'number' && @ << 16 >> 16 === @",
  S: "typeof @ === 'number' && (@ & 65535) === @",
  i: "typeof @ === 'number' && (@ | 0) === @",
  I: "typeof @ === 'number' && @ >>> 0 === @",
  d: "typeof @ === 'number'",
  p: "(@ === null || (typeof @ === 'object' && (@[TYPE] === (T# ??= state.type(#)) || isView(@))))",
  P: "(@ === null || (typeof @ === 'object' && (isView(@) || @[TYPE] === (T# ??= state.type(#)))))",
  q: "(typeof @ === 'string' || @ === null || (typeof @ === 'object' && (isView(@) || @[TYPE] !== undefined)))",
  m: "@ !== null && typeof @ === 'object' && @[TYPE] === (T# ??= state.type(#))",
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
  p: "typeof r !== 'number' ? r : r === 0 ? null : state.pointer((R ??= state.type(-1)), r === r ? r : unsigned[0])",
  m: 'r === undefined ? v : r',
};

/*
 * 64 bits of a result; errno, of functions that have it in their results; a byte that a refused fast call sets where it
 * may not throw (until V8 12.4).
 */
const words = new ArrayBuffer(16);
const signed = new BigInt64Array(words, 0, 1);
const unsigned = new BigUint64Array(words, 0, 1);
const errno = new Int32Array(words, 8, 1);
const refused = new Uint8Array(words, 12, 1);

/**
 * The text of a shape's script.
 * @param {string} shape of bf_v8_shape_text: codes of arguments and result, or how many arguments there are; then ':'
 *   and 'e' for results with errno, 'f' where refusals are flagged
 */
function textOf(shape) {
  const end = shape.indexOf(':');
  const hasErrno = shape.includes('e', end);
  const plain = shape[0] >= '0' && shape[0] <= '9';
  const count = plain ? Number(shape.slice(0, end)) : end - 1;
  const before = hasErrno ? 'return { value: ' : 'return ';
  const after = hasErrno ? ', errno: errno[0] };' : ';';
  let names = '';
  let checks = `arguments.length === ${count}`;
  let variables = 'slow, R';

  for (let i = 0; i < count; i++) {
    const name = `a${i}`;
    const check = plain ? undefined : CHECKS[shape[i]];
    names += i === 0 ? name : `, ${name}`;
    if (check !== undefined) checks += ' && ' + check.replaceAll('@', name).replaceAll('#', `${i}`);
    if (check?.includes('#')) variables += `, T${i}`;
  }

  let text;
  if (plain) {
    text = `if (${checks}) ${before}state.call(${names})${after}
    ${before}state.call(...arguments)${after}`;
  } else {
    const stores = shape[count] === 'm';
    const passed = stores ? (count === 0 ? 'v' : `v, ${names}`) : names;
    const value = stores ? 'const v = new (R ??= state.type(-1).valueConstructor)();' : '';
    const again = shape.includes('f', end)
      ? `if (refused[0] !== 0) { refused[0] = 0; r = (slow ??= state.raw(state.record))(${passed}); }`
      : '';
    text = `if (${checks}) {
      ${value} let r = state.call(${passed}); ${again}
      ${before}${RESULTS[shape[count]]}${after}
    }
    ${before}state.generic(state.record, ...arguments)${after}`;
  }
  return `(function (name, state, TYPE, isView, signed, unsigned, errno, refused) {
  'use strict';
  let ${variables};
  return ({ __proto__: null, [name](${names}) {
    ${text}
  } })[name];
})
//# sourceURL=biffi`;
}

/**
 * What the addon calls to wrap one of its functions.
 * @param {object} native the addon
 * @param {Function} makePointer (type, address) makes what a pointer is in JavaScript
 * @returns {[Function, Function]} shape -> text of its script; (name, record, what a run of the script gave, its
 *   number in the order of the former) -> wrapper
 */
function wrappersFor(native, makePointer) {
  /** Behind one wrapper. `call` of its own, once it was called: the engine's function. */
  class State {
    constructor(record, script) {
      this.record = record;
      this.script = script;
    }

    call(...args) {
      const prepared = native.prepare(this.record);
      if (prepared === undefined) {
        return native.callGeneric(this.record, ...(stores[this.script] ? args.slice(1) : args));
      }
      this.call = prepared;
      return this.call(...args);
    }

    type(index) {
      const found = native.typeOf(this.record, index);
      return index >= 0 && found.resolved.kindNumber === KIND.POINTER
        ? found.resolved.base.resolved
        : found.resolved;
    }
  }
  Object.assign(State.prototype, {
    generic: native.callGeneric,
    raw: native.rawFunction,
    pointer: makePointer,
  });

  const { isView } = ArrayBuffer;
  /* Whether a script's wrappers pass, first, a value for the result to be stored in. */
  const stores = [];

  function source(shape) {
    stores.push(shape.includes('m:'));
    return textOf(shape);
  }

  function wrap(name, record, make, script) {
    const wrapper = make(name, new State(record, script), TYPE, isView, signed, unsigned, errno, refused);
    wrapper[RECORD] = record;
    return wrapper;
  }

  return [source, wrap];
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
  const functions = [...wrappersFor(native, pointer), adapterFor(pointer)];
  return native.setupTier(functions, words, pointers, view);
}

module.exports = { setup };
