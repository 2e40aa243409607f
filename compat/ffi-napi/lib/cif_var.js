'use strict';
/** CIF_var(returnType, argTypes, numFixedArgs, abi): a Buffer with an `ffi_cif` of a variadic call. */
module.exports = require('./cif.js').CIF_var;
