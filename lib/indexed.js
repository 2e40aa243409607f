'use strict';
/*
 * value[i] for arrays and pointers. The indices are found through a Proxy at the end
 * of the prototype chain, so that the values themselves stay plain objects (which
 * the addon and the optimiser can look into); get(i) and set(i, v) are the same
 * without that detour.
 */
const { MEMORY, OFFSET, TYPE } = require('./keys');
const { failure } = require('./errors');

const INDEX = /^(?:0|-?[1-9]\d*)$/;

const handler = {
  get(target, key, receiver) {
    if (typeof key === 'string' && INDEX.test(key)) return receiver.get(Number(key));
    return Reflect.get(target, key, receiver);
  },
  set(target, key, value, receiver) {
    if (typeof key === 'string' && INDEX.test(key)) {
      receiver.set(Number(key), value);
      return true;
    }
    if (typeof key !== 'symbol') {
      throw failure('BF_ETYPE', `${receiver[TYPE]?.spelling ?? 'this value'} has no property '${key}'`);
    }
    return Reflect.set(target, key, value, receiver);
  },
  has(target, key) {
    return Reflect.has(target, key);
  },
};

const end = new Proxy(Object.create(Object.prototype), handler);

/** Gives a prototype with get(i) and set(i, v) the indices. */
function indexed(prototype) {
  Object.setPrototypeOf(prototype, end);
  /* Found here, a constructor's assignments do not go on to the Proxy. */
  for (const key of [MEMORY, OFFSET, TYPE]) {
    Object.defineProperty(prototype, key, { value: undefined, writable: true, configurable: true });
  }
}

module.exports = { indexed };
