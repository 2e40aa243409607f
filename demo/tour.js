'use strict';
/*
 * `make demo`: runs the programs of this folder one after the other and shows
 * what each does beside what it prints; then starts nginx with demo/nginx.conf
 * and asks it. Fails when a program fails, or an answer is not what it has to be.
 */
const assert = require('node:assert');
const { execFileSync, spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const path = require('node:path');

const root = path.join(__dirname, '..');
const run = path.join(root, 'build/demo');
const color = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
const code = (text) => console.log(paint('2', text.trim().replace(/^(?=.)/gm, '    ')));
const output = (text) => console.log(paint('32', text.trimEnd().replace(/^(?=.)/gm, '  ')));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let number = 0;

function heading(title) {
  number++;
  console.log(`\n${paint('1', `${number}. ${title}`)}\n`);
}

/** A program's first comment, and its text after that. */
function textOf(name) {
  const lines = fs.readFileSync(path.join(__dirname, name), 'utf8').split('\n');
  const start = lines.findIndex((line) => line.startsWith('//'));
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('//'));
  const comment = lines.slice(start, end).map((line) => line.slice(3));
  return { comment: comment.join(' '), text: lines.slice(end).join('\n') };
}

/** Shows a program and runs it. */
function show(name) {
  const { comment, text } = textOf(name);
  heading(comment);
  code(text);
  console.log(`\n  $ node demo/${name}`);
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [path.join(__dirname, name)], {
    encoding: 'utf8',
  });
  output(stdout);
  assert.strictEqual(status, 0, `demo/${name} ended with ${signal ?? `exit code ${status}`}: ${stderr}`);
}

/** The part of demo/nginx.conf that serves a location. */
function locationOf(name) {
  const conf = fs.readFileSync(path.join(__dirname, 'nginx.conf'), 'utf8');
  const match = new RegExp(`^( *)location [^\n]*/${name}\\b.*?^\\1}`, 'ms').exec(conf);
  return match[0].replaceAll(`\n${match[1]}`, '\n').replace(',@CA@', '').trim();
}

/** A port nobody listens on. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** An HTTP/2 server over TLS for the http2 demo to ask. */
async function startHttp2() {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(run, name));
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const server = http2.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) });
  server.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200, server: 'the tour' });
    stream.end(`you asked for ${headers[':path']} over HTTP/2`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, cert, port: server.address().port };
}

/** @returns {Promise<{status: number, body: string}>} */
function get(port, target) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path: target, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    request.on('error', reject);
  });
}

/** nginx with demo/nginx.conf, once it answers. */
async function startNginx(port, cert) {
  const nginx = spawn(path.join(root, 'scripts/run-nginx'), [], {
    env: { ...process.env, LISTEN: `127.0.0.1:${port}`, CA: cert, RUN: path.join(run, 'nginx') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const state = { process: nginx, errors: '' };
  nginx.stderr.setEncoding('utf8').on('data', (text) => (state.errors += text));
  for (let i = 0; i < 300; i++) {
    if (nginx.exitCode !== null) break;
    const up = await get(port, '/').catch(() => null);
    if (up) return state;
    await pause(50);
  }
  throw new Error(`nginx did not start: ${state.errors}`);
}

/** Asks nginx as a reader could with curl. */
async function ask(port, target, state) {
  console.log(`\n  $ curl 'localhost:${port}${target}'`);
  const { status, body } = await get(port, target);
  output(body);
  assert.strictEqual(status, 200, `nginx answered ${status}; its error log:\n${state.errors}`);
  return body.trimEnd();
}

async function showNginx() {
  fs.mkdirSync(path.join(run, 'nginx'), { recursive: true });
  const peer = await startHttp2();
  const port = await freePort();
  const nginx = await startNginx(port, peer.cert);
  try {
    heading("Node.js inside nginx: a Lua handler calls demo/echo.js through lua-resty-ffi's interface.");
    code(locationOf('echo'));
    console.log();
    code(textOf('echo.js').text);
    assert.strictEqual(await ask(port, '/echo?hello', nginx), 'hello');

    heading('An HTTP/2 client in nginx, which has none: demo/http2.js with the http2 module of Node.js.');
    code(locationOf('http2'));
    const query = `/http2?host=https://127.0.0.1:${peer.port}&path=/from-nginx`;
    const answer = JSON.parse(await ask(port, query, nginx));
    assert.strictEqual(answer.body, 'you asked for /from-nginx over HTTP/2');

    heading('Both ways at once: JavaScript in nginx that calls C in the same process, demo/ccall.js.');
    code(textOf('ccall.js').text);
    const pid = await ask(port, '/ccall/pid', nginx);
    const [, parent] = /^PPid:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
    assert.strictEqual(Number(parent), nginx.process.pid);
    output(`(a worker process of the nginx with the pid ${parent})`);
    assert.strictEqual(await ask(port, '/ccall/cos?1', nginx), String(Math.cos(1)));
    await ask(port, '/ccall/zlib', nginx);
  } finally {
    nginx.process.kill('SIGQUIT');
    await new Promise((resolve) => nginx.process.on('close', resolve));
    peer.server.close();
  }
}

async function main() {
  for (const name of ['libm.js', 'sqlite.js', 'zlib.js', 'qsort.js']) show(name);
  await showNginx();
  console.log(
    `\nAll of it worked. The same nginx to play with: make run, then curl 'localhost:20000/echo?hello'`,
  );
}

main().catch((error) => {
  console.error(`\nmake demo: ${error.stack}`);
  process.exitCode = 1;
});
