'use strict';
/*
 * The addon: one biffi.node for every Node.js, from the build directory of a
 * checkout or from the package's prebuilds, where each platform has its own.
 */
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');

/** The C library that this Node.js was linked with, by the name of its program interpreter. */
function libc() {
  const start = Buffer.alloc(4096);
  try {
    const file = fs.openSync(process.execPath, 'r');
    fs.readSync(file, start, 0, start.length, 0);
    fs.closeSync(file);
  } catch {
    return 'glibc';
  }
  return start.includes('/ld-musl-') ? 'musl' : 'glibc';
}

const platform =
  process.platform === 'linux' ? `linux-${process.arch}-${libc()}` : `${process.platform}-${process.arch}`;
const candidates = [
  process.env.BIFFI_ADDON,
  path.join(root, 'build', 'biffi.node'),
  path.join(root, 'prebuilds', platform, 'biffi.node'),
].filter(Boolean);

/** What somebody without an addon can do. */
function advice() {
  const script = path.join(root, 'scripts', 'build-addon');
  const prebuilds = path.join(root, 'prebuilds');
  const others = fs.existsSync(prebuilds) ? fs.readdirSync(prebuilds).join(', ') : 'none';
  const build = fs.existsSync(script) ? ` To build it here: sh ${script}` : '';
  return `this is ${platform}, prebuilt ones are there for: ${others}.${build}`;
}

function open() {
  const failures = [];
  for (const file of candidates) {
    try {
      return require(file);
    } catch (error) {
      failures.push(error);
      if (error.code !== 'MODULE_NOT_FOUND') break;
    }
  }
  if (failures.at(-1).code === 'ERR_DLOPEN_DISABLED') {
    const error = new Error(
      "biffi's addon can't be loaded: Node.js runs with --permission: add --allow-addons",
    );
    throw Object.assign(error, { code: 'BF_ELIBRARY', cause: failures.at(-1) });
  }
  const [reason] = failures.at(-1).message.split('\n');
  const error = new Error(
    `biffi's addon can't be loaded: ${reason} (tried ${candidates.join(', ')}; ${advice()})`,
  );
  error.code = 'BF_ELIBRARY';
  throw error;
}

module.exports = open();
