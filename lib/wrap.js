'use strict';
/*
 * Wrappers of the V8 tier: one small function a C function, whose text and purpose is
 * in src/node/v8_text.c.
 *
 * Functions of one shape share a script, which the engine compiles once. It gives
 * a function that makes wrappers, of which the addon binds one anew for each: what
 * that makes has feedback and optimised code of its own, where the wrappers of one
 * would share theirs.
 *
 * A wrapper is made when its function is read, what it calls when it is first
 * called. The latter is a property of an object that gets it once, so optimised
 * code takes it for the constant that it is.
 */
const vm = require('node:vm');
const native = require('./native');
const { MEMORY, TYPE, RECORD, FRESH } = require('./keys');
const { KIND } = require('./type');
const { NativeMemory, everywhere } = require('./memory');
const { Pointer } = require('./pointer');

/*
 * 64 bits of a result; errno, of functions that have it in their results; a byte that a refused fast call sets, since
 * it may not throw, and a byte that is always zero; numbers for the adapters of callbacks.
 */
const words = new ArrayBuffer(16 + 16 * 8);
const signed = new BigInt64Array(words, 0, 1);
const unsigned = new BigUint64Array(words, 0, 1);
const errno = new Int32Array(words, 8, 1);
const refused = new Uint8Array(words, 12, 1);
const zero = new Uint8Array(words, 13, 1);
const values = new Float64Array(words, 16);

/** Behind one wrapper. `call` of its own, once it was called: the engine's function. */
class State {
  /**
   * @param {string} name
   * @param {object | undefined} record the addon's; undefined: made when it is needed
   * @param {object} [binding] what of, see bind() of library.js
   * @param {number} [index] of the function in its declarations
   */
  constructor(name, record, binding, index) {
    this.name = name;
    this.made = record;
    this.binding = binding;
    this.index = index;
    this.types = undefined;
  }

  get record() {
    if (this.made === undefined) {
      const { declared, addresses, handle, flags } = this.binding;
      this.made = native.declaredRecord(declared, this.index, addresses[this.index], handle, ...flags);
    }
    return this.made;
  }

  /** For the addon, which finds a State under RECORD of a wrapper. */
  get [RECORD]() {
    return this.record;
  }

  call(...args) {
    const prepared = native.prepare(this.record);
    if (prepared === undefined) {
      return native.callGeneric(this.record, ...(this.stores ? args.slice(1) : args));
    }
    this.call = prepared;
    return this.call(...args);
  }

  /** The same without the fast call. */
  raw() {
    return native.rawFunction(this.record) ?? ((...args) => this.call(...args));
  }

  /** The type of an argument; -1: of the result. */
  type(index) {
    this.types ??= [];
    return (this.types[index + 1] ??= native.typeOf(this.record, index));
  }

  /** Is what lies in memory as this type right for argument `index`, or to be pointed to by it? */
  takes(index, type) {
    return type !== undefined && native.takes(this.record, index, type);
  }

  /**
   * For argument `index`: what has an address, where the value is an object or array that has none, as the generic
   * call makes it too; undefined: there is nothing to make, or the generic call is to say why not.
   */
  place(index, value) {
    if (value === null || typeof value !== 'object' || value[MEMORY] !== undefined) return;
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return;
    const type = this.type(index);
    const { toPointer, toMemory } = this.hooks;
    const made = type.resolved.kindNumber === KIND.POINTER ? toPointer(type, value) : toMemory(type, value);
    return made[MEMORY] === undefined && made instanceof Error ? undefined : made;
  }
}

/** A wrapper of a State, by the function that the addon has of the shape's script for it alone. */
function wrapperOf(make, state) {
  const { isView } = ArrayBuffer;
  const wrapper = make(
    state,
    state.name,
    TYPE,
    FRESH,
    isView,
    Array.isArray,
    signed,
    unsigned,
    errno,
    refused,
    zero,
  );
  wrapper[RECORD] = state;
  return wrapper;
}

/* How an argument of a callback comes: the parameters that carry it, and the value made of them. */
const ARGUMENTS = {
  s: (i) => [[`a${i}`], `a${i}`],
  u: (i) => [[`a${i}`], `a${i} >>> 0`],
  d: (i) => [[], `values[${i}]`],
  p: (i) => [
    [`h${i}`, `l${i}`],
    `(h${i} | l${i}) === 0 ? null : new Pointer(T${i}, everywhere, ${address(i)})`,
  ],
  f: (i) => [[`h${i}`, `l${i}`], `(h${i} | l${i}) === 0 ? null : pointer(T${i}, ${address(i)})`],
};
const address = (i) => `h${i} * 4294967296 + (l${i} >>> 0)`;

