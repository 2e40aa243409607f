'use strict';
/*
 * The JavaScript of the README and of doc/, run as it stands there: `expression; // → value` has
 * to give what is written behind the arrow, `expression; // ✗ Name` to throw it.
 */
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { inspect } = require('node:util');

const root = path.join(__dirname, '../..');
/* Those two have programs that need packages of compat/: test/compat/doc.test.js runs them. */
const elsewhere = ['migration.md', 'ffi-napi.md'];
const pages = fs.readdirSync(path.join(root, 'doc')).filter((file) => !elsewhere.includes(file));

/** A page's programs. */
function programsOf(file) {
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]);
}

/** @param {string} code with the comments turned into calls of `gives` and `throws` */
function checked(code) {
  return code
    .replace(
      /^ *(.+); \/\/ → (.+)$/gm,
      (_, expression, value) => `gives(${expression}, ${JSON.stringify(value)});`,
    )
    .replace(
      /^(.+); \/\/ ✗ (\w+)$/gm,
      (_, expression, name) => `throws(() => ${expression}, ${JSON.stringify(name)});`,
    );
}

const AsyncFunction = (async () => {}).constructor;

test('the README has programs', () => assert.notStrictEqual(programsOf('README.md').length, 0));

for (const file of [
  'README.md',
  ...pages.filter((page) => page.endsWith('.md')).map((page) => `doc/${page}`),
]) {
  for (const [index, code] of programsOf(file).entries()) {
    test(`program ${index + 1} of ${file}`, async () => {
      const run = new AsyncFunction('require', 'gives', 'throws', checked(code));
      await run(
        (name) => require(name === 'biffi' ? root : name),
        (value, expected) => assert.strictEqual(inspect(value), expected),
        (call, name) => assert.throws(call, { name }),
      );
    });
  }
}
