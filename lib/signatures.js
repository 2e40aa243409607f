'use strict';
/*
 * Library(path, signatures): functions by result and parameter types instead of C
 * text, as ffi-napi has it.
 *
 *   const { add } = Library('./libadd.so', { add: ['int', ['int', 'int']] });
 */
const { HANDLE } = require('./keys');
const { fn } = require('./type');
const { makeFunction, optionFlags } = require('./function');
const { openLibrary, findSymbol, prototype, states } = require('./library');
const { failure, expected, optionsOf } = require('./errors');

/**
 * @param {string | null} path as dlopen(3) finds it; null: the running process
 * @param {Record<string, [unknown, unknown[], object?]>} signatures name: [result, [parameters], options]; '...' as
 *   the last parameter makes it variadic; options are int64, errno, owned, and symbol (its name in the library)
 * @returns {object}
 */
function Library(path, signatures) {
  if (signatures === null || typeof signatures !== 'object') {
    throw expected('Library()', 'an object of signatures', signatures);
  }
  const state = { handle: openLibrary(path), path };
  const library = Object.create(prototype);
  states.set(library, state);
  for (const [name, signature] of Object.entries(signatures)) {
    if (!Array.isArray(signature) || !Array.isArray(signature[1] ?? [])) {
      throw expected(`Library(): ${name}`, '[result, [parameters]]', signature);
    }
    const [result, params = []] = signature;
    const options = optionsOf(`Library(): ${name}`, signature[2]);
    let type;
    try {
      type = fn(result, params);
    } catch (error) {
      throw Object.assign(failure(error.code, `Library(): ${name}: ${error.message}`), { cause: error });
    }
    const address = findSymbol(state.handle, options.symbol ?? name);
    const value = makeFunction(name, address, type[HANDLE], state.handle, optionFlags(options));
    Object.defineProperty(library, name, { value, enumerable: true, configurable: true });
  }
  return library;
}

module.exports = { Library };
