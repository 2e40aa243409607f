#!/usr/bin/env node
'use strict';
/*
 * Runs test suites and counts what they report: `scripts/test.js lib nginx`, or
 * `all`. C tests speak TAP through cmocka, JavaScript tests through node:test.
 * Every number in the last line was read from a test program's own output; a
 * program that dies, or that ends without having reported, is one failed test.
 * Lint is no test: it adds nothing when it passes, and one failure when not.
 *
 * V=1 shows what the programs print; JOBS says how many run at once.
 */
const { spawn, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '..');
const logs = path.join(root, 'build/test-logs');
const long = process.env.BIFFI_LONG === '1';
const verbose = process.env.V === '1';
const jobs = Number(process.env.JOBS) || Math.min(os.cpus().length, 4);
const limit = (long ? 60 : 10) * 60 * 1000; // a program that takes longer hangs

/**
 * @typedef {object} Step one program to run
 * @property {string} name
 * @property {string[]} command
 * @property {NodeJS.ProcessEnv} [env]
 * @property {'cmocka'|'node'|'lint'} kind how it reports
 *
 * @typedef {object} Result
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string} [problem] what went wrong besides the tests
 */

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

/** A room's C tests: a step for each program. @returns {Step[]} */
function cSteps(room, build = 'build') {
  return filesIn(`test/${room}`, '.test.c').map((file) => ({
    name: file + (build === 'build' ? '' : ' (ASan, UBSan)'),
    command: [path.join(build, file.replace(/\.c$/, ''))],
    env: {
      CMOCKA_MESSAGE_OUTPUT: 'TAP',
      ASAN_OPTIONS: 'detect_leaks=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
    kind: 'cmocka',
  }));
}

/** A room's JavaScript tests: one step with all files. @returns {Step[]} */
function jsSteps(
  room,
  { node = process.execPath, version = process.versions.node, label = '', env = {}, only = /$/ } = {},
) {
  const files = filesIn(`test/${room}`, '.test.js').filter((file) => only.test(file));
  if (files.length === 0) return [];
  const command = [node, '--test', '--test-reporter=tap', ...files];
  return [{ name: `test/${room} on Node.js ${version}${label}`, command, env, kind: 'node' }];
}

/** The addon's tests with an addon that checks its own memory accesses. */
function asanSteps() {
  const library = (name) => execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  const env = {
    LD_PRELOAD: `${library('libasan.so')} ${library('libubsan.so')}`,
    // V8 keeps what it allocated until the process ends; only C tests look for leaks. What was freed is held back, to
    // see who uses it, but less of it than the process may grow by in a test of its memory.
    ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=16',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    BIFFI_ADDON: path.join(root, 'build/asan/biffi.node'),
  };
  if (!long) env.BIFFI_TEST_FUNCTIONS = '12'; // random ones
  /* The others count what malloc() gives out, or make it fail, which is the sanitizer's here; or are about flags. */
  const only = /^(?!.*\/(leak|faults|flags)\.test)/;
  /* The other files of compat look at npm's packages. */
  const compat = /\/(ffi-napi|ref-\w+|threads)\.test/;
  return [
    ...jsSteps('lib', { label: ' (ASan, UBSan)', env, only }),
    ...jsSteps('compat', { label: ' (ASan, UBSan)', env, only: compat }),
  ];
}

/**
 * What runs Node.js in another process, with sanitizers in our libraries; libnode, nginx and LuaJIT have none. Seen is
 * what our code does to memory, its own and what it is given, its undefined behaviour, and what it has not freed in the
 * end (but from within JavaScript, see test/sanitize/host.supp; in nginx, where the look takes its time, only with
 * BIFFI_LONG). Not seen: what those others do to ours outside of libc's functions.
 */
function asanRoomSteps() {
  const library = (name) => execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  const preload = `${library('libasan.so')} ${library('libubsan.so')}`;
  // A fault in WebAssembly is V8's to handle.
  const options = (leaks) => `handle_segv=0:detect_leaks=${leaks ? 1 : 0}`;
  const suppressions = (room) =>
    `suppressions=${path.join(root, `test/sanitize/${room}.supp`)}:print_suppressions=0`;
  const rooms = ['host', 'nginx'].flatMap((room) => cSteps(room, 'build/asan/rooms'));
  const c = rooms.map((step) => ({
    ...step,
    env: {
      ...step.env,
      LD_PRELOAD: preload, // for the child process too
      ASAN_OPTIONS: options(true),
      LSAN_OPTIONS: suppressions('host'),
    },
  }));
  const nginx = (room, leaks, only) =>
    jsSteps(room, {
      label: ' (ASan, UBSan)',
      only,
      env: {
        BIFFI_BUILD: path.join(root, 'build/asan/rooms'),
        BIFFI_PRELOAD: preload,
        SANITIZER_OPTIONS: options(leaks),
        LSAN_OPTIONS: suppressions('nginx'),
      },
    });
  // ccall and demo call C from JavaScript, which is the suite lib's; foreign has other people's libraries.
  const only = long
    ? /^(?!.*(ccall|demo|foreign)\.)/
    : /(bytes|handlers|lifecycle|module|runtime|send|uploads)\.test\.js$/;
  return [...c, ...nginx('sanitize', true), ...nginx('nginx', long, only)];
}

/** What threads share, under ThreadSanitizer, which wants addresses where it knows them. @returns {Step[]} */
function tsanSteps() {
  const shared = /(channel|queue)\.test\.c$/;
  return ['host', 'nginx']
    .flatMap((room) => cSteps(room, 'build/tsan'))
    .filter((step) => shared.test(step.name.replace(/ \(.*/, '')))
    .map((step) => ({
      ...step,
      name: step.name.replace(/ \(.*/, ' (ThreadSanitizer)'),
      command: ['setarch', '--addr-no-randomize', ...step.command],
    }));
}

/**
 * Under valgrind's memcheck, which also sees what libnode, nginx and LuaJIT do to our memory, and what is read before it
 * was written. Node.js in child processes is not under it. helgrind and drd know nothing of C11's atomics, on which all
 * our threads rely: they would find fault with every one; that is ThreadSanitizer's part.
 */
function valgrindSteps() {
  const memcheck = [
    'valgrind',
    '--quiet',
    '--smc-check=all-non-file', // JavaScript's machine code changes
    '--error-exitcode=9',
    '--suppressions=test/sanitize/valgrind.supp',
  ];
  const c = ['host', 'nginx'].flatMap((room) => cSteps(room));
  return [
    ...c.map((step) => ({
      ...step,
      name: `${step.name} (valgrind)`,
      command: [...memcheck, ...step.command],
      env: { ...step.env, BIFFI_VALGRIND: '1' },
    })),
    ...jsSteps('nginx', {
      label: ' (valgrind)',
      env: { NGINX_BIN: path.join(root, 'test/sanitize/nginx-memcheck') },
      // It is some thirty times slower; and lifecycle looks at signals and descriptors, of which it has its own.
      only: /(handlers|runtime)\.test\.js$/,
    }),
  ];
}

/** A room on the other versions of Node.js, with the same addon. */
function otherNodes(room) {
  const list = execFileSync(path.join(root, 'scripts/node-versions'), { encoding: 'utf8' });
  const own = process.versions.node.split('.')[0];
  return list
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([version]) => version.split('.')[0] !== own)
    .flatMap(([version, node]) => jsSteps(room, { node, version }));
}

/** The random calls once more, to functions that the other compiler made. @returns {Step[]} */
function randomCallsOfClang() {
  return cSteps('call')
    .filter((step) => step.name.includes('random.test'))
    .map((step) => ({
      ...step,
      name: `${step.name} (clang)`,
      env: { ...step.env, BIFFI_TEST_CC: 'clang', BIFFI_TEST_CALLS: '1000000' },
    }));
}

/**
 * What was built for aarch64, under the emulator. QEMU before 8.1 does not see that code which is mapped twice was
 * written anew; code in pages of its own it does.
 */
function arm64Steps() {
  const build = path.join(root, 'build/arm64');
  const libraries = path.join(root, '.deps/arm64/root/usr/lib/aarch64-linux-gnu');
  const emulator = [
    'qemu-aarch64-static',
    '-L',
    '/usr/aarch64-linux-gnu',
    '-E',
    `LD_LIBRARY_PATH=${libraries}`,
  ];
  const c = [...cSteps('ctype', build), ...cSteps('call', build)].map((step) => ({
    ...step,
    name: step.name.replace(/ \(.*\)$/, ' (aarch64)'),
    command: [...emulator, ...step.command],
    env: {
      CMOCKA_MESSAGE_OUTPUT: 'TAP',
      BIFFI_TEST_CC: 'aarch64-linux-gnu-gcc',
      // The test of both kinds of mapping asks for what it needs itself.
      BIFFI_CODE: step.name.includes('code.test') ? 'dual' : 'protect',
    },
  }));
  const nodes = execFileSync(path.join(root, 'scripts/arm64'), ['nodes'], { encoding: 'utf8' });
  const addon = {
    BIFFI_CODE: 'protect',
    BIFFI_BUILD: build,
    BIFFI_ADDON: path.join(build, 'biffi.node'),
    BIFFI_TEST_CC: 'aarch64-linux-gnu-gcc',
    BIFFI_TEST_FUNCTIONS: '20', // random ones
  };
  const js = nodes
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .flatMap(([version, node]) => [
      // The other files ask for this machine's tools, or for the time.
      ...jsSteps('lib', {
        node,
        version,
        label: ' (aarch64)',
        env: addon,
        only: /(array|async|callback|enter|values|function|garbage|library|memory|pointer|random|string|struct|type|v8|variadic)\.test\.js$/,
      }),
      // The other files need npm, or fixtures of the originals.
      ...jsSteps('compat', {
        node,
        version,
        label: ' (aarch64)',
        env: addon,
        only: /(ffi-napi|ref-\w+|threads)\.test\.js$/,
      }),
    ]);
  // The layouts beside those of the other machine's compiler.
  const layouts = {
    name: 'test/ctype layouts (aarch64)',
    command: [
      process.execPath,
      '--test',
      '--test-reporter=tap',
      'test/ctype/layout.test.js',
      'test/ctype/headers',
    ],
    env: {
      BIFFI_BUILD: build,
      BIFFI_TEST_CC: 'aarch64-linux-gnu-gcc',
      BIFFI_EMULATOR: 'qemu-aarch64-static -L /usr/aarch64-linux-gnu',
    },
    kind: 'node',
  };
  return [...c, layouts, ...js];
}

/** The rooms that stand on nginx or libnode, on Debian's other versions of these. */
function matrixSteps() {
  const list = execFileSync(path.join(root, 'scripts/matrix'), ['list'], { encoding: 'utf8' });
  return list
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [suite, ...versions] = line.split(' ');
      const inside = ['scripts/matrix', 'run', suite];
      const label = ` (${suite}: ${versions.join(' ')})`;
      return [
        ...['host', 'nginx']
          .flatMap((room) => cSteps(room))
          .map((step) => ({
            ...step,
            name: step.name + label,
            command: [...inside, ...step.command],
          })),
        ...['host', 'nginx'].map((room) => ({
          name: `test/${room}${label}`,
          command: [
            ...inside,
            'node',
            '--test',
            '--test-reporter=tap',
            ...filesIn(`test/${room}`, '.test.js'),
          ],
          kind: 'node',
        })),
      ];
    });
}

