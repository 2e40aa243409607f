'use strict';
/**
 * ffi-napi: C functions as JavaScript functions, JavaScript functions as C function pointers, with the types of
 * ref-napi.
 */
const once = require('../../once.js');

module.exports = once('ffi-napi', () => {
  const ref = require('../../ref-napi/lib/ref.js');
  const bindings = require('./bindings.js');
  const exports = {};
  for (const name of Object.keys(bindings)) {
    if (/^(FFI_TYPES|FFI_OK|FFI_BAD_\w+|FFI_\w+_ABI|FFI_SYSV|FFI_UNIX64|RTLD_\w+)$/.test(name)) {
      exports[name] = bindings[name];
    }
  }
  exports.types = ref.types;
  exports.version = bindings.version;
  exports.CIF = require('./cif.js');
  exports.CIF_var = require('./cif_var.js');
  exports.Function = require('./function.js');
  exports.ForeignFunction = require('./foreign_function.js');
  exports.VariadicForeignFunction = require('./foreign_function_var.js');
  exports.DynamicLibrary = require('./dynamic_library.js');
  exports.Library = require('./library.js');
  exports.Callback = require('./callback.js');
  exports.errno = require('./errno.js');
  exports.ffiType = require('./type.js');
  exports.LIB_EXT = exports.Library.EXT;
  exports.FFI_TYPE = exports.ffiType.FFI_TYPE;
  return exports;
});

// For `import { ... }`: Node.js finds these names by reading.
const made = module.exports;
module.exports.FFI_TYPES = made.FFI_TYPES;
module.exports.types = made.types;
module.exports.version = made.version;
module.exports.CIF = made.CIF;
module.exports.CIF_var = made.CIF_var;
module.exports.Function = made.Function;
module.exports.ForeignFunction = made.ForeignFunction;
module.exports.VariadicForeignFunction = made.VariadicForeignFunction;
module.exports.DynamicLibrary = made.DynamicLibrary;
module.exports.Library = made.Library;
module.exports.Callback = made.Callback;
module.exports.errno = made.errno;
module.exports.ffiType = made.ffiType;
module.exports.LIB_EXT = made.LIB_EXT;
module.exports.FFI_TYPE = made.FFI_TYPE;
