'use strict';
// Calls whose answer becomes the response, without a Lua string in between.
const assert = require('node:assert');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const { after, before, describe, it } = require('node:test');
const zlib = require('node:zlib');
const { Nginx, freePort, pause, textOf } = require('./nginx.js');

for (const mode of ['thread', 'inline', 'process']) {
  describe(`an answer that becomes the response, ${mode}`, () => {
    /** @type {Nginx} */
    let nginx;
    let port2;
    before(async () => {
      port2 = await freePort();
      nginx = await Nginx.start({
        http: `
          server {
            listen 127.0.0.1:${port2} http2;
            location = /own { content_by_lua_block { RUNTIME:echo("four", SEND) } }
            location = /later { content_by_lua_block { RUNTIME:later("1", SEND) } }
          }
          lua_shared_dict said 100k;
          gzip_types text/plain;
          init_worker_by_lua_block {
            RUNTIME = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {is_global = true, mode = "${mode}", buffer = true}))
            SEND = {send = true}
            function say(...)
              local all = {...}
              for i = 1, 3 do all[i] = tostring(all[i]) end
              ngx.shared.said:set("last", table.concat(all, " "))
            end
          }`,
        server: `
          location = /echo { content_by_lua_block {
            ngx.req.read_body()
            say(RUNTIME:echo(ngx.req.get_body_data(), SEND))
          } }
          location = /gzip { gzip on; content_by_lua_block {
            RUNTIME:echo(("text "):rep(1000), SEND)
          } }
          location = /own { content_by_lua_block {
            ngx.status = 201
            ngx.header.content_type = "x/y"
            ngx.header.content_length = 1
            ngx.header.mine = "yes"
            RUNTIME:echo("four", SEND)
          } }
          location = /none { content_by_lua_block { say(RUNTIME:echo(nil, SEND)) } }
          location = /after { content_by_lua_block {
            ngx.print("first ")
            RUNTIME:echo("second", SEND)
            ngx.print(" third")
          } }
          location = /flushed { content_by_lua_block {
            RUNTIME:echo("flushed", SEND)
            local ok, err = ngx.flush(true)
            ngx.sleep(0.01)
            say("then", ok, err)
          } }
          location = /limited { limit_rate 50k; content_by_lua_block { RUNTIME:echo(("l"):rep(60000), SEND) } }
          location = /exits { content_by_lua_block { RUNTIME:echo("exits", SEND) ngx.exit(ngx.ERROR) } }
          location = /later { content_by_lua_block { say(RUNTIME:later("1", SEND)) } }
          location = /slow { content_by_lua_block { say(RUNTIME:later("200", {send = true, timeout = 20})) } }
          location = /fails { content_by_lua_block {
            say(RUNTIME:fails(nil, SEND))
            ngx.status = 502
            ngx.print("sent nothing")
          } }
          location = /access {
            access_by_lua_block { RUNTIME:echo("access", SEND) }
            content_by_lua_block { say("content") ngx.print("content") }
          }
          location = /rewrite {
            rewrite_by_lua_block { RUNTIME:echo("rewrite", SEND) }
            content_by_lua_block { say("content") ngx.print("content") }
          }
          location = /capture { content_by_lua_block {
            local inner = ngx.location.capture("/own")
            ngx.print(inner.status, " ", inner.body, " ", inner.header.mine)
          } }
          location = /filter { return 200 "x"; header_filter_by_lua_block { say(RUNTIME:echo("no", SEND)) } }
          location = /timer { content_by_lua_block {
            ngx.timer.at(0, function() say(RUNTIME:echo("no", SEND)) end)
          } }
          location = /waits { lua_check_client_abort on; content_by_lua_block { RUNTIME:later("50", SEND) } }
          location = /said { content_by_lua_block { ngx.print(ngx.shared.said:get("last")) } }`,
      });
    });
    after(() => nginx.stop());

    const said = async () => (await nginx.get('/said')).text;

    it('has its length in the head, and the type that the location says', async () => {
      const { status, headers, text } = await nginx.get('/echo', { method: 'POST', body: 'grüße' });
      assert.strictEqual(status, 200);
      assert.strictEqual(text, 'grüße');
      assert.strictEqual(headers['content-length'], '7');
      assert.strictEqual(headers['transfer-encoding'], undefined);
      assert.strictEqual(headers['content-type'], 'text/plain');
      assert.strictEqual(await said(), 'true nil nil');
    });

    it('keeps bytes as they are, many too', async () => {
      const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      for (const body of [all, Buffer.concat(Array(4096).fill(all)), Buffer.alloc(6 << 20, 7)]) {
        const answer = await nginx.get('/echo', { method: 'POST', body });
        assert.ok(answer.body.equals(body), `${answer.body.length} of ${body.length} bytes, or others`);
      }
    });

    it('waits for a client that reads slowly', async () => {
      const body = Buffer.alloc(6 << 20, 'slow ');
      const got = await new Promise((resolve, reject) => {
        const request = http.request(
          { port: nginx.port, path: '/echo', method: 'POST', agent: false },
          async (response) => {
            const chunks = [];
            await pause(200);
            for await (const chunk of response) chunks.push(chunk);
            resolve(Buffer.concat(chunks));
          },
        );
        request.on('error', reject);
        request.end(body);
      });
      assert.ok(got.equals(body));
    });

    it('keeps status and headers that Lua has set, but for the length', async () => {
      const { status, headers, text } = await nginx.get('/own');
      assert.deepStrictEqual(
        [status, text, headers['content-type'], headers['content-length'], headers.mine],
        [201, 'four', 'x/y', '4', 'yes'],
      );
    });

    it('may be empty, or none', async () => {
      for (const [url, options] of [
        ['/none', {}],
        ['/echo', { method: 'POST', body: '' }],
      ]) {
        const { status, headers, text } = await nginx.get(url, options);
        assert.deepStrictEqual([status, headers['content-length'], text], [200, '0', '']);
        assert.strictEqual(await said(), 'true nil nil');
      }
    });

    it('has no body for HEAD', async () => {
      const { headers, text } = await nginx.get('/own', { method: 'HEAD' });
      assert.deepStrictEqual([headers['content-length'], text], ['4', '']);
    });

    it('goes between what is printed', async () => {
      const { headers, text } = await nginx.get('/after');
      assert.strictEqual(text, 'first second third');
      assert.strictEqual(headers['content-length'], undefined);
    });

    it('goes through filters', async () => {
      const { headers, body } = await nginx.get('/gzip', { headers: { 'accept-encoding': 'gzip' } });
      assert.strictEqual(headers['content-encoding'], 'gzip');
      assert.strictEqual(zlib.gunzipSync(body).toString(), 'text '.repeat(1000));
    });

    /** What comes for lines, until the server ends the connection. */
    const raw = (lines) =>
      new Promise((resolve, reject) => {
        let text = '';
        const socket = net.connect(nginx.port, '127.0.0.1', () =>
          socket.write(`${lines.join('\r\n')}\r\n\r\n`),
        );
        socket.setEncoding('latin1').on('data', (chunk) => (text += chunk));
        socket.on('error', reject).on('end', () => resolve(text));
      });

    it('reaches HTTP/1.0 in order', async () => {
      assert.match(await raw(['GET /after HTTP/1.0']), /\r\n\r\nfirst second third$/);
      const answer = await raw(['GET /own HTTP/1.0']);
      assert.match(answer, /^HTTP\/1.1 201 /);
      assert.match(answer, /\r\n\r\nfour$/);
      assert.match(await raw(['GET /none HTTP/1.0']), /\r\n\r\n$/);
    });

    it('leaves a connection that goes on', async () => {
      const answer = await raw([
        'GET /own HTTP/1.1\r\nHost: x\r\n',
        'GET /later HTTP/1.1\r\nHost: x\r\n',
        'GET /own HTTP/1.1\r\nHost: x\r\nConnection: close',
      ]);
      assert.deepStrictEqual(answer.match(/\r\n\r\n(four|after 1)/g), [
        '\r\n\r\nfour',
        '\r\n\r\nafter 1',
        '\r\n\r\nfour',
      ]);
    });

    it('can be flushed, limited and broken off', async () => {
      assert.strictEqual((await nginx.get('/flushed')).text, 'flushed');
      for (let i = 0; i < 200 && !/then/.test(await said()); i++) await pause(10);
      assert.strictEqual(await said(), 'then 1 nil');
      assert.strictEqual((await nginx.get('/limited')).text, 'l'.repeat(60000));
      await nginx.get('/exits').catch(() => 'closed');
      assert.strictEqual((await nginx.get('/own')).text, 'four');
    });

    it('goes over HTTP/2, also to streams that are cancelled', async () => {
      const session = http2.connect(`http://127.0.0.1:${port2}`);
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, i) => {
          const stream = session.request({ ':path': i % 2 ? '/own' : '/later' });
          if (i % 3 === 0) stream.close(http2.constants.NGHTTP2_CANCEL);
          return textOf(stream).catch(() => 'cancelled');
        }),
      );
      session.close();
      answers.forEach((text, i) => {
        if (i % 3) assert.strictEqual(text, i % 2 ? 'four' : 'after 1');
      });
    });

    it('comes later', async () => {
      const { headers, text } = await nginx.get('/later');
      assert.deepStrictEqual([text, headers['content-length']], ['after 1', '7']);
      assert.strictEqual(await said(), 'true nil nil');
    });

    it('is not sent when it is late', async () => {
      assert.strictEqual((await nginx.get('/slow')).text, '');
      assert.strictEqual(await said(), 'false -1 timeout');
    });

    it('is not sent when it is an error', async () => {
      const { status, text } = await nginx.get('/fails');
      assert.deepStrictEqual([status, text], [502, 'sent nothing']);
      assert.strictEqual(await said(), 'false 5 failed');
    });

    it('ends the request in access and rewrite', async () => {
      for (const phase of ['access', 'rewrite']) {
        const { headers, text } = await nginx.get(`/${phase}`);
        assert.deepStrictEqual([text, headers['content-length']], [phase, String(phase.length)]);
      }
      assert.notStrictEqual(await said(), 'content nil nil');
    });

    it('is what a captured subrequest answers', async () => {
      assert.strictEqual((await nginx.get('/capture')).text, '201 four yes');
    });

    it('is refused where no response can be written', async () => {
      await nginx.get('/filter');
      assert.strictEqual(await said(), 'false -7 the response cannot be written in phase header_filter');
      await nginx.get('/timer');
      for (let i = 0; i < 200 && !/timer/.test(await said()); i++) await pause(10);
      assert.strictEqual(await said(), 'false -7 the response cannot be written in phase timer');
    });

    it('comes to nobody when the client has left', async () => {
      await assert.rejects(nginx.get('/waits', { signal: AbortSignal.timeout(10) }));
      const inFlight = () => nginx.lua('ngx.print(RUNTIME:stats().in_flight)');
      for (let i = 0; i < 500 && (await inFlight()) !== '0'; i++) await pause(10);
      assert.strictEqual(await inFlight(), '0');
    });
  });
}
