'use strict';
/**
 * Whether a function's library is still there. DynamicLibrary#close() need not unload it (others may hold it too), so
 * functions of a closed one look before each call.
 */
const { frames } = require('./bindings.js');

const libraries = new WeakMap();
const always = { closed: false, check() {} };

/** What functions share with the library they are from. */
class Loaded {
  constructor(path) {
    this.path = path;
    this.closed = false;
  }

  check(address) {
    if (!frames.isLoaded(address))
      throw new Error(`the library of this function has been closed: ${this.path}`);
  }
}

/** Remembers that the pointer lies in the library. */
function belongsTo(pointer, loaded) {
  libraries.set(pointer, loaded);
}

/** @returns {{ closed: boolean, check: (address: number | bigint) => void }} */
function checkLoaded(pointer) {
  return libraries.get(pointer) || always;
}

module.exports = { Loaded, belongsTo, checkLoaded };
