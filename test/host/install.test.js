'use strict';
/* What `make install` leaves is what users build on: the README's C program, the Node.js package. */
const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const root = path.join(__dirname, '../..');
const build = process.env.BIFFI_BUILD ?? path.join(root, 'build');

let folder, prefix;

/** @param {object} env besides this process's own */
function run(command, args, env = {}) {
  return execFileSync(command, args, { cwd: root, encoding: 'utf8', env: { ...process.env, ...env } });
}

before(() => {
  folder = fs.mkdtempSync(path.join(build, 'install-'));
  prefix = path.join(folder, 'usr');
  run('make', ['-s', 'install', `PREFIX=${prefix}`], { MAKEFLAGS: '' });
});

after(() => fs.rmSync(folder, { recursive: true }));

test("the README's C program builds against the installed library, and runs", () => {
  const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
  const source = path.join(folder, 'hello.c');
  const program = path.join(folder, 'hello');
  fs.writeFileSync(source, /^```c\n(.*?)^```$/ms.exec(readme)[1]);
  const search = { PKG_CONFIG_PATH: path.join(prefix, 'lib/pkgconfig') };
  const flags = run('pkg-config', ['--cflags', '--libs', 'biffi'], search).trim().split(' ');
  run('gcc', ['-Wall', '-Wextra', '-Werror', '-o', program, source, ...flags]);
  assert.equal(run(program, [], { LD_LIBRARY_PATH: path.join(prefix, 'lib') }), 'hello, C\n');
});

test('the manual page of each function is installed, is sound, and leaves out nothing of the header', () => {
  const header = fs.readFileSync(path.join(prefix, 'include/biffi.h'), 'utf8');
  const functions = [...header.matchAll(/^BIFFI_API .*?(biffi_\w+)\(/gm)].map((match) => match[1]);
  assert.ok(functions.length > 10);
  const manual = path.join(prefix, 'share/man/man3');
  const page = fs.readFileSync(path.join(manual, 'biffi.3'), 'utf8');
  for (const name of functions) {
    assert.equal(fs.readFileSync(path.join(manual, `${name}.3`), 'utf8'), page);
    assert.ok(page.includes(`\n.Fn ${name} `), `${name} has no synopsis`);
  }
  // Each function with its parameters: commas in a parameter's own list do not part.
  const parameters = (text) =>
    text
      .replace(/\s+/g, ' ')
      .match(/(?:\([^()]*\)|[^,()])+/g)
      .map((one) => one.trim());
  for (const [, type, name, list] of header.matchAll(
    /^BIFFI_API (.*?)(biffi_\w+)\(((?:[^()]|\([^()]*\))*)\);/gm,
  )) {
    const shown = new RegExp(`^\\.Ft (.*)\n\\.Fn ${name} (.*)$`, 'm').exec(page);
    const arguments_ = [...shown[2].matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]);
    assert.deepEqual([shown[1], arguments_], [type.trim(), parameters(list)], `the synopsis of ${name}`);
  }
  // Each field of the structs that callers fill in or read.
  for (const [, body, struct] of header.matchAll(/^typedef struct biffi_\w+ \{\n(.*?)^\} (\w+);/gms)) {
    const declared = body.replace(/\/\*.*?\*\//gs, '').split(';');
    const fields = declared.map((field) => /\(\*(\w+)\)|(\w+)\s*$/.exec(field.trim())).filter(Boolean);
    assert.ok(fields.length >= 2, struct);
    for (const [, pointer, plain] of fields)
      assert.ok(
        new RegExp(`\\.(It )?Va .*\\b${pointer ?? plain}\\b`).test(page),
        `${struct}.${pointer ?? plain}`,
      );
  }
  for (const [, name] of header.matchAll(/^\t(BIFFI_\w+) = /gm)) {
    assert.ok(new RegExp(`^\\.(It )?Dv ${name}\\b`, 'm').test(page), `${name} is not described`);
  }
  const checked = spawnSync('groff', ['-mdoc', '-ww', '-Tascii', '-z', path.join(manual, 'biffi.3')], {
    encoding: 'utf8',
  });
  assert.equal(checked.error, undefined);
  assert.deepEqual([checked.status, checked.stderr], [0, '']);
});

test('the installed package loads, from CommonJS and from ESM', () => {
  const modules = path.join(folder, 'node_modules');
  fs.symlinkSync(path.join(prefix, 'lib/node_modules'), modules);
  const declaration = "('libm.so.6', 'double cos(double);').cos(0)";
  fs.writeFileSync(path.join(folder, 'a.cjs'), `console.log(require('biffi').load${declaration})`);
  fs.writeFileSync(
    path.join(folder, 'b.mjs'),
    `import { load } from 'biffi'; console.log(load${declaration})`,
  );
  for (const name of ['a.cjs', 'b.mjs']) {
    assert.equal(run(process.execPath, ['--preserve-symlinks', path.join(folder, name)]), '1\n');
  }
});

test('the installed command calls C', () => {
  const command = path.join(prefix, 'bin/biffi');
  assert.equal(run(process.execPath, [command, 'call', 'libm.so.6', 'double cos(double)', '0']), '1\n');
});
