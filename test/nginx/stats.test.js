'use strict';
// What a runtime counts: runtime:stats().
const assert = require('node:assert');
const { describe, it } = require('node:test');
const { Nginx } = require('./nginx.js');

for (const mode of ['thread', 'inline', 'process']) {
  describe(`stats, ${mode}`, () => {
    it('count calls, errors, timeouts, aborts, refusals, wake-ups, latency and heap', async (t) => {
      const nginx = await Nginx.start();
      t.after(() => nginx.stop());
      const load = `local demo = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {is_global = true, mode = "${mode}", max_queue = 1000}))`;
      /** Names with their numbers; latency as in Lua. */
      const stats = async () => {
        const text = await nginx.lua(`
          ${load}
          for name, value in pairs(demo:stats()) do
            if type(value) == "number" then ngx.say(name, " ", ("%d"):format(value)) end
          end
          for _, bucket in ipairs(demo:stats().latency) do ngx.say("latency ", bucket.us, " ", bucket.count) end`);
        const lines = text
          .trim()
          .split('\n')
          .map((line) => line.split(' '));
        const numbers = Object.fromEntries(lines.map(([name, value]) => [name, Number(value)]));
        numbers.latency = lines
          .filter(([name]) => name === 'latency')
          .map(([, us, count]) => ({ us: Number(us), count: Number(count) }));
        return numbers;
      };
      const zero = await stats();
      for (const name of [
        'calls',
        'answers',
        'errors',
        'timeouts',
        'aborts',
        'full',
        'in_flight',
        'waiting',
      ]) {
        assert.strictEqual(zero[name], 0, name);
      }
      assert.ok(zero.latency.every(({ count }) => count === 0));

      await nginx.lua(`
        ${load}
        for i = 1, 20 do demo:upper("x") end
        for i = 1, 3 do demo:fails() end
        demo:never("x", 20)
        local killed = ngx.thread.spawn(function() demo:never("x") end)
        ngx.sleep(0.01)
        ngx.thread.kill(killed)
        demo:later("20")
        local waits = ngx.thread.spawn(function() demo:later("300") end)
        ngx.sleep(0.01)
        FLIGHT = demo:stats().in_flight
        ngx.thread.wait(waits)
        -- One that is gone is looked for once a second.
        for i = 1, 300 do
          if demo:stats().in_flight == 0 then break end
          ngx.sleep(0.01)
        end`);
      assert.ok(Number(await nginx.lua('ngx.print(FLIGHT)')) >= 1);
      const end = await stats();
      assert.deepStrictEqual(
        ['calls', 'answers', 'timeouts', 'in_flight', 'waiting', 'full', 'restarts'].map((name) => end[name]),
        [27, 27, 1, 0, 0, 0, 0],
      );
      // The three that failed, and those that nobody waited for.
      assert.strictEqual(end.errors, 5);
      assert.ok(end.aborts >= 1);
      assert.strictEqual(
        end.latency.reduce((sum, { count }) => sum + count, 0),
        end.answers,
      );
      // One took more than a quarter of a second.
      assert.ok(end.latency.filter(({ us }) => us > 262144).some(({ count }) => count > 0));
      assert.ok(
        end.wakeups > 0 && end.heap_used > 1e6 && end.heap_total >= end.heap_used && end.resident > 1e7,
      );
    });
  });
}
