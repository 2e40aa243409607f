'use strict';
/* Node.js under flags that take something away: biffi loads, and calls go both ways. */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { fixture, root } = require('./fixtures');

const [major] = process.versions.node.split('.').map(Number);

const PROGRAM = `
  const biffi = require(${JSON.stringify(root)});
  const lib = biffi.load(${JSON.stringify(fixture('tiers'))}, \`int32_t to_i32(int32_t v); uint32_t hash(const char *s); const char *word(int);
    uint32_t sum(const uint8_t *bytes, unsigned long n); typedef struct { double x, y; } vec; vec vec_add(vec a, vec b);
    int call(int (*f)(int), int v); void keep(int (*f)(int)); int call_kept(int v); const char *spell(const char *kinds, ...);
    int set_errno(int n); int64_t to_i64(int64_t v);\`);
  const cb = biffi.callback('int (int)', (v) => v * 2);
  let total = 0;
  for (let i = 0; i < 600; i++) {
    total += lib.to_i32(i) + lib.hash('abc') % 7 + lib.vec_add({ x: 1, y: 2 }, new lib.vec({ x: i })).x;
    total += lib.call((v) => v + 1, i) + Number(lib.to_i64(BigInt(i))) + lib.sum(Buffer.from([i & 255]), 1);
    lib.keep(cb);
    total += lib.call_kept(i);
    lib.keep(null);
  }
  lib.set_errno(5);
  const made = new (biffi.struct({ a: 'int', s: 'const char *' }))({ a: 1, s: 'text' });
  let refused;
  try { lib.to_i32('x'); } catch (error) { refused = error.code; }
  lib.to_i32.async(7).then((seven) => {
    cb.release();
    lib.close();
    console.log(JSON.stringify([total, biffi.errno(), made.s, lib.word === undefined, refused, seven]));
    console.log(biffi.info().tier);
  });`;

function run(flags, env = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', PROGRAM], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  assert.equal(signal ?? status, 0, stderr);
  const [result, tier] = stdout.trim().split('\n');
  return { result: JSON.parse(result), tier, stderr };
}

const plain = run([]);

const permission = [
  major >= 24 ? '--permission' : '--experimental-permission',
  '--allow-addons',
  '--allow-fs-read=*',
];
/* Several at once; the long run takes them one by one, and more. */
const FLAGS = [
  ['--frozen-intrinsics', '--disable-proto=delete', '--zero-fill-buffers'],
  ['--jitless', '--disallow-code-generation-from-strings'],
  ['--max-old-space-size=32', '--max-semi-space-size=1', '--stress-compaction'],
  ['--single-threaded', '--stack-size=400', '--secure-heap=65536', '--always-sparkplug'],
];
if (major >= 20) FLAGS.push(permission);
if (process.env.BIFFI_LONG === '1') {
  FLAGS.push(
    ...FLAGS.flat()
      .filter((flag) => !permission.includes(flag))
      .map((flag) => [flag]),
    ['--disable-proto=throw'],
    ['--no-opt'],
    ['--no-lazy'],
    ['--no-concurrent-recompilation'],
    ['--interpreted-frames-native-stack'],
    ['--experimental-vm-modules'],
    ['--pending-deprecation', '--throw-deprecation'],
  );
  if (major >= 20) FLAGS.push([...permission, '--jitless']);
  if (major >= 22) FLAGS.push(['--maglev'], ['--no-experimental-require-module']);
}
for (const flags of FLAGS) {
  test(flags.join(' '), () => assert.deepEqual(run(flags).result, plain.result));
}

test('NODE_OPTIONS', () => {
  assert.deepEqual(run([], { NODE_OPTIONS: '--jitless --no-warnings' }).result, plain.result);
});

test(
  '--permission without --allow-addons says what is missing',
  { skip: major < 20 && 'there is none' },
  () => {
    const flags = permission.filter((flag) => flag !== '--allow-addons');
    const { status, stderr } = spawnSync(process.execPath, [...flags, '-e', PROGRAM], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /biffi's addon can't be loaded: Node\.js runs with --permission: add --allow-addons/,
    );
  },
);

/* fixtures/deny.c refuses executable memory to the addon alone. */
for (const [what, tier] of [
  ['memfd', plain.tier],
  ['all', 'ffi'],
]) {
  test(`executable memory denied: ${what}`, () => {
    const preload = [process.env.LD_PRELOAD, fixture('deny')].filter(Boolean).join(' '); // a sanitizer's first
    const denied = run([], { LD_PRELOAD: preload, BIFFI_DENY: what });
    assert.deepEqual([denied.result, denied.tier], [plain.result, tier], denied.stderr);
  });
}