/** Suites that `all` leaves out. @type {Record<string, () => Step[]>} */
const others = { arm64: arm64Steps, matrix: matrixSteps, valgrind: valgrindSteps };

/** @type {Record<string, () => Step[]>} */
const suites = {
  lint: () => [
    {
      name: 'lint',
      command: ['make', '--no-print-directory', '-s', '-k', `-j${jobs}`, 'lint'],
      env: { MAKEFLAGS: '' }, // an outer make's job slots are not passed on to this one
      kind: 'lint',
    },
  ],
  ctype: () => [...cSteps('ctype'), ...jsSteps('ctype')],
  call: () => [...cSteps('call'), ...(long ? randomCallsOfClang() : [])],
  asan: () => [
    ...cSteps('ctype', 'build/asan'),
    ...cSteps('call', 'build/asan'),
    ...asanSteps(),
    ...asanRoomSteps(),
    ...tsanSteps(),
  ],
  lib: () => jsSteps('lib'),
  demo: () => jsSteps('demo'),
  nodes: () => otherNodes('lib'),
  host: () => [...cSteps('host'), ...jsSteps('host')],
  nginx: () => [...cSteps('nginx'), ...jsSteps('nginx')],
  compat: () => [...jsSteps('compat'), ...(long ? otherNodes('compat') : [])],
};