/* What becomes of a callback's result: numbers and booleans are returned, the addon converts the others. */
const RETURNS = {
  v: (call) => `${call}; return 0;`,
  n: (call) => `const r = ${call}; if (typeof r === 'number') return r; callbackResult(r);`,
  b: (call) => `const r = ${call}; if (r === true || r === false) return r; callbackResult(r);`,
  o: (call) => `callbackResult(${call});`,
};

/**
 * @returns {Function} what the addon calls to make an adapter: the function that C calls in the place of a callback's
 *   own, with that one as its first argument (src/node/v8_callback.h). Takes a code for each argument and the result,
 *   and the types of the pointers. An adapter returns a number, a boolean or undefined, and never throws.
 */
function adapterFor(pointer) {
  const { callbackResult, callbackThrew } = native;
  const scripts = new Map();

  function scriptFor(codes) {
    let script = scripts.get(codes);
    if (script !== undefined) return script;
    const list = Array.from(codes.slice(0, -1), (code, i) => ARGUMENTS[code](i));
    const parameters = ['f', ...list.flatMap(([names]) => names)];
    const call = `f(${list.map(([, value]) => value)})`;
    const types = list.map((_, i) => `T${i}`);
    script = new vm.Script(
      `(function (values, Pointer, everywhere, pointer, callbackResult, callbackThrew, ${types}) {
        'use strict'; return (${parameters}) => {
          try { ${RETURNS[codes.at(-1)](call)} } catch (error) { callbackThrew(error); }
        };
      })`,
      { filename: 'biffi' },
    );
    scripts.set(codes, script);
    return script;
  }

  return function adapt(codes, types) {
    const isFunction = (type) => type.resolved.base.resolved.kindNumber === KIND.FUNCTION;
    const own = codes.replace(/p/g, (code, i) => (isFunction(types[i]) ? 'f' : 'p'));
    const known = Array.from(own, (code, i) => (code === 'p' ? types[i].resolved.base : types[i]));
    return scriptFor(own).runInThisContext()(
      values,
      Pointer,
      everywhere,
      pointer,
      callbackResult,
      callbackThrew,
      ...known,
    );
  };
}

/** Values in memory and functions for the addon to look at: see bf_v8_layout_probe_values and the next. */
function samples(view) {
  const more = new Pointer(undefined, view, 24);
  for (let i = 0; i < 12; i++) Object.defineProperty(more, `property${i}`, { value: i });
  const bound = () => {};
  bound[TYPE] = undefined;
  return [
    new Pointer(undefined, view, 24),
    new Pointer(undefined, new NativeMemory(0x14000, 100), 8),
    more,
    () => {},
    bound,
  ];
}

/* One Pointer that stays, for the reason that keepOne() of struct.js gives. */
let pointers;

/*
 * V8 10.2 (Node.js 18) makes fast calls behind a flag only, and has them for whole processes: Node.js's own functions and
 * other addons' would be called so too, which nobody tested there. So it takes a word of the user to switch them on.
 */
function switchOn() {
  if (process.env.BIFFI_TIER !== 'v8' || !process.versions.v8.startsWith('10.2.')) return;
  require('node:v8').setFlagsFromString('--turbo-fast-api-calls'); // takes long to load
}

/**
 * Opens the V8 tier where there is one.
 * @param {object} hooks of hooks.js: pointer, toPointer, toMemory
 * @returns {boolean} whether it did
 */
function setup(hooks) {
  const view = new DataView(new ArrayBuffer(64), 8);
  pointers = samples(view);
  Object.assign(State.prototype, {
    stores: false,
    generic: native.callGeneric,
    pointer: hooks.pointer,
    hooks,
  });
  const wrap = (make, name, record) => wrapperOf(make, new State(name, record));
  const functions = [wrap, adapterFor(hooks.pointer)];
  const open = native.setupTier(functions, words, pointers, view);
  if (open) switchOn();
  return open;
}

module.exports = { State, wrapperOf, setup };
