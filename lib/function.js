'use strict';
/*
 * Functions: the last three of the five steps that bind one. Map the types (the
 * declaration's type object), prepare the call and make the function (both in the
 * addon: src/node/function.c).
 */
const native = require('./native');
const { HANDLE, MEMORY } = require('./keys');
const { KIND, typeOf, typeFromHandle } = require('./type');
const { addressOf } = require('./memory');
const { State, wrapperOf } = require('./wrap');
const { failure, expected, optionsOf, inspect } = require('./errors');

/* BF_FUNCTION_..., BF_INT64_..., BF_CONV_OWNED */
const FUNCTION_ERRNO = 1;
const RESULT_FLAGS = { bigint: 4, number: 8 };
const RESULT_OWNED = 16;

/** What bound functions have beyond Function.prototype. */
class BoundFunction extends Function {
  /** The function's address. */
  get address() {
    return BigInt(native.functionAddress(this));
  }

  /** Its C type. */
  get type() {
    return typeFromHandle(native.functionTypeOf(this));
  }

  /**
   * Calls C on libuv's thread pool. The result's Promise; arguments stay alive until it settles.
   * A last argument `{ signal }` beyond C's own cancels the call as long as it has not started.
   * @param {...unknown} args
   * @returns {Promise<unknown>}
   */
  async(...args) {
    const last = args.at(-1);
    if (last !== null && typeof last === 'object' && last.signal instanceof AbortSignal) {
      return abortable(this, args.slice(0, -1), last.signal);
    }
    return native.callAsync(this, ...args);
  }

  /** As C declares it. */
  toString() {
    return this.type.spelling;
  }

  [inspect.custom]() {
    return `[${this.name}: ${this.type.spelling}]`;
  }
}
delete BoundFunction.prototype.constructor;

/* Calls that a signal may still cancel. */
const cancellable = new WeakMap();

function tokensOf(signal) {
  let tokens = cancellable.get(signal);
  if (tokens === undefined) {
    cancellable.set(signal, (tokens = new Set()));
    signal.addEventListener('abort', () => tokens.forEach(native.cancel), { once: true });
  }
  return tokens;
}

async function abortable(bound, args, signal) {
  signal.throwIfAborted();
  const tokens = tokensOf(signal);
  const [promise, token] = native.callCancellable(bound, ...args);
  tokens.add(token);
  try {
    return await promise;
  } catch (error) {
    throw signal.aborted && error?.code === 'BF_ECLOSED' ? signal.reason : error;
  } finally {
    tokens.delete(token);
  }
}

function optionFlags({ int64, errno, owned } = {}) {
  if (int64 !== undefined && int64 !== 'auto' && !(int64 in RESULT_FLAGS)) {
    throw expected('option int64', "'bigint', 'number' or 'auto'", int64);
  }
  return [errno ? FUNCTION_ERRNO : 0, (RESULT_FLAGS[int64] ?? 0) | (owned ? RESULT_OWNED : 0)];
}

/**
 * Steps three to five: a JavaScript function for the C function at `address`.
 * @param {string} name for messages
 * @param {number | bigint} address
 * @param {object} type the addon's handle of its function type
 * @param {object | null} library the addon's handle; null: nothing closes it
 * @param {[number, number]} flags of optionFlags
 */
function makeFunction(name, address, type, library, flags) {
  const bound = native.makeFunction(name, address, library, type, flags[0], flags[1]);
  return Object.setPrototypeOf(bound, BoundFunction.prototype);
}

/* Types that must stay as long as a function, beside those that the library object holds. */
const held = new WeakMap();

/**
 * The same for a function that declarations name. The V8 tier makes its wrapper now, the record when it is called.
 * @param {object} binding see bind() of library.js
 * @param {string} name
 * @param {number} index in the declarations
 */
function makeDeclared(binding, name, index) {
  const { declared, addresses, flags } = binding;
  if (addresses[index] === 0) {
    const symbol = native.declaredThing(declared, index);
    addresses[index] = Number(native.librarySymbol(binding.handle, symbol));
  }
  const make = native.declaredWrap(declared, index, flags[0], flags[1]);
  const state = new State(name, undefined, binding, index);
  const bound = make === undefined ? native.functionOfRecord(state.record) : wrapperOf(make, state);
  if (binding.structs !== undefined) held.set(bound, binding.structs);
  return Object.setPrototypeOf(bound, BoundFunction.prototype);
}

/**
 * Calls C by address: a function of the given type for what a pointer points to.
 * @param {bigint | number | object | Function} where address, Pointer, or a bound function
 * @param {unknown} type a function type: fn('int', ['int']), 'int (int)', 'int (*)(int)'
 * @param {{ name?: string, int64?: 'auto' | 'bigint' | 'number', errno?: boolean, owned?: boolean }} [options]
 */
function functionAt(where, type, options) {
  const given = optionsOf('functionAt()', options);
  let target = typeOf(type);
  if (target.resolved.kindNumber === KIND.POINTER) target = target.resolved.base;
  if (target.resolved.kindNumber !== KIND.FUNCTION) {
    throw failure('BF_ETYPE', `functionAt(): expected a function type, got ${target.spelling}`);
  }
  let address = where;
  if (typeof where === 'function') address = native.functionAddress(where);
  else if (where !== null && typeof where === 'object' && where[MEMORY] !== undefined)
    address = addressOf(where);
  if ((typeof address !== 'bigint' && !Number.isSafeInteger(address)) || BigInt(address) === 0n) {
    throw expected('functionAt()', 'an address or a pointer', where);
  }
  return makeFunction(given.name ?? 'function', address, target[HANDLE], null, optionFlags(given));
}

/** A function pointer that C returned, as a function. */
function functionOfPointer(type, address) {
  return makeFunction(type.resolved.name ?? 'function', address, type[HANDLE], null, [0, 0]);
}

module.exports = {
  BoundFunction,
  makeFunction,
  makeDeclared,
  functionAt,
  functionOfPointer,
  optionFlags,
};
