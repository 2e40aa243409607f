'use strict';
// The dynamic module: node_content and node_access, without Lua.
const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx, build, freePort, pause } = require('./nginx.js');

const main = `load_module ${path.join(build, 'ngx_http_node_module.so')};`;

/** HTTP/2 by hand: what a client's library sends in its own good time goes in one piece. */
function frame(type, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = { HEADERS: 1, RST_STREAM: 3, SETTINGS: 4 }[type];
  head[4] = type === 'HEADERS' ? 5 : 0; // the stream's only one
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** GET, http, :path and :authority. */
const get = (url) =>
  Buffer.concat([Buffer.of(0x82, 0x86, 4, url.length), Buffer.from(url), Buffer.of(1, 1), Buffer.from('x')]);

for (const mode of ['thread', 'inline', 'process']) {
  describe(`directives, ${mode}`, () => {
    /** @type {Nginx} */
    let nginx;
    let port6;
    const socketPath = path.join(build, `nginx-tests/${mode}-${process.pid}.socket`);
    before(async () => {
      const names = [
        'text',
        'facts',
        'echo',
        'full',
        'nothing',
        'stream',
        'redirect',
        'later',
        'fails',
        'denies',
      ];
      port6 = await freePort();
      nginx = await Nginx.start({
        main,
        http: `
          node_mode ${mode};
          server { listen [::]:${port6} ipv6only=on; server_name six.example; location / { node_content demo/web#facts; } }
          server { listen unix:${socketPath}; location / { node_content demo/web#facts; } }`,
        server: `
          ${[...names, 'splits', 'odd', 'exits', 'never']
            .map((name) => `location /${name} { node_content demo/web#${name} "of ${name}"; }`)
            .join('\n')}
          location = /verbs { node_content demo/verbs; }
          location = /absent { node_content demo/absent; }
          location = /slow { node_content demo/web#never; node_timeout 50ms; }
          location /gated { node_access demo/web#gate; node_content demo/web#text gate; }
          location /files { node_access demo/web#gate; alias ${path.dirname(__filename)}/modules/; }
          location /both { node_access demo/web#syncGate; node_content demo/web#text both; }
          location /outer { node_access demo/web#syncGate; location /outer/inner { node_content demo/web#text in; } }
        `,
      });
    });
    after(() => nginx.stop());

    it('answer', async () => {
      const text = await nginx.get('/text/of%20a%20path');
      assert.deepStrictEqual([text.status, text.text], [200, 'GET /text/of a path of text']);
      assert.strictEqual(text.headers['content-type'], 'text/plain; charset=utf-8');
      assert.strictEqual((await nginx.get('/nothing')).status, 204);
      const full = await nginx.get('/full');
      assert.deepStrictEqual(
        [full.status, full.text, full.headers['x-one']],
        [418, 'short and stout', 'one'],
      );
      assert.deepStrictEqual(full.headers['set-cookie'], ['a=1', 'b=2']);
      const stream = await nginx.get('/stream');
      assert.deepStrictEqual([stream.text, stream.headers['x-stream']], ['one two three', 'yes']);
      const redirect = await nginx.get('/redirect');
      assert.deepStrictEqual([redirect.status, redirect.headers.location], [302, 'https://example.org/']);
      assert.strictEqual((await nginx.get('/later?5')).text, 'later');
      const head = await nginx.get('/text', { method: 'HEAD' });
      assert.deepStrictEqual([head.status, head.text], [200, '']);
      assert.ok(Number(head.headers['content-length']) > 0);
    });

    it('see the request', async () => {
      const headers = { 'X-Twice': ['a', 'b'], 'x-odd': 'a: b' };
      const { text } = await nginx.get('/facts/./x?a=1&b=%20', { method: 'PUT', body: 'a body', headers });
      const facts = JSON.parse(text);
      assert.deepStrictEqual(
        { ...facts, headers: undefined, connection: undefined },
        {
          ...{ method: 'PUT', path: '/facts/x', args: 'a=1&b=%20', query: { a: '1', b: ' ' } },
          ...{ protocol: 'HTTP/1.1', address: '127.0.0.1', body: 'a body', headers: undefined },
          ...{ uri: '/facts/./x?a=1&b=%20', connection: undefined },
        },
      );
      assert.deepStrictEqual([facts.headers['x-twice'], facts.headers['x-odd']], ['a, b', 'a: b']);
    });

    it('see the connection', async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const seen = [];
      for (let i = 0; i < 2; i++)
        seen.push(JSON.parse((await nginx.get('/facts', { agent })).text).connection);
      const [socket] = Object.values(agent.freeSockets).flat();
      const wanted = {
        ...{ number: seen[0].number, address: '127.0.0.1', port: socket.localPort },
        ...{ serverAddress: '127.0.0.1', serverPort: nginx.port, serverName: '', secure: false },
      };
      assert.deepStrictEqual(seen, [
        { ...wanted, requests: 1 },
        { ...wanted, requests: 2 },
      ]);
      agent.destroy();
      const other = JSON.parse((await nginx.get('/facts')).text).connection;
      assert.notStrictEqual(other.number, seen[0].number);
      const six = await new Promise((resolve, reject) => {
        http
          .get({ host: '::1', port: port6, path: '/', agent: false }, (response) => {
            response.setEncoding('utf8').on('data', (text) => resolve(JSON.parse(text).connection));
          })
          .on('error', reject);
      });
      assert.deepStrictEqual(
        [six.address, six.serverAddress, six.serverPort, six.serverName],
        ['::1', '::1', port6, 'six.example'],
      );
      const unix = await new Promise((resolve, reject) => {
        http
          .get({ socketPath, path: '/', agent: false }, (response) => {
            response.setEncoding('utf8').on('data', (text) => resolve(JSON.parse(text).connection));
          })
          .on('error', reject);
      });
      assert.deepStrictEqual([unix.port, unix.serverAddress, unix.serverPort], [0, null, 0]);
    });

    it('take and give bytes of every size', async () => {
      for (const size of [0, 1, 100, 65536, 1 << 20, 9 << 20]) {
        const body = Buffer.alloc(size, '0123456789\0\n\xff', 'latin1');
        const answer = await nginx.get('/echo', { method: 'POST', body });
        assert.strictEqual(answer.status, 200);
        assert.ok(answer.body.equals(body), `${answer.body.length} of ${size} bytes`);
        assert.strictEqual(answer.headers['x-length'], String(size));
        assert.strictEqual(answer.headers['content-type'], 'application/x-echo');
      }
    });

    it('have a handler for each verb', async () => {
      assert.strictEqual((await nginx.get('/verbs?x')).text, 'got x');
      assert.strictEqual((await nginx.get('/verbs', { method: 'POST', body: 'four' })).text, 'posted 4');
      assert.strictEqual((await nginx.get('/verbs', { method: 'DELETE' })).status, 405);
      const mixed = Array.from({ length: 120 }, (_, i) => i);
      const answers = await Promise.all(
        mixed.map((i) =>
          i % 3 === 0
            ? nginx.get(`/verbs?${i}`)
            : nginx.get('/verbs', { method: i % 3 === 1 ? 'POST' : 'OPTIONS', body: 'x'.repeat(i) }),
        ),
      );
      assert.deepStrictEqual(
        answers.map(({ status, text }) => (status === 200 ? text : status)),
        mixed.map((i) => (i % 3 === 0 ? `got ${i}` : i % 3 === 1 ? `posted ${i}` : 405)),
      );
    });

    it('let in or not', async () => {
      const yes = { headers: { authorization: 'yes' } };
      assert.strictEqual((await nginx.get('/gated', yes)).text, 'GET /gated gate');
      const no = await nginx.get('/gated');
      assert.deepStrictEqual(
        [no.status, no.text, no.headers['www-authenticate']],
        [401, 'who are you?', 'Basic'],
      );
      assert.strictEqual((await nginx.get('/gated?syncly=1')).text, 'GET /gated gate');
      assert.match((await nginx.get('/files/demo/raw.js', yes)).text, /Echo with Buffers/);
      assert.strictEqual((await nginx.get('/files/demo/raw.js')).status, 401);
      assert.strictEqual((await nginx.get('/both', yes)).text, 'GET /both both');
      assert.strictEqual((await nginx.get('/both', { method: 'POST', body: 'unread' })).status, 403);
      assert.strictEqual((await nginx.get('/outer/inner')).status, 403);
      assert.strictEqual((await nginx.get('/outer/inner', yes)).text, 'GET /outer/inner in');
    });

    it('fail without harm', async () => {
      const workers = nginx.workers();
      assert.strictEqual((await nginx.get('/fails')).status, 500);
      await nginx.logged(/\[error\].*node: demo\/web#fails: a handler that fails/);
      const denied = await nginx.get('/denies');
      assert.deepStrictEqual([denied.status, denied.text], [403, 'not for you\n']);
      const split = await nginx.get('/splits');
      assert.deepStrictEqual([split.status, split.headers['x-injected']], [500, undefined]);
      assert.strictEqual((await nginx.get('/odd')).status, 500);
      assert.strictEqual((await nginx.get('/absent')).status, 500);
      await nginx.logged(/\[error\].*node: demo\/absent: Cannot find module/);
      assert.strictEqual((await nginx.get('/slow')).status, 504);
      assert.strictEqual((await nginx.get('/exits')).status, mode === 'process' ? 502 : 500);
      assert.strictEqual((await nginx.get('/text')).status, 200);
      assert.deepStrictEqual(nginx.workers(), workers);
    });

    it('hear of a client that has left', async () => {
      const controller = new AbortController();
      const request = nginx.get('/never', { signal: controller.signal });
      setTimeout(() => controller.abort(), 100);
      await assert.rejects(request);
      await nginx.logged(/node: demo\/web: nobody waits[^]*node: demo\/web: nobody waits/);
    });

    it('answer many at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) => nginx.get(i % 2 ? `/later?${i % 7}` : `/text/${i}`)),
      );
      assert.ok(answers.every(({ text }, i) => text === (i % 2 ? 'later' : `GET /text/${i} of text`)));
    });
  });
}

describe('the metrics of directives', () => {
  it('count calls, errors, timeouts, aborts, restarts, latency and heap', async (t) => {
    const nginx = await Nginx.start({
      main,
      server: ['thread', 'inline', 'process']
        .map(
          (mode) => `location /${mode}/ {
            node_mode ${mode};
            location /${mode}/all { node_content demo/web 'with "quotes"'; }
            location /${mode}/never { node_content demo/web 'with "quotes"'; node_timeout 20ms; }
          }`,
        )
        .concat('location = /metrics { node_metrics; }')
        .join('\n'),
    });
    t.after(() => nginx.stop());
    const read = async () => {
      const { text, headers } = await nginx.get('/metrics');
      assert.match(headers['content-type'], /^text\/plain/);
      const numbers = {};
      for (const line of text.trim().split('\n')) {
        const [, name, value] = /^(\w+\{[^}]*\}) (\d+)$/.exec(line);
        numbers[name] = Number(value);
      }
      return (mode, name, more = '') =>
        numbers[`node_${name}{worker="0",runtime="demo/web,with \\"quotes\\"&${mode}"${more}}`];
    };
    const before = await read();
    for (const mode of ['thread', 'inline', 'process']) {
      assert.strictEqual(before(mode, 'calls'), 0);
      for (let i = 0; i < 10; i++) await nginx.get(`/${mode}/all?verb`, { method: 'TEXT' });
      await nginx.get(`/${mode}/all`, { method: 'FAILS' });
      assert.strictEqual((await nginx.get(`/${mode}/never`, { method: 'NEVER' })).status, 504);
    }
    const restarted = nginx.get('/process/all', { method: 'DIES' });
    assert.strictEqual((await restarted).status, 502);
    const end = await read();
    for (const mode of ['thread', 'inline', 'process']) {
      const more = mode === 'process' ? 1 : 0;
      assert.deepStrictEqual(
        ['calls', 'errors', 'timeouts', 'aborts', 'restarts'].map((name) => end(mode, name)),
        [12 + more, 2 + more, 1, 1, more],
        mode,
      );
      assert.strictEqual(end(mode, 'in_flight'), 0);
      assert.strictEqual(end(mode, 'latency_us_count'), 12 + more);
      assert.strictEqual(end(mode, 'latency_us_bucket', ',le="16777216"'), 12 + more);
      assert.ok(end(mode, 'heap_used') > 1e6 && end(mode, 'resident') > 1e7);
    }
  });
});

describe('the module', () => {
  const server =
    'location /later { node_content demo/web#later; } location /never { node_content demo/web#never; }';

  for (const mode of ['thread', 'inline', 'process']) {
    const start = () => Nginx.start({ main, http: `node_mode ${mode}; node_timeout 0;`, server });

    it(`finishes calls under way when told to quit, and for HUP, ${mode}`, async () => {
      const nginx = await start();
      const old = nginx.workers();
      const first = nginx.get('/later?300');
      await pause(150);
      nginx.reload();
      await nginx.logged(/gracefully shutting down/);
      while (nginx.workers().every((pid) => old.includes(pid))) await pause(5);
      const second = nginx.get('/later?500');
      assert.strictEqual((await first).text, 'later');
      await pause(150);
      const [answer] = await Promise.all([second, nginx.stop('SIGQUIT')]);
      assert.strictEqual(answer.text, 'later');
    });

    it(`ends at once with calls under way, ${mode}`, async () => {
      const nginx = await start();
      const never = nginx.get('/never').then(
        ({ status }) => assert.strictEqual(status, 502),
        () => 'closed',
      );
      await pause(150);
      await nginx.stop('SIGTERM');
      await never;
    });

    it(`forgets calls whose clients have left, ${mode}`, async (t) => {
      const nginx = await Nginx.start({
        main,
        http: `node_mode ${mode};`,
        server: `location = /metrics { node_metrics; } location = /verbs { node_content demo/web; }`,
      });
      t.after(() => nginx.stop());
      const count = async (name) =>
        Number(new RegExp(`^node_${name}\\{.*\\} (\\d+)$`, 'm').exec((await nginx.get('/metrics')).text)[1]);
      await nginx.get('/verbs', { method: 'TEXT' });
      const descriptors = () => fs.readdirSync(`/proc/${nginx.workers()[0]}/fd`).length;
      const before = descriptors();
      const controllers = Array.from({ length: 100 }, () => new AbortController());
      const requests = controllers.map(({ signal }) => nginx.get('/verbs', { method: 'NEVER', signal }));
      const settled = Promise.allSettled(requests);
      while ((await count('in_flight')) < 100) await pause(5);
      controllers.forEach((controller) => controller.abort());
      await settled;
      while ((await count('in_flight')) > 0 || descriptors() > before + 2) await pause(5);
      assert.strictEqual(await count('aborts'), 100);
      assert.strictEqual(await count('waiting'), 0);
    });

    it(`forgets calls that are cancelled in the turn of nginx that brings them, ${mode}`, async (t) => {
      const port = await freePort();
      const nginx = await Nginx.start({
        main,
        http: `
          node_mode ${mode};
          server {
            listen 127.0.0.1:${port} http2;
            location / { node_content demo/web#text; }
            location /spins { node_content demo/web#spins; }
          }`,
        server: 'location = /metrics { node_metrics; }',
      });
      t.after(() => nginx.stop());
      const socket = net.connect(port, '127.0.0.1');
      t.after(() => socket.destroy());
      let answer = '';
      socket.setEncoding('latin1').on('data', (chunk) => (answer += chunk));
      socket.write(
        Buffer.concat([
          Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
          frame('SETTINGS', 0),
          ...Array.from({ length: 50 }, (_, i) => [
            frame('HEADERS', 2 * i + 1, get('/cancelled')),
            frame('RST_STREAM', 2 * i + 1, Buffer.of(0, 0, 0, 8)),
          ]).flat(),
          frame('HEADERS', 101, get('/kept')),
          // More than go before the first answers do.
          ...Array.from({ length: 10 }, (_, i) => frame('HEADERS', 103 + 2 * i, get(`/spins${i}`))),
        ]),
      );
      for (const wanted of ['GET /kept', ...Array.from({ length: 10 }, (_, i) => `spun /spins${i} `)])
        while (!answer.includes(wanted)) await pause(5);
      assert.ok(!answer.includes('/cancelled'));
      const count = async (name) => {
        const lines = (await nginx.get('/metrics')).text.matchAll(
          new RegExp(`^node_${name}\\{.*\\} (\\d+)$`, 'gm'),
        );
        return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
      };
      while ((await count('in_flight')) > 0) await pause(5);
      assert.strictEqual(await count('aborts'), 50);
      if (mode === 'inline') assert.strictEqual(await count('calls'), 11);
    });
  }

  for (const mode of ['thread', 'process']) {
    it(`interrupts what never comes back, ${mode}`, async (t) => {
      const nginx = await Nginx.start({
        main,
        http: `node_mode ${mode}; node_watchdog 100ms;`,
        server: 'location = /verbs { node_content demo/web; }',
      });
      t.after(() => nginx.stop());
      await nginx.get('/verbs', { method: 'TEXT' });
      await pause(1100); // a process is not asked before
      const { status } = await nginx.get('/verbs', { method: 'LOOPS' });
      assert.strictEqual(status, mode === 'process' ? 502 : 500);
      await nginx.logged(/\[warn\].*node: demo\/web did not come back in time and was interrupted/);
      assert.strictEqual((await nginx.get('/verbs', { method: 'TEXT' })).status, 200);
    });
  }

  it('lives beside Lua in one worker', async () => {
    const nginx = await Nginx.start({ main, server: 'location /text { node_content demo/web#text both; }' });
    const lua = () =>
      nginx.lua('ngx.print(select(2, ngx.load_ffi("ffi_nodejs", "demo/handlers"):upper("lua")))');
    assert.strictEqual((await nginx.get('/text')).text, 'GET /text both');
    assert.strictEqual(await lua(), 'LUA');
    // And with a Worker that waits for tasks when the module ends Node.js.
    await nginx.lua('ngx.load_ffi("ffi_nodejs", "demo/echo,init"):echo("x")');
    assert.strictEqual((await nginx.get('/text')).text, 'GET /text both');
    await nginx.stop();
  });
});
