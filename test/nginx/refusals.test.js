'use strict';
// What is wrong is said, to the caller and in nginx's error log, and nothing crashes.
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx } = require('./nginx.js');

describe('bad input', () => {
  /** @type {Nginx} */
  let nginx;
  let workers;
  before(async () => {
    nginx = await Nginx.start();
    workers = nginx.workers();
  });
  after(async () => {
    assert.deepStrictEqual(nginx.workers(), workers, 'a worker was replaced');
    await nginx.stop();
  });

  /** load_ffi's arguments as Lua text, and what it has to say. */
  const refused = async (lua, reason) => {
    const text = await nginx.lua(`
      local runtime, message = ngx.load_ffi(${lua})
      assert(runtime == nil)
      ngx.print(message)`);
    assert.match(text, reason);
    const line = text.split('\n')[0].replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    await nginx.logged(new RegExp(`\\[error\\].*load_ffi\\(.*${line}`));
  };

  it('is refused by load_ffi', async () => {
    await refused(`"ffi_nodejs", "demo/absent,init"`, /Cannot find module 'demo\/absent' from \//);
    await refused(`"ffi_nodejs", "demo/absent"`, /Cannot find module 'demo\/absent' from \//);
    await refused(`"ffi_nodejs", "demo/echo,start"`, /module 'demo\/echo' has no function 'start'/);
    await refused(`"ffi_nodejs", "demo/handlers#absent"`, /module 'demo\/handlers' has no function 'absent'/);
    await refused(`"ffi_nodejs", "demo/broken,init"`, /broken on purpose/);
    await refused(`"ffi_nodejs", "demo/refuses,init"`, /init\(\) of module 'demo\/refuses' returned 3/);
    await refused(`"ffi_nodejs", "demo/refuses,fails"`, /no connection to the database/);
    await refused(`"ffi_nodejs", "demo/refuses,polls"`, /returned 4/);
    await refused(`"ffi_nodejs", "demo/refuses"`, /exports no function/);
    fs.writeFileSync(path.join(nginx.prefix, 'syntax.js'), 'exports.init = (\n');
    await refused(`"ffi_nodejs", "syntax,init"`, /Unexpected|Invalid/);
    await refused(`"ffi_nodejs", ""`, /names no module/);
    await refused(`"ffi_nodejs"`, /names no module/);
    await refused(`"ffi_nodejs", ",init"`, /names no module/);
    await refused(`"ffi_nodejs", "demo/echo,init", {mode = "sideways"}`, /unknown mode 'sideways'/);
    await refused(`"ffi_nodejs", "demo/echo\\0,init"`, /has a NUL in it/);
    await refused(`"ffi_nodejs", 12`, /has to be a string, got number/);
    await refused(`"ffi_nodejs", "demo/echo,init", "options"`, /options have to be a table/);
    await refused(`nil`, /library has to be a name, got nil/);
    await refused(`"ffi_absent", "x"`, /ffi_absent/);
    await refused(`"/no/such/library.so", "x"`, /no\/such\/library/);
    await refused(`"resty_ffi", "x"`, /libffi_init/);
  });

  it('is refused when a configuration is huge, without harm', async () => {
    const absent = /Cannot (find module|read package config)|ENAMETOOLONG/; // the second is Node.js 24's
    await refused(`"ffi_nodejs", ("x"):rep(1e6) .. ",init"`, absent);
    await refused(`"ffi_nodejs", "demo/" .. ("%s%n"):rep(5000) .. ",init"`, absent);
  });

  it('is refused in phases that cannot have it', async () => {
    const other = await Nginx.start({
      init: 'EARLY = select(2, ngx.load_ffi("ffi_nodejs", "demo/echo,init"))',
      http: 'init_worker_by_lua_block { RUNTIME = ngx.load_ffi("ffi_nodejs", "demo/echo,init") }',
      server: `
        location = /early { content_by_lua_block { ngx.print(EARLY) } }
        location = /log {
          content_by_lua_block { ngx.print(type(RUNTIME)) }
          log_by_lua_block {
            local _, rc, message = RUNTIME:echo("x")
            ngx.log(ngx.WARN, "in log: ", rc, " ", message)
          }
        }`,
    });
    assert.match((await other.get('/early')).text, /load_ffi works in a worker only/);
    assert.strictEqual((await other.get('/log')).text, 'table');
    await other.logged(/in log: -7 API disabled in the context of log_by_lua/);
    await other.stop();
  });

  it('in a handler answers the call that it belongs to', async () => {
    const text = await nginx.lua(`
      local codes = ngx.load_ffi("ffi_nodejs", "demo/codes,init", {is_global=true})
      for _, req in ipairs({"throw", "reject", "later", "timer", "0:fine"}) do
        local ok, rc, message = codes:get(req)
        ngx.say(tostring(ok), " ", rc, " ", tostring(message))
      end`);
    assert.strictEqual(
      text,
      [
        'false 1 thrown in the handler',
        'false 1 rejected in the handler',
        'false 1 thrown later',
        'false 1 thrown in a timer',
        'true fine nil\n',
      ].join('\n'),
    );
    await nginx.logged(/thrown in the handler/);
  });

  it('to poll_task, get_req and respond is a TypeError', async () => {
    const text = await nginx.lua(`
      local codes = ngx.load_ffi("ffi_nodejs", "demo/codes,init", {is_global=true})
      ngx.print(select(2, codes:get("misuse")))`);
    const lines = text.split('\n');
    assert.strictEqual(lines.length, 9);
    for (const line of lines) assert.match(line, /^TypeError BF_ETYPE: (respond|get_req|poll_task)\(/);
    await nginx.logged(/respond.*answered already.* \| .*get_req.*answered already/);
  });

  it('to a method is an error in Lua', async () => {
    const text = await nginx.lua(`
      local demo = ngx.load_ffi("ffi_nodejs", "demo/echo,init", {is_global=true})
      local ok, message = pcall(demo.echo, demo, {})
      ngx.print(tostring(ok), " ", message)`);
    assert.match(text, /^false .*a request has to be a string or nil, got table/);
  });

  it('in numbers: a full queue says so, and goes on', async () => {
    const text = await nginx.lua(`
      local slow = ngx.load_ffi("ffi_nodejs", "demo/slow,init", {is_global=true, max_queue=3})
      local threads, fine, full = {}, 0, 0
      for i = 1, 10 do threads[i] = ngx.thread.spawn(function() return slow:get("x") end) end
      for i = 1, 10 do
        local _, ok, rc, message = ngx.thread.wait(threads[i])
        if ok then fine = fine + 1 elseif rc == -6 and message == "queue full" then full = full + 1 end
      end
      ngx.say(fine >= 3 and full >= 1 and fine + full == 10)
      ngx.say(select(2, slow:get("again")))
      ngx.say(slow:stats().full == full)`);
    assert.strictEqual(text, 'true\nagain\ntrue\n');
  });

  it('in numbers: the same for handlers', async () => {
    const text = await nginx.lua(`
      local handlers = ngx.load_ffi("ffi_nodejs", "demo/handlers?", {is_global=true, max_queue=3})
      local threads, fine, full = {}, 0, 0
      for i = 1, 10 do threads[i] = ngx.thread.spawn(function() return handlers:later("20") end) end
      for i = 1, 10 do
        local _, ok, rc = ngx.thread.wait(threads[i])
        if ok then fine = fine + 1 elseif rc == -6 then full = full + 1 end
      end
      ngx.print(fine, " ", full, " ", select(2, handlers:echo("again")))`);
    assert.strictEqual(text, '3 7 again');
  });
});
