#!/usr/bin/env node
'use strict';
/*
 * Measures the peers side by side: interleaved rounds, every peer in a fresh process, another one first each round.
 *
 *   ONLY=biffi,koffi CASES=add_i32,nop NODES=20,24 ROUNDS=2 MS=50 node bench/run.js
 *
 * A full run writes bench/results/; a run with any of these set looks only, and writes build/bench/results/.
 */
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { cases, loads } = require('./cases.js');
const peers = require('./peers.js');
const setup = require('./setup.js');
const { summarise, markdown, shortTable } = require('./report.js');
const { picture } = require('./picture.js');
const { refresh } = require('./readme.js');

const STUCK = 6000; /* ms without a line: the case did not end */

/* an asynchronous call has no counterpart in C */
const hasC = (name) => !cases.find((kase) => kase.name === name).async;

const list = (value) => value?.split(/[\s,]+/).filter(Boolean);

function options(env) {
  const only = list(env.ONLY);
  const names = list(env.CASES);
  const everything = [...cases, ...loads].map((k) => k.name);
  const unknown = [
    ...(only ?? []).filter((name) => !peers.some((p) => p.name === name)),
    ...(names ?? []).filter((name) => !everything.includes(name)),
  ];
  if (unknown.length) throw new Error(`no such peer or case: ${unknown.join(', ')}`);
  return {
    filtered: Boolean(only || names || env.NODES || env.ROUNDS || env.MS),
    /* the ratios need C */
    peers: peers.filter((p) => !only || p.name === 'c' || only.includes(p.name)),
    cases: names ?? everything,
    nodes: (list(env.NODES) ?? ['20', '22', '24', '26']).map(Number),
    rounds: Number(env.ROUNDS ?? 3),
    ms: Number(env.MS ?? 80),
  };
}

/** Peers times runtimes, and why some can't take part. */
function columns(opts) {
  const missing = setup.installPeers();
  const { found, missing: missingNodes } = setup.nodes(opts.nodes);
  const columns = [];
  const absent = Object.entries(missingNodes).map(([name, why]) => ({ name, why }));
  const library = path.join(setup.build, 'libtargets.so');
  const many = path.join(setup.build, 'libload.so');

  for (const peer of opts.peers) {
    const lacking = (peer.needs ?? []).find((name) => missing[name]);
    if (lacking) {
      absent.push({ name: peer.name, why: missing[lacking] });
      continue;
    }
    if (peer.adapter && !fs.existsSync(path.join(__dirname, peer.adapter))) {
      absent.push({ name: peer.name, why: `${peer.adapter} is not there` });
      continue;
    }
    const add = (name, node, command) => {
      const js = (script, ...args) => [
        ...command,
        path.join(__dirname, script),
        path.join(__dirname, peer.adapter),
        ...args,
      ];
      columns.push({
        name,
        peer,
        node,
        env: { ...process.env, ...peer.env },
        measure: (names, ms) => js('harness.js', library, names, ms),
        load: (n) => js('load.js', many, n),
      });
    };
    if (peer.runtime === 'c') {
      const c = path.join(setup.build, 'c');
      columns.push({
        name: 'c',
        peer,
        env: process.env,
        measure: (names, ms) => [c, library, names, ms],
        load: (n) => [c, '--load', many, n],
      });
    } else if (peer.runtime === 'node') {
      for (const [major, { file }] of Object.entries(found)) {
        if (Number(major) >= (peer.from ?? 0))
          add(`${peer.name}@${major}`, Number(major), [file, ...(peer.args ?? [])]);
      }
    } else {
      const args = peer.runtime === 'deno' ? ['run', '-A', '--quiet', '--no-lock'] : ['run'];
      add(peer.name, undefined, [setup.program(peer.runtime), ...args]);
    }
  }
  return { columns, absent, versions: Object.values(found).map(({ version }) => version) };
}

/** The line of a program's last words that says what happened. */
function gist(text) {
  const lines = text.trim().split('\n');
  return (lines.find((line) => /^\s*(\w*Error\b|error:)/.test(line)) ?? lines[lines.length - 1]).trim();
}

/** Runs a command to its end, or until it says nothing for STUCK ms; passes on its lines of JSON. */
function talk([command, ...args], env, onLine) {
  return new Promise((resolve) => {
    const child = spawn(command, args.map(String), {
      env,
      cwd: __dirname,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    let said = '';
    let stuck = false;
    let timer;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        stuck = true;
        child.kill('SIGKILL');
      }, STUCK);
    };
    watch();
    child.stdout.on('data', (chunk) => {
      watch();
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop();
      for (const line of lines) {
        try {
          onLine(JSON.parse(line));
        } catch {
          said += line + '\n';
        }
      }
    });
    child.stderr.on('data', (chunk) => (said += chunk));
    child.on('error', (error) => (said += error.message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stuck, said: gist(said) });
    });
  });
}

