'use strict';
/* biffi symbols: what a library exports. */
const fs = require('node:fs');
const native = require('../native');
const { openLibrary } = require('../library');
const { exportsOf } = require('../elf');
const { UsageError } = require('./usage');
const { libraryName } = require('./libraries');

const HELP = `Usage: biffi symbols LIB [--json]

Prints the functions and variables that a shared library exports, one a line: kind, size in bytes,
name. With --json: [{ name, kind: "function" | "variable" | "tls" | "ifunc", size, weak }].
LIB is a path, a file name that the dynamic linker finds, or what comes after the linker's -l.
`;

function run(args) {
  const names = args.filter((arg) => arg !== '--json');
  if (names.length !== 1) throw new UsageError('symbols takes one library');
  const file = fs.existsSync(names[0]) ? names[0] : native.libraryFile(openLibrary(libraryName(names[0])));
  const list = exportsOf(fs.readFileSync(file), file);
  if (args.includes('--json')) {
    process.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
    return;
  }
  for (const { kind, size, name } of list) {
    process.stdout.write(`${kind.padEnd(8)} ${String(size).padStart(7)} ${name}\n`);
  }
}

module.exports = { HELP, run };
