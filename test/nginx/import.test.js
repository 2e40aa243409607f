'use strict';
// An ES module imports `resty_ffi` as CommonJS requires it, in the Workers it starts too.
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx } = require('./nginx.js');

describe('an ES module that polls its tasks', () => {
  /** @type {Nginx} */
  let nginx;
  before(async () => {
    nginx = await Nginx.start();
    const folder = path.join(nginx.prefix, 'modern');
    fs.mkdirSync(folder, { mode: 0o755 });
    const files = {
      'main.mjs': `
        import ffi from 'resty_ffi';
        import { Worker } from 'node:worker_threads';
        export const init = (cfg, tq) => {
          const worker = new Worker(new URL('./poller.mjs', import.meta.url));
          worker.on('message', (tsk) => ffi.respond(tsk, 0, 'default ' + ffi.get_req(tsk)));
          worker.postMessage(tq);
          return 0;
        };`,
      'poller.mjs': `
        import { poll_task } from 'resty_ffi';
        import { parentPort } from 'node:worker_threads';
        parentPort.once('message', (tq) => {
          for (let tsk; (tsk = poll_task(tq)); ) parentPort.postMessage(tsk);
        });`,
      // Only its Worker is an ES module.
      'mixed.js': `
        const ffi = require('resty_ffi');
        const { Worker } = require('node:worker_threads');
        exports.init = (cfg, tq) => {
          const worker = new Worker(__dirname + '/poller.mjs');
          worker.on('message', (tsk) => ffi.respond(tsk, 0, 'mixed ' + ffi.get_req(tsk)));
          worker.postMessage(tq);
          return 0;
        };`,
      // Nothing says worker_threads before it is imported.
      'imports.js': `
        const ffi = require('resty_ffi');
        exports.init = async (cfg, tq) => {
          const { Worker } = await import(['node:worker', 'threads'].join('_'));
          const worker = new Worker(__dirname + '/poller.mjs');
          worker.on('message', (tsk) => ffi.respond(tsk, 0, 'imports ' + ffi.get_req(tsk)));
          worker.postMessage(tq);
          return 0;
        };`,
      'wrong.mjs': `import ffi from 'resty_ffi_absent'; export const init = () => 0;`,
      'late.mjs': `
        import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        export const handle = async () => {
          const [first, second] = [await import('resty_ffi'), require('resty_ffi')];
          return String(first.default === second && first.respond === second.respond);
        };`,
    };
    for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
  });
  after(() => nginx.stop());

  for (const [name, word] of [
    ['imports', 'imports'], // first, while nobody has loaded worker_threads
    ['mixed', 'mixed'],
    ['main', 'default'],
  ]) {
    it(`finds it, by default and by name, ${name}`, async () => {
      const text = await nginx.lua(`
        local demo = assert(ngx.load_ffi("ffi_nodejs", "modern/${name},init", {is_global = true}))
        for i = 1, 50 do assert(select(2, demo:echo("x" .. i)) == "${word} x" .. i) end
        ngx.print(select(2, demo:echo("end")))
        demo:__unload()`);
      assert.strictEqual(text, `${word} end`);
    });
  }

  for (const mode of ['thread', 'inline']) {
    it(`gets what require gives, ${mode}`, async () => {
      const text = await nginx.lua(`
        local late = assert(ngx.load_ffi("ffi_nodejs", "modern/late", {mode = "${mode}"}))
        local ok, res, err = late:handle()
        ngx.print(ok and res or err)`);
      assert.strictEqual(text, 'true');
    });
  }

  it('is told of a package that is not there', async () => {
    const text = await nginx.lua(`
      ngx.print(select(2, ngx.load_ffi("ffi_nodejs", "modern/wrong,init")))`);
    assert.match(text, /Cannot find package 'resty_ffi_absent'/);
  });
});
