'use strict';
/*
 * Node.js beside nginx, what one has without an FFI: node origin.js DIRECTORY
 * listens on DIRECTORY/http.sock (GET /N answers N bytes) and DIRECTORY/echo.sock (a 32-bit length, big-endian, and
 * as many bytes; sent back as they came, or as N bytes where they are the digits of N).
 */
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { page } = require('./payload.js');

const [dir] = process.argv.slice(2);

const SIZE = /^\d+$/;

/** What is sent back for a frame. */
function answer(frame) {
  const text = frame.length < 12 ? frame.toString('latin1', 4) : '';
  if (!SIZE.test(text)) return frame;
  const { bytes } = page(text);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

http
  .createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const { bytes } = page(request.url.slice(1));
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
        socket.write(answer(pending.subarray(0, end)));
        pending = pending.subarray(end);
      }
    });
    socket.on('error', () => socket.destroy());
  })
  .listen(path.join(dir, 'echo.sock'), () => fs.writeSync(1, 'ready\n'));
