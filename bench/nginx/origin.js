'use strict';
/*
 * Node.js beside nginx, what one has without an FFI: node origin.js DIRECTORY
 * listens on DIRECTORY/http.sock (GET /N answers N bytes) and DIRECTORY/echo.sock (a 32-bit length, big-endian, and
 * as many bytes; sent back as they came).
 */
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { payload } = require('./payload.js');

const [dir] = process.argv.slice(2);

const bodies = new Map();
function body(size) {
  if (!bodies.has(size)) bodies.set(size, payload(size));
  return bodies.get(size);
}

http
  .createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const bytes = body(Number(request.url.slice(1)));
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': bytes.length });
    response.end(bytes);
  })
  .listen(path.join(dir, 'http.sock'));

net
  .createServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      pending = pending.length ? Buffer.concat([pending, chunk]) : chunk;
      while (pending.length >= 4) {
        const end = 4 + pending.readUInt32BE(0);
        if (pending.length < end) return;
        socket.write(pending.subarray(0, end));
        pending = pending.subarray(end);
      }
    });
    socket.on('error', () => socket.destroy());
  })
  .listen(path.join(dir, 'echo.sock'), () => fs.writeSync(1, 'ready\n'));
