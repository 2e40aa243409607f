'use strict';
/*
 * Wrappers of the V8 tier: one small function a C function, compiled from a source
 * of its own so that the engine collects feedback for it alone. A wrapper checks
 * what a fast call would silently truncate, and gives all that it does not know to
 * the generic call, which converts it or throws.
 */
const vm = require('node:vm');

/* Conditions on an argument, by the codes of v8_tier.c; 'v' is checked where it arrives. */
const number = (a) => `typeof ${a} === 'number'`;
const CHECKS = {
  b: (a) => `(${a} === true || ${a} === false)`,
  c: (a) => `${number(a)} && ${a} << 24 >> 24 === ${a}`,
  C: (a) => `${number(a)} && (${a} & 255) === ${a}`,
  s: (a) => `${number(a)} && ${a} << 16 >> 16 === ${a}`,
  S: (a) => `${number(a)} && (${a} & 65535) === ${a}`,
  i: (a) => `${number(a)} && (${a} | 0) === ${a}`,
  I: (a) => `${number(a)} && ${a} >>> 0 === ${a}`,
  d: number,
};

/*
 * What is returned, given the call. Its slow path returns what is wanted; the fast call has no way to return a
 * BigInt: it leaves 64 bits in memory that `signed` and `unsigned` show, and returns NaN or nothing.
 */
const RESULTS = {
  '=': (call) => `return ${call};`,
  n: (call) => `const r = ${call}; return r === r ? r : signed[0];`,
  N: (call) => `const r = ${call}; return r === r ? r : unsigned[0];`,
  r: (call) => `const r = ${call}; return r === r ? r : Number(signed[0]);`,
  R: (call) => `const r = ${call}; return r === r ? r : Number(unsigned[0]);`,
  b: (call) => `const r = ${call}; return r === undefined ? signed[0] : r;`,
  B: (call) => `const r = ${call}; return r === undefined ? unsigned[0] : r;`,
};

const words = new ArrayBuffer(8);
const signed = new BigInt64Array(words);
const unsigned = new BigUint64Array(words);

function body(count, codes) {
  const names = Array.from({ length: count }, (_, i) => `a${i}`);
  const call = `call(${names})`;
  if (codes === '') return [names, `return arguments.length === ${count} ? ${call} : call(...arguments);`];
  const checks = names.map((a, i) => CHECKS[codes[i]]?.(a)).filter(Boolean);
  const all = [`arguments.length === ${count}`, ...checks].join(' && ');
  return [names, `if (${all}) { ${RESULTS[codes[count]](call)} } return generic(record, ...arguments);`];
}

/**
 * @param {Function} generic the addon's callGeneric
 * @returns {Function} what the addon calls to wrap one of its functions: name, number of arguments, codes of
 *   arguments and result ('' when there is no fast call), the engine's function, the record
 */
function wrapperFor(generic) {
  return function wrap(name, count, codes, call, record) {
    const [names, text] = body(count, codes);
    const key = JSON.stringify(name);
    const make = vm.compileFunction(
      `'use strict'; return ({ ${key}(${names}) { ${text} } })[${key}];`,
      ['call', 'generic', 'record', 'signed', 'unsigned'],
      { filename: 'biffi' },
    );
    return make(call, generic, record, signed, unsigned);
  };
}

/** Opens the V8 tier where there is one. Returns whether it did. */
function setup(native) {
  return native.setupTier(wrapperFor(native.callGeneric), words);
}

module.exports = { setup };
