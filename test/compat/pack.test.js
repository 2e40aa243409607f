'use strict';
/*
 * The packed tarballs, installed as users install them: without the registry, without a compiler, one alone or all
 * together, in trees of npm, pnpm and yarn, and left out of a bundle.
 */
const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { install } = require('./originals/prepare.js');
const { run, suites } = require('./originals/run.js');

const root = path.join(__dirname, '../..');
const packed = path.join(root, 'build/pack');
const names = fs.readdirSync(path.join(root, 'compat')).filter((name) => /^(ffi|ref)/.test(name));
let home;

const tarball = (name) => {
  const { version } = JSON.parse(
    fs.readFileSync(path.join(root, name === 'biffi' ? '.' : `compat/${name}`, 'package.json'), 'utf8'),
  );
  return path.join(packed, `${name}-${version}.tgz`);
};

function npmInstall(directory, ...what) {
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, 'package.json'), '{"private": true}');
  // A registry that does not exist: whatever is not in the tarballs fails.
  const args = [
    'install',
    '--offline',
    '--registry=http://127.0.0.1:9/',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  execFileSync('npm', [...args, ...what], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
}

function node(directory, program, ...flags) {
  return execFileSync(process.execPath, [...flags, '-e', program], {
    cwd: directory,
    encoding: 'utf8',
  }).trim();
}

test.before(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'biffi-pack-'));
  // Tests of several versions of Node.js share what is packed.
  const newest = (directory) =>
    Math.max(
      ...fs
        .readdirSync(directory, { recursive: true })
        .map((file) => fs.statSync(path.join(directory, String(file))).mtimeMs),
    );
  const sources = Math.max(...['compat', 'lib', 'src'].map((name) => newest(path.join(root, name))));
  if (!fs.existsSync(tarball('ffi-napi')) || fs.statSync(tarball('ffi-napi')).mtimeMs < sources) {
    const made = spawnSync('make', ['-s', 'pack'], { cwd: root, encoding: 'utf8' });
    assert.equal(made.status, 0, made.stdout + made.stderr);
  }
});

test.after(() => fs.rmSync(home, { recursive: true, force: true }));

test('ffi-napi alone', () => {
  const directory = path.join(home, 'alone');
  npmInstall(directory, tarball('ffi-napi'));
  assert.equal(
    node(
      directory,
      `const ffi = require('ffi-napi');
       console.log(ffi.Library('libc', { abs: ['int', ['int']] }).abs(-5), require('ffi-napi/lib/library') === ffi.Library)`,
    ),
    '5 true',
  );
  const list = fs.readdirSync(path.join(directory, 'node_modules')).filter((name) => !name.startsWith('.'));
  assert.deepEqual(list, ['ffi-napi']);
});

const program = `
  const ffi = require('ffi-napi'), ref = require('ref-napi');
  const { abs } = ffi.Library(null, { abs: ['int', [ref.types.int]] });
  console.log(abs(ref.alloc('int', -9).deref()), ffi.types === ref.types);`;
const others = { esbuild: '0.28.2', pnpm: '8.15.9', yarn: '1.22.22' };

/** Another package manager, with nothing of its own from before and no registry. */
function installWith(manager, script, directory, ...flags) {
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, 'package.json'), '{"private": true}');
  fs.writeFileSync(path.join(directory, 'app.js'), program);
  const args = [path.join(install('managers', others), manager, script), 'add', '--offline', ...flags];
  args.push('--registry=http://127.0.0.1:9/', tarball('ffi-napi'), tarball('ref-napi'));
  // By the machine's Node.js, as npm is.
  const done = spawnSync('node', args, { cwd: directory, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stdout + done.stderr);
  assert.doesNotMatch(done.stdout + done.stderr, /ENOENT|Failed/);
}

const app = (directory, file = 'app.js') =>
  execFileSync(process.execPath, [file], { cwd: directory, encoding: 'utf8' }).trim();

test('a tree of pnpm', () => {
  const directory = path.join(home, 'pnpm');
  installWith('pnpm', 'bin/pnpm.cjs', directory, `--store-dir=${path.join(home, 'pnpm-store')}`);
  assert.ok(fs.lstatSync(path.join(directory, 'node_modules/ffi-napi')).isSymbolicLink());
  assert.equal(app(directory), '9 true');
});