/** @returns {Result} */
function countCmocka(output) {
  const result = { passed: 0, failed: 0, skipped: 0, problem: undefined };
  const planned = [...output.matchAll(/^1\.\.(\d+)$/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
  for (const [, not, rest] of output.matchAll(/^(not )?ok \d+(.*)$/gm)) {
    if (/# skip/i.test(rest)) result.skipped++;
    else if (not) result.failed++;
    else result.passed++;
  }
  const seen = result.passed + result.failed + result.skipped;
  if (planned === 0) result.problem = 'reported no tests';
  else if (seen < planned) result.problem = `reported ${seen} of ${planned} tests`;
  return result;
}

/** @returns {Result} */
function countNode(output) {
  const last = (word) => {
    const match = [...output.matchAll(new RegExp(`^# ${word} (\\d+)$`, 'gm'))].pop();
    return match ? Number(match[1]) : NaN;
  };
  const passed = last('pass');
  const failed = last('fail') + last('cancelled');
  const skipped = last('skipped') + last('todo');
  if (Number.isNaN(passed + failed + skipped)) {
    return { passed: 0, failed: 0, skipped: 0, problem: 'ended without a summary' };
  }
  return { passed, failed, skipped, problem: passed + failed + skipped ? undefined : 'reported no tests' };
}

/** What one finished program counts for. @returns {Result} */
function count(kind, { output, code, signal }) {
  const result =
    kind === 'cmocka'
      ? countCmocka(output)
      : kind === 'node'
        ? countNode(output)
        : { passed: 0, failed: 0, skipped: 0, problem: undefined };
  if (signal) result.problem = `ended by ${signal}`;
  else if (code !== 0 && result.failed === 0) result.problem ??= `exit code ${code}`;
  if (result.problem) result.failed++;
  return result;
}

/** Process groups that run now. @type {Set<number>} */
const running = new Set();

function endAll() {
  for (const group of running) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // it ended by itself meanwhile
    }
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    endAll();
    process.exit(1);
  });
}

