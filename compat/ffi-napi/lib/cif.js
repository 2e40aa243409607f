'use strict';
/**
 * CIF(returnType, argTypes, abi): a Buffer with an `ffi_cif`, checked by libffi.
 */
const assert = require('node:assert');
const ref = require('../../ref-napi/lib/ref.js');
const ffiType = require('./type.js');
const {
  FFI_BAD_ABI,
  FFI_BAD_TYPEDEF,
  FFI_CIF_SIZE,
  FFI_DEFAULT_ABI,
  FFI_OK,
  libffi,
} = require('./bindings.js');

const NAMES = { [FFI_BAD_TYPEDEF]: 'FFI_BAD_TYPEDEF', [FFI_BAD_ABI]: 'FFI_BAD_ABI' };

function check(status, name) {
  if (status === FFI_OK) return;
  const known = NAMES[status];
  const error = new Error(
    known ? `${name}() returned an ${known} error` : `${name}() returned an error: ${status}`,
  );
  if (known) error.code = known;
  error.errno = status;
  throw error;
}

function prepare(rtype, types) {
  assert(!!rtype, 'expected a return "type" object as the first argument');
  assert(Array.isArray(types), 'expected an Array of arg "type" objects as the second argument');
  const cif = Buffer.alloc(FFI_CIF_SIZE);
  const rtypePtr = ffiType(rtype);
  const typesPtr = Buffer.alloc(types.length * ref.sizeof.pointer);
  types.forEach((type, i) => ref.writePointer(typesPtr, i * ref.sizeof.pointer, ffiType(type)));
  // libffi keeps these addresses in the cif.
  cif.rtnTypePtr = rtypePtr;
  cif.argTypesPtr = typesPtr;
  return cif;
}

/**
 * @param {any} rtype
 * @param {any[]} types
 * @param {number} [abi]
 * @returns {Buffer}
 * @throws {Error} with code FFI_BAD_TYPEDEF or FFI_BAD_ABI
 */
function CIF(rtype, types, abi = FFI_DEFAULT_ABI) {
  const cif = prepare(rtype, types);
  check(libffi.prepCif(cif, types.length, cif.rtnTypePtr, cif.argTypesPtr, abi), 'ffi_prep_cif');
  return cif;
}

/** The same for a variadic function. */
function CIF_var(rtype, types, numFixedArgs, abi = FFI_DEFAULT_ABI) {
  assert(!!rtype, 'expected a return "type" object as the first argument');
  assert(Array.isArray(types), 'expected an Array of arg "type" objects as the second argument');
  assert(numFixedArgs >= 1, 'expected the number of fixed arguments to be at least 1');
  const cif = prepare(rtype, types);
  const status = libffi.prepCifVar(cif, numFixedArgs, types.length, cif.rtnTypePtr, cif.argTypesPtr, abi);
  check(status, 'ffi_prep_cif_var');
  return cif;
}

module.exports = CIF;
module.exports.CIF_var = CIF_var;
