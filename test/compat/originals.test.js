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
const { mixed, originals, ours } = require('./originals/prepare.js');
const { mended, plain } = require('./originals/probes.js');
const { run, suites } = require('./originals/run.js');

for (const suite of suites) {
  test(`${suite.name}@${suite.version}: its own ${suite.cases} cases`, async () => {
    const { ok, passes, pending, output } = await run(suite, ours());
    assert.ok(ok, output);
    assert.equal(passes + pending, suite.cases);
  });
}

test('the original ffi-napi works with our ref-napi', async () => {
  const { ok, output } = await run(
    suites.find(({ name }) => name === 'ffi-napi'),
    mixed(),
  );
  assert.ok(ok, output);
});

test('another copy of ref-napi may be loaded before or after, and its types are types', async () => {
  const theirs = JSON.stringify(path.join(originals(), 'ref-napi'));
  const here = JSON.stringify(path.join(ours(), 'ffi-napi'));
  const program = (first, second) => `
    const loaded = {};
    for (const name of ['${first}', '${second}']) loaded[name] = require({ theirs: ${theirs}, ours: ${here} }[name]);
    const { theirs, ours: ffi } = loaded;
    const t = theirs.types;
    const libc = ffi.Library('libc', {
      abs: [t.int, [t.int]], getenv: [t.CString, [t.CString]], labs: [t.long, [t.long]], strlen: [t.size_t, ['string']],
      strchr: [theirs.refType(t.char), [t.CString, t.int]], memset: ['pointer', [theirs.refType(t.void), 'int', t.size_t]],
    });
    const buffer = Buffer.alloc(4);
    libc.memset(buffer, 7, 2);
    const back = ffi.Callback(t.int, [t.int, theirs.refType(t.int)], (a, b) => a + b.deref());
    const sum = ffi.ForeignFunction(back, 'int', ['int', 'int *']);
    console.log(libc.abs(-3), libc.getenv('HOME') === process.env.HOME, libc.labs(-5), libc.strlen('four'),
      libc.strchr('hello', 108).readCString(), buffer.toString('hex'), sum(1, theirs.alloc('int', 41)),
      ffi.DynamicLibrary('libc.so.6').get('abs').isNull(), buffer.isNull(), theirs.alloc('int', 9).deref());`;
  for (const order of [
    ['theirs', 'ours'],
    ['ours', 'theirs'],
  ]) {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program(...order)]);
    assert.equal(stdout, '3 true 5 4 llo 07070000 42 false false 9\n', order.join());
  }
});

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
