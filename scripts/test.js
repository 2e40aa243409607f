#!/usr/bin/env node
'use strict';
/*
 * Runs test suites and counts what they report: `scripts/test.js lib nginx`, or
 * `all`. C tests speak TAP through cmocka, JavaScript tests through node:test.
 * Every number in the last line was read from a test program's own output; a
 * program that dies, or that ends without having reported, is one failed test.
 */
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const verbose = process.env.V === '1';
const logs = path.join(root, 'build/test-logs');

/** @param {string} dir @param {string} ending */
function filesIn(dir, ending) {
  const from = path.join(root, dir);
  if (!fs.existsSync(from)) return [];
  return fs
    .readdirSync(from, { recursive: true })
    .map((name) => path.join(dir, String(name)))
    .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
    .sort();
}

/** A C room: its cmocka programs, one step each. */
function cRoom(room, build) {
  return filesIn(`test/${room}`, '.test.c').map((file) => ({
    name: `${file}${build === 'build' ? '' : ' (ASan+UBSan)'}`,
    command: [path.join(build, file.replace(/\.c$/, ''))],
    env: { CMOCKA_MESSAGE_OUTPUT: 'TAP', ...sanitizer() },
    kind: 'cmocka',
  }));
}

/** A JavaScript room: one step, all its files. */
function jsRoom(room, { node = process.execPath, label = '', env = {}, serial = false } = {}) {
  const files = filesIn(`test/${room}`, '.test.js');
  if (files.length === 0) return [];
  const args = ['--test', '--test-reporter=tap'];
  // Node 18 has no --test-concurrency; it runs one file a core.
  if (serial && Number(process.versions.node.split('.')[0]) >= 22) args.push('--test-concurrency=1');
  return [{ name: `test/${room}${label}`, command: [node, ...args, ...files], env, kind: 'node' }];
}

function sanitizer() {
  return {
    ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  };
}

const suites = {
  ctype: () => cRoom('ctype', 'build'),
  call: () => cRoom('call', 'build'),
  host: () => [...cRoom('host', 'build'), ...jsRoom('host', { serial: true })],
  lib: () => jsRoom('lib'),
  nginx: () => jsRoom('nginx', { serial: true }),
  compat: () => jsRoom('compat'),
};

/** @returns {{passed: number, failed: number, skipped: number, problem?: string}} */
function count(kind, output, code, signal) {
  const result = { passed: 0, failed: 0, skipped: 0, problem: undefined };
  if (kind === 'cmocka') {
    const plans = [...output.matchAll(/^1\.\.(\d+)$/gm)].reduce((sum, m) => sum + Number(m[1]), 0);
    for (const line of output.split('\n')) {
      const m = /^(not )?ok \d+( .*)?$/.exec(line);
      if (!m) continue;
      if (/# SKIP/i.test(m[2] || '')) result.skipped++;
      else if (m[1]) result.failed++;
      else result.passed++;
    }
    const seen = result.passed + result.failed + result.skipped;
    if (plans === 0) result.problem = 'reported no tests';
    else if (seen < plans) result.problem = `reported ${seen} of ${plans} tests`;
  } else {
    const number = (word) => {
      const m = [...output.matchAll(new RegExp(`^# ${word} (\\d+)$`, 'gm'))].pop();
      return m ? Number(m[1]) : NaN;
    };
    result.passed = number('pass');
    result.failed = number('fail') + number('cancelled');
    result.skipped = number('skipped') + number('todo');
    if (Number.isNaN(result.passed + result.failed + result.skipped)) {
      Object.assign(result, { passed: 0, failed: 0, skipped: 0, problem: 'ended without a summary' });
    }
  }
  if (signal) result.problem = `killed by ${signal}`;
  else if (code !== 0 && result.failed === 0) result.problem ??= `exit code ${code}`;
  if (result.problem) result.failed++;
  return result;
}

function run(step) {
  return new Promise((resolve) => {
    const child = spawn(step.command[0], step.command.slice(1), {
      cwd: root,
      env: { ...process.env, BIFFI_BUILD: path.join(root, 'build'), ...step.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      if (verbose) process.stdout.write(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text;
      if (verbose) process.stderr.write(text);
    });
    child.on('error', (error) => resolve({ output, errors: `${error.message}\n`, code: 1 }));
    child.on('close', (code, signal) => resolve({ output, errors, code, signal }));
  });
}

/** The lines of TAP that tell what failed, with what follows them indented. */
function failures(output) {
  const shown = [];
  let showing = false;
  for (const line of output.split('\n')) {
    if (/^\s*not ok /.test(line)) showing = true;
    else if (/^\s*(ok \d|# Subtest|\d+\.\.\d)/.test(line)) showing = false;
    if (showing) shown.push(line);
  }
  return shown.join('\n');
}

async function main(names) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  fs.mkdirSync(logs, { recursive: true });
  for (const name of names) {
    if (!suites[name]) throw new Error(`no suite "${name}"; there are: ${Object.keys(suites).join(', ')}`);
    for (const step of suites[name]()) {
      const started = Date.now();
      const { output, errors, code, signal } = await run(step);
      const result = count(step.kind, output, code, signal);
      const log = path.join(logs, `${step.name.replace(/[^\w.@-]+/g, '_')}.log`);
      fs.writeFileSync(log, `${output}\n--- stderr ---\n${errors}`);
      for (const key of Object.keys(total)) total[key] += result[key];
      const words = [`${result.passed} passed`];
      if (result.failed) words.push(`${result.failed} FAILED`);
      if (result.skipped) words.push(`${result.skipped} skipped`);
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      console.log(`${step.name.padEnd(46)} ${words.join(', ')}  (${seconds} s)`);
      if (result.failed && !verbose) {
        console.log(failures(output));
        if (errors) console.log(errors.split('\n').slice(-60).join('\n'));
      }
      if (result.problem) console.log(`    ${result.problem}; all of its output: ${path.relative(root, log)}`);
    }
  }
  const skipped = total.skipped ? `, ${total.skipped} skipped` : '';
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed ? 1 : 0;
}

main(process.argv.slice(2).flatMap((name) => (name === 'all' ? Object.keys(suites) : [name])));
