'use strict';
/**
 * VariadicForeignFunction(funcPtr, returnType, fixedArgTypes, abi): a function that takes the types of a call's
 * variadic arguments and gives the function for them, the same one for the same types.
 */
const assert = require('node:assert');
const debug = require('../../debug.js')('ffi:VariadicForeignFunction');
const ref = require('../../ref-napi/lib/ref.js');
const { FFI_DEFAULT_ABI } = require('./bindings.js');
const { CIF_var } = require('./cif.js');
const { fromCif, make } = require('./_foreign_function.js');

const ids = new WeakMap();
let last = 0;

/** A type is itself, not what it looks like. */
function idOf(type) {
  if (!ids.has(type)) ids.set(type, ++last);
  return ids.get(type);
}

module.exports = function VariadicForeignFunction(funcPtr, returnType, fixedArgTypes, abi) {
  debug('creating new VariadicForeignFunction', funcPtr);
  assert(Buffer.isBuffer(funcPtr), 'expected Buffer as first argument');
  assert(!!returnType, 'expected a return "type" object as the second argument');
  assert(Array.isArray(fixedArgTypes), 'expected Array of arg "type" objects as the third argument');
  const fixed = fixedArgTypes.map((type) => ref.coerceType(type));
  const cache = new Map();

  function variadic_function_generator(...types) {
    const argTypes = fixed.concat(types.map((type) => ref.coerceType(type)));
    const result = ref.coerceType(variadic_function_generator.returnType);
    const key = [result, ...argTypes].map(idOf).join();
    let func = cache.get(key);
    if (!func) {
      debug('creating the variadic function for key', key);
      assert(fixed.length >= 1, 'expected the number of fixed arguments to be at least 1');
      func =
        abi !== undefined && abi !== FFI_DEFAULT_ABI
          ? fromCif(CIF_var(result, argTypes, fixed.length, abi), funcPtr, result, argTypes)
          : make(funcPtr, result, argTypes, fixed.length);
      cache.set(key, func);
    }
    return func;
  }

  // May be overwritten, for the rare function whose result varies as well.
  variadic_function_generator.returnType = returnType;
  return variadic_function_generator;
};
