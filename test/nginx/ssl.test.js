'use strict';
// A call in the middle of a TLS handshake: the handler says which certificate the client gets.
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const tls = require('node:tls');
const { after, before, describe, it } = require('node:test');
const { Nginx, build, freePort } = require('./nginx.js');

/** A handshake for that name: whose certificate came, and what the server said. */
function visit(port, servername) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      const subject = socket.getPeerCertificate().subject.CN;
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      socket.on('end', () => resolve({ subject, text }));
      socket.write('GET / HTTP/1.0\r\n\r\n');
    });
    socket.on('error', reject);
  });
}

for (const mode of ['thread', 'inline', 'process']) {
  describe(`a call in ssl_certificate_by_lua, ${mode}`, () => {
    /** @type {Nginx} */
    let nginx;
    let folder;
    let port;
    before(async () => {
      fs.mkdirSync(path.join(build, 'nginx-tests'), { recursive: true });
      folder = fs.mkdtempSync(path.join(build, 'nginx-tests/ssl-'));
      fs.chmodSync(folder, 0o755);
      for (const name of ['fallback.test', 'a.test', 'b.test']) {
        const file = path.join(folder, name);
        const how = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=${name}`;
        execFileSync('openssl', [...how.split(' '), '-keyout', `${file}.key`, '-out', `${file}.crt`], {
          stdio: 'pipe',
        });
      }
      // One name's answer waits for a timer, so the handshake does as well.
      fs.writeFileSync(
        path.join(folder, 'certificates.js'),
        `const fs = require('node:fs');
         const { setTimeout } = require('node:timers/promises');
         exports.choose = async (name) => {
           if (name === 'b.test') await setTimeout(20);
           if (!/^[ab]\\.test$/.test(name)) throw new Error('no certificate for ' + name);
           const read = (end) => fs.readFileSync(__dirname + '/' + name + end, 'utf8');
           return read('.crt') + read('.key');
         };`,
      );
      port = await freePort();
      nginx = await Nginx.start({
        http: `
          server {
            listen 127.0.0.1:${port} ssl;
            ssl_certificate ${folder}/fallback.test.crt;
            ssl_certificate_key ${folder}/fallback.test.key;
            ssl_certificate_by_lua_block {
              local ssl = require("ngx.ssl")
              local runtime = assert(ngx.load_ffi("ffi_nodejs", "${folder}/certificates", {mode = "${mode}"}))
              local ok, res, err = runtime:choose(ssl.server_name())
              if not ok then
                ngx.log(ngx.ERR, "handshake: ", err)
                return ngx.exit(ngx.ERROR)
              end
              assert(ssl.clear_certs())
              assert(ssl.set_cert(assert(ssl.parse_pem_cert(res))))
              assert(ssl.set_priv_key(assert(ssl.parse_pem_priv_key(res))))
            }
            location / { content_by_lua_block { ngx.print("hello ", ngx.var.ssl_server_name) } }
          }`,
      });
    });
    after(async () => {
      await nginx.stop();
      fs.rmSync(folder, { recursive: true });
    });

    it('chooses the certificate, at once or later', async () => {
      const names = Array.from({ length: 8 }, (_, i) => (i % 2 ? 'a.test' : 'b.test'));
      const visits = await Promise.all(names.map((name) => visit(port, name)));
      for (const [i, { subject, text }] of visits.entries()) {
        assert.strictEqual(subject, names[i]);
        assert.ok(text.endsWith(`hello ${names[i]}`), text);
      }
    });

    it('ends the handshake when the handler throws', async () => {
      await assert.rejects(visit(port, 'c.test'), /alert|reset|disconnected|hang up/i);
      await nginx.logged(/handshake: no certificate for c\.test/);
      assert.strictEqual((await visit(port, 'a.test')).subject, 'a.test');
    });
  });
}
