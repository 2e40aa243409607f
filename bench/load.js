'use strict';
/*
 * Start-up of one peer, in a process of its own: node load.js ADAPTER LIBRARY N
 * Prints {"import", "define", "hold", "call"} in milliseconds: requiring the peer; defining N functions of the library;
 * the same until the program holds all of them, as after destructuring (some make functions when they are read); and
 * calling each for the first time (where others do what they put off).
 *
 * What requiring left in V8's young generation is collected in between: otherwise that happens whenever the first megabyte
 * is full, takes some 0.7 ms, and falls into the one or the other of these times, or into none, by chance.
 */
const fs = require('node:fs');
const path = require('node:path');
const { loadFunctions } = require('./setup.js');

const ARGUMENTS = {
  'int(int,int)': [1, 2],
  'double(double,double)': [1, 2],
  'size_t(const char*)': ['text'],
  'int(const uint8_t*,size_t)': [Buffer.alloc(4), 4],
  'void(void)': [],
  'int64_t(int64_t)': [5],
};

/** What collects the young generation; Bun and Deno do without. */
function collector() {
  if (process.versions.bun || process.versions.deno) return () => {};
  require('node:v8').setFlagsFromString('--expose-gc');
  const collect = require('node:vm').runInNewContext('gc');
  return () => collect({ type: 'minor' });
}

const now = () => Number(process.hrtime.bigint()) / 1e6;

const [adapterFile, library, n] = process.argv.slice(2);
const list = loadFunctions(Number(n));
list.text = list.map((f) => f.declaration).join('\n');

const collect = collector();
const start = now();
const adapter = require(path.resolve(adapterFile));
const imported = now();
collect();
const defining = now();
const opened = adapter.load(path.resolve(library), list);
const defined = now();
const functions = Array.isArray(opened) ? opened : list.map(({ name }) => opened[name]);
const held = now();
const samples = { ...ARGUMENTS, ...adapter.samples };
const calling = now();
for (let i = 0; i < functions.length; i++) functions[i](...samples[list[i].type]);
const called = now();

fs.writeSync(
  1,
  JSON.stringify({
    import: imported - start,
    define: defined - defining,
    hold: held - defining,
    call: called - calling,
  }) + '\n',
);
process.exit(0);
