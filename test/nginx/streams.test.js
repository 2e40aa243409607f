'use strict';
// Answers whose bodies come in pieces: node_content with generators, streams of Node.js and of the web.
const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const zlib = require('node:zlib');
const { Nginx, build, freePort, pause, textOf } = require('./nginx.js');

const main = `load_module ${path.join(build, 'ngx_http_node_module.so')};`;
const module_ = path.join(__dirname, 'modules/demo/streams.js');
const locations = 'location ~ ^/[a-zA-Z]+$ { node_content demo/streams#all; }';

/** What a request to a port gets, until the connection ends. @returns {Promise<{bytes: string, reset: boolean}>} */
function raw(port, text) {
  return new Promise((resolve) => {
    let bytes = '';
    let reset = false;
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => (bytes += chunk));
    socket.on('error', ({ code }) => (reset = code === 'ECONNRESET'));
    socket.on('close', () => resolve({ bytes, reset }));
  });
}

/** The response as soon as its head is there. @returns {Promise<http.IncomingMessage>} */
function begin(nginx, url) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: nginx.port, path: url, agent: false }, resolve);
    request.on('error', reject);
  });
}

/** A request over HTTP/2. @returns {Promise<{headers: object, text: string, error?: Error}>} */
function overHttp2(port, url) {
  return new Promise((resolve) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': url });
    const result = { text: '' };
    stream.on('response', (headers) => (result.headers = headers));
    stream.on('data', (chunk) => (result.text += chunk));
    stream.on('error', (error) => (result.error = error));
    stream.on('close', () => session.close(() => resolve(result)));
  });
}

const state = async (nginx) => JSON.parse((await nginx.get('/state')).text);

