'use strict';
/**
 * The base of array instances: `length`, and accessors `0` ... `length - 1` that call the subclass' symbols. The
 * accessors stand on the prototype and grow with the longest instance, so they cost an instance nothing.
 */
const kGet = Symbol('get');
const kSet = Symbol('set');
const kLength = Symbol('length');
const MAX_LENGTH = 2 ** 32;

const descriptors = [];

function descriptor(index) {
  descriptors[index] ??= {
    enumerable: true,
    configurable: true,
    get() {
      return this[kGet](index);
    },
    set(value) {
      this[kSet](index, value);
    },
  };
  return descriptors[index];
}

function setLength(value) {
  const length = value > MAX_LENGTH ? MAX_LENGTH : value | 0;
  const proto = Object.getPrototypeOf(this);
  for (let i = proto[kLength] | 0; i < length; i++) Object.defineProperty(proto, i, descriptor(i));
  if (length > (proto[kLength] | 0)) proto[kLength] = length;
  this[kLength] = length;
}

function getLength() {
  return this[kLength];
}

/** Constructor: called on a new instance. */
function Indexed() {
  Object.defineProperty(this, kLength, { value: 0, writable: true });
  Object.defineProperty(this, 'length', {
    get: getLength,
    set: setLength,
    enumerable: false,
    configurable: true,
  });
}

Indexed.prototype.toArray = function toArray() {
  return Array.from({ length: this.length }, (_, i) => this[i]);
};

Indexed.prototype.toJSON = function toJSON() {
  return this.toArray();
};

Indexed.prototype.toString = function toString(...args) {
  return this.toArray().toString(...args);
};

Indexed.prototype.inspect = function inspect() {
  return Object.assign(this.toArray(), this);
};

module.exports = { Indexed, kGet, kSet };