test('a tree of yarn', () => {
  const directory = path.join(home, 'yarn');
  installWith('yarn', 'bin/yarn.js', directory, `--cache-folder=${path.join(home, 'yarn-cache')}`);
  assert.ok(fs.existsSync(path.join(directory, 'yarn.lock')));
  assert.equal(app(directory), '9 true');
});

test('a bundle that leaves the packages out, or has the addon named', () => {
  const directory = path.join(home, 'bundle');
  npmInstall(directory, tarball('ffi-napi'), tarball('ref-napi'));
  fs.writeFileSync(path.join(directory, 'app.js'), program);
  const esbuild = (outfile, ...flags) => {
    const bin = path.join(install('managers', others), 'esbuild/bin/esbuild');
    const args = ['app.js', '--bundle', '--platform=node', '--log-level=error', `--outfile=${outfile}`];
    execFileSync(bin, [...args, ...flags], { cwd: directory });
  };
  esbuild('out.js', '--external:ffi-napi', '--external:ref-napi');
  assert.equal(app(directory, 'out.js'), '9 true');

  esbuild('dist/whole.js');
  fs.copyFileSync(path.join(root, 'build/biffi.node'), path.join(directory, 'dist/biffi.node'));
  fs.rmSync(path.join(directory, 'node_modules'), { recursive: true });
  const env = { ...process.env, BIFFI_ADDON: path.join(directory, 'dist/biffi.node') };
  const said = execFileSync(process.execPath, ['dist/whole.js'], { cwd: directory, env, encoding: 'utf8' });
  assert.equal(said.trim(), '9 true');
});

test('all together are one: types of one package are types for the other', () => {
  const directory = path.join(home, 'all');
  npmInstall(directory, ...names.map(tarball), tarball('biffi'));
  assert.equal(
    node(
      directory,
      `const ffi = require('ffi-napi'), ref = require('ref-napi');
       const Pair = require('ref-struct-napi')({ x: 'int', y: 'int' });
       console.log(ffi.types === ref.types, require('ref-napi/lib/ref') === ref, require('ref') === ref,
         require('ref-struct-di')(ref) === require('ref-struct'), require('biffi/compat/ref-napi/lib/ref') === ref);
       const swap = ffi.Callback(Pair, [Pair], (p) => ({ x: p.y, y: p.x }));
       console.log(JSON.stringify(ffi.ForeignFunction(swap, Pair, [Pair])({ x: 1, y: 2 })), require('biffi/package.json').name)`,
    ),
    'true true true true true\n{"x":2,"y":1} biffi',
  );
});

test('the originals suites, against what is installed', async () => {
  for (const suite of suites) {
    const { ok, output } = await run(suite, path.join(home, 'all/node_modules'));
    assert.ok(ok, `${suite.name}: ${output}`);
  }
});

test('import, named and default', () => {
  const directory = path.join(home, 'all');
  fs.writeFileSync(
    path.join(directory, 'app.mjs'),
    `import ffi, { Library, types } from 'ffi-napi';
     import { alloc, refType } from 'ref-napi';
     console.log(Library(null, { abs: ['int', ['int']] }).abs(-2), types === ffi.types, alloc('int', 3).deref(), refType('int').name);`,
  );
  assert.equal(
    execFileSync(process.execPath, ['app.mjs'], { cwd: directory, encoding: 'utf8' }).trim(),
    '2 true 3 int*',
  );
});

test('TypeScript finds the types', () => {
  const directory = path.join(home, 'all');
  fs.writeFileSync(
    path.join(directory, 'app.ts'),
    `import ffi = require('ffi-napi');
     import Library = require('ffi-napi/lib/library');
     import ref = require('ref-napi');
     import Struct = require('ref-struct-napi');
     const Point = Struct({ x: 'int' });
     export const n: number = ffi.Library('libm', { ceil: ['double', ['double']] }).ceil(new Point({ x: 1 }).x);
     export const p: ref.Pointer<number> = ref.alloc('int', Library(null, { abs: ['int', ['int']] }).abs(-1));`,
  );
  const modules = path.join(root, 'node_modules');
  for (const resolution of ['node16', 'node10']) {
    const args = ['--noEmit', '--strict', '--target', 'es2022', '--moduleResolution', resolution];
    args.push('--module', resolution === 'node16' ? 'node16' : 'commonjs');
    args.push('--types', 'node', '--typeRoots', path.join(modules, '@types'), 'app.ts');
    const checked = spawnSync(path.join(modules, '.bin/tsc'), args, { cwd: directory, encoding: 'utf8' });
    assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  }
});

