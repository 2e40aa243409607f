'use strict';
/*
 * Errors of the JavaScript side, in the same form as the addon's: a code and a
 * message that names what was wrong and what came.
 */
const util = require('node:util');

const CLASSES = {
  BF_ETYPE: TypeError,
  BF_EARGUMENTS: TypeError,
  BF_ERANGE: RangeError,
  BF_ESYNTAX: SyntaxError,
};

/**
 * @param {string} code 'BF_E...'
 * @param {string} message
 * @returns {Error & { code: string }}
 */
function failure(code, message) {
  const error = new (CLASSES[code] ?? Error)(message);
  error.code = code;
  return error;
}

/** Words for a value: "string 'abc'", "number 1.5", "an Array". The addon's bf_describe says the same. */
function describe(value) {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case 'string':
      return `string '${value.length > 43 ? `${value.slice(0, 43)}...` : value}'`;
    case 'bigint':
      return `bigint ${value}n`;
    case 'number':
    case 'boolean':
      return `${typeof value} ${value}`;
    case 'symbol':
      return 'a symbol';
    case 'function':
      return value.name ? `function ${value.name}` : 'a function';
    default: {
      const name = value.constructor?.name;
      if (typeof name !== 'string' || name === '') return 'an object';
      return `${'AEIOU'.includes(name[0]) ? 'an' : 'a'} ${name}`;
    }
  }
}

/** A TypeError "label: expected ..., got ...". */
function expected(label, what, value) {
  return failure('BF_ETYPE', `${label}: expected ${what}, got ${describe(value)}`);
}

/** Options, which must be an object if they are given. */
function optionsOf(label, options) {
  if (options === undefined) return {};
  if (options === null || typeof options !== 'object') throw expected(label, 'an object of options', options);
  return options;
}

module.exports = { failure, describe, expected, optionsOf, inspect: util.inspect };
