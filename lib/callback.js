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
const { failure, expected, optionsOf, inspect } = require('./errors');

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

  /** Keeps the event loop alive until unref() or release(): another thread will call. */
  ref() {
    if (!this.released) native.refCallback(this.#entry);
    return this;
  }

  /** Lets the event loop end, as it does unless ref() was called. */
  unref() {
    if (!this.released) native.unrefCallback(this.#entry);
    return this;
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
 *
 * C may call it from any thread. On another thread than JavaScript's the call is queued to
 * the event loop, and the thread waits for the result; what `fn` throws there goes to
 * 'uncaughtException', with the callback's name as error.callback.
 * @param {unknown} type a function type, or a pointer to one: 'int (*)(const void *, const void *)'
 * @param {Function} fn
 * @param {{ name?: string, ref?: boolean, wait?: boolean }} [options] name: for messages; ref: keep the
 *   event loop alive; wait: false lets another thread go on at once (void results only; what pointer
 *   arguments point to must stay)
 */
function callback(type, fn, options) {
  let target = typeOf(type);
  if (target.resolved.kindNumber === KIND.POINTER) target = target.resolved.base;
  if (target.resolved.kindNumber !== KIND.FUNCTION) {
    throw failure('BF_ETYPE', `callback(): expected a function type, got ${target.spelling}`);
  }
  if (typeof fn !== 'function') throw expected('callback()', 'a function', fn);
  const { name = fn.name || 'anonymous', ref = false, wait = true } = optionsOf('callback()', options);
  if (!wait && target.resolved.base.resolved.kindNumber !== KIND.VOID) {
    throw failure('BF_ETYPE', `callback(): wait: false needs a void result, ${target.spelling} has one`);
  }
  const entry = native.makeCallback(target.resolved[HANDLE], fn, name, !wait);
  const made = new Callback(target.resolved, entry, native.callbackAddress(entry));
  return ref ? made.ref() : made;
}

module.exports = { Callback, callback };