/** @param {Step} step */
function run(step) {
  return new Promise((resolve) => {
    const child = spawn(step.command[0], step.command.slice(1), {
      cwd: root,
      env: { ...process.env, BIFFI_BUILD: path.join(root, 'build'), ...step.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own, so that a hanging one takes its children along
    });
    if (child.pid) running.add(child.pid);
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
    const timer = setTimeout(() => {
      errors += `still running after ${limit / 60000} minutes\n`;
      process.kill(-child.pid, 'SIGKILL');
    }, limit);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ output, errors: `${errors}${error.message}\n`, code: 1 });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child.pid);
      resolve({ output, errors, code, signal });
    });
  });
}

/** From TAP: each failed test with the lines that tell why. */
function failures(output) {
  const shown = [];
  let showing = false;
  for (const line of output.split('\n')) {
    if (/^\s*not ok /.test(line)) showing = true;
    else if (/^\s*(ok \d|# Subtest|# tests |\d+\.\.\d)/.test(line)) showing = false;
    if (showing) shown.push(line);
  }
  return shown.slice(0, 400).join('\n');
}

/** From TAP: each test that was skipped, and why. */
function skips(output) {
  return [...output.matchAll(/^\s*ok \d+ (?:- )?(.*) # skip\b(.*)$/gim)].map(
    ([, name, reason]) => `    skipped: ${name}:${reason || ' no reason given'}`,
  );
}

/** Runs a step, tells how it went. @param {Step} step @returns {Promise<Result>} */
async function perform(step) {
  const started = Date.now();
  const ended = await run(step);
  const result = count(step.kind, ended);
  const log = path.join(logs, `${step.name.replace(/[^\w.-]+/g, '_')}.log`);
  fs.writeFileSync(log, `${ended.output}\n--- stderr ---\n${ended.errors}`);

  const words = [];
  if (result.passed) words.push(`${result.passed} passed`);
  if (result.failed) words.push(`${result.failed} FAILED`);
  if (result.skipped) words.push(`${result.skipped} skipped`);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${step.name.padEnd(52)} ${words.join(', ') || 'clean'}  (${seconds} s)`);
  if (result.skipped) console.log(skips(ended.output).join('\n'));
  if (result.failed && !verbose) {
    console.log(step.kind === 'lint' ? ended.output : failures(ended.output));
    if (ended.errors) console.log(ended.errors.split('\n').slice(-100).join('\n'));
  }
  if (result.problem) console.log(`    ${result.problem}; its whole output: ${path.relative(root, log)}`);
  return result;
}

/** @param {string[]} names of suites */
async function main(names) {
  const known = { ...suites, ...others };
  const unknown = names.find((name) => !known[name]);
  if (names.length === 0 || unknown) {
    console.error(
      `${unknown ? `no suite "${unknown}"` : 'usage: test.js SUITE...'}; there are: all ${Object.keys(known).join(' ')}`,
    );
    process.exitCode = 2;
    return;
  }
  fs.mkdirSync(logs, { recursive: true });
  const steps = names.flatMap((name) => known[name]());
  const total = { passed: 0, failed: 0, skipped: 0 };
  const worker = async () => {
    for (let step = steps.shift(); step; step = steps.shift()) {
      const result = await perform(step);
      for (const key of Object.keys(total)) total[key] += result[key];
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const skipped = total.skipped ? `, ${total.skipped} skipped` : '';
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed ? 1 : 0;
}

main(process.argv.slice(2).flatMap((name) => (name === 'all' ? Object.keys(suites) : [name])));
