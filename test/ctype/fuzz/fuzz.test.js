'use strict';
/*
 * Lets libFuzzer look for a text that the parser cannot stand: 20 seconds, or ten
 * minutes when BIFFI_LONG is 1. It starts from the seeds beside it and from pieces of
 * real headers; what it found interesting is kept in build/fuzz for the next run.
 */
const { test } = require('node:test');
const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '../../..');
const build = path.join(root, 'build/fuzz');
const seconds = process.env.BIFFI_LONG === '1' ? 300 : 20;

/** Pieces of a header's preprocessed text, each from the start of a declaration. */
function pieces(header) {
  const args = ['-E', '-dD', '-x', 'c', '-include', header, '/dev/null'];
  const text = execFileSync('gcc', args, { encoding: 'latin1', maxBuffer: 64 << 20 });
  const lines = text.split('\n').filter((line) => line.trim());
  const step = Math.max(60, Math.floor(lines.length / 40));
  return Array.from({ length: Math.ceil(lines.length / step) }, (_, i) =>
    lines.slice(i * step, i * step + 60).join('\n'),
  );
}

test(`no text crashes the parser (${seconds} s)`, (t) => {
  const corpus = path.join(build, 'corpus');
  const seeds = path.join(build, 'seeds');
  fs.mkdirSync(corpus, { recursive: true });
  fs.rmSync(seeds, { recursive: true, force: true });
  fs.mkdirSync(seeds);
  for (const header of ['sqlite3.h', 'stdio.h', 'pthread.h', 'linux/perf_event.h', 'glob.h']) {
    pieces(header).forEach((piece, i) =>
      fs.writeFileSync(path.join(seeds, `${path.basename(header)}.${i}`), piece, 'latin1'),
    );
  }
  const args = [
    `-max_total_time=${seconds}`,
    '-max_len=6000',
    '-timeout=10',
    '-rss_limit_mb=2048',
    '-print_final_stats=1',
    `-dict=${path.join(__dirname, 'dictionary')}`,
    `-artifact_prefix=${build}/`,
    corpus,
    seeds,
    path.join(__dirname, 'seeds'),
  ];
  const { status, signal, stderr } = spawnSync(path.join(root, 'build/test/ctype/parse.fuzz'), args, {
    encoding: 'utf8',
    maxBuffer: 256 << 20,
    env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1', UBSAN_OPTIONS: 'print_stacktrace=1' },
  });
  assert.strictEqual(status, 0, `${signal || `exit code ${status}`}\n${(stderr || '').slice(-6000)}`);
  const runs = Number(/number_of_executed_units: (\d+)/.exec(stderr)[1]);
  t.diagnostic(`${runs} texts`);
  assert.ok(runs > 1000);
});
