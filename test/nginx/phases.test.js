'use strict';
// Phases of Lua that cannot wait: a clear error there, and what is answered at once inline.
const assert = require('node:assert');
const { after, before, describe, it } = require('node:test');
const { Nginx } = require('./nginx.js');

for (const mode of ['thread', 'inline', 'process']) {
  describe(`where nginx cannot wait, ${mode}`, () => {
    /** @type {Nginx} */
    let nginx;
    /** Both kinds of answer, as the text "ok res ok res err". */
    const both = `
      local at_once, res = RUNTIME:upper("now")
      local later, code, why = RUNTIME:later("1")
      local said = tostring(at_once) .. " " .. tostring(res) .. " " .. tostring(later) .. " " .. tostring(code) .. " " .. tostring(why)`;
    before(async () => {
      nginx = await Nginx.start({
        http: `
          lua_shared_dict said 100k;
          init_worker_by_lua_block {
            RUNTIME = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {is_global = true, mode = "${mode}"}))
            ${both} ngx.shared.said:set("init_worker", said)
          }
          upstream chosen {
            server 0.0.0.1;
            balancer_by_lua_block {
              ${both} ngx.shared.said:set("balancer", said)
              require("ngx.balancer").set_current_peer("127.0.0.1", ngx.var.server_port)
            }
          }`,
        server: `
          location = /set { set_by_lua_block $said { ${both} return said } return 200 $said; }
          location = /header_filter { return 200 "x"; header_filter_by_lua_block { ${both} ngx.shared.said:set("header_filter", said) } }
          location = /body_filter { return 200 "x"; body_filter_by_lua_block { ${both} ngx.shared.said:set("body_filter", said) } }
          location = /log { return 200 "x"; log_by_lua_block { ${both} ngx.shared.said:set("log", said) } }
          location = /balancer { proxy_pass http://chosen/up; }
          location = /said { content_by_lua_block { ngx.print(ngx.shared.said:get(ngx.var.args)) } }`,
      });
    });
    after(() => nginx.stop());

    const wanted =
      mode === 'inline'
        ? /^true NOW false -7 API disabled in the context of \w+/
        : /^false -7 false -7 API disabled in the context of \w+/;

    for (const phase of ['header_filter', 'body_filter', 'log', 'balancer', 'init_worker']) {
      it(`says so in ${phase}_by_lua`, async () => {
        if (phase !== 'init_worker') assert.strictEqual((await nginx.get(`/${phase}`)).status, 200);
        assert.match((await nginx.get(`/said?${phase}`)).text, wanted);
      });
    }

    it('says so in set_by_lua', async () => {
      assert.match((await nginx.get('/set')).text, wanted);
    });

    it('and goes on after that', async () => {
      assert.strictEqual(await nginx.lua('ngx.print(select(2, RUNTIME:later("1")))'), 'after 1');
      const text = await nginx.lua('ngx.print(RUNTIME:stats().in_flight, " ", RUNTIME:stats().waiting)');
      assert.strictEqual(text, '0 0');
    });
  });
}

describe('in init_by_lua', () => {
  it('nothing is started, as it is the master who runs it', async () => {
    const nginx = await Nginx.start({
      init: 'local runtime, why = ngx.load_ffi("ffi_nodejs", "demo/handlers") SAID = tostring(runtime) .. " " .. tostring(why)',
    });
    assert.match(await nginx.lua('ngx.print(SAID)'), /^nil load_ffi works in a worker only/);
    await nginx.stop();
  });
});
