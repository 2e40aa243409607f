'use strict';
/*
 * The addon: one biffi.node for every Node.js, from the build directory of a
 * checkout or from the package's prebuilds.
 */
const path = require('node:path');

const root = path.join(__dirname, '..');
const candidates = [
  process.env.BIFFI_ADDON,
  path.join(root, 'build', 'biffi.node'),
  path.join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'biffi.node'),
].filter(Boolean);

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
  const error = new Error(
    `biffi's addon can't be loaded (tried ${candidates.join(', ')}): ${failures.at(-1).message.split('\n')[0]}`,
  );
  error.code = 'BF_ELIBRARY';
  throw error;
}

module.exports = open();
