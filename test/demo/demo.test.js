'use strict';
/*
 * The programs of demo/ that bind real libraries: each runs in a process of its own, and
 * prints what it has to.
 */
const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');

const folder = path.join(__dirname, '../../demo');

async function run(name, ...args) {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(folder, name), ...args]);
  return stdout.trimEnd().split('\n');
}

test('SQLite from its header, with prepared statements', async () => {
  assert.deepStrictEqual(await run('statements.js'), [
    'Titan of Saturn: 5149.46 km',
    'Io of Jupiter: 3643.2 km',
  ]);
});

test('zlib as a stream', async () => {
  const [sizes, read] = await run('deflate.js');
  const { size } = fs.statSync(path.join(folder, 'deflate.js'));
  const [, bytesIn, bytesOut] = /^(\d+) bytes in, (\d+) bytes out$/.exec(sizes);
  assert.strictEqual(Number(bytesIn), size);
  assert.ok(Number(bytesOut) < size, sizes);
  assert.match(read, /Node\.js reads: \/\/ zlib as a stream/);
});

test('threads made in C call JavaScript', async () => {
  const [, ...said] = await run('threads.js');
  assert.deepStrictEqual(
    said,
    [1, 2, 3, 4].map((i) => `thread ${i} was heard on the main thread`),
  );
});

test('a picture by cairo, as a PNG', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'biffi-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const file = path.join(dir, 'picture.png');
  await run('picture.js', file);
  const png = fs.readFileSync(file);
  assert.strictEqual(png.toString('latin1', 1, 4), 'PNG');
  assert.deepStrictEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [480, 320]);
  assert.strictEqual(png.toString('latin1', png.length - 8, png.length - 4), 'IEND');
  assert.ok(png.length > 5000, `${png.length} bytes`);
});

test('digests by libcrypto', async () => {
  const [abc, ...others] = await run('digest.js');
  const known = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-4's example
  assert.strictEqual(abc, `sha256("abc") = ${known}`);
  assert.strictEqual(others.length, 4);
});

test('stat and getaddrinfo of libc', async () => {
  const [stat, address, missing] = await run('libc.js');
  assert.ok(stat.startsWith(`${fs.statSync(path.join(folder, 'libc.js')).size} bytes, mode `), stat);
  assert.strictEqual(address, '127.0.0.1 is 127.0.0.1');
  assert.strictEqual(missing, '/nowhere: No such file or directory');
});
