'use strict';
// Programs around libbiffi: the example in C, built as its comment says, and a host in Python.
const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { before, describe, it } = require('node:test');

const root = path.join(__dirname, '../..');
const build = process.env.BIFFI_BUILD ?? path.join(root, 'build');

describe('the example program', () => {
  const folder = path.join(build, 'host-tests/npm');
  const program = path.join(folder, 'npm');
  const run = (...args) => spawnSync(program, args, { cwd: folder, encoding: 'utf8' });

  before(() => {
    const own = path.join(folder, 'node_modules/kebab');
    fs.mkdirSync(own, { recursive: true });
    fs.writeFileSync(
      path.join(own, 'package.json'),
      '{"name": "kebab", "version": "1.0.0", "main": "main.js"}',
    );
    fs.writeFileSync(
      path.join(own, 'main.js'),
      `module.exports = (text) => text.toLowerCase().replace(/\\s+/g, '-');
       module.exports.count = async (text) => text.split(/\\s+/).length;
       module.exports.fail = () => { throw new Error('no'); };`,
    );
    execFileSync('gcc', [
      ...['-Wall', '-Wextra', '-Werror', '-I', path.join(root, 'include'), path.join(root, 'demo/npm.c')],
      ...['-o', program, '-L', build, '-lbiffi', `-Wl,-rpath,${build}`],
    ]);
  });

  it('calls a package', () => {
    assert.deepStrictEqual(
      [run('kebab', 'Hello C World').stdout, run('kebab', 'x').status],
      ['hello-c-world\n', 0],
    );
    assert.strictEqual(run('kebab#count', 'Hello C World').stdout, '3\n');
  });

  it('calls one from npm', () => {
    // ms is among what the linters depend on.
    const { stdout, stderr } = spawnSync(program, ['ms', '2 days'], { cwd: root, encoding: 'utf8' });
    assert.deepStrictEqual([stdout, stderr], ['172800000\n', '']);
  });

  it('says what went wrong', () => {
    const failed = run('kebab#fail', 'x');
    assert.deepStrictEqual([failed.status, failed.stderr], [1, 'no\n']);
    const absent = run('absent', 'x');
    assert.strictEqual(absent.status, 1);
    assert.match(absent.stderr, /^Cannot find module 'absent' from /);
    assert.strictEqual(run().status, 2);
  });
});

describe('Python', () => {
  it('hosts Node.js in every mode', () => {
    const { stdout, stderr, status } = spawnSync(
      'python3',
      [
        path.join(__dirname, 'python_host.py'),
        path.join(build, 'libbiffi.so'),
        path.join(__dirname, 'modules'),
      ],
      { encoding: 'utf8' },
    );
    assert.strictEqual(stderr, '');
    assert.deepStrictEqual([stdout, status], ['ok thread\nok inline\nok process\n', 0]);
  });
});
