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
 * How the result `r` of the call is returned. Its slow path returns what is wanted; the fast call has no way to return a
 * BigInt: it leaves 64 bits in memory that `signed` and `unsigned` show, and returns NaN or nothing.
 */
const RESULTS = {
  '=': 'return r;',
  n: 'return r === r ? r : signed[0];',
  N: 'return r === r ? r : unsigned[0];',
  r: 'return r === r ? r : Number(signed[0]);',
  R: 'return r === r ? r : Number(unsigned[0]);',
  b: 'return r === undefined ? signed[0] : r;',
  B: 'return r === undefined ? unsigned[0] : r;',
};

/* 64 bits of a result, then a byte that a refused fast call sets where it may not throw (until V8 12.4). */
const words = new ArrayBuffer(16);
const signed = new BigInt64Array(words, 0, 1);
const unsigned = new BigUint64Array(words, 0, 1);
const refused = new Uint8Array(words, 8, 1);

function body(count, codes, flagged) {
  const names = Array.from({ length: count }, (_, i) => `a${i}`);
  const call = `call(${names})`;
  if (codes === '') return [names, `return arguments.length === ${count} ? ${call} : call(...arguments);`];
  const checks = names.map((a, i) => CHECKS[codes[i]]?.(a)).filter(Boolean);
  const all = [`arguments.length === ${count}`, ...checks].join(' && ');
  const again = flagged
    ? `if (refused[0] !== 0) { refused[0] = 0; return (slow ??= raw(record))(${names}); }`
    : '';
  return [
    names,
    `if (${all}) { const r = ${call}; ${again} ${RESULTS[codes[count]]} } return generic(record, ...arguments);`,
  ];
}

/**
 * @param {object} native the addon
 * @returns {Function} what the addon calls to wrap one of its functions: name, number of arguments, codes of
 *   arguments and result ('' when there is no fast call), the engine's function, the record, and whether refusals
 *   are flagged
 */
function wrapperFor(native) {
  return function wrap(name, count, codes, call, record, flagged) {
    const [names, text] = body(count, codes, flagged);
    const key = JSON.stringify(name);
    const make = vm.compileFunction(
      `'use strict'; let slow; return ({ ${key}(${names}) { ${text} } })[${key}];`,
      ['call', 'generic', 'raw', 'record', 'signed', 'unsigned', 'refused'],
      { filename: 'biffi' },
    );
    return make(call, native.callGeneric, native.rawFunction, record, signed, unsigned, refused);
  };
}

/** Opens the V8 tier where there is one. Returns whether it did. */
function setup(native) {
  return native.setupTier(wrapperFor(native), words);
}

module.exports = { setup };
