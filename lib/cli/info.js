'use strict';
/* biffi info: which way calls go in this Node.js. */
const { info } = require('../info');

const HELP = `Usage: biffi info

Prints which tier carries calls in this Node.js, and why; BIFFI_TIER=v8|napi|ffi forces one.
`;

function run() {
  for (const [name, value] of Object.entries(info())) {
    process.stdout.write(`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
  }
}

module.exports = { HELP, run };
