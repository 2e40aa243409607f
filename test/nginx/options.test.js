'use strict';
// NODE_OPTIONS, kept by nginx's `env`, is for the Node.js of every mode.
const assert = require('node:assert');
const { describe, it } = require('node:test');
const { Nginx } = require('./nginx.js');

const MB = 2 ** 20;
const MODES = ['thread', 'inline', 'process'];

const server = MODES.map(
  (mode) => `
  location = /${mode} {
    content_by_lua_block {
      local demo = assert(ngx.load_ffi("ffi_nodejs", "demo/heap", {is_global = true, mode = "${mode}"}))
      local ok, sizes, why = demo:sizes()
      ngx.print(ok and sizes or why)
    }
  }`,
).join('');

/** Each mode's heap: { thread: { young, limit }, ... } */
async function heaps(main) {
  const nginx = await Nginx.start({ main, server });
  try {
    const found = {};
    for (const mode of MODES) found[mode] = JSON.parse((await nginx.get(`/${mode}`)).text);
    return found;
  } finally {
    await nginx.stop();
  }
}

describe('options', () => {
  it('of NODE_OPTIONS limit the heap of every mode', async () => {
    const free = await heaps('');
    const limited = await heaps('env "NODE_OPTIONS=--max-semi-space-size=1 --max-old-space-size=300";');
    for (const mode of MODES) {
      const { young, limit } = limited[mode];
      assert.ok(young <= 4 * MB && young < free[mode].young, `${mode}: young ${young}`);
      assert.ok(limit < 320 * MB && limit < free[mode].limit, `${mode}: limit ${limit}`);
    }
  });
});
