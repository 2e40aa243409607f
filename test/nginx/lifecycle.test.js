'use strict';
// Workers come and go: reload, graceful end, fast end, many runtimes.
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { Nginx, build } = require('./nginx.js');

const load = (mode, cfg = 'demo/handlers') =>
  `local demo = assert(ngx.load_ffi("ffi_nodejs", "${cfg}", {is_global = true, mode = "${mode}"}))`;

for (const mode of ['thread', 'inline', 'process']) {
  describe(`a worker with Node.js, ${mode}`, () => {
    it('finishes calls under way before it ends', async () => {
      const nginx = await Nginx.start();
      await nginx.lua(`${load(mode)} demo:upper("x")`);
      const call = nginx.lua(`${load(mode)} ngx.print(select(2, demo:later("300")))`);
      await nginx.lua(`${load(mode)} while demo:stats().in_flight == 0 do ngx.sleep(0.001) end`);
      const [text] = await Promise.all([call, nginx.stop('SIGQUIT')]);
      assert.strictEqual(text, 'after 300');
    });

    it('ends at once when told so, with calls under way and endless JavaScript', async () => {
      const nginx = await Nginx.start();
      const calls = [nginx.lua(`${load(mode)} demo:never()`)];
      await nginx.lua(`${load(mode)} while demo:stats().in_flight == 0 do ngx.sleep(0.001) end`);
      if (mode === 'thread') {
        calls.push(nginx.lua(`${load(mode)} demo:endless()`));
        await nginx.lua(`${load(mode)} while demo:stats().in_flight < 2 do ngx.sleep(0.001) end`);
      }
      const settled = Promise.allSettled(calls);
      await nginx.stop('SIGTERM');
      assert.ok((await settled).every(({ status }) => status === 'rejected'));
    });

    it('is replaced on HUP while its calls go on', async () => {
      const nginx = await Nginx.start();
      const old = nginx.workers();
      const call = nginx.lua(`${load(mode)} ngx.print(select(2, demo:later("400")), " ", ngx.worker.pid())`);
      await nginx.lua(`${load(mode)} while demo:stats().in_flight == 0 do ngx.sleep(0.001) end`);
      nginx.reload();
      for (let pid = old[0]; pid === old[0];) {
        pid = Number(await nginx.lua(`${load(mode)} ngx.print(select(2, demo:pid()))`));
      }
      assert.strictEqual(await call, `after 400 ${old[0]}`);
      await nginx.stop();
    });

    it('leaks no descriptor into children', async () => {
      const nginx = await Nginx.start({
        main: `load_module ${path.join(build, 'ngx_http_node_module.so')};`,
        http: `node_mode ${mode};`,
        server:
          'location = /list { node_content children#list; } location = /worker { node_content children#worker; }',
      });
      fs.writeFileSync(
        `${nginx.prefix}/children.js`,
        `const { execFile, execFileSync } = require('node:child_process');
         const { Worker } = require('node:worker_threads');
         const list = (done) => execFile('ls', ['-l', '/proc/self/fd'], (error, out) => done(error?.message ?? out));
         exports.list = () => new Promise(list);
         exports.worker = () => new Promise((resolve) =>
           new Worker(
             \`const { execFile } = require('node:child_process'); (\${list})((text) =>
               require('node:worker_threads').parentPort.postMessage(text));\`,
             { eval: true }).on('message', resolve));
         exports.sync = () => String(execFileSync('ls', ['-l', '/proc/self/fd']));
         exports.pid = () => process.pid;`,
      );
      const call = (method) => nginx.lua(`${load(mode, 'children')} ngx.print(select(2, demo:${method}()))`);
      const get = async (url) => (await nginx.get(url)).text;
      // With connections open and everything in use.
      await Promise.all([call('list'), call('worker'), get('/list'), get('/worker')]);
      for (const text of [
        await call('list'),
        await call('sync'),
        await call('worker'),
        await get('/list'),
        await get('/worker'),
      ]) {
        const numbers = text.match(/\b(\d+) -> /g).map((one) => parseInt(one, 10));
        // The three standard streams, and what ls opens.
        assert.ok(
          numbers.every((number) => number < 4),
          text,
        );
      }
      if (mode === 'process') {
        // Nothing of nginx's: neither its sockets nor its loop. (Node.js has a loop of its own.)
        const pid = await call('pid');
        const targets = (of) =>
          fs.readdirSync(`/proc/${of}/fd`).map((fd) => fs.readlinkSync(`/proc/${of}/fd/${fd}`));
        const sockets = targets(nginx.workers()[0]).filter((target) => target.startsWith('socket:'));
        assert.ok(sockets.length > 0);
        assert.deepStrictEqual(
          targets(pid).filter((target) => sockets.includes(target)),
          [],
        );
        assert.ok(targets(pid).some((target) => target.startsWith('/memfd:biffi')));
      }
      await nginx.stop();
    });

    it('keeps its signals', async () => {
      const nginx = await Nginx.start();
      // Signals 1 to 31; above are the C library's own and the real-time ones.
      const handled = () =>
        fs
          .readFileSync(`/proc/${nginx.workers()[0]}/status`, 'utf8')
          .match(/^Sig(Cgt|Ign|Blk):\s*\w+/gm)
          .map((line) => `${line.slice(0, 6)} ${BigInt(`0x${line.slice(8)}`) & 0x7fffffffn}`);
      const before = handled();
      await nginx.lua(`${load(mode)} demo:upper("x")`);
      assert.deepStrictEqual(handled(), before);
      const log = nginx.log();
      nginx.process.kill('SIGUSR1'); // reopen logs
      await nginx.lua(`${load(mode)} demo:logs("after reopening")`);
      await nginx.logged(/after reopening/);
      assert.ok(nginx.log().startsWith(log.slice(0, 20)));
      await nginx.stop();
    });
  });
}

