'use strict';
/*
 * One conversion table for all tiers: tiers.table.js runs in a process of its own
 * for every tier and every way the engine runs JavaScript, and must say the same.
 */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const [major] = process.versions.node.split('.').map(Number);
const table = path.join(__dirname, 'tiers.table.js');
const GC = ['--stress-compaction', '--max-semi-space-size=1', '--allow-natives-syntax'];

function run(tier, flags = [], env = {}, args = []) {
  const child = spawnSync(process.execPath, [...flags, table, ...args], {
    env: { ...process.env, BIFFI_TIER: tier, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 120000,
  });
  assert.equal(child.status, 0, `${child.signal ?? child.status}: ${child.stderr}`);
  return child.stdout;
}

const reference = JSON.parse(run('ffi'));

function compare(got, what) {
  for (const [name, expected] of Object.entries(reference))
    assert.deepEqual(got[name], expected, `${name} in ${what}`);
}

const WAYS = [
  ['napi'],
  ['napi', ['--jitless']],
  ['v8'],
  ['v8', ['--jitless']],
  ['v8', ['--no-opt']],
  ['v8', ['--allow-natives-syntax']],
  ['v8', ['--allow-natives-syntax'], { BIFFI_CODE: 'protect' }],
  ['v8', GC],
  ['v8', ['--disallow-code-generation-from-strings']],
];
/* Without a word of the user there are no fast calls. */
if (major === 18) WAYS.push(['', ['--allow-natives-syntax']]);

for (const [tier, flags = [], env = {}] of WAYS) {
  const what = [tier || 'no BIFFI_TIER', ...flags, ...Object.entries(env).map((e) => e.join('='))].join(' ');
  test(`${what} converts as libffi's tier does`, () => {
    assert.equal(run(tier, flags, env, ['tier']), tier || 'v8');
    compare(JSON.parse(run(tier, flags, env)), what);
  });
}

test('where code at run time is denied, functions go through libffi', () => {
  const env = { BIFFI_CODE: 'denied' };
  assert.equal(run('v8', [], env, ['tier']), 'ffi');
  compare(JSON.parse(run('v8', [], env)), 'denied');
});
