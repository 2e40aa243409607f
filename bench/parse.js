#!/usr/bin/env node
'use strict';
/*
 * How fast declarations are read: the whole of OpenSSL's interface with glibc's and others', preprocessed with
 * every macro, a text of 2 MB. gcc, told to check the syntax of the same text, is the yardstick.
 */
const fs = require('node:fs');
const path = require('node:path');
const setup = require('./setup.js');

const HEADERS = [
  ...'ssl evp x509v3 cms pkcs12 ts ocsp engine bio conf ec rsa dh dsa err rand store cmp ct srp ui provider'
    .split(' ')
    .map((name) => `openssl/${name}.h`),
  ...'uv.h sqlite3.h zlib.h pthread.h netdb.h math.h complex.h stdio.h stdlib.h time.h sys/socket.h net/if.h'.split(
    ' ',
  ),
];

function main() {
  fs.mkdirSync(setup.build, { recursive: true });
  const source = path.join(setup.build, 'headers.c');
  const text = path.join(setup.build, 'headers.i');
  const program = path.join(setup.build, 'parse');
  const include = HEADERS.map((h) => `#if __has_include(<${h}>)\n#include <${h}>\n#endif\n`).join('');
  fs.writeFileSync(source, include);
  setup.run('gcc', ['-std=gnu11', '-E', '-dD', source, '-o', text]);
  const sources = fs.readdirSync(path.join(setup.root, 'src/ctype')).filter((name) => name.endsWith('.c'));
  setup.run('gcc', [
    ...['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', path.join(__dirname, 'parse.c')],
    ...sources.map((name) => path.join(setup.root, 'src/ctype', name)),
    ...['-o', program, '-lm'],
  ]);
  const result = JSON.parse(setup.run(program, [text, '1500']));
  const gcc = [];
  for (let i = 0; i < 5; i++) {
    const start = process.hrtime.bigint();
    setup.run('gcc', ['-std=gnu11', '-w', '-fsyntax-only', text]);
    gcc.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  const mb = result.bytes / 1e6;
  const line = [
    `${mb.toFixed(1)} MB of preprocessed headers (OpenSSL and the C library, every macro): ${result.symbols} symbols, `,
    `${result.functions} of them functions, read in ${result.median.toFixed(1)} ms `,
    `(best ${result.best.toFixed(1)} ms, ${(mb / (result.best / 1000)).toFixed(0)} MB/s); `,
    `gcc -fsyntax-only needs ${Math.min(...gcc).toFixed(0)} ms for the same text. `,
    `Memory: ${(result.memory / 1e6).toFixed(1)} MB while the declarations live, ${result.kept} bytes more after ${result.runs} readings than after half of them.`,
  ].join('');
  const folder = path.join(__dirname, 'results');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'parse.md'), `# Reading declarations\n\n${line}\n`);
  console.log(`bench-parse: ${line}`);
}

try {
  main();
} catch (error) {
  console.error(`bench-parse: ${error.message}`);
  process.exitCode = 1;
}
