#!/usr/bin/env node
'use strict';
/*
 * Makes the npm packages below build/pack/: biffi, with the addon for every platform of build/prebuilds and the C
 * sources, and the drop-in packages of compat/, each with biffi inside, so that any of them installs alone, without
 * a compiler and without the registry. It is a directory of theirs and no bundled dependency: yarn asks the registry
 * for those all the same.
 */
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const out = path.join(root, 'build/pack');
const stage = path.join(out, 'stage');
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));

const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const writeJson = (file, value) => fs.writeFileSync(file, JSON.stringify(value, null, 2) + '\n');

function copy(from, to) {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.cpSync(from, to, { recursive: true });
}

/** Files below a directory, relative to it. */
function filesOf(directory) {
  return fs
    .readdirSync(directory, { recursive: true })
    .map(String)
    .filter((file) => fs.statSync(path.join(directory, file)).isFile())
    .sort();
}

function npmPack(directory) {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', out, directory];
  return execFileSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

/** The package biffi as it is installed. */
function stageBiffi() {
  const home = path.join(stage, 'biffi');
  for (const name of ['bin', 'lib', 'compat', 'include', 'lua', 'LICENSE', 'README.md', 'Makefile']) {
    if (fs.existsSync(path.join(root, name))) copy(path.join(root, name), path.join(home, name));
  }
  // For scripts/build-addon: the floors that the addon is made of, and Node-API's headers.
  for (const floor of ['ctype', 'call', 'node'])
    copy(path.join(root, 'src', floor), path.join(home, 'src', floor));
  copy(path.join(root, 'scripts/build-addon'), path.join(home, 'scripts/build-addon'));
  const headers = path.join(root, 'node_modules/node-api-headers');
  for (const name of ['include', 'LICENSE'])
    copy(path.join(headers, name), path.join(home, 'src/node-api', name));
  fs.rmSync(path.join(home, 'src/node-api/include/node_api_types.d.ts'), { force: true });

  const prebuilds = path.join(root, 'build/prebuilds');
  const platforms = fs.existsSync(prebuilds) ? fs.readdirSync(prebuilds) : [];
  if (platforms.length === 0) throw new Error('build/prebuilds is empty: `make prebuild` first');
  for (const platform of platforms) {
    copy(path.join(prebuilds, platform, 'biffi.node'), path.join(home, 'prebuilds', platform, 'biffi.node'));
  }

  const { devDependencies, scripts, files, ...published } = manifest;
  published.files = [...new Set([...files, 'src', 'scripts', 'Makefile'])];
  writeJson(path.join(home, 'package.json'), published);
  return { home, platforms };
}

/** A drop-in package: a file for each of its files, that gives the one inside of biffi. */
function stageDropIn(name, biffi) {
  const source = path.join(root, 'compat', name);
  const home = path.join(stage, name);
  const own = readJson(path.join(source, 'package.json'));
  for (const file of filesOf(source)) {
    const target = path.join(home, file);
    const inside = path.posix.join(
      path.posix.relative(path.posix.dirname(`/${file}`), '/biffi'),
      `compat/${name}/${file}`,
    );
    const specifier = inside.startsWith('.') ? inside : `./${inside}`;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    if (file.endsWith('.d.ts')) {
      const module = specifier.replace(/\.d\.ts$/, '');
      const isAssigned = /^export =/m.test(fs.readFileSync(path.join(source, file), 'utf8'));
      const text = isAssigned
        ? `import inside = require('${module}');\nexport = inside;\n`
        : `export * from '${module}';\n`;
      fs.writeFileSync(target, text);
    } else if (file.endsWith('.js')) {
      fs.writeFileSync(
        target,
        `'use strict';\nmodule.exports = require('${specifier.replace(/\.js$/, '')}');\n`,
      );
    }
  }
  copy(path.join(root, 'LICENSE'), path.join(home, 'LICENSE'));
  copy(biffi, path.join(home, 'biffi'));
  writeJson(path.join(home, 'package.json'), own);
  return home;
}

fs.rmSync(out, { recursive: true, force: true });
const { home: biffi, platforms } = stageBiffi();
const names = fs
  .readdirSync(path.join(root, 'compat'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const tarballs = [biffi, ...names.map((name) => stageDropIn(name, biffi))].map(npmPack);
fs.rmSync(stage, { recursive: true });

for (const tarball of tarballs) {
  const kilobytes = (fs.statSync(path.join(out, tarball)).size / 1024).toFixed(0);
  console.log(`build/pack/${tarball} (${kilobytes} KiB)`);
}
console.log(`addon for ${platforms.join(', ')}`);
