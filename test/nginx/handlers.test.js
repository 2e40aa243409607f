'use strict';
// Exported functions as methods of a runtime, in every mode.
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx } = require('./nginx.js');

for (const mode of ['thread', 'inline', 'process']) {
  describe(`handlers, ${mode}`, () => {
    /** @type {Nginx} */
    let nginx;
    const options = `{is_global = true, mode = "${mode}"}`;
    const load = (cfg) =>
      `local demo = assert(ngx.load_ffi("ffi_nodejs", ${JSON.stringify(cfg)}, ${options}))`;
    before(async () => {
      const call = (cfg = 'demo/handlers') => `
        local demo = assert(ngx.load_ffi("ffi_nodejs", "${cfg}", ${options}))
        local ok, res, err = demo[ngx.var.arg_m or "upper"](demo, ngx.var.arg_q or "in a phase")`;
      nginx = await Nginx.start({
        http: `
          init_worker_by_lua_block {
            RUNTIME = ngx.load_ffi("ffi_nodejs", "demo/handlers", ${options})
            ngx.timer.at(0, function() TIMER = select(2, RUNTIME:later("5")) end)
          }`,
        server: `
          location = /rewrite {
            rewrite_by_lua_block { ${call()} ngx.ctx.res = ok and res or err }
            content_by_lua_block { ngx.print(ngx.ctx.res) }
          }
          location = /access {
            access_by_lua_block { ${call()} if res ~= "YES" then return ngx.exit(403) end }
            content_by_lua_block { ngx.print("let in") }
          }
          location = /timer { content_by_lua_block { ngx.print(TIMER) } }
          location = /sub { internal; content_by_lua_block { ${call()} ngx.print(res) } }
          location = /subrequests {
            content_by_lua_block {
              local a, b = ngx.location.capture_multi({{"/sub", {args = "q=one"}}, {"/sub", {args = "m=later&q=5"}}})
              ngx.print(a.body, " ", b.body)
            }
          }
          location = /log {
            content_by_lua_block { ngx.print("x") }
            header_filter_by_lua_block { ${call()} ngx.header.filtered = tostring(ok) .. " " .. tostring(res) }
          }`,
      });
    });
    after(() => nginx.stop());

    it('answer strings, Buffers, objects and promises of them', async () => {
      const text = await nginx.lua(`
        ${load('demo/handlers,,the configuration')}
        local function say(ok, res, err) ngx.say(tostring(ok), " ", tostring(res), " ", tostring(err)) end
        say(demo:upper("text"))
        say(demo:json("{}"))
        say(demo:later("3"))
        say(demo:immediate())
        say(demo:tick())
        say(demo:micro())
        say(demo:read())
        say(demo:fork())
        say(demo:fails())
        say(demo:rejects())
        say(demo:absent())
        say(demo:kind("x"))`);
      assert.deepStrictEqual(text.trim().split('\n'), [
        'true TEXT nil',
        'true {"req":"{}","method":"json","config":"the configuration"} nil',
        'true after 3 nil',
        'true immediate nil',
        'true tick nil',
        'true micro nil',
        'true true nil',
        'true child nil',
        'false 5 failed',
        'false 1 rejected',
        "false 1 module 'demo/handlers' has no function 'absent'",
        'true string nil',
      ]);
    });

    it('come from a function, an ESM default, a named export, or from init', async () => {
      fs.mkdirSync(path.join(nginx.prefix, 'kinds'), { recursive: true });
      const write = (name, text) => fs.writeFileSync(path.join(nginx.prefix, 'kinds', name), text);
      write('single.js', 'module.exports = async (req, { method }) => method + " " + req;');
      write(
        'modern.mjs',
        'export default (req) => "default " + req; export const other = (req) => "other " + req;',
      );
      write('made.js', 'exports.make = (cfg) => (req) => cfg + req;');
      const text = await nginx.lua(`
        local function ask(cfg, method)
          local demo = assert(ngx.load_ffi("ffi_nodejs", "kinds/" .. cfg, ${options}))
          ngx.say(select(2, demo[method](demo, "x")))
        end
        ask("single", "any") ask("modern", "any") ask("modern", "other") ask("modern#other", "any")
        ask("made,make,a configuration: ", "any")`);
      assert.strictEqual(text, 'any x\ndefault x\nother x\nother x\na configuration: x\n');
    });

    it('run in every phase that can wait', async () => {
      assert.strictEqual((await nginx.get('/rewrite?q=text')).text, 'TEXT');
      assert.strictEqual((await nginx.get('/rewrite?m=later&q=3')).text, 'after 3');
      assert.strictEqual((await nginx.get('/access?q=yes')).text, 'let in');
      assert.strictEqual((await nginx.get('/access?q=no')).status, 403);
      assert.strictEqual((await nginx.get('/subrequests')).text, 'ONE after 5');
      assert.strictEqual((await nginx.get('/timer')).text, 'after 5');
    });

    it('say it where nginx forbids to wait', async () => {
      const waits = (await nginx.get('/log?m=later&q=1')).headers.filtered;
      assert.strictEqual(waits, 'false -7');
      const immediate = (await nginx.get('/log?m=upper&q=now')).headers.filtered;
      assert.strictEqual(immediate, mode === 'inline' ? 'true NOW' : 'false -7');
    });

    it('work in threads and coroutines of Lua', async () => {
      const text = await nginx.lua(`
        ${load('demo/handlers')}
        local threads = {}
        for i = 1, 20 do
          threads[i] = ngx.thread.spawn(function() return select(2, demo:later(tostring(i % 3))) end)
        end
        local n = 0
        for i = 1, 20 do
          local _, res = ngx.thread.wait(threads[i])
          if res == "after " .. i % 3 then n = n + 1 end
        end
        local slow = ngx.thread.spawn(function() return demo:never() end)
        local fast = ngx.thread.spawn(function() return demo:later("2") end)
        local _, _, res = ngx.thread.wait(slow, fast)
        ngx.thread.kill(slow)
        local co = coroutine.wrap(function()
          coroutine.yield(select(2, demo:later("1")))
          coroutine.yield(select(2, demo:upper("co")))
        end)
        ngx.print(n, " ", res, " ", co(), " ", co(), " ", tostring(pcall(demo.later, demo, "1")))`);
      assert.strictEqual(text, '20 after 2 after 1 CO true');
    });

    it('write to the error log with their level', async () => {
      await nginx.lua(`${load('demo/handlers')} demo:logs("words")`);
      await nginx.logged(/\[info\].*node: demo\/handlers: log words/);
      await nginx.logged(
        /\[warn\].*node: demo\/handlers: warn, client: .*\n.*\[warn\].*node: demo\/handlers: in two lines, client: /,
      );
      await nginx.logged(/\[error\].*node: demo\/handlers: error \{"req":"words"\}/);
    });

    it('cannot end nginx', async () => {
      const workers = nginx.workers();
      const text = await nginx.lua(`
        ${load('demo/handlers')}
        ngx.say(select(3, demo:exits()))
        ngx.say(select(3, demo:kills()))
        ngx.say(select(2, demo:uncaught()))
        ngx.sleep(0.02)
        ngx.say(select(2, demo:upper("still")), " ", select(2, demo:pid()) == "${workers[0]}")`);
      const refused = (what) =>
        `${what} is not available: it would end the program that Node.js is a part of`;
      const said =
        mode === 'process'
          ? /^the Node.js process [^\n]*\nthe Node.js process [^\n]*\nstarted\nSTILL false\n$/
          : new RegExp(
              `^${refused('process.exit\\(\\)')}\n${refused('process.abort\\(\\)')}\nstarted\nSTILL true\n$`,
            );
      assert.match(text, said);
      await nginx.logged(/node: demo\/handlers: uncaught exception: Error: uncaught in a timer/);
      await nginx.logged(/node: demo\/handlers: unhandled rejection: Error: nobody handles this/);
      assert.deepStrictEqual(nginx.workers(), workers);
    });

    it('take no longer than a call may, and learn that nobody waits', async () => {
      const text = await nginx.lua(`
        ${load('demo/handlers')}
        local ok, rc, message = demo:waits("x", 30)
        ngx.say(tostring(ok), " ", rc, " ", message)
        local thread = ngx.thread.spawn(function() return demo:waits("x") end)
        ngx.sleep(0.01)
        ngx.say(select(2, demo:waitingNow()))
        ngx.thread.kill(thread)
        -- Looked after once a second.
        for i = 1, 300 do
          if select(2, demo:waitingNow()) == "0" then break end
          ngx.sleep(0.01)
        end
        ngx.say(select(2, demo:waitingNow()))
        ngx.say(demo:stats().timeouts, " ", demo:stats().aborts > 0 and "aborted" or "not aborted")`);
      assert.strictEqual(text, 'false -1 timeout\n1\n0\n1 aborted\n');
    });

    it('of a client that left are told', async () => {
      const controller = new AbortController();
      const request = nginx.lua(`${load('demo/handlers')} demo:waits("x")`, { signal: controller.signal });
      const waiting = () => nginx.lua(`${load('demo/handlers')} ngx.print(select(2, demo:waitingNow()))`);
      while ((await waiting()) !== '1');
      controller.abort();
      await assert.rejects(request);
      while ((await waiting()) !== '0');
    });

    it('are reloaded without losing a call', async () => {
      const write = (word) =>
        fs.writeFileSync(
          path.join(nginx.prefix, 'word.js'),
          `
        exports.word = async (ms) => { await new Promise((r) => setTimeout(r, Number(ms))); return '${word}'; };`,
        );
      write('old');
      const text = await nginx.lua(`
        local options = ${options}
        local demo = ngx.load_ffi("ffi_nodejs", "word?", options)
        local threads = {}
        for i = 1, 20 do threads[i] = ngx.thread.spawn(function() return select(2, demo:word("30")) end) end
        demo:__unload()
        local file = io.open("${nginx.prefix}/word.js")
        local source = file:read("*a"):gsub("old", "new")
        file:close()
        NEW = source
        ngx.sleep(0.001)
        local n = 0
        ngx.location.capture("/up")
        for i = 1, 20 do local _, w = ngx.thread.wait(threads[i]) if w == "old" then n = n + 1 end end
        ngx.print(n)`);
      assert.strictEqual(text, '20');
      // The new one serves while the old one has calls under way.
      const slow = nginx.lua(`
        local demo = ngx.load_ffi("ffi_nodejs", "word?", ${options})
        SLOW = true
        ngx.print(select(2, demo:word("400")))`);
      await nginx.lua('while not SLOW do ngx.sleep(0.001) end');
      write('new');
      const meanwhile = await nginx.lua(`
        ngx.load_ffi("ffi_nodejs", "word?", ${options}):__unload()
        local fresh = ngx.load_ffi("ffi_nodejs", "word?", ${options})
        ngx.print(select(2, fresh:word("1")), " ", select(2, fresh:word("1")))`);
      assert.strictEqual(meanwhile, 'new new');
      assert.strictEqual(await slow, 'old');
      assert.strictEqual(
        await nginx.lua(`ngx.print(select(2, ngx.load_ffi("ffi_nodejs", "word?", ${options}):word("1")))`),
        'new',
      );
    });
  });
}
