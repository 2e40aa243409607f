'use strict';
/**
 * What the addon gives, under the names that the original's native part had: constants, FFI_TYPES, RTLD_*. And the
 * block of memory in which calls' arguments and results are laid out.
 */
const once = require('../../once.js');
const { frames } = require('../../native.js');
const { wrapPointer } = require('../../ref-napi/lib/memory.js');

module.exports = once('ffi-napi/bindings', () => {
  const { libffi, RTLD } = frames;
  const FFI_TYPES = {};
  for (const [name, address] of Object.entries(libffi.types)) {
    FFI_TYPES[name] = wrapPointer(address, 0);
    FFI_TYPES[name].name = name;
  }
  const flags = {};
  for (const [name, value] of Object.entries(RTLD)) {
    // The special handles are pointers; RTLD_DEFAULT is NULL.
    flags[name] = name === 'RTLD_NEXT' || name === 'RTLD_DEFAULT' ? wrapPointer(value, 0) : value;
  }
  return { ...libffi.constants, ...flags, RTLD: flags, FFI_TYPES, version: libffi.version, frames, libffi };
});
