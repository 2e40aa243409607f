'use strict';
/**
 * Function(returnType, argTypes, abi): the type of a function pointer. A JavaScript function is what goes in and what
 * comes out.
 */
const assert = require('node:assert');
const ref = require('../../ref-napi/lib/ref.js');
const { FFI_DEFAULT_ABI, FFI_TYPES } = require('./bindings.js');
const Callback = require('./callback.js');
const ForeignFunction = require('./foreign_function.js');

function Function(retType, argTypes, abi) {
  if (!(this instanceof Function)) return new Function(retType, argTypes, abi);
  assert(!!retType, 'expected a return "type" object as the first argument');
  assert(Array.isArray(argTypes), 'expected Array of arg "type" objects as the second argument');
  this.retType = ref.coerceType(retType);
  this.argTypes = argTypes.map((type) => ref.coerceType(type));
  this.abi = abi ?? FFI_DEFAULT_ABI;
}

Function.prototype.ffi_type = FFI_TYPES.pointer;
Function.prototype.size = ref.sizeof.pointer;
Function.prototype.alignment = ref.alignof.pointer;
// Of 1, so that get() and set() are called.
Function.prototype.indirection = 1;

/** @returns {Buffer} a Callback of this type */
Function.prototype.toPointer = function toPointer(fn) {
  return Callback(this.retType, this.argTypes, this.abi, fn);
};

/** @returns {Function} a ForeignFunction of this type */
Function.prototype.toFunction = function toFunction(buf) {
  return ForeignFunction(buf, this.retType, this.argTypes, this.abi);
};

Function.prototype.get = function get(buffer, offset) {
  return this.toFunction(ref.readPointer(buffer, offset));
};

Function.prototype.set = function set(buffer, offset, value) {
  if (typeof value !== 'function' && !Buffer.isBuffer(value)) {
    throw new Error("don't know how to set callback function for: " + value);
  }
  ref.writePointer(buffer, offset, typeof value === 'function' ? this.toPointer(value) : value);
};

module.exports = Function;
