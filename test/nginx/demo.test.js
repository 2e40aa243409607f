'use strict';
// The demo as `make run` starts it, on another port.
const assert = require('node:assert');
const { randomBytes } = require('node:crypto');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const http2 = require('node:http2');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx, build, freePort, pause, root } = require('./nginx.js');

describe('the demo', () => {
  const folder = path.join(build, 'nginx-tests/demo');
  const nginx = new Nginx();
  let server, authority, process_, ended;
  let output = '';

  before(async () => {
    fs.mkdirSync(folder, { recursive: true });
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert],
      ],
      { stdio: 'ignore' },
    );
    server = http2.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) });
    server.on('stream', (stream, headers) => {
      stream.respond({ ':status': headers[':path'] === '/absent' ? 404 : 200, 'x-test': 'yes' });
      stream.end(`you asked for ${headers[':path']}`);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    authority = `https://127.0.0.1:${server.address().port}`;

    nginx.port = await freePort();
    process_ = spawn(path.join(root, 'scripts/run-nginx'), {
      env: {
        ...process.env,
        ...{ LISTEN: `127.0.0.1:${nginx.port}`, BUILD: build, RUN: path.join(folder, 'run'), CA: cert },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    process_.stderr.on('data', (text) => (output += text));
    ended = new Promise((resolve) => process_.on('close', resolve));
    for (let i = 0; i < 500; i++) {
      if (process_.exitCode !== null) throw new Error(output);
      if (await nginx.get('/').catch(() => null)) return;
      await pause(10);
    }
  });
  after(async () => {
    process_.kill('SIGQUIT');
    assert.strictEqual(await ended, 0, output);
    await new Promise((resolve) => server.close(resolve));
  });

  it('echoes the query or the body', async () => {
    assert.strictEqual((await nginx.get('/echo')).text, 'hello\n');
    assert.strictEqual((await nginx.get('/echo?what')).text, 'what\n');
    assert.strictEqual((await nginx.get('/echo', { method: 'POST', body: 'a body' })).text, 'a body');
  });

  it('echoes a body of any bytes and of a mebibyte', async () => {
    const body = randomBytes(1 << 20);
    assert.ok((await nginx.get('/echo', { method: 'POST', body })).body.equals(body));
  });

  it('fetches over HTTP/2', async () => {
    const ask = async (host, page) =>
      nginx.get(`/http2?host=${encodeURIComponent(host)}&path=${encodeURIComponent(page)}`);
    const one = await ask(authority, '/one');
    assert.strictEqual(one.status, 200, one.text);
    const answer = JSON.parse(one.text);
    assert.deepStrictEqual([answer.status, answer.body], [200, 'you asked for /one']);
    assert.strictEqual(answer.headers['x-test'], 'yes');
    assert.strictEqual(JSON.parse((await ask(authority, '/absent')).text).status, 404);

    const nobody = await ask(`https://127.0.0.1:${await freePort()}`, '/');
    assert.strictEqual(nobody.status, 502);
    assert.match(nobody.text, /^code 1: .*ECONNREFUSED/);
    assert.match((await ask('no url', '/')).text, /^code 1: Invalid URL/);
  });

  it('has handlers', async () => {
    assert.strictEqual((await nginx.get('/hello/greet?nginx')).text, 'hello, nginx\n\n');
    assert.match((await nginx.get('/hello/later?5')).text, /it took a while/);
    assert.ok(JSON.parse((await nginx.get('/hello/versions')).text).v8);
    assert.match((await nginx.get('/hello/fail')).text, /code 42: this handler fails/);
    assert.match((await nginx.get('/hello/absent')).text, /has no function 'absent'/);
  });

  it('sends a stream as it comes', async () => {
    const { headers, text } = await nginx.get('/ticker?count=3&ms=5');
    assert.deepStrictEqual([headers['transfer-encoding'], text], ['chunked', '1 of 3\n2 of 3\n3 of 3\n']);
  });

  it('counts', async () => {
    // Each worker counts for itself; one that has had calls is asked in the end.
    for (let i = 0; i < 50; i++) {
      await nginx.get('/hello/greet?nginx');
      await nginx.get('/ticker?count=1&ms=1');
      const { text } = await nginx.get('/metrics');
      const calls = /^resty_ffi_calls\{worker="\d+",runtime="ffi_nodejs&demo\/hello"\} (\d+)$/m.exec(text);
      const directive = /^node_calls\{worker="\d+",runtime="demo\/ticker&thread"\} ([1-9]\d*)$/m.exec(text);
      if (!calls || !directive) continue;
      assert.ok(Number(calls[1]) > 0);
      assert.match(text, /^resty_ffi_latency_us_bucket\{.*,le="1024"\} \d+$/m);
      assert.match(text, /^resty_ffi_heap_used\{.*\} [1-9]\d+$/m);
      return;
    }
    assert.fail('no worker has counted a call');
  });
});