/**
 * One column in one round. A case that kills its process or never ends is noted and not tried again; the cases
 * after it get a new process.
 */
async function visit(column, names, ms, results) {
  let rest = names.filter((name) => !results[name]?.failed);
  while (rest.length) {
    let current;
    let fatal;
    const end = await talk(column.measure(rest.join(','), ms), column.env, (line) => {
      if (line.info) column.info = line.info;
      if (line.error && !line.case) fatal = line.error;
      if (!line.case) return;
      current = line.case;
      if (line.started) return;
      const result = (results[line.case] ??= { rounds: [] });
      if (line.lacks) Object.assign(result, { lacks: line.lacks, failed: true });
      else if (line.error) Object.assign(result, { error: line.error, failed: true });
      else result.rounds.push({ best: line.best, median: line.median });
      rest = rest.filter((name) => name !== line.case);
    });
    if (end.code === 0 || rest.length === 0) return;
    /* a failure before the first case is the whole peer's */
    const dead = rest.includes(current) ? [current] : current ? [rest[0]] : rest;
    const why = end.stuck
      ? `not done after ${STUCK / 1000} s`
      : `ended with ${end.signal ?? `exit code ${end.code}`}: ${fatal?.split('\n')[0] ?? end.said}`;
    for (const name of dead)
      results[name] = { rounds: results[name]?.rounds ?? [], error: why, failed: true };
    rest = rest.filter((name) => !dead.includes(name));
  }
}

async function visitLoad(column, kase, results) {
  const result = (results[kase.name] ??= { rounds: [] });
  if (result.failed) return;
  let times;
  const end = await talk(column.load(kase.functions), column.env, (line) => (times = line));
  if (!times)
    Object.assign(result, { error: end.said || `ended with ${end.signal ?? end.code}`, failed: true });
  else {
    const each = (times.hold * 1e6) / kase.functions;
    result.rounds.push({ best: each, median: each, ...times });
  }
}

async function main() {
  const opts = options(process.env);
  setup.compileC();
  const { columns: all, absent, versions } = columns(opts);
  for (const { name, why } of absent) console.log(`bench: without ${name}: ${why}`);
  const c = all.find((column) => column.peer.name === 'c');
  const timed = cases.map((k) => k.name).filter((name) => opts.cases.includes(name));
  const loaded = loads.filter((k) => opts.cases.includes(k.name));
  const results = Object.fromEntries(all.map((c) => [c.name, {}]));
  const began = Date.now();
  console.log(`bench: ${all.length} columns, ${timed.length + loaded.length} cases, ${opts.rounds} rounds`);

  for (let round = 0; round < opts.rounds; round++) {
    const shift = Math.floor((round * all.length) / opts.rounds);
    const order = [...all.slice(shift), ...all.slice(0, shift)];
    /* what everybody is compared with is measured twice a round */
    order.splice((order.indexOf(c) + (all.length >> 1)) % all.length, 0, c);
    for (const column of order) {
      process.stderr.write(`\r\x1b[Kround ${round + 1}: ${column.name}`);
      await visit(column, column === c ? timed.filter(hasC) : timed, opts.ms, results[column.name]);
      for (const kase of loaded) await visitLoad(column, kase, results[column.name]);
    }
  }
  process.stderr.write('\r\x1b[K');

  const data = {
    date: new Date().toISOString(),
    machine: `${os.cpus()[0]?.model}, ${os.cpus().length} cores, ${os.type()} ${os.release()}`,
    load: os.loadavg().map((l) => Math.round(l * 10) / 10),
    seconds: Math.round((Date.now() - began) / 1000),
    rounds: opts.rounds,
    nodes: versions,
    absent,
    columns: all.map((c) => ({
      name: c.name,
      peer: c.peer.name,
      title: c.peer.title,
      node: c.node,
      info: c.info,
    })),
    results,
  };
  const summary = summarise(data);
  const folder = opts.filtered ? path.join(setup.build, 'results') : path.join(__dirname, 'results');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'results.json'), JSON.stringify(data, null, 1) + '\n');
  const text = markdown(summary);
  fs.writeFileSync(path.join(folder, 'results.md'), text);
  for (const node of summary.nodes)
    fs.writeFileSync(path.join(folder, `node${node}.svg`), picture(summary, node));
  if (!opts.filtered) {
    const last = summary.nodes[summary.nodes.length - 1];
    refresh(
      'calls',
      `![Time of one call, by peer](bench/results/node${last}.svg)\n\n` +
        `Nanoseconds of one operation, medians; ${data.machine}, ${data.date.slice(0, 10)}:\n\n${shortTable(summary)}`,
    );
  }
  process.stdout.write(text);
  console.log(`\nbench: ${data.seconds} s; results in ${path.relative(process.cwd(), folder)}/`);
}

main().catch((error) => {
  console.error(`bench: ${error.message}`);
  process.exit(1);
});