for (const mode of ['thread', 'process']) {
  describe(`JavaScript that goes wrong, ${mode}`, () => {
    it('is interrupted by the watchdog when it never comes back', async () => {
      const nginx = await Nginx.start();
      const text = await nginx.lua(`
        local demo = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {mode = "${mode}", watchdog = 100}))
        demo:upper("x")
        ngx.sleep(1.1)
        local ok, rc, message = demo:endless()
        ngx.say(tostring(ok), " ", rc, " ", message)
        ngx.say(select(2, demo:upper("fine again")))`);
      const ended =
        mode === 'thread'
          ? /^false -5 JavaScript was interrupted\n/
          : /^false -3 the Node.js process (has|was) ended/;
      assert.match(text, ended);
      assert.ok(text.endsWith('\nFINE AGAIN\n'), text);
      await nginx.logged(/did not come back in time/);
      await nginx.stop();
    });

    if (mode === 'process')
      it('costs the calls under way an error when it is killed', async () => {
        const nginx = await Nginx.start();
        const text = await nginx.lua(`
        local demo = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {mode = "process"}))
        local threads = {}
        for i = 1, 10 do threads[i] = ngx.thread.spawn(function() return demo:never() end) end
        local pid = select(2, demo:pid())
        os.execute("kill -9 " .. pid)
        local failed = 0
        for i = 1, 10 do
          local _, ok, rc = ngx.thread.wait(threads[i])
          if not ok and rc == -3 then failed = failed + 1 end
        end
        ngx.say(failed, " ", select(2, demo:upper("next")), " ", select(2, demo:pid()) ~= pid, " ", demo:stats().restarts)
        ngx.say(demo:stats().heap_used > 1e6, " ", demo:stats().resident > 1e7)`);
        assert.strictEqual(text, '10 NEXT true 1\ntrue true\n');
        await nginx.stop();
      });
  });
}

for (const mode of ['thread', 'inline', 'process']) {
  describe(`a full heap, ${mode}`, () => {
    it('does not take nginx with it when its heap is full', async () => {
      const nginx = await Nginx.start({ main: 'env NODE_OPTIONS=--max-old-space-size=64;' });
      const text = await nginx.lua(`
        local demo = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {mode = "${mode}"}))
        local ok, rc, message = demo:hog()
        ngx.say(tostring(ok), " ", rc)
        ngx.say(select(2, demo:upper("fine again")))`);
      assert.strictEqual(text, `false ${mode === 'process' ? -3 : -4}\nFINE AGAIN\n`);
      await nginx.stop();
    });
  });
}

describe('an endless loop inline', () => {
  it('keeps its worker from everything, and no other', async (t) => {
    const nginx = await Nginx.start({ workers: 2 });
    t.after(() => nginx.stop());
    // Who spins answers nobody meanwhile: the answer of the next request to that worker comes after it.
    const order = [];
    await nginx.lua(`${load('inline')} demo:upper("x")`);
    const spin = nginx
      .lua(`${load('inline')} demo:spin("400") ngx.print(ngx.worker.pid())`)
      .then((pid) => order.push(`spun ${pid}`) && pid);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const others = Promise.all(
      Array.from({ length: 30 }, () =>
        nginx.lua('ngx.print(ngx.worker.pid())').then((pid) => order.push(pid)),
      ),
    );
    const pid = await spin;
    await others;
    const end = order.indexOf(`spun ${pid}`);
    assert.ok(
      order.slice(0, end).every((other) => other !== pid),
      order.join(' '),
    );
    assert.ok(end > 0, 'the other worker has answered nobody');
  });
});

describe('runtimes', () => {
  it('live beside each other, in both modes and on several threads', async () => {
    const nginx = await Nginx.start({ workers: 2 });
    const text = await nginx.lua(`
      local all = {}
      for i = 1, 5 do
        all[#all + 1] = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers,,a" .. i, {is_global = true}))
        all[#all + 1] = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers,,b" .. i, {mode = "inline"}))
        all[#all + 1] = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers,,c" .. i, {threads = 3}))
        all[#all + 1] = assert(ngx.load_ffi("ffi_nodejs", "demo/echo,init,d" .. i))
      end
      local n = 0
      for round = 1, 10 do
        for i, demo in ipairs(all) do
          if select(2, demo:echo("x" .. i)) == "x" .. i then n = n + 1 end
        end
      end
      for _, demo in ipairs(all) do demo:__unload() end
      ngx.print(n)`);
    assert.strictEqual(text, '200');
    await nginx.stop();
  });

  it('work without a master process', async () => {
    const nginx = await Nginx.start({ master: false });
    assert.strictEqual(await nginx.lua(`${load('thread')} ngx.print(select(2, demo:upper("one")))`), 'ONE');
    assert.strictEqual(await nginx.lua(`${load('inline')} ngx.print(select(2, demo:later("1")))`), 'after 1');
    await nginx.stop();
  });
});
