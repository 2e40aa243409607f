'use strict';
// What an operator of lua-resty-ffi's Node.js runtime writes works as it is written.
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx } = require('./nginx.js');

describe('a module that polls its tasks', () => {
  /** @type {Nginx} */
  let nginx;
  before(async () => {
    nginx = await Nginx.start();
  });
  after(() => nginx.stop());

  it('echoes', async () => {
    const text = await nginx.lua(`
      local demo = ngx.load_ffi("ffi_nodejs", "demo/echo,init", {is_global=true})
      local ok, res = demo:echo("hello")
      assert(ok)
      assert(res == "hello")
      ngx.print(res)`);
    assert.strictEqual(text, 'hello');
  });

  it('has every method name', async () => {
    const text = await nginx.lua(`
      local demo = ngx.load_ffi("ffi_nodejs", "demo/echo,init", {is_global=true})
      for _, name in ipairs({"echo", "call", "queue", "key", "timeout", "__index", "toString", "GET"}) do
        local ok, res = demo[name](demo, name)
        ngx.print(ok and res == name and "." or "!")
      end
      ngx.print(select(2, demo("called")))`);
    assert.strictEqual(text, '........called');
  });

  it('is the same runtime for the same configuration, another for another', async () => {
    const text = await nginx.lua(`
      local function load(cfg) return ngx.load_ffi("ffi_nodejs", cfg, {is_global=true}) end
      local one, same, other = load("demo/echo,init"), load("demo/echo,init"), load("demo/echo,init,other")
      ngx.print(tostring(one == same), " ", tostring(one == other), " ", select(2, other:echo("x")))`);
    assert.strictEqual(text, 'true false x');
  });

  it('gives init the rest of the configuration, commas and all', async () => {
    const long = 'x'.repeat(100000);
    assert.strictEqual(
      await nginx.lua(`
        local demo = ngx.load_ffi("ffi_nodejs", 'demo/config,start,{"a":1,"b":[2,3]}')
        ngx.print(select(2, demo:get()))
        ngx.print(select(2, ngx.load_ffi("ffi_nodejs", "demo/config,start"):get()))
        ngx.print(#select(2, ngx.load_ffi("ffi_nodejs", "demo/config,start,${long}"):get()))`),
      '{"a":1,"b":[2,3]}null100000',
    );
  });

  it('answers a code that is not 0 as false, code, message', async () => {
    const text = await nginx.lua(`
      local codes = ngx.load_ffi("ffi_nodejs", "demo/codes,init", {is_global=true})
      local ok, rc, message = codes:fail("7:seven")
      ngx.say(tostring(ok), " ", type(rc), " ", rc, " ", message)
      ok, rc, message = codes:fail("-7:")
      ngx.say(tostring(ok), " ", rc, " [", message, "]")
      ok, rc, message = codes:fail("3")
      ngx.say(tostring(ok), " ", rc, " ", tostring(message))`);
    assert.strictEqual(text, 'false number 7 seven\nfalse -7 []\nfalse 3 nil\n');
  });

  it('lets tasks that wait finish when it is unloaded, then ends the loop', async () => {
    const text = await nginx.lua(`
      local demo = ngx.load_ffi("ffi_nodejs", "demo/echo,init,unload", {is_global=true})
      local threads = {}
      for i = 1, 50 do
        threads[i] = ngx.thread.spawn(function() return demo:echo("task " .. i) end)
      end
      demo:__unload()
      local answered = 0
      for i = 1, 50 do
        local _, ok, res = ngx.thread.wait(threads[i])
        if ok and res == "task " .. i then answered = answered + 1 end
      end
      local ok, rc, message = demo:echo("too late")
      ngx.say(answered, " ", tostring(ok), " ", rc, " ", message)
      demo:__unload()
      demo = ngx.load_ffi("ffi_nodejs", "demo/echo,init,unload", {is_global=true})
      ngx.say(select(2, demo:echo("again")))`);
    assert.strictEqual(text, '50 false -3 the runtime is unloaded\nagain\n');
    await nginx.logged(/exit ffi nodejs echo runtime/);
  });

  it('reloads a module whose name ends in ?, and what it required of its own folder', async () => {
    const folder = fs.mkdtempSync(path.join(nginx.prefix, 'reload-'));
    fs.chmodSync(folder, 0o755);
    const write = (word, version) => {
      fs.writeFileSync(path.join(folder, 'part.js'), `module.exports = '${word}';`);
      fs.writeFileSync(
        path.join(folder, 'index.js'),
        `const part = require('./part');
         const { Worker, isMainThread, parentPort } = require('node:worker_threads');
         const ffi = require('resty_ffi');
         if (isMainThread) {
           exports.init = (cfg, tq) => {
             const worker = new Worker(__filename);
             worker.on('message', (tsk) => ffi.respond(tsk, 0, '${version} ' + part));
             worker.postMessage(tq);
             return 0;
           };
         } else {
           parentPort.once('message', (tq) => {
             for (let tsk; (tsk = ffi.poll_task(tq)); ) parentPort.postMessage(tsk);
           });
         }`,
      );
    };
    const load = (mark) =>
      nginx.lua(`
        local demo = ngx.load_ffi("ffi_nodejs", "${path.basename(folder)}/index.js${mark},init", {is_global=true})
        ngx.print(select(2, demo:get()))
        demo:__unload()`);
    write('one', 1);
    assert.strictEqual(await load(''), '1 one');
    write('two', 2);
    assert.strictEqual(await load(''), '1 one');
    assert.strictEqual(await load('?'), '2 two');
    write('three', 3);
    assert.strictEqual(await load('?'), '3 three');
  });

  it('answers calls of many requests at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        nginx.lua(`
          local demo = ngx.load_ffi("ffi_nodejs", "demo/echo,init", {is_global=true})
          for n = 1, 20 do assert(select(2, demo:echo("${i}-" .. n)) == "${i}-" .. n) end
          ngx.print("fine")`),
      ),
    );
    assert.ok(answers.every((text) => text === 'fine'));
  });
});