test('a worker thread', () => {
  const directory = path.join(home, 'alone');
  const inside = `
    const { Worker, isMainThread } = require('node:worker_threads');
    const ffi = require('ffi-napi');
    if (isMainThread) new Worker("console.log(require('ffi-napi').Library(null, { abs: ['int', ['int']] }).abs(-6))", { eval: true });`;
  assert.equal(node(directory, inside), '6');
});

const [major] = process.versions.node.split('.').map(Number);

test('the permission model', { skip: major < 22 && 'this Node.js has no --permission' }, () => {
  const directory = path.join(home, 'alone');
  const flags = ['--permission', '--allow-addons', `--allow-fs-read=*`];
  const call = "console.log(require('ffi-napi').Library(null, { abs: ['int', ['int']] }).abs(-7))";
  assert.equal(node(directory, call, ...flags), '7');
});

test('a platform without a prebuilt addon is told so', () => {
  const directory = path.join(home, 'alone');
  const program = `
    Object.defineProperty(process, 'arch', { value: 'riscv64' });
    try { require('ffi-napi'); } catch (error) { console.log(error.code, error.message); }`;
  const said = node(directory, program);
  assert.match(said, /^BF_ELIBRARY biffi's addon can't be loaded: .*this is linux-riscv64-glibc/);
  assert.match(said, /To build it here: sh .*scripts\/build-addon/);
});

test('prebuilt addons are for the processor and the C library of their names', (t) => {
  const prebuilds = path.join(home, 'alone/node_modules/ffi-napi/biffi/prebuilds');
  const machines = { x64: 62, arm64: 183 };
  for (const processor of Object.keys(machines)) {
    for (const libc of ['glibc', 'musl']) {
      const platform = `linux-${processor}-${libc}`;
      const file = path.join(prebuilds, platform, 'biffi.node');
      if (!fs.existsSync(file)) {
        t.diagnostic(`${platform} was not looked at: \`make prebuild\` had no tools for it`);
        continue;
      }
      const addon = fs.readFileSync(file);
      assert.equal(addon.readUInt16LE(18), machines[processor], platform);
      assert.equal(addon.includes('\0libc.so.6\0'), libc === 'glibc', platform);
      assert.equal(addon.includes('\0libc.so\0'), libc === 'musl', platform);

      // What the loader goes by: the processor, and the interpreter in the program that runs.
      const program = path.join(home, `node-${libc}`);
      fs.writeFileSync(program, libc === 'musl' ? '\0/lib/ld-musl-any.so.1\0' : '\0/lib/ld-linux-any.so.1\0');
      const said = node(
        path.join(home, 'alone'),
        `Object.defineProperty(process, 'arch', { value: '${processor}' });
         process.execPath = ${JSON.stringify(program)};
         process.dlopen = (module, file) => { throw new Error('took ' + file); };
         try { require('ffi-napi'); } catch (error) { console.log(error.message); }`,
      );
      assert.ok(said.startsWith(`biffi's addon can't be loaded: took ${fs.realpathSync(file)} (`), said);
    }
  }
});

test('building from the sources inside', () => {
  const directory = path.join(home, 'sources');
  npmInstall(directory, tarball('biffi'));
  const inside = path.join(directory, 'node_modules/biffi');
  fs.rmSync(path.join(inside, 'prebuilds'), { recursive: true });
  const built = spawnSync('sh', [path.join(inside, 'scripts/build-addon')], { encoding: 'utf8' });
  assert.equal(built.status, 0, built.stdout + built.stderr);
  assert.equal(
    node(
      directory,
      "console.log(require('biffi/compat/ffi-napi/lib/ffi').Library(null, { abs: ['int', ['int']] }).abs(-8))",
    ),
    '8',
  );
});
