'use strict';
// A simple HTTP/2 client for nginx. The request is a query string,
//   host=https://localhost:8443&path=/
// and the answer is JSON: {"status": 200, "headers": {...}, "body": "..."}. The
// third part of the configuration may name a file with certificates to trust:
//   ngx.load_ffi("ffi_nodejs", "demo/http2,init,/etc/ssl/own.pem", {is_global = true})
const fs = require('node:fs');
const http2 = require('node:http2');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const ffi = require('resty_ffi');

/** Open connections, one an origin: host -> http2 session. */
const sessions = new Map();

function session(host, ca) {
  let open = sessions.get(host);
  if (!open || open.closed || open.destroyed) {
    open = http2.connect(host, ca ? { ca } : {});
    open.on('error', () => sessions.delete(host));
    open.on('close', () => sessions.delete(host));
    open.unref();
    sessions.set(host, open);
  }
  return open;
}

/** GET host + path. */
function get(host, path, ca) {
  return new Promise((resolve, reject) => {
    const open = session(host, ca);
    const stream = open.request({ ':path': path });
    const answer = { status: 0, headers: {}, body: '' };
    open.once('error', reject);
    stream.setEncoding('utf8');
    stream.on('response', (headers) => {
      for (const [name, value] of Object.entries(headers)) {
        if (name === ':status') answer.status = value;
        else answer.headers[name] = value;
      }
    });
    stream.on('data', (text) => (answer.body += text));
    stream.on('error', reject);
    stream.on('end', () => {
      open.off('error', reject);
      resolve(answer);
    });
    stream.end();
  });
}

if (isMainThread) {
  exports.init = (cfg, tq) => {
    const ca = cfg ? fs.readFileSync(cfg) : undefined;
    const worker = new Worker(__filename);
    worker.on('message', async (tsk) => {
      try {
        const query = new URLSearchParams(ffi.get_req(tsk));
        const host = query.get('host') ?? 'https://nghttp2.org';
        ffi.respond(tsk, 0, JSON.stringify(await get(host, query.get('path') ?? '/', ca)));
      } catch (error) {
        ffi.respond(tsk, 1, error.message);
      }
    });
    worker.postMessage(tq);
    return 0;
  };
} else {
  parentPort.once('message', (tq) => {
    for (let tsk; (tsk = ffi.poll_task(tq)) !== 0;) parentPort.postMessage(tsk);
  });
}
