'use strict';
// Bodies of requests that handlers read as they come: node_request_buffering off.
const assert = require('node:assert');
const { createHash, randomBytes } = require('node:crypto');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx, build, freePort, pause } = require('./nginx.js');

const main = `load_module ${path.join(build, 'ngx_http_node_module.so')};`;
const locations = 'location ~ ^/[a-zA-Z]+$ { node_content demo/uploads#all; }';
const sha1 = (bytes) => createHash('sha1').update(bytes).digest('hex');

/** A request whose body the caller writes. */
function open(nginx, url, headers = { 'transfer-encoding': 'chunked' }) {
  const request = http.request({
    host: '127.0.0.1',
    port: nginx.port,
    path: url,
    method: 'POST',
    headers,
    agent: false,
  });
  const response = new Promise((resolve, reject) => request.on('response', resolve).on('error', reject));
  response.catch(() => {});
  return { request, response };
}

const state = async (nginx) => JSON.parse((await nginx.get('/state')).text);

for (const mode of ['thread', 'inline', 'process']) {
  describe(`uploads, ${mode}`, () => {
    /** @type {Nginx} */
    let nginx;
    let port2;
    before(async () => {
      port2 = await freePort();
      nginx = await Nginx.start({
        main,
        http: `
          node_mode ${mode};
          node_request_buffering off;
          server { listen 127.0.0.1:${port2} http2; ${locations} }`,
        server: `
          client_body_buffer_size 16k;
          ${locations}
          location = /buffered { node_request_buffering on; node_content demo/uploads#digest; }
          location = /gated { node_access demo/web#gate; node_content demo/uploads#digest; }
          location = /patient { client_body_timeout 100ms; node_content demo/uploads#digest; }
          error_page 500 /error;
          location = /error { internal; return 200 "an error page"; }`,
      });
    });
    after(() => nginx.stop());

    it('are read in pieces, whatever their size', async () => {
      for (const size of [0, 1, 100, 16000, 40000, 300000, 9 << 20]) {
        const body = randomBytes(size);
        for (const headers of [{ 'content-length': size }, { 'transfer-encoding': 'chunked' }]) {
          const { text } = await nginx.get('/digest', { method: 'POST', body, headers });
          const { sha1: digest, several } = JSON.parse(text);
          assert.strictEqual(digest, sha1(body), `${size} bytes`);
          assert.strictEqual(several, size >= 40000, `${size} bytes`);
        }
        assert.strictEqual((await nginx.get('/stream', { method: 'POST', body })).text, sha1(body));
      }
    });

    it('can be had whole', async () => {
      const body = 'abc'.repeat(20000);
      assert.strictEqual((await nginx.get('/text', { method: 'POST', body })).text, `undefined ${body}`);
      assert.strictEqual((await nginx.get('/text')).text, 'undefined ');
      const number = { method: 'POST', body: `{"number": ${' '.repeat(30000)} 21}` };
      assert.strictEqual((await nginx.get('/json', number)).text, '{"twice":42}');
      const big = randomBytes(100000);
      const { text } = await nginx.get('/buffered', { method: 'POST', body: big });
      assert.deepStrictEqual(JSON.parse(text), { sha1: sha1(big), several: false });
      const gated = { method: 'POST', body: big, headers: { authorization: 'yes' } };
      assert.strictEqual(JSON.parse((await nginx.get('/gated', gated)).text).sha1, sha1(big));
      assert.strictEqual((await nginx.get('/gated', { method: 'POST', body: big })).status, 401);
    });

    it('come before the client has sent everything, and are answered meanwhile', async () => {
      const { request, response } = open(nginx, '/echo');
      request.write('one');
      const pieces = (await response)[Symbol.asyncIterator]();
      let text = '';
      const read = async (wanted) => {
        while (text !== wanted) {
          const { value, done } = await pieces.next();
          assert.ok(!done, `${text} is all`);
          text += value;
        }
      };
      await read('begin one');
      request.write(' two');
      await read('begin one two');
      request.end(' three');
      await read('begin one two three end');
      assert.ok((await pieces.next()).done);
    });

    it('over HTTP/2, too', async () => {
      const session = http2.connect(`http://127.0.0.1:${port2}`);
      const stream = session.request({ ':path': '/echo', ':method': 'POST' });
      stream.write('one');
      let text = '';
      for await (const chunk of stream) {
        text += chunk;
        if (text === 'begin one') stream.end(Buffer.alloc(300000, 'x'));
      }
      assert.strictEqual(text, `begin one${'x'.repeat(300000)} end`);
      session.close();
    });

    it('wait for a slow handler', async () => {
      const { request, response } = open(nginx, '/slowly');
      const body = Buffer.alloc(64 << 20);
      let sent = 0;
      const send = () => {
        while (sent < body.length && request.write(body.subarray(sent, (sent += 65536))));
        if (sent >= body.length) request.end();
        else request.once('drain', send);
      };
      send();
      const before = await state(nginx);
      assert.ok(before.taken <= 1 << 20);
      // What the system keeps for the connection, and little more.
      for (let last = -1; last !== sent; await pause(100)) last = sent;
      assert.ok(sent < body.length, `${sent} bytes are on their way`);
      // The client leaves: the handler hears of it when it asks for more.
      request.destroy();
      await assert.rejects(response);
      for (let i = 0; (await state(nginx)).failed === before.failed; i++) {
        assert.ok(i < 2000, 'the handler does not hear of it');
        await nginx.get('/more');
      }
    });

    it('end with an error when the client leaves', async () => {
      const { failed } = await state(nginx);
      const { request, response } = open(nginx, '/slowly', { 'content-length': 1000 });
      request.write('the first of them');
      await nginx.until(({ taken }) => taken > 0);
      await nginx.get('/more');
      request.destroy();
      await assert.rejects(response);
      await nginx.until((now) => now.failed === failed + 1);
      const { request: slow, response: late } = open(nginx, '/patient', { 'content-length': 1000 });
      slow.write('the first of them');
      assert.strictEqual((await late.catch(() => ({ statusCode: 408 }))).statusCode, 408);
      slow.destroy();
    });

    it('may be left unread', async () => {
      for (const [url, status, text] of [
        ['/first', 200, 'aaaaa'],
        ['/ignores', 200, 'not read'],
        ['/atOnce', 200, 'not read'],
        ['/throws', 500, 'an error page'],
      ]) {
        for (const size of [100, 1 << 20]) {
          const body = Buffer.alloc(size, 'a');
          const answer = await nginx.get(url, { method: 'POST', body });
          assert.deepStrictEqual([answer.status, answer.text], [status, text], `${url} ${size}`);
        }
      }
      const answer = await new Promise((resolve) => {
        let bytes = '';
        const socket = net.connect(nginx.port, '127.0.0.1');
        socket.write(
          'POST /ignores HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\nexpect: 100-continue\r\n\r\n',
        );
        socket.on('data', (chunk) => {
          bytes += chunk;
          if (/not read/.test(bytes)) resolve(bytes);
        });
        socket.on('error', resolve);
        after(() => socket.destroy());
      });
      assert.match(answer, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK[^]*connection: close/i);
    });

    it('are many at once', async () => {
      const bodies = Array.from({ length: 50 }, (_, i) => randomBytes(i * 5000));
      const answers = await Promise.all(
        bodies.map((body, i) => nginx.get(i % 2 ? '/digest' : '/stream', { method: 'POST', body })),
      );
      answers.forEach(({ text }, i) => assert.ok(text.includes(sha1(bodies[i])), `${i}: ${text}`));
    });
  });
}

describe('uploads to several', () => {
  for (const mode of ['thread', 'process']) {
    it(`go where their call went, ${mode}`, async (t) => {
      const nginx = await Nginx.start({
        main,
        http: `node_mode ${mode}; node_threads 3; node_request_buffering off;`,
        server: locations.replace('{', '{ client_body_buffer_size 8k;'),
      });
      t.after(() => nginx.stop());
      const bodies = Array.from({ length: 30 }, () => randomBytes(100000));
      const answers = await Promise.all(bodies.map((body) => nginx.get('/stream', { method: 'POST', body })));
      assert.deepStrictEqual(
        answers.map(({ text }) => text),
        bodies.map(sha1),
      );
    });
  }

  it('fail with their process, and only they', async (t) => {
    const nginx = await Nginx.start({
      main,
      http: 'node_mode process; node_request_buffering off;',
      server: locations.replace('{', '{ client_body_buffer_size 8k;'),
    });
    t.after(() => nginx.stop());
    const body = Buffer.alloc(1 << 20);
    const { status } = await nginx.get('/crashes', { method: 'POST', body });
    assert.strictEqual(status, 502);
    assert.strictEqual((await nginx.get('/stream', { method: 'POST', body })).text, sha1(body));
  });
});
