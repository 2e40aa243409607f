'use strict';
/*
 * Measures one peer in this process: node harness.js ADAPTER LIBRARY CASE,... MILLISECONDS
 * Runs in Node.js, Deno and Bun. Prints one JSON object a line: {"case", "best", "median", "calls"} in nanoseconds
 * an operation, or {"case", "lacks"} or {"case", "error"}.
 *
 * Per case: the result is compared with the reference, the loop warms up, is calibrated to slices of 2.5 ms, and
 * slices are taken for the given time. Between slices the event loop turns once, so that what a peer left behind in
 * handle scopes is released where it would be in a program.
 */
const fs = require('node:fs');
const path = require('node:path');
const { isDeepStrictEqual } = require('node:util');
const { cases, reference, compile } = require('./cases.js');

const WARM_UP = 60; /* ms */
const SLICE = 2.5; /* ms */
const CHECKED = 257; /* turns; not a round number, so that the last turn is not the first's twin */
const FEW = 3; /* slices at least, however slow */

const now = () => Number(process.hrtime.bigint()) / 1e6;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const print = (line) => fs.writeSync(1, JSON.stringify(line) + '\n');

function show(value) {
  const text = JSON.stringify(value, (key, v) => (typeof v === 'bigint' ? `${v}n` : v));
  return text === undefined ? String(value) : text.slice(0, 80);
}

async function check(kase, functions) {
  /* slow peers need seconds for the full number of heavy turns */
  const turns = kase.per > 1 ? 3 : CHECKED;
  const want = await compile(kase, reference)(turns);
  const got = await compile(kase, functions)(turns);
  if (!isDeepStrictEqual(want, got)) throw new Error(`returned ${show(got)} instead of ${show(want)}`);
}

async function time(loop, n) {
  const start = now();
  await loop(n);
  return now() - start;
}

async function measure(kase, functions, budget) {
  const loop = compile(kase, functions);

  let n = 1;
  let took = 0;
  for (const until = now() + WARM_UP; now() < until || took < SLICE / 2;) {
    took = await time(loop, n);
    if (took < SLICE / 2) n *= 2;
    else if (took > SLICE * 2) n = Math.max(1, Math.floor(n / 2));
    if (took > WARM_UP) break;
    await turn();
  }
  n = Math.max(1, Math.round((n * SLICE) / took));

  const slices = [];
  for (const until = now() + budget; slices.length < FEW || now() < until;) {
    slices.push((await time(loop, n)) / n / (kase.per ?? 1));
    await turn();
  }
  slices.sort((a, b) => a - b);
  return { best: slices[0] * 1e6, median: slices[slices.length >> 1] * 1e6, calls: n * slices.length };
}

async function main([adapterFile, library, names, budget]) {
  const adapter = require(path.resolve(adapterFile));
  const { functions, close, info } = await adapter.open(path.resolve(library));
  const { node, v8, deno, bun } = process.versions;
  print({ info: { node, v8, deno, bun, ...info } });
  for (const name of names.split(',')) {
    const kase = cases.find((k) => k.name === name);
    const reason = kase.uses.map((f) => adapter.lacks?.[f]).find(Boolean);
    if (reason) {
      print({ case: name, lacks: reason });
      continue;
    }
    try {
      print({ case: name, started: true });
      await check(kase, functions);
      print({ case: name, ...(await measure(kase, functions, Number(budget))) });
    } catch (error) {
      print({ case: name, error: String(error?.message ?? error).split('\n')[0] });
    }
  }
  close?.();
  /* a peer's own threads or handles must not keep the benchmark waiting */
  process.exit(0);
}

main(process.argv.slice(2)).catch((error) => {
  print({ error: String(error?.stack ?? error) });
  process.exit(1);
});
