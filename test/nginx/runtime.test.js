'use strict';
// A runtime in C that knows lua-resty-ffi's contract only.
const assert = require('node:assert');
const { after, before, describe, it } = require('node:test');
const { Nginx, compile } = require('./nginx.js');

describe('a runtime in C', () => {
  /** @type {Nginx} */
  let nginx;
  let file;
  before(async () => {
    file = compile('runtime.c', 'libffi_test.so');
    nginx = await Nginx.start();
  });
  after(() => nginx.stop());

  it('answers', async () => {
    const text = await nginx.lua(`
      local c = ngx.load_ffi("${file}")
      local ok, res = c:echo("hello\\0world")
      ngx.say(tostring(ok), " ", (res:gsub("%z", "|")))
      ngx.say(select(2, c:echo("")) == "", " ", tostring(select(2, c:echo(nil))))
      local big = ("b"):rep(1048576)
      ngx.say(select(2, c:echo(big)) == big)
      local rc, message
      ok, rc, message = c:echo("fail")
      ngx.say(tostring(ok), " ", rc, " ", message)
      ok, rc, message = c:echo("negative")
      ngx.say(tostring(ok), " ", message)`);
    assert.strictEqual(
      text,
      'true hello|world\ntrue nil\ntrue\nfalse 4 as told\nfalse the runtime gave a length below 0\n',
    );
  });

  it('is refused with what libffi_init answered', async () => {
    assert.strictEqual(
      await nginx.lua(`ngx.print(tostring(select(2, ngx.load_ffi("${file}", "refuse"))))`),
      'libffi_init answered 17',
    );
  });

  it('may poll with several threads', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        nginx.lua(`
          local c = ngx.load_ffi("${file}", "threads")
          for n = 1, 100 do assert(select(2, c:echo("${i}-" .. n)) == "${i}-" .. n) end
          ngx.print("fine")`),
      ),
    );
    assert.ok(answers.every((text) => text === 'fine'));
    await nginx.lua(`ngx.load_ffi("${file}", "threads"):__unload()`);
  });

  it('that answers too late finds nobody, and harms nobody', async () => {
    const text = await nginx.lua(`
      local c = ngx.load_ffi("${file}", "never")
      local ok, rc, message = c:echo("x", 20)
      ngx.say(tostring(ok), " ", rc, " ", message)
      ok, rc, message = c:echo("x", {timeout = 20})
      ngx.say(tostring(ok), " ", rc, " ", message)
      local thread = ngx.thread.spawn(function() return c:echo("y") end)
      ngx.thread.kill(thread)
      local s = c:stats()
      ngx.say(s.calls, " ", s.timeouts, " ", s.in_flight)
      c:__unload()
      ngx.sleep(0.05)
      c = ngx.load_ffi("${file}")
      for i = 1, 10 do assert(select(2, c:echo("n" .. i)) == "n" .. i) end
      ngx.say("fine")`);
    assert.strictEqual(text, 'false -1 timeout\nfalse -1 timeout\n3 2 3\nfine\n');
  });
});
