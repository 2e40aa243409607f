'use strict';
/*
 * Callbacks that live longer than a call: a JavaScript function as a C function
 * pointer, until it is released or collected. A function that is passed directly
 * lives for the call only.
 */
const native = require('./native');
const { HANDLE, MEMORY } = require('./keys');
const { KIND, typeOf } = require('./type');
const { NativeMemory } = require('./memory');
const { Pointer } = require('./pointer');
const { failure, expected, inspect } = require('./errors');

class Callback extends Pointer {
  #entry;

  constructor(type, entry, address) {
    super(type, new NativeMemory(address, Infinity), 0);
    this.#entry = entry;
  }

  /** C may not call it from here on; passing it throws. If C calls it anyway, that is reported and returns zero. */
  release() {
    if (this[MEMORY].freed) return;
    native.releaseCallback(this.#entry);
    this[MEMORY].forget();
  }

  /** Has it been released? */
  get released() {
    return this[MEMORY].freed;
  }

  [Symbol.dispose ?? Symbol.for('nodejs.dispose')]() {
    this.release();
  }

  [inspect.custom]() {
    return `Callback <${this.type.spelling}>${this.released ? ' (released)' : ''}`;
  }
}

/**
 * A C function pointer that calls `fn`. Keep it as long as C may call it: when it is
 * collected it is released.
 * @param {unknown} type a function type, or a pointer to one: 'int (*)(const void *, const void *)'
 * @param {Function} fn
 * @param {{ name?: string }} [options] name: for messages
 */
function callback(type, fn, options = {}) {
  let target = typeOf(type);
  if (target.resolved.kindNumber === KIND.POINTER) target = target.resolved.base;
  if (target.resolved.kindNumber !== KIND.FUNCTION) {
    throw failure('BF_ETYPE', `callback(): expected a function type, got ${target.spelling}`);
  }
  if (typeof fn !== 'function') throw expected('callback()', 'a function', fn);
  const entry = native.makeCallback(target.resolved[HANDLE], fn, options.name ?? (fn.name || 'anonymous'));
  return new Callback(target.resolved, entry, native.callbackAddress(entry));
}

module.exports = { Callback, callback };
