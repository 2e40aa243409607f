'use strict';
/*
 * What the benchmark needs besides biffi itself: the library under test and the peers written in C, compiled into
 * build/bench; the npm peers, installed into bench/node_modules; and the Node.js versions. What can't be had is
 * reported by name, and the peers that need it are listed as missing in the results.
 */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const build = path.join(root, 'build/bench');
const modules = path.join(__dirname, 'node_modules');

function run(command, args, options = {}) {
  const r = spawnSync(command, args, { encoding: 'utf8', cwd: root, ...options });
  if (r.error || r.status !== 0) {
    const said = (r.stderr || r.stdout || String(r.error ?? r.signal)).trim();
    throw new Error(`${command} ${args.join(' ')} failed: ${said.split('\n').slice(-3).join(' ')}`);
  }
  return r.stdout;
}

function newest(files) {
  return Math.max(...files.map((file) => fs.statSync(file).mtimeMs));
}

function compile(output, source, flags, headers = ['targets.h']) {
  const from = [source, ...headers.map((h) => path.join(__dirname, h))];
  if (fs.existsSync(output) && fs.statSync(output).mtimeMs > newest(from)) return;
  /* Loops of four instructions are 40 % slower where they happen to cross a line: C gets the best of it, always. */
  const aligned = ['-falign-functions=64', '-falign-loops=64'];
  const warnings = ['-Wall', '-Wextra', '-Werror'];
  run('gcc', ['-std=gnu11', '-O2', ...aligned, ...warnings, ...flags, source, '-o', output, '-ldl']);
}

/* The functions of the load cases: six types, each function named load_N. */
const LOAD_TYPES = [
  ['int(int,int)', 'int', 'int a, int b', 'a'],
  ['double(double,double)', 'double', 'double a, double b', 'a'],
  ['size_t(const char*)', 'size_t', 'const char *s', '0'],
  ['int(const uint8_t*,size_t)', 'int', 'const uint8_t *bytes, size_t n', '0'],
  ['void(void)', 'void', 'void', ''],
  ['int64_t(int64_t)', 'int64_t', 'int64_t a', 'a'],
];

/** The first n functions of the load library: what adapters get to define. */
function loadFunctions(n) {
  return Array.from({ length: n }, (_, i) => {
    const [type, result, params] = LOAD_TYPES[i % LOAD_TYPES.length];
    return { name: `load_${i}`, type, declaration: `${result} load_${i}(${params});` };
  });
}

function compileC() {
  fs.mkdirSync(build, { recursive: true });
  const shared = ['-fPIC', '-shared'];
  compile(path.join(build, 'libtargets.so'), path.join(__dirname, 'targets.c'), shared);
  compile(path.join(build, 'c'), path.join(__dirname, 'peers/c.c'), []);
  const headers = path.join(root, 'node_modules/node-api-headers/include');
  compile(path.join(build, 'napi_addon.node'), path.join(__dirname, 'peers/napi_addon.c'), [
    ...shared,
    '-isystem',
    headers,
  ]);

  const many = path.join(build, 'load.c');
  const text =
    '#include <stddef.h>\n#include <stdint.h>\n' +
    loadFunctions(300)
      .map(({ declaration }, i) => {
        const value = LOAD_TYPES[i % LOAD_TYPES.length][3];
        const used = [...declaration.matchAll(/(\w+)(?=[,)])/g)].map((m) => m[1]).filter((p) => p !== 'void');
        return `${declaration.slice(0, -1)} { ${used.map((p) => `(void)${p}; `).join('')}return${value && ` ${value}`}; }`;
      })
      .join('\n') +
    '\n';
  if (!fs.existsSync(many) || fs.readFileSync(many, 'utf8') !== text) fs.writeFileSync(many, text);
  /* a library of its own for 30 and for 300, as for any program that has that many */
  compile(path.join(build, 'libload.so'), many, shared, []);
}

/** Installs the npm peers. Returns { package: why it is missing }. */
function installPeers() {
  const wanted = JSON.parse(fs.readFileSync(path.join(__dirname, 'package.json'), 'utf8')).dependencies;
  const has = (name) => {
    try {
      return (
        JSON.parse(fs.readFileSync(path.join(modules, name, 'package.json'), 'utf8')).version === wanted[name]
      );
    } catch {
      return false;
    }
  };
  const missing = {};
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund'];
  if (!Object.keys(wanted).every(has)) {
    console.error('bench: npm ci in bench/');
    try {
      run('npm', ['ci', ...quiet], { cwd: __dirname });
    } catch {
      /* one package that can't be had must not cost the others */
      for (const [name, version] of Object.entries(wanted)) {
        if (has(name)) continue;
        try {
          run('npm', ['install', '--no-save', '--no-package-lock', ...quiet, `${name}@${version}`], {
            cwd: __dirname,
          });
        } catch (error) {
          missing[name] = error.message;
        }
      }
    }
  }
  for (const [name, dir] of [
    ['deno', '@deno'],
    ['bun', '@oven'],
  ]) {
    if (!missing[name] && !program(name)) missing[name] = `no program under node_modules/${dir}`;
  }
  return missing;
}

/** The program of the npm packages deno and bun: a package per platform holds it. */
function program(name) {
  const scope = path.join(modules, name === 'deno' ? '@deno' : '@oven');
  if (!fs.existsSync(scope)) return undefined;
  for (const platform of fs.readdirSync(scope)) {
    for (const file of [path.join(scope, platform, name), path.join(scope, platform, 'bin', name)]) {
      if (fs.existsSync(file)) {
        fs.chmodSync(file, 0o755);
        return file;
      }
    }
  }
  return undefined;
}

/** Node.js binaries of the majors: { 20: { version, file } }; missing ones are reported. */
function nodes(majors) {
  const found = {};
  const missing = {};
  for (const major of majors) {
    try {
      const [version, file] = run(path.join(root, 'scripts/node-versions'), [major])
        .trim()
        .split('\n')
        .pop()
        .split(' ');
      found[major] = { version, file };
    } catch (error) {
      missing[`node ${major}`] = error.message;
    }
  }
  return { found, missing };
}

module.exports = { root, build, run, compileC, installPeers, program, nodes, loadFunctions };
