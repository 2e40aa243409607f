'use strict';
/*
 * Random signatures with random values, right and wrong ones, from JavaScript to C and back: what right values are in C
 * is known (random.js), and every tier must give the same values and the same errors as libffi's.
 *
 * BIFFI_TEST_SEED is another sequence, BIFFI_TEST_FUNCTIONS the number of functions, BIFFI_TEST_CC the compiler.
 */
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFile, execFileSync } = require('node:child_process');
const { promisify } = require('node:util');
const { root } = require('./fixtures');
const { program } = require('./random');

const [major] = process.versions.node.split('.').map(Number);
const long = process.env.BIFFI_LONG === '1';
const seed = Number(process.env.BIFFI_TEST_SEED ?? 4);
const count = Number(process.env.BIFFI_TEST_FUNCTIONS ?? (long ? 1000 : 32));
const CALLS = 20;
/* Memory of a sanitizer is not for compilers and the like. */
const { LD_PRELOAD: _, ...plain } = process.env;

let directory;
let library;
let reference;

/** Of the first `n` functions. */
async function outcomes(tier, flags = [], env = {}, n = count) {
  const script = path.join(__dirname, 'random.run.js');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, script, library, seed, n, CALLS].map(String),
    { env: { ...process.env, BIFFI_TIER: tier, ...env }, maxBuffer: 1 << 28 },
  );
  return JSON.parse(stdout);
}

before(async () => {
  directory = fs.mkdtempSync(path.join(process.env.BIFFI_BUILD ?? path.join(root, 'build'), 'random-'));
  const source = path.join(directory, 'functions.c');
  library = path.join(directory, 'functions.so');
  fs.writeFileSync(source, program(seed, count).source);
  const flags = ['-w', '-O1', '-fPIC', '-shared', '-o', library, source];
  execFileSync(process.env.BIFFI_TEST_CC ?? 'cc', flags, { env: plain });
  reference = await outcomes('ffi');
});

after(() => fs.rmSync(directory, { recursive: true, force: true }));

test('libffi gives C what was given, and gives back what C returned', () => {
  const all = Object.values(reference).flat();
  assert.equal(Object.keys(reference).length, count);
  assert.equal(all.length, count * CALLS);
  /* The wrong values are wrong indeed, most of them: other tests say with which words. */
  const refused = all.filter((text) => /^(Type|Range)Error BF_E(TYPE|RANGE|ARGUMENTS): f\d+/.test(text));
  assert.ok(refused.length > all.length / 4, `${refused.length} of ${all.length} are errors`);
  assert.ok(refused.length <= all.length / 2);
});

const GC = ['--stress-compaction', '--max-semi-space-size=1'];
const NATIVES = ['--allow-natives-syntax', ...(major === 18 ? ['--turbo-fast-api-calls'] : [])];
const WAYS = [
  ['napi'],
  ['v8', NATIVES],
  ['v8', ['--jitless']],
  ['v8', NATIVES, { BIFFI_CODE: 'protect' }],
  ['v8', [], { BIFFI_CODE: 'denied' }],
];
if (long) WAYS.push(['napi', ['--jitless']], ['v8', ['--no-opt']], ['v8', [...GC, ...NATIVES]]);

/* Where each allocation may move everything, a call takes a second at times. */
const FEW = Math.min(count, 200);

for (const [tier, flags = [], env = {}] of WAYS) {
  const n = flags.includes(GC[0]) ? FEW : count;
  const what = [tier, ...flags, ...Object.entries(env).map((e) => e.join('='))].join(' ');
  test(`${what} does the same`, async () => {
    const got = await outcomes(tier, flags, env, n);
    assert.equal(Object.keys(got).length, n);
    for (const [prototype, outcome] of Object.entries(got))
      assert.deepEqual(outcome, reference[prototype], `seed ${seed}: ${prototype} in ${what}`);
  });
}
