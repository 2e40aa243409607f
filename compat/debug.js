'use strict';
/**
 * The `DEBUG=ffi*,ref` output of the original packages, to stderr: names, `*` at the end of a name, `-name` to leave
 * one out. Costs one call of an empty function when it is off.
 */
const { format } = require('node:util');

const wanted = [];
const unwanted = [];
for (const word of (process.env.DEBUG || '').split(/[\s,;]+/)) {
  if (!word) continue;
  const pattern = word
    .replace(/^-/, '')
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*?');
  (word[0] === '-' ? unwanted : wanted).push(new RegExp(`^${pattern}$`));
}

const off = Object.assign(() => {}, { enabled: false });

/**
 * @param {string} name as in `DEBUG`
 * @returns {((...args: unknown[]) => void) & { enabled: boolean }}
 */
module.exports = function debug(name) {
  if (!wanted.some((re) => re.test(name)) || unwanted.some((re) => re.test(name))) return off;
  return Object.assign((...args) => process.stderr.write(`  ${name} ${format(...args)}\n`), {
    enabled: true,
  });
};