for (const mode of ['thread', 'inline', 'process']) {
  describe(`streams, ${mode}`, () => {
    /** @type {Nginx} */
    let nginx;
    let port2;
    before(async () => {
      port2 = await freePort();
      nginx = await Nginx.start({
        main,
        http: `
          node_mode ${mode};
          server { listen 127.0.0.1:${port2} http2; ${locations} }`,
        server: `
          ${locations}
          location = /zipped { gzip on; gzip_types *; node_content demo/streams#generator; }
          location = /waits { node_content demo/streams#late; node_timeout 100ms; }
          location = /gated { node_access demo/streams#gate; node_content demo/web#text; }
          location = /page { ssi on; ssi_types *; default_type text/html; node_content demo/streams#page; }
          location = /captured {
            content_by_lua_block {
              local one, two = ngx.location.capture_multi({{"/generator", {args = "3,5"}}, {"/generator", {args = "200,1,1000"}}})
              ngx.print(one.body, #two.body)
            }
          }`,
      });
    });
    after(() => nginx.stop());

    it('come from every kind of source', async () => {
      for (const name of ['generator', 'readable', 'web', 'synchronous']) {
        const few = await nginx.get(`/${name}?3,2`);
        assert.deepStrictEqual([few.status, few.text], [200, '0 1 2 '], name);
        const many = await nginx.get(`/${name}?2000,0`);
        assert.strictEqual(many.text, Array.from({ length: 2000 }, (_, i) => `${i} `).join(''), name);
        assert.strictEqual(many.headers['transfer-encoding'], 'chunked', name);
      }
      assert.strictEqual((await nginx.get('/kinds')).text, 'a string, aaaa{"an":"object"}');
      assert.strictEqual((await nginx.get('/file')).text, fs.readFileSync(module_, 'utf8'));
      const part = await nginx.get('/part?2,5');
      assert.deepStrictEqual([part.status, part.headers['x-kind'], part.text], [203, 'part', '0 1 ']);
      assert.strictEqual(part.headers['content-type'], 'application/octet-stream');
    });

    it('are sent whole when they are short', async () => {
      const { headers, text } = await nginx.get('/generator?3,0');
      assert.deepStrictEqual([headers['content-length'], text], ['6', '0 1 2 ']);
    });

    it('may use one buffer again and again', async () => {
      for (const query of ['500,0', '9,1']) {
        const count = Number(query.split(',')[0]);
        const wanted = Array.from({ length: count }, (_, i) => String(i % 10).repeat(4)).join('');
        assert.strictEqual((await nginx.get(`/reused?${query}`)).text, wanted);
      }
    });

    it('send each piece as it comes', async () => {
      const response = await begin(nginx, '/held');
      const pieces = response[Symbol.asyncIterator]();
      assert.strictEqual(String((await pieces.next()).value), 'first ');
      await nginx.get('/letGo');
      assert.strictEqual(String((await pieces.next()).value), 'second');
      assert.strictEqual((await pieces.next()).done, true);
    });

    it('serve HEAD, and are not begun for it', async () => {
      const before = await state(nginx);
      const head = await nginx.get('/endless?10,0', { method: 'HEAD' });
      assert.deepStrictEqual([head.status, head.text], [200, '']);
      const long = await nginx.get('/length?12345,3,1', { method: 'HEAD' });
      assert.strictEqual(long.headers['content-length'], '12345');
      assert.deepStrictEqual((await state(nginx)).given, before.given);
    });

    it('serve HTTP/1.0: the connection ends with the body, and is reset when it is not the whole', async () => {
      const fine = await raw(nginx.port, 'GET /generator?3,5 HTTP/1.0\r\n\r\n');
      assert.match(fine.bytes, /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n0 1 2 $/);
      assert.doesNotMatch(fine.bytes, /chunked/);
      assert.strictEqual(fine.reset, false);
      const broken = await raw(nginx.port, 'GET /fails?3,5 HTTP/1.0\r\n\r\n');
      assert.match(broken.bytes, /\r\n\r\n0 1 2 $/);
      assert.strictEqual(broken.reset, true);
    });

    it('serve several requests of one connection', async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 1; i < 6; i++) {
        const { text } = await nginx.get(`/generator?${i},${i % 2}`, { agent });
        assert.strictEqual(text.length, 2 * i);
      }
      agent.destroy();
    });

    it('serve HTTP/2', async () => {
      const fine = await overHttp2(port2, '/generator?200,1,1000');
      assert.deepStrictEqual(
        [fine.headers[':status'], fine.text.length, fine.error],
        [200, 200000, undefined],
      );
      const broken = await overHttp2(port2, '/fails?3,5');
      assert.match(broken.error.message, /INTERNAL_ERROR/);
      assert.ok((await overHttp2(port2, '/length?9,3,1')).error);
    });

    it('go through filters and subrequests', async () => {
      const zipped = await nginx.get('/zipped?5,3,1000', { headers: { 'accept-encoding': 'gzip' } });
      assert.strictEqual(zipped.headers['content-encoding'], 'gzip');
      assert.strictEqual(String(zlib.gunzipSync(zipped.body)).length, 5000);
      const page = await nginx.get('/page');
      assert.strictEqual(page.text, `<0 1 2 |${'0'.repeat(1000)}${'1'.repeat(1000)}|0 1 2 3 >`);
      assert.strictEqual((await nginx.get('/captured')).text, '0 1 2 200000');
    });

    it('answer instead of letting in', async () => {
      assert.strictEqual((await nginx.get('/gated')).text, '0 1 2 ');
      assert.strictEqual((await nginx.get('/gated?in=1')).text, 'GET /gated ');
      const unread = await nginx.get('/gated', { method: 'POST', body: Buffer.alloc(100000) });
      assert.strictEqual(unread.text, '0 1 2 ');
    });

    it('keep to the length that was announced', async () => {
      const fine = await nginx.get('/length?6,3,1');
      assert.deepStrictEqual([fine.headers['content-length'], fine.text], ['6', '0 1 2 ']);
      await assert.rejects(nginx.get('/length?5,3,1'));
      await nginx.logged(/\[error\].*the stream is longer than its content-length/);
      await assert.rejects(nginx.get('/length?8,3,1'));
      await nginx.logged(/\[error\].*the stream has ended 2 bytes before its content-length/);
      assert.strictEqual((await nginx.get('/length?8,3,0')).status, 500);
      await nginx.logged(/\[error\].*content-length is 8, but the stream had 6 bytes/);
      assert.strictEqual((await nginx.get('/length?-1,3,0')).status, 500);
    });

    it('close the connection when they fail, and say why', async () => {
      for (const [url, why] of [
        [
          '/fails?3,5',
          /\[error\].*demo\/streams#all: in the middle of a stream while.*request: "GET \/fails/,
        ],
        ['/bad?3,5', /\[error\].*demo\/streams#all: Do not know how to serialize a BigInt/],
        ['/waits', /\[error\].*demo\/streams#late: the next piece of the stream did not come in time/],
      ]) {
        const { bytes } = await raw(nginx.port, `GET ${url} HTTP/1.1\r\nhost: x\r\n\r\n`);
        assert.match(bytes, /chunked/, url);
        assert.doesNotMatch(bytes, /\r\n0\r\n\r\n$/, `${url} looks complete`);
        await nginx.logged(why);
      }
      const first = await nginx.get('/failsAtOnce');
      assert.deepStrictEqual([first.status, first.text], [503, 'before it began\n']);
      assert.strictEqual((await nginx.get('/fails?3,0')).status, 500);
    });

    it('wait for a slow client', async () => {
      const response = await begin(nginx, '/endless?16384,0');
      response.pause();
      let given = -1;
      for (let now = 0; now !== given; await pause(100)) {
        given = now;
        now = (await state(nginx)).given;
      }
      // What the system keeps for the connection, and little more.
      assert.ok(given > 0 && given < 32 << 20, `${given} bytes are on their way`);
      let taken = 0;
      for await (const chunk of response) {
        taken += chunk.length;
        if (taken > given + (1 << 20)) break; // which closes it
      }
      await nginx.until(({ stopped }) => stopped > 0);
    });

    it('end when the client leaves', async () => {
      for (const url of ['/endless?100,1', '/stuck']) {
        const { stopped, aborted } = await state(nginx);
        const response = await begin(nginx, url);
        response.on('error', () => {});
        await response[Symbol.asyncIterator]().next();
        response.destroy();
        await nginx.until((now) => now.stopped === stopped + 1 && now.aborted === aborted + 1);
      }
      // Before there is an answer.
      const { stopped, given } = await state(nginx);
      const controller = new AbortController();
      const request = nginx.get('/slowly?100', { signal: controller.signal });
      await pause(30);
      controller.abort();
      await assert.rejects(request);
      await nginx.until((now) => now.slow > 0);
      const end = await state(nginx);
      assert.ok(end.given - given < 1000 && end.stopped >= stopped);
    });

    it('end when HTTP/2 cancels them', async () => {
      const { stopped } = await state(nginx);
      const session = http2.connect(`http://127.0.0.1:${port2}`);
      const stream = session.request({ ':path': '/endless?1000,1' });
      await new Promise((resolve) => stream.once('data', resolve));
      stream.close(http2.constants.NGHTTP2_CANCEL);
      await nginx.until((now) => now.stopped === stopped + 1);
      session.close();
    });

    it('are answered many at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => nginx.get(`/generator?${i},${i % 3},${100 + i}`)),
      );
      answers.forEach(({ body }, i) => {
        const wanted = Array.from({ length: i }, (_, n) => String(n % 10).repeat(100 + i)).join('');
        assert.strictEqual(body.toString(), wanted);
      });
    });

    it('finish before a worker ends, and while one is replaced', async () => {
      const old = nginx.workers();
      const response = await begin(nginx, '/generator?10,60');
      nginx.reload();
      await nginx.logged(/gracefully shutting down/);
      assert.strictEqual(await textOf(response), '0 1 2 3 4 5 6 7 8 9 ');
      while (nginx.workers().some((pid) => old.includes(pid))) await pause(10);
      assert.strictEqual((await nginx.get('/generator?3,3')).text, '0 1 2 ');
    });

    it('do not keep a worker from ending at once', async () => {
      const other = await Nginx.start({ main, http: `node_mode ${mode};`, server: locations });
      const streams = await Promise.all(
        ['/endless?10,1', '/endless?65536,0', '/late'].map((url) => begin(other, url)),
      );
      const ends = streams.map((stream) => assert.rejects(textOf(stream)));
      await other.stop('SIGTERM');
      await Promise.all(ends);
    });

    it('wait without a limit, and are finished on QUIT', async () => {
      const other = await Nginx.start({
        main,
        http: `node_mode ${mode}; node_timeout 0;`,
        server: locations,
      });
      const response = await begin(other, '/generator?3,150');
      const [text] = await Promise.all([textOf(response), other.stop('SIGQUIT')]);
      assert.strictEqual(text, '0 1 2 ');
    });
  });
}

