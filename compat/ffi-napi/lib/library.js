'use strict';
/**
 * Library(path, { name: [returnType, argTypes, { abi, async, varargs }] }, lib): an object with a function a name.
 */
const debug = require('../../debug.js')('ffi:Library');
const { isNull } = require('../../ref-napi/lib/memory.js');
const DynamicLibrary = require('./dynamic_library.js');
const ForeignFunction = require('./foreign_function.js');
const VariadicForeignFunction = require('./foreign_function_var.js');

const EXT = { darwin: '.dylib', win32: '.dll' }[process.platform] || '.so';

/**
 * @param {string | null | InstanceType<typeof DynamicLibrary>} [libfile] without the extension, if it has none
 * @param {Record<string, [any, any[], { abi?: number, async?: boolean, varargs?: boolean }?]>} [funcs]
 * @param {object} [lib] where the functions go
 */
function Library(libfile, funcs, lib) {
  debug('creating Library object for', libfile);
  const target = lib || {};
  let dl = libfile;
  if (typeof libfile === 'string' || !libfile) {
    const named = libfile && !libfile.includes(EXT) ? libfile + EXT : libfile;
    dl = new DynamicLibrary(named || null, DynamicLibrary.FLAGS.RTLD_NOW);
  }

  for (const name of Object.keys(funcs || {})) {
    const pointer = dl.get(name);
    if (isNull(pointer)) {
      throw new Error('Library: "' + dl.path() + '" returned NULL function pointer for "' + name + '"');
    }
    const [returnType, argTypes, { abi, async, varargs } = {}] = funcs[name];
    if (varargs) {
      target[name] = VariadicForeignFunction(pointer, returnType, argTypes, abi);
    } else {
      const func = ForeignFunction(pointer, returnType, argTypes, abi);
      target[name] = async ? func.async : func;
    }
  }
  return target;
}

Library.EXT = EXT;
module.exports = Library;
