#!/usr/bin/env node
'use strict';
/*
 * Measures the ways to answer an nginx request with Node.js: an nginx with one worker for each, all of them up at
 * the same time. A round takes each figure from every way in short turns, one right after the other: what is
 * compared lies a second or two apart, because a virtual machine is at another speed before long.
 *
 *   ONLY=lua,thread,proxy SIZES=16 CONNECTIONS=64 ROUNDS=1 node bench/nginx/run.js
 *
 * A full run writes bench/results/nginx.*; a run with any of these set writes build/bench/results/nginx.*.
 */
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const modesOf = require('./modes.js');
const { payload } = require('./payload.js');
const { summarise, markdown, picture, shortTable } = require('./report.js');
const { refresh } = require('../readme.js');
const { median } = require('../report.js');
const setup = require('../setup.js');

const STARTS = 5; /* of each way with a runtime that Lua starts */
const TURNS = 5; /* of each way in a round, for each figure */
const BURST = 500; /* requests over one connection, of a turn */
const SEQUENTIAL = {
  16: 1000,
  1024: 1000,
  10240: 500,
  102400: 150,
}; /* calls one after the other, of a turn */
const TICK = 1e6 / 100; /* µs of a tick in /proc/PID/stat */

const running = [];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const list = (value) => value?.split(/[\s,]+/).filter(Boolean);

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

/** GET: { status, body }. */
function get(port, url, timeout = 30000) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path: url, agent: false, timeout }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeout / 1000} s`)));
    request.on('error', reject);
  });
}

/** The result of a command as text, the loop kept free for its children's output. */
function output(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stderr.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${command}: ${text.trim()}`)),
    );
  });
}

