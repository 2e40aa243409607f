'use strict';
/**
 * Gets the original suites ready to run: downloads (once, into node_modules/.cache), unpacks and patches them and
 * compiles their fixtures with plain g++ (once per Node.js ABI, under build/).
 *
 * A suite finds the package under test as `require('../')`: its parent directory is a package that re-exports that
 * name, which the runner resolves with NODE_PATH.
 */
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const suites = require('./suites.js');

const root = path.join(__dirname, '../../..');
const cache = path.join(fs.realpathSync(path.join(root, 'node_modules')), '.cache/biffi-originals');
const stage = path.join(root, 'build/originals', `abi${process.versions.modules}`);

/** Runs npm of this machine, whatever Node.js runs the tests. */
function npm(args, cwd) {
  const quiet = ['--silent', '--no-audit', '--no-fund', '--no-update-notifier', '--ignore-scripts'];
  execFileSync('npm', [...args, ...quiet], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Makes a directory whole or not at all, also when several processes try at once. */
function once(directory, make) {
  if (fs.existsSync(directory)) return directory;
  fs.mkdirSync(path.dirname(directory), { recursive: true });
  const fresh = fs.mkdtempSync(`${directory}.`);
  try {
    make(fresh);
    fs.renameSync(fresh, directory);
  } catch (error) {
    fs.rmSync(fresh, { recursive: true, force: true });
    // Somebody else was quicker.
    if (!fs.existsSync(directory)) throw error;
  }
  return directory;
}

/**
 * @param {{ name: string, version: string }} published
 * @param {string[]} [members] for tar: only these
 * @returns {string} directory with the published package
 */
function download({ name, version }, members = []) {
  return once(path.join(cache, `${name}-${version}`), (fresh) => {
    npm(['pack', `${name}@${version}`], fresh);
    const [tarball] = fs.readdirSync(fresh).filter((file) => file.endsWith('.tgz'));
    execFileSync('tar', ['xzf', tarball, '--strip-components=1', ...members], {
      cwd: fresh,
    });
    fs.rmSync(path.join(fresh, tarball));
  });
}

/** @returns {string} a node_modules directory with those packages */
function install(label, packages) {
  const key = Object.entries(packages)
    .map(([name, version]) => `${name}@${version}`)
    .join('_')
    .replace(/[^\w.@-]/g, '');
  const directory = path.join(
    cache,
    `${label}-${require('node:crypto').createHash('md5').update(key).digest('hex')}`,
  );
  once(directory, (fresh) => {
    fs.writeFileSync(
      path.join(fresh, 'package.json'),
      JSON.stringify({ private: true, dependencies: packages }),
    );
    npm(['install'], fresh);
  });
  return path.join(directory, 'node_modules');
}

const tools = () => install('tools', suites.tools);

/** Headers of the Node.js that runs this: beside it, or out of the package of its release. */
function headers() {
  const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
  const fits = (place) => {
    const file = path.join(place, 'node_version.h');
    const version =
      fs.existsSync(file) && /define NODE_MODULE_VERSION (\d+)/.exec(fs.readFileSync(file, 'utf8'));
    return version && version[1] === process.versions.modules;
  };
  const beside = [path.join(prefix, 'include/node'), '/usr/include/nodejs/src', '/usr/include/node'].find(
    fits,
  );
  if (beside) return beside;
  const release = {
    name: `node-linux-${process.arch}`,
    version: process.versions.node,
  };
  return path.join(download(release, ['--wildcards', '*/include/*']), 'include/node');
}

function compile(suite, directory) {
  const { source, output, include, define = [], patches } = suite.fixture;
  let text = fs.readFileSync(path.join(directory, source), 'utf8');
  for (const { from, to, why } of patches) {
    const patched = text.replace(from, to);
    if (patched === text) throw new Error(`${suite.name}: ${source} has nothing to patch for: ${why}`);
    text = patched;
  }
  fs.writeFileSync(path.join(directory, source), text);

  const target = path.join(directory, 'build/Release', output);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  // V8's headers want C++20 from Node.js 22 on; node-addon-api 3 is no C++20.
  const standard = include.includes('nan') && Number(process.versions.modules) >= 127 ? 'c++20' : 'c++17';
  const flags = [`-std=${standard}`, '-O1', '-w', '-fPIC', '-shared', '-DBUILDING_NODE_EXTENSION'];
  execFileSync(
    'g++',
    [
      ...flags,
      `-DNODE_GYP_MODULE_NAME=${path.basename(output, '.node')}`,
      ...define.map((name) => `-D${name}`),
      `-isystem${headers()}`,
      ...include.map((name) => `-isystem${path.join(tools(), name)}`),
      source,
      '-o',
      target,
    ],
    { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] },
  );
}

/** @returns {string} the suite's test directory, ready for mocha */
function prepare(suite) {
  const published = download(suite);
  const version = `${suite.version}-${fs.statSync(path.join(__dirname, 'suites.js')).mtimeMs.toFixed(0)}`;
  const directory = once(path.join(stage, `${suite.name}-${version}`), (fresh) => {
    fs.cpSync(path.join(published, 'test'), path.join(fresh, 'test'), {
      recursive: true,
    });
    fs.writeFileSync(
      path.join(fresh, 'package.json'),
      JSON.stringify({ name: suite.name, main: 'index.js' }),
    );
    fs.writeFileSync(path.join(fresh, 'index.js'), `module.exports = require('${suite.name}');\n`);
    if (suite.fixture) compile(suite, path.join(fresh, 'test'));
  });
  return path.join(directory, 'test');
}

/** A node_modules directory of links to compat/, as an installation would have it. */
function ours() {
  const directory = path.join(root, 'build/originals/biffi/node_modules');
  fs.mkdirSync(directory, { recursive: true });
  for (const name of fs.readdirSync(path.join(root, 'compat'))) {
    const from = path.join(root, 'compat', name);
    const link = path.join(directory, name);
    if (!fs.statSync(from).isDirectory() || fs.existsSync(link)) continue;
    try {
      fs.symlinkSync(from, link);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
  return directory;
}

/** The originals themselves, to see that this harness is right about them. `ref` is what some suites call ref-napi. */
function originals() {
  const packages = Object.fromEntries(suites.map(({ name, version }) => [name, version]));
  const directory = install('originals', packages);
  const ref = path.join(directory, 'ref');
  fs.mkdirSync(ref, { recursive: true });
  fs.writeFileSync(path.join(ref, 'index.js'), "module.exports = require('ref-napi');\n");
  return directory;
}

/** The original ffi-napi, native part and all, on our ref-napi. */
function mixed() {
  const theirs = originals();
  const directory = once(path.join(root, 'build/originals/mixed'), (fresh) => {
    for (const name of ['ffi-napi', 'node-gyp-build', 'debug', 'ms', 'ref-struct-di']) {
      fs.cpSync(path.join(theirs, name), path.join(fresh, 'node_modules', name), { recursive: true });
    }
    for (const name of ['ref-napi', 'ref-array-di']) {
      fs.symlinkSync(path.join(root, 'compat', name), path.join(fresh, 'node_modules', name));
    }
  });
  return path.join(directory, 'node_modules');
}

module.exports = { install, mixed, originals, ours, prepare, tools };
