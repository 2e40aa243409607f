'use strict';
// Requests and answers are bytes: nothing is cut, added or decoded on the way.
const assert = require('node:assert');
const { after, before, describe, it } = require('node:test');
const { Nginx } = require('./nginx.js');

describe('bytes through nginx and back', () => {
  /** @type {Nginx} */
  let nginx;
  before(async () => {
    nginx = await Nginx.start({
      server: `
        location ~ ^/(skeleton|raw|handler|inline)$ {
          content_by_lua_block {
            local options = {is_global = true, buffer = true, mode = ngx.var[1] == "inline" and "inline" or nil}
            local cfg = ({skeleton = "demo/echo,init", raw = "demo/raw,init"})[ngx.var[1]] or "demo/handlers#echo"
            local demo = assert(ngx.load_ffi("ffi_nodejs", cfg, options))
            ngx.req.read_body()
            local body = ngx.req.get_body_data()
            local ok, res, err = demo:echo(body)
            if not ok then ngx.status = 500 ngx.print(err) return end
            ngx.header.kind = type(res)
            ngx.print(res)
          }
        }`,
    });
  });
  after(() => nginx.stop());

  const same = async (location, body) => {
    const answer = await nginx.get(location, { method: 'POST', body });
    assert.strictEqual(answer.status, 200, answer.text.slice(0, 200));
    assert.strictEqual(answer.headers.kind, 'string');
    assert.ok(answer.body.equals(body), `${answer.body.length} of ${body.length} bytes came back, or others`);
  };

  it('keeps text as it is', async () => {
    for (const text of ['x', 'grüße 🐘', 'a\0b\0', '\0', 'z'.repeat(1 << 20), 'ß'.repeat(70001)]) {
      for (const location of ['/skeleton', '/raw', '/handler', '/inline'])
        await same(location, Buffer.from(text));
    }
  });

  it('keeps bytes that are no text, where Buffers are asked for', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    for (const bytes of [
      all,
      Buffer.concat(Array(4096).fill(all)),
      Buffer.alloc(8192),
      Buffer.from([0xff]),
    ]) {
      for (const location of ['/raw', '/handler', '/inline']) await same(location, bytes);
    }
  });

  it('keeps an empty answer apart from none', async () => {
    const text = await nginx.lua(`
      local codes = ngx.load_ffi("ffi_nodejs", "demo/codes,init", {is_global=true})
      local raw = ngx.load_ffi("ffi_nodejs", "demo/raw,init", {is_global=true})
      local handlers = ngx.load_ffi("ffi_nodejs", "demo/handlers", {is_global=true})
      local ok, res = codes:get("0:")
      ngx.say(tostring(ok), " [", res, "]")
      ok, res = codes:get("0")
      ngx.say(tostring(ok), " ", tostring(res))
      ok, res = raw:get("")
      ngx.say(tostring(ok), " [", res, "]")
      ok, res = raw:get(nil)
      ngx.say(tostring(ok), " ", tostring(res))
      ok, res = handlers:echo("")
      ngx.say(tostring(ok), " [", res, "]")
      ok, res = handlers:echo()
      ngx.say(tostring(ok), " ", tostring(res))
      ok, res = handlers:echo(12.5)
      ngx.say(tostring(ok), " ", tostring(res))`);
    assert.strictEqual(text, 'true []\ntrue nil\ntrue []\ntrue nil\ntrue []\ntrue nil\ntrue 12.5\n');
  });

  it('gives every request memory that no other one gets', async () => {
    for (const mode of ['inline', 'thread', 'process']) {
      const text = await nginx.lua(`
        local handlers = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {buffer = true, mode = "${mode}"}))
        local sent = {}
        for i = 1, 1000 do
          sent[i] = i .. ("\\255"):rep(i % 331) .. (i % 97 == 0 and ("x"):rep(5000) or "")
          assert(handlers:keep(sent[i]))
        end
        local ok, all = handlers:kept()
        ngx.say(tostring(ok and all == table.concat(sent)))
        for i = 1, 200 do
          assert(handlers:detach("detach me"))
          ok, all = handlers:echo("after " .. i)
          if not ok or all ~= "after " .. i then ngx.say(i, ": ", all) break end
        end
        handlers:__unload()`);
      assert.strictEqual(text, 'true\n', mode);
    }
  });
});
