'use strict';
/*
 * The README's JavaScript, run as it stands there: `expression; // → value` has
 * to give what is written behind the arrow, `expression; // ✗ Name` to throw it.
 */
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { inspect } = require('node:util');

const readme = fs.readFileSync(path.join(__dirname, '../../README.md'), 'utf8');
const programs = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]);

/** @param {string} code with the comments turned into calls of `gives` and `throws` */
function checked(code) {
  return code
    .replace(
      /^(.+); \/\/ → (.+)$/gm,
      (_, expression, value) => `gives(${expression}, ${JSON.stringify(value)});`,
    )
    .replace(
      /^(.+); \/\/ ✗ (\w+)$/gm,
      (_, expression, name) => `throws(() => ${expression}, ${JSON.stringify(name)});`,
    );
}

test('the README has programs', () => assert.notStrictEqual(programs.length, 0));

for (const [index, code] of programs.entries()) {
  test(`program ${index + 1} of the README`, () => {
    const run = new Function('require', 'gives', 'throws', checked(code));
    run(
      (name) => require(name === 'biffi' ? '../..' : name),
      (value, expected) => assert.strictEqual(inspect(value), expected),
      (call, name) => assert.throws(call, { name }),
    );
  });
}
