'use strict';
/*
 * doc/ffi-napi.md and doc/migration.md: every row of differences names tests that exist, and the code runs and gives
 * what its comments say.
 */
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const vm = require('node:vm');

const root = path.join(__dirname, '../..');
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');

test('every deliberate difference has a test', () => {
  const tests = fs
    .readdirSync(__dirname)
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => read(`test/compat/${file}`))
    .join('\n');
  const table = read('doc/ffi-napi.md').split('## Deliberate differences')[1];
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !/^\| (what|---)/.test(line));
  assert.ok(rows.length > 20, `${rows.length} rows`);
  for (const row of rows) {
    const cell = row.split('|').at(-2);
    const names = [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
    assert.ok(names.length > 0, row);
    for (const name of names)
      assert.ok(tests.includes(`'${name}'`) || tests.includes(`"${name}"`), `no test: ${name}`);
  }
});

test('the code of the migration page', () => {
  const own = { biffi: root, 'biffi/compat/ffi-napi/lib/ffi': path.join(root, 'compat/ffi-napi') };
  const blocks = [...read('doc/migration.md').matchAll(/```js\n([\s\S]*?)```/g)];
  assert.ok(blocks.length >= 3);
  for (const [, code] of blocks) {
    const checked = code.replace(/^(.+?);? \/\/ → (.+)$/gm, 'check($1, $2);');
    let checks = 0;
    vm.runInNewContext(`(function () { ${checked} })()`, {
      require: (name) => require(own[name]),
      check: (value, expected) => {
        checks++;
        assert.equal(value, expected);
      },
    });
    assert.ok(checks > 0, code);
  }
});
