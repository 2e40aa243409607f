'use strict';
/*
 * A real nginx for a test: a prefix of its own under build/, a free port, stopped
 * at the end. POST a Lua chunk to /lua (or to another phase's location) and its
 * answer is what it printed.
 */
const { spawn, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');

const root = path.join(__dirname, '../..');
const build = process.env.BIFFI_BUILD ?? path.join(root, 'build');
const binary = process.env.NGINX_BIN ?? 'nginx';

/** A port nobody listens on. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Started as root, nginx would give its workers away to a user who may not read this folder. */
const user = process.getuid() === 0 ? 'user root root;' : '';

function loadModules() {
  const { stderr } = require('node:child_process').spawnSync(binary, ['-V'], { encoding: 'utf8' });
  const folder = /--modules-path=(\S+)/.exec(stderr)?.[1] ?? '';
  return ['ndk_http_module', 'ngx_http_lua_module']
    .map((name) => path.join(folder, `${name}.so`))
    .filter((file) => fs.existsSync(file))
    .map((file) => `load_module ${file};`)
    .join('\n');
}

/**
 * BIFFI_PRELOAD names sanitizers' libraries, which have to come before a program that was built without them. Their
 * reports go to files in the prefix, as a worker's end is not a test's; nginx hands down only what it is told to.
 */
const preload = process.env.BIFFI_PRELOAD;
const environment = (prefix) => {
  if (!preload) return process.env;
  const options = `log_path=${prefix}/sanitizer:abort_on_error=1:${process.env.SANITIZER_OPTIONS}`;
  return {
    ...process.env,
    LD_PRELOAD: preload,
    ASAN_OPTIONS: options,
    UBSAN_OPTIONS: `${options}:print_stacktrace=1`,
  };
};
const handDown = preload
  ? ['LD_PRELOAD', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS'].map((name) => `env ${name};`).join(' ')
  : '';

/** No connection is used twice: nginx may close it in between. */
const noKeepAlive = new http.Agent({ keepAlive: false });

/** Those that a failing test did not stop. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGTERM')));

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The whole of a stream whose pieces are ASCII. */
async function textOf(stream) {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

class Nginx {
  /**
   * @param {object} [options]
   * @param {string} [options.main] directives outside of http
   * @param {string} [options.http] directives inside of http
   * @param {string} [options.init] Lua for init_by_lua
   * @param {string} [options.server] directives inside of the server
   * @param {number} [options.workers]
   * @param {string} [options.build] where the libraries are
   * @returns {Promise<Nginx>}
   */
  static async start(options = {}) {
    const nginx = new Nginx();
    fs.mkdirSync(path.join(build, 'nginx-tests'), { recursive: true });
    nginx.prefix = fs.mkdtempSync(path.join(build, 'nginx-tests/run-'));
    fs.chmodSync(nginx.prefix, 0o755);
    nginx.port = await freePort();
    nginx.configure(options);
    nginx.process = spawn(binary, ['-p', nginx.prefix, '-c', path.join(nginx.prefix, 'nginx.conf')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(nginx.prefix),
    });
    running.add(nginx.process);
    // A test that failed has not stopped its own: that must not keep the file from ending.
    for (const handle of [nginx.process, nginx.process.stdout, nginx.process.stderr]) handle.unref();
    nginx.process.on('close', () => running.delete(nginx.process));
    nginx.errors = '';
    nginx.process.stderr.setEncoding('utf8').on('data', (text) => (nginx.errors += text));
    nginx.process.stdout.resume();
    nginx.ended = new Promise((resolve) =>
      nginx.process.on('close', (code, signal) => resolve({ code, signal })),
    );
    for (let i = 0; ; i++) {
      if (nginx.process.exitCode !== null || i === 3000)
        throw new Error(`nginx did not start: ${nginx.errors}`);
      const { status } = await nginx.get('/up').catch(() => ({}));
      if (status === 200) return nginx;
      await pause(10);
    }
  }

  configure({
    main = '',
    init = '',
    http: inHttp = '',
    server = '',
    workers = 1,
    build: libraries = build,
    master = true,
  } = {}) {
    // Modules come from the tests' own folder through a link, as the prefix is the default folder.
    const link = path.join(this.prefix, 'demo');
    if (!fs.existsSync(link)) fs.symlinkSync(path.join(__dirname, 'modules/demo'), link);
    fs.writeFileSync(
      path.join(this.prefix, 'nginx.conf'),
      `${loadModules()}
      ${user}
      daemon off;
      master_process ${master ? 'on' : 'off'};
      pid nginx.pid;
      error_log error.log info;
      worker_processes ${workers};
      worker_shutdown_timeout 10s;
      ${handDown}
      ${main}
      events { worker_connections 512; }
      http {
        access_log off;
        keepalive_timeout 60s;
        client_max_body_size 64m;
        client_body_buffer_size 8m;
        client_body_temp_path body;
        proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        lua_package_path "${root}/lua/?.lua;${__dirname}/lua/?.lua;;";
        lua_package_cpath "${libraries}/?.so;${build}/fixtures/?.so;;";
        init_by_lua_block { require("resty_ffi") ${init} }
        ${inHttp}
        server {
          listen 127.0.0.1:${this.port};
          default_type text/plain;
          location = /up { return 200 "up"; }
          location = /lua {
            lua_check_client_abort on;
            content_by_lua_block {
              ngx.req.read_body()
              local chunk, err = loadstring(ngx.req.get_body_data() or "")
              if not chunk then ngx.status = 400 ngx.print(err) return end
              local ok, problem = pcall(chunk)
              if not ok then ngx.status = 500 ngx.print(problem) end
            }
          }
          ${server}
        }
      }`,
    );
  }

  /** @returns {Promise<{status: number, headers: object, body: Buffer, text: string}>} */
  get(url, { method = 'GET', body, headers, signal, agent = noKeepAlive } = {}) {
    let late;
    let settled = false;
    const asked = new Promise((resolve, reject) => {
      // A request that is given up when its answer is nearly there ends with neither an error nor an end, and
      // Node.js 18 has some that never tell of an answer either: they get a second after their own end.
      const closed = () =>
        reject(signal?.aborted ? signal.reason : new Error('closed before the answer ended'));
      const request = http.request(
        { host: '127.0.0.1', port: this.port, path: url, method, headers, signal, agent },
        (response) => {
          const chunks = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('error', reject);
          response.on('close', closed);
          response.on('end', () => {
            const whole = Buffer.concat(chunks);
            resolve({
              status: response.statusCode,
              headers: response.headers,
              body: whole,
              text: whole.toString(),
            });
          });
        },
      );
      request.on('error', reject);
      request.on('close', () => {
        if (!settled) late = setTimeout(closed, 1000);
      });
      request.end(body);
    });
    // The timer keeps the process alive, for there may be nothing else left to wait for.
    return asked.finally(() => {
      settled = true;
      clearTimeout(late);
    });
  }

  /** Asks the location /state for its counts until they are as wanted. */
  async until(wanted) {
    let state;
    for (let i = 0; i < 1000; i++) {
      state = JSON.parse((await this.get('/state')).text);
      if (wanted(state)) return;
      await pause(5);
    }
    throw new Error(`the counts stay ${JSON.stringify(state)}`);
  }

  /** Runs a Lua chunk in the content phase and answers what it printed. */
  async lua(chunk, options = {}) {
    const { status, text } = await this.get('/lua', { ...options, method: 'POST', body: chunk });
    if (status !== 200) throw new Error(`${status}: ${text}`);
    return text;
  }

  log() {
    return fs.readFileSync(path.join(this.prefix, 'error.log'), 'utf8');
  }

  /** Waits until the error log matches. */
  async logged(pattern) {
    for (let i = 0; i < 500; i++) {
      if (pattern.test(this.log())) return true;
      await pause(10);
    }
    throw new Error(`${pattern} is not in the log:\n${this.log()}`);
  }

  /** The workers' process ids. */
  workers() {
    const pid = this.process.pid;
    const list = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return list ? list.split(' ').map(Number) : [];
  }

  reload() {
    this.process.kill('SIGHUP');
  }

  /**
   * What sanitizers have found. LeakSanitizer itself now and then faults, when it looks through a process that has
   * V8's threads in it: nothing is found then, and the worker's end, which is in `bad`, is no sign of anything.
   */
  reports(bad) {
    const found = [];
    for (const file of fs.readdirSync(this.prefix).filter((name) => name.startsWith('sanitizer.'))) {
      const text = fs.readFileSync(path.join(this.prefix, file), 'utf8');
      if (!text.includes('LeakSanitizer has encountered a fatal error')) {
        if (text) found.push(text); // valgrind makes the file before it has something to say
      } else {
        const end = bad.findIndex((line) =>
          line.includes(`process ${file.split('.')[1]} exited on signal 6`),
        );
        if (end >= 0) bad.splice(end, 1);
      }
    }
    return found;
  }

  /** Stops it, gracefully unless told otherwise; throws when a worker did not end as it should. */
  async stop(signal = 'SIGQUIT') {
    if (this.process.exitCode === null) this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 20000);
    const { code, signal: by } = await this.ended;
    clearTimeout(timer);
    const log = this.log();
    // An unknown process is a child of a module's, not a worker.
    const bad = log
      .split('\n')
      .filter(
        (line) =>
          /exited (on signal|with code [1-9])|\[alert\]|\[emerg\]|open socket|runtime error:/.test(line) &&
          !/unknown process/.test(line),
      );
    bad.push(...this.reports(bad));
    if (code !== 0 || bad.length)
      throw new Error(`nginx ended with ${code ?? by}:\n${bad.join('\n')}\n${this.errors}`);
    fs.rmSync(this.prefix, { recursive: true, force: true });
    return log;
  }
}

/** Compiles a C file of this folder into a library in build/nginx-tests. */
function compile(source, output, flags = []) {
  const file = path.join(build, 'nginx-tests', output);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  execFileSync('gcc', [
    '-shared',
    '-fPIC',
    '-O1',
    '-Wall',
    '-Werror',
    '-I',
    path.join(root, 'include'),
    ...flags,
    '-o',
    file,
    path.join(__dirname, source),
    '-lpthread',
  ]);
  return file;
}

module.exports = { Nginx, compile, freePort, pause, textOf, root, build };
