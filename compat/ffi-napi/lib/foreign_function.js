'use strict';
/**
 * ForeignFunction(funcPtr, returnType, argTypes, abi): a JavaScript function that calls the C function there, with
 * `.async(...args, callback)` that calls it on the thread pool.
 */
const assert = require('node:assert');
const debug = require('../../debug.js')('ffi:ForeignFunction');
const ref = require('../../ref-napi/lib/ref.js');
const { FFI_DEFAULT_ABI } = require('./bindings.js');
const CIF = require('./cif.js');
const { fromCif, make } = require('./_foreign_function.js');

/**
 * @param {Buffer} funcPtr
 * @param {any} returnType type or its name
 * @param {any[]} argTypes
 * @param {number} [abi]
 */
module.exports = function ForeignFunction(funcPtr, returnType, argTypes, abi) {
  debug('creating new ForeignFunction', funcPtr);
  assert(Buffer.isBuffer(funcPtr), 'expected Buffer as first argument');
  assert(!!returnType, 'expected a return "type" object as the second argument');
  assert(Array.isArray(argTypes), 'expected Array of arg "type" objects as the third argument');
  const result = ref.coerceType(returnType);
  const args = argTypes.map((type) => ref.coerceType(type));

  if (abi !== undefined && abi !== FFI_DEFAULT_ABI)
    return fromCif(CIF(result, args, abi), funcPtr, result, args);
  try {
    return make(funcPtr, result, args);
  } catch (error) {
    // A broken ffi_type: libffi has its own words for that.
    CIF(result, args, abi);
    throw error;
  }
};