for (const mode of ['thread', 'process']) {
  describe(`streams of several, ${mode}`, () => {
    it('are asked for where they are', async (t) => {
      const nginx = await Nginx.start({
        main,
        http: `node_mode ${mode}; node_threads 3;`,
        server: locations,
      });
      t.after(() => nginx.stop());
      const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => nginx.get(`/generator?${i},1`)));
      assert.ok(
        answers.every(({ text }, i) => text === Array.from({ length: i }, (_, n) => `${n} `).join('')),
      );
    });
  });
}

describe('streams of a process', () => {
  it('are broken off when it ends, and only they', async (t) => {
    const nginx = await Nginx.start({ main, http: 'node_mode process;', server: locations });
    t.after(() => nginx.stop());
    const { bytes } = await raw(nginx.port, 'GET /exits?3,5 HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.match(bytes, /0 \r\n[^]*1 \r\n[^]*2 \r\n/);
    assert.doesNotMatch(bytes, /\r\n0\r\n\r\n$/);
    await nginx.logged(/\[error\].*demo\/streams#all: the Node.js process (was|has) ended/);
    // One whose client is slow is asked for later: the new process does not know it.
    const slow = await begin(nginx, '/endless?65536,0');
    slow.pause();
    await pause(50);
    assert.strictEqual((await nginx.get('/exits?0,0')).status, 502);
    await assert.rejects(textOf(slow));
    assert.strictEqual((await nginx.get('/generator?3,3')).text, '0 1 2 ');
  });
});
