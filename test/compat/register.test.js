'use strict';
/*
 * biffi/register: a program that must not be touched gets biffi's packages by the originals' names, however it asks.
 */
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');

const register = path.join(__dirname, '../../lib/register.js');
const [major, minor] = process.versions.node.split('.').map(Number);
const hasImport = major > 18 || (major === 18 && minor >= 18);

/** A program with the originals in node_modules, one of them nested: each breaks when it is loaded. */
const files = {
  'node_modules/ffi-napi/package.json': '{"main": "lib/ffi"}',
  'node_modules/ffi-napi/lib/ffi.js': "throw new Error('the original');",
  'node_modules/ref-napi/index.js': "throw new Error('the original');",
  'node_modules/binding/index.js': `
    const ref = require('ref-napi');
    const { abs } = require('ffi-napi/lib/library')(null, { abs: ['int', ['int']] });
    module.exports = { ref, four: abs(-4), deep: require('ref-napi/lib/ref.js') === ref };`,
  'node_modules/binding/node_modules/ref-napi/index.js': "throw new Error('a nested original');",
  'app.js': `
    const { ref, four, deep } = require('binding');
    const ffi = require('ffi-napi');
    const Struct = require('ref-struct-napi');
    const older = ['ffi', 'ref', 'ref-struct', 'ref-array', 'ref-union'].every((name) => require(name));
    console.log(ref === require('ref-napi'), ffi.types === ref.types, four, deep, older,
      Struct === require('ref-struct-di')(ref), require('ref-wchar-napi').name,
      require.resolve('ref-napi').includes('compat'));`,
  'app.mjs': `
    import ffi, { Library } from 'ffi-napi';
    import * as ref from 'ref-napi';
    import binding from 'binding';
    console.log(Library(null, { abs: ['int', ['int']] }).abs(-1), ffi.types === ref.types, binding.four);`,
};

function run(...args) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'biffi-register-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(home, name)), { recursive: true });
      fs.writeFileSync(path.join(home, name), text);
    }
    return execFileSync(process.execPath, args, { cwd: home, encoding: 'utf8' }).trim();
  } finally {
    fs.rmSync(home, { recursive: true });
  }
}

const commonjs = 'true true 4 true true true wchar_t true';

test('node -r biffi/register', () => {
  assert.equal(run('-r', register, 'app.js'), commonjs);
});

test('node --import biffi/register', { skip: !hasImport && 'this Node.js has no --import' }, () => {
  assert.equal(run('--import', register, 'app.js'), commonjs);
});

test('modules that import', { skip: !hasImport && 'this Node.js has no module hooks' }, () => {
  assert.equal(run('-r', register, 'app.mjs'), '1 true 4');
  assert.equal(run('--import', register, 'app.mjs'), '1 true 4');
});

test('other names and files that are not there go the usual way', () => {
  const { redirect } = require('../../lib/redirect.js');
  assert.equal(redirect('ffi-napi-other'), undefined);
  assert.equal(redirect('./ffi-napi'), undefined);
  assert.equal(redirect('ffi-napi/lib/nothing'), undefined);
  assert.equal(redirect('ffi-napi/../../package.json'), undefined);
  assert.ok(fs.existsSync(redirect('ffi-napi/package.json')));
});
