'use strict';
// Libraries that are mapped before nginx makes its workers.
const assert = require('node:assert');
const fs = require('node:fs');
const { after, before, describe, it } = require('node:test');
const { Nginx } = require('./nginx.js');

describe('preload', () => {
  /** @type {Nginx} */
  let nginx;
  before(async () => {
    nginx = await Nginx.start({
      init: `
        local core = require("resty_ffi")
        preloaded = {core.preload("ffi_nodejs")}
        missing = {core.preload("no_such_library")}`,
    });
  });
  after(() => nginx.stop());

  it('maps the library in the master, and starts nothing there', async () => {
    assert.strictEqual(await nginx.lua('ngx.print(tostring(preloaded[1]))'), 'true');
    const [worker] = nginx.workers();
    const [, master] = /^PPid:\s*(\d+)/m.exec(fs.readFileSync(`/proc/${worker}/status`, 'utf8'));
    for (const pid of [master, worker]) {
      assert.match(fs.readFileSync(`/proc/${pid}/maps`, 'utf8'), /libnode\.so/);
      assert.strictEqual(fs.readdirSync(`/proc/${pid}/task`).length, 1);
    }
  });

  it('serves what is loaded then', async () => {
    const text = await nginx.lua(`
      for _, mode in ipairs({"thread", "inline", "process"}) do
        local demo = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {is_global = true, mode = mode}))
        ngx.say(select(2, demo:echo("hello")))
      end`);
    assert.strictEqual(text, 'hello\nhello\nhello\n');
  });

  it('says what it cannot map', async () => {
    const text = await nginx.lua('ngx.print(tostring(missing[1]), " ", missing[2])');
    assert.match(text, /^nil .*no_such_library/);
  });
});
