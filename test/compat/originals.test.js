'use strict';
/*
 * The originals' own test suites against compat/, and the same questions put to the originals and to compat/. Both
 * are fetched from the registry when they are not in the cache.
 */
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');
const { promisify } = require('node:util');
const { originals, ours } = require('./originals/prepare.js');
const { mended, plain } = require('./originals/probes.js');
const { run, suites } = require('./originals/run.js');

for (const suite of suites) {
  test(`${suite.name}@${suite.version}: its own ${suite.cases} cases`, async () => {
    const { ok, passes, pending, output } = await run(suite, ours());
    assert.ok(ok, output);
    assert.equal(passes + pending, suite.cases);
  });
}

async function answers(packages) {
  const script = path.join(__dirname, 'originals/answer.js');
  const env = { ...process.env, NODE_PATH: packages, NODE_NO_WARNINGS: '1', NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env, maxBuffer: 1 << 26 });
  return JSON.parse(stdout);
}

test('the originals and compat/ answer alike', async (t) => {
  const [theirs, here] = await Promise.all([answers(originals()), answers(ours())]);
  for (const probe of plain) {
    assert.deepEqual({ [probe]: here[probe] }, { [probe]: theirs[probe] });
  }
  t.diagnostic(`${plain.length} questions`);
  for (const [probe, reason] of Object.entries(mended)) {
    assert.notDeepEqual(here[probe], theirs[probe], `${probe}: no different any more (${reason})`);
  }
});
