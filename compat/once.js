'use strict';
/**
 * A process can hold several copies of these packages: nested in node_modules, bundled in a tarball each. What they
 * hand out must fit together (a type of one copy is a type for the other), so the first copy of a version that makes
 * a thing is the one that all copies give.
 */
const { version } = require('../package.json');

const key = Symbol.for(`biffi/compat@${version}`);

/**
 * @template T
 * @param {string} name
 * @param {() => T} make
 * @returns {T} what the first caller's `make` returned
 */
module.exports = function once(name, make) {
  let made = globalThis[key];
  if (!made) {
    made = new Map();
    Object.defineProperty(globalThis, key, { value: made });
  }
  if (!made.has(name)) made.set(name, make());
  return made.get(name);
};
