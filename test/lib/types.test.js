'use strict';
/* The .d.ts files: good programs compile, bad ones do not. */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '../..');
const dir = path.join(root, 'build/types');
const TSC = path.join(root, 'node_modules/typescript/bin/tsc');
const FLAGS =
  '--noEmit --strict --target es2022 --lib es2022,esnext.disposable --module node16 --moduleResolution node16'.split(
    ' ',
  );

/** The compiler's complaints about files of `dir`. */
function complaints(files) {
  const { stdout } = spawnSync(process.execPath, [TSC, ...FLAGS, ...files], { cwd: dir, encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes('error TS'));
}

function prepare() {
  fs.mkdirSync(path.join(dir, 'node_modules'), { recursive: true });
  const link = path.join(dir, 'node_modules/biffi');
  fs.rmSync(link, { force: true });
  fs.symlinkSync(root, link);
}

const GOOD = {
  'inference.ts': `
import { load, Library, struct, callback, out, alloc, info } from 'biffi';
const m = load('libm.so.6', 'double cos(double x); int abs(int); long labs(long n); void sincos(double, double *s, double *c); const char *name(void); bool is(char c);');
const n: number = m.cos(0.5);
const i: number = m.abs(-3);
const l: number | bigint = m.labs(5n);
const s: string | null = m.name();
const b: boolean = m.is(65);
const v: void = m.sincos(1, out('double'), new Float64Array(1));
const p: Promise<number> = m.cos.async(0.5);
const signal: Promise<number> = m.cos.async(0.5, { signal: new AbortController().signal });
m.close();
const anything = load(null, 'typedef struct { int x; } P; P make(int);');
anything.make(3).x;
const f = Library('libm', { ceil: ['double', ['double']] });
f.ceil(1.5);
const typed = load<{ cos(x: number): number }>('libm.so.6', { header: 'math.h' });
const cosine: number = typed.cos(1);
const Point = struct({ x: 'double', y: 'double' });
const point = new Point({ x: 1 });
const x: unknown = point.x;
const cb = callback('int (*)(int)', (a: number) => a + 1);
cb.release();
const room = alloc<number>('int', 4);
const size: number = room.length;
const tier: string = info().tier;
`,
  'bound.ts': `
import * as z from './z.js';
const crc: number | bigint = z.crc32(0, Buffer.from('x'), 1);
const best: 9 = z.Z_BEST_COMPRESSION;
const stream = new z.z_stream({ avail_in: 3 });
const total: number | bigint = stream.total_out;
const version: string | null = z.zlibVersion();
z.crc32.async(0, null, 0).then((value: number | bigint) => value);
`,
};

/* Each line is wrong by itself. */
const BAD = `
import { load, struct } from 'biffi';
import * as z from './z.js';
const m = load('libm.so.6', 'double cos(double x); int abs(int);');
m.cos('1');
m.cos();
m.cos(1, 2);
m.sin(1);
const s: string = m.abs(1);
load(5, 'int f(void);');
load(null, { header: 3 });
load(null, { nonsense: true });
struct({ x: 5 });
z.crc32('0', null, 0);
z.nothing();
const w: 8 = z.Z_BEST_COMPRESSION;
new z.z_stream({ avail_out: 'many' });
`;

test('good programs compile', () => {
  prepare();
  const bind = spawnSync(
    process.execPath,
    [path.join(root, 'bin/biffi.js'), 'bind', 'zlib.h', '-l', 'z', '-o', path.join(dir, 'z.js')],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(bind.stderr, '');
  for (const [name, text] of Object.entries(GOOD)) fs.writeFileSync(path.join(dir, name), text);
  assert.deepEqual(complaints([...Object.keys(GOOD), 'z.d.ts']), []);
});

test('each line of a bad program is refused', () => {
  fs.writeFileSync(path.join(dir, 'bad.ts'), BAD);
  const found = new Set(complaints(['bad.ts']).map((line) => Number(/\((\d+),/.exec(line)[1])));
  const wrong = BAD.split('\n').flatMap((line, i) =>
    line === '' || line.startsWith('import') || /^const m =/.test(line) ? [] : [i + 1],
  );
  assert.deepEqual(
    [...found].sort((a, b) => a - b),
    wrong,
  );
});