function childrenOf(pid) {
  try {
    return fs
      .readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

function ticks(pid) {
  try {
    const fields = fs
      .readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}

function resident(pid) {
  const found = /^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  return found ? Number(found[1]) / 1024 : 0;
}

/** Starts the nginx of a mode and waits until it listens. */
async function start(mode, context) {
  const dir = path.join(context.dir, mode.key);
  fs.rmSync(dir, { recursive: true, force: true });
  fs.mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const sizes = context.sizes.filter((size) => !mode.sizes || mode.sizes.includes(size));
  const file = path.join(dir, 'nginx.conf');
  fs.writeFileSync(file, modesOf.configuration(mode, { ...context, dir, port, sizes, payload }));
  const child = spawn('nginx', ['-p', dir, '-c', file, '-e', path.join(dir, 'error.log')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: context.folder,
    env: { ...process.env, ...context.env },
  });
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  running.push(child);
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null) throw new Error(`nginx did not start: ${said.trim().split('\n').pop()}`);
    const up = await get(port, '/up', 2000).catch(() => undefined);
    if (up) break;
    if (tries > 100) throw new Error('nginx does not listen');
    await sleep(50);
  }
  return { mode, port, dir, sizes, child, worker: childrenOf(child.pid)[0] };
}

/** What nginx's log says last, without time, process and traceback. */
function lastError(dir) {
  const text = fs.readFileSync(path.join(dir, 'error.log'), 'utf8');
  const errors = text.split('\n').filter((line) => /\[(error|crit|alert|emerg)\]/.test(line));
  return (errors.pop() ?? 'nothing in the log')
    .replace(/^.*?\] \d+#\d+: (\*\d+ )?(lua entry thread aborted: runtime error: \S+ )?/, '')
    .slice(0, 300);
}

/** Starts the runtime of an instance: how long that took, in ms. */
async function startRuntime(instance) {
  const { status, body } = await get(instance.port, '/start');
  if (status !== 200) throw new Error(lastError(instance.dir));
  return Number(body);
}

/** Every location of an instance answers what it should. */
async function check({ port, sizes, dir }) {
  for (const size of sizes) {
    const { status, body } = await get(port, `/${size}`);
    if (status !== 200) throw new Error(`/${size} answered ${status}: ${lastError(dir)}`);
    if (!body.equals(payload(size))) throw new Error(`/${size} answered ${body.length} other bytes`);
  }
}

/** An instance that is ready, and how long each of several starts of its runtime took. */
async function ready(mode, context, starts) {
  const startups = [];
  for (let i = 1; ; i++) {
    const instance = await start(mode, context);
    if (mode.load) startups.push(await startRuntime(instance));
    if (mode.load && i < starts) {
      await stop(instance.child);
      continue;
    }
    await check(instance);
    return { ...instance, startups };
  }
}

/** CPU ticks of an instance: the worker with its threads, its children, and the Node.js beside it. */
function cpu(instance, origin) {
  const children = childrenOf(instance.worker).reduce((sum, pid) => sum + ticks(pid), 0);
  return ticks(instance.worker) + children + (instance.mode.origin ? ticks(origin.pid) : 0);
}

/** Of these latencies in µs, what so many percent are not above. */
const percentile = (sorted, percent) => sorted[Math.ceil((sorted.length * percent) / 100) - 1];

/** Requests over one connection: { latencies in µs, CPU ticks }. */
async function burst(instance, origin, size) {
  const file = path.join(instance.dir, 'requests.tsv');
  fs.rmSync(file, { force: true }); // h2load appends
  const before = cpu(instance, origin);
  const url = `http://127.0.0.1:${instance.port}/${size}`;
  await output('h2load', ['--h1', '-t1', '-c1', `-n${BURST}`, `--log-file=${file}`, url]);
  const used = cpu(instance, origin) - before;
  const lines = fs.readFileSync(file, 'utf8').trim().split('\n');
  const answered = lines.map((line) => line.split('\t')).filter(([, status]) => status === '200');
  if (answered.length !== BURST) throw new Error(`${BURST - answered.length} of ${BURST} requests failed`);
  return { latencies: answered.map(([, , microseconds]) => Number(microseconds)), used };
}

/** What the bursts of a round say together. */
function joined(bursts) {
  const latencies = bursts.flatMap((one) => one.latencies).sort((a, b) => a - b);
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  return {
    rps: (latencies.length * 1e6) / sum(latencies),
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    cpu: (sum(bursts.map(({ used }) => used)) * TICK) / latencies.length,
  };
}

/** Requests over many connections: so many seconds of wrk, which knows whole ones only and is told to end. */
async function load(instance, origin, size, connections, seconds) {
  const before = cpu(instance, origin);
  const url = `http://127.0.0.1:${instance.port}/${size}`;
  const wrk = ['wrk', '-t1', `-c${connections}`, '-d60s', '--latency', url];
  const text = await output('timeout', ['--preserve-status', '-sINT', String(seconds), ...wrk]);
  const used = cpu(instance, origin) - before;
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(/(Non-2xx|Socket errors).*/.exec(text)[0]);
  const requests = Number(/(\d+) requests in/.exec(text)[1]);
  const latency = (percent) => {
    const [, value, unit] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s)`, 'm').exec(text);
    return Number(value) * { us: 1, ms: 1e3, s: 1e6 }[unit];
  };
  return {
    rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]),
    p50: latency(50),
    p99: latency(99),
    cpu: (used * TICK) / requests,
  };
}

/** The middle one of each figure of several turns. */
const middle = (turns) =>
  Object.fromEntries(Object.keys(turns[0]).map((name) => [name, median(turns.map((turn) => turn[name]))]));

/** The Node.js beside nginx: of libnode's version where that can be had, so that both run the same V8. */
async function startOrigin(dir) {
  const { found } = setup.nodes([18]);
  const file = found[18]?.file ?? process.execPath;
  for (const name of ['http.sock', 'echo.sock']) fs.rmSync(path.join(dir, name), { force: true });
  const child = spawn(file, [path.join(__dirname, 'origin.js'), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', () => reject(new Error('the Node.js server beside nginx did not start')));
  });
  return { pid: child.pid, version: spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout.trim() };
}

/** Ends processes, and returns when they have. */
async function stop(...children) {
  const ended = children.map(
    (child) =>
      new Promise((resolve) =>
        child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', resolve),
      ),
  );
  for (const child of children) child.kill('SIGTERM');
  const late = setTimeout(() => children.forEach((child) => child.kill('SIGKILL')), 8000);
  await Promise.all(ended);
  clearTimeout(late);
}

const stopAll = () => stop(...running);

/** What a round takes of each way that it is `of`, and where it `put`s what the turns brought. */
function figures(sizes, connections, origin, seconds) {
  return sizes.flatMap((size) => [
    {
      of: ({ mode }) => mode.call,
      async take({ port, dir }) {
        const { status, body } = await get(port, `/sequential?size=${size}&n=${SEQUENTIAL[size] ?? 150}`);
        if (status !== 200) throw new Error(lastError(dir));
        return Number(body);
      },
      put: (result, turns) => (result.sequential[size] ??= []).push(median(turns)),
    },
    ...connections.map((c) => ({
      of: (instance) => instance.sizes.includes(size),
      take: (instance) =>
        c === 1 ? burst(instance, origin, size) : load(instance, origin, size, c, seconds / TURNS),
      put: (result, turns) =>
        (result.load[`${size}/${c}`] ??= []).push(c === 1 ? joined(turns) : middle(turns)),
    })),
  ]);
}

async function measure(env) {
  const sizes = (list(env.SIZES) ?? ['16', '1024', '10240', '102400']).map(Number);
  const connections = (list(env.CONNECTIONS) ?? ['1', '64']).map(Number);
  const rounds = Number(env.ROUNDS ?? 5);
  const seconds = Number(env.SECONDS ?? 1);
  const only = list(env.ONLY);
  const filtered = Boolean(only || env.SIZES || env.CONNECTIONS || env.ROUNDS || env.SECONDS);
  const dir = path.join(setup.build, 'nginx');
  fs.mkdirSync(dir, { recursive: true });

  const origin = await startOrigin(dir);
  const context = {
    dir,
    sizes,
    folder: __dirname,
    libraries: { lua: path.join(setup.root, 'lua'), build: path.join(setup.root, 'build') },
    env: { LD_LIBRARY_PATH: path.join(setup.root, 'build') },
  };
  const all = modesOf({ http: path.join(dir, 'http.sock'), echo: path.join(dir, 'echo.sock') });
  const unknown = (only ?? []).filter((key) => !all.some((m) => m.key === key));
  if (unknown.length) throw new Error(`no such way: ${unknown.join(', ')}`);

  const instances = [];
  const absent = [];
  for (const mode of all) {
    if (only && !only.includes(mode.key)) continue;
    try {
      instances.push(await ready(mode, context, filtered ? 1 : STARTS));
    } catch (error) {
      absent.push({ key: mode.key, title: mode.title, why: error.message });
      console.log(`bench-nginx: without ${mode.title}: ${error.message}`);
    }
  }

  const results = Object.fromEntries(instances.map(({ mode }) => [mode.key, { load: {}, sequential: {} }]));
  const fail = (instance, error) => {
    absent.push({ key: instance.mode.key, title: instance.mode.title, why: error.message });
    console.log(`bench-nginx: ${instance.mode.title} failed: ${error.message}`);
    instances.splice(instances.indexOf(instance), 1);
  };
  /* The clock of a virtual machine that is moved jumps, and what was measured over that is no figure. */
  const again = (take, instance) =>
    take(instance).catch((error) => {
      console.log(`bench-nginx: ${instance.mode.title} once more: ${error.message}`);
      return take(instance);
    });
  const plan = figures(sizes, connections, origin, seconds);
  const began = Date.now();
  for (let round = 0; round < rounds; round++) {
    const shift = Math.floor((round * instances.length) / rounds);
    for (const [i, { of, take, put }] of plan.entries()) {
      process.stderr.write(`\r\x1b[Kround ${round + 1}: ${i + 1} of ${plan.length}`);
      const taken = new Map(
        [...instances.slice(shift), ...instances.slice(0, shift)]
          .filter(of)
          .map((instance) => [instance, []]),
      );
      for (let turn = 0; turn < TURNS; turn++) {
        for (const [instance, turns] of taken) {
          try {
            turns.push(await again(take, instance));
          } catch (error) {
            fail(instance, error);
            taken.delete(instance);
          }
        }
      }
      for (const [instance, turns] of taken) put(results[instance.mode.key], turns);
    }
  }
  for (const { mode, worker, startups } of instances) {
    results[mode.key].rss = resident(worker);
    results[mode.key].childRss = childrenOf(worker).reduce((sum, pid) => sum + resident(pid), 0);
    results[mode.key].startups = startups;
  }
  process.stderr.write('\r\x1b[K');
  return {
    filtered,
    data: {
      date: new Date().toISOString(),
      machine: `${os.cpus()[0]?.model}, ${os.cpus().length} cores, ${os.type()} ${os.release()}`,
      nginx: spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr.trim().split('/').pop(),
      origin: origin.version,
      seconds: Math.round((Date.now() - began) / 1000),
      rounds,
      duration: seconds,
      turns: TURNS,
      burst: BURST,
      sizes,
      connections,
      absent,
      modes: all
        .filter((m) => results[m.key])
        .map(({ key, title, ours }) => ({ key, title, ours: Boolean(ours) })),
      results,
    },
  };
}

async function main() {
  for (const program of ['nginx', 'wrk', 'h2load', 'timeout']) {
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
      throw new Error(`${program} is not installed`);
  }
  const { filtered, data } = await measure(process.env).finally(stopAll);
  const summary = summarise(data);
  const folder = filtered ? path.join(setup.build, 'results') : path.join(__dirname, '../results');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'nginx.json'), JSON.stringify(data, null, 1) + '\n');
  const text = markdown(summary);
  fs.writeFileSync(path.join(folder, 'nginx.md'), text);
  fs.writeFileSync(path.join(folder, 'nginx.svg'), picture(summary));
  if (!filtered) {
    refresh(
      'nginx',
      '![Requests a second through one nginx worker](bench/results/nginx.svg)\n\n' +
        `Requests a second at 64 connections, and microseconds of one call after the other; one worker, ${data.machine}, ` +
        `${data.date.slice(0, 10)}:\n\n${shortTable(summary)}`,
    );
  }
  console.log(`bench-nginx: ${data.seconds} s; results in ${path.relative(process.cwd(), folder)}/`);
  process.stdout.write(text);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => stopAll().then(() => process.exit(1)));
}
main().catch((error) => {
  console.error(`bench-nginx: ${error.message}`);
  process.exitCode = 1;
});
