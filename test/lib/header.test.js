'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { biffi, fixture, fails } = require('./fixtures');

test('a whole header: functions, constants, types, lazily', () => {
  const z = biffi.load('libz.so.1', { header: 'zlib.h' });
  assert.equal(z.zlibVersion(), z.ZLIB_VERSION);
  assert.equal(z.Z_BEST_COMPRESSION, 9);
  assert.equal(z.crc32(0, Buffer.from('hello'), 5), 0x3610a686);
  assert.ok(new z.z_stream() instanceof z.z_stream);
  assert.equal(z.z_stream.size, 112);
  assert.ok(!('malloc' in z), 'not what it includes');
});

test("compressing with a header's functions", () => {
  const z = biffi.load('libz.so.1', { header: 'zlib.h' });
  const input = Buffer.from('abc'.repeat(1000));
  const to = Buffer.alloc(z.compressBound(input.length));
  const length = biffi.out('unsigned long', to.length);
  assert.equal(z.compress(to, length, input, input.length), z.Z_OK);
  assert.deepEqual(require('node:zlib').inflateSync(to.subarray(0, length.value)), input);
});

test('own headers, include directories, defines, several files', (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'biffi-header-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  fs.mkdirSync(path.join(dir, 'part'));
  fs.writeFileSync(
    path.join(dir, 'part', 'types.h'),
    'typedef struct { double x, y; } Point;\n#define DEEP 3\n',
  );
  fs.writeFileSync(
    path.join(dir, 'points.h'),
    '#include "part/types.h"\n#ifdef WITH_ADD\nPoint point_add(Point a, Point b);\n#endif\nint not_in_the_library(void);\n#define ANSWER (6 * 7)\n',
  );
  const one = biffi.load(fixture('structs'), {
    header: path.join(dir, 'points.h'),
    preprocess: '-DWITH_ADD',
  });
  assert.deepEqual(Object.keys(one).sort(), ['ANSWER', 'not_in_the_library', 'point_add']);
  assert.equal(one.ANSWER, 42);
  assert.equal(one.point_add({ x: 1 }, { x: 2 }).x, 3);
  fails(() => one.not_in_the_library, 'BF_ESYMBOL', /not_in_the_library/);
  const two = biffi.load(fixture('structs'), {
    header: 'points.h',
    include: dir,
    files: ['points.h', 'part/types.h'],
  });
  assert.equal(two.DEEP, 3);
  assert.equal(two.Point.size, 16);
  const mixed = biffi.load(fixture('structs'), {
    header: 'points.h',
    include: [dir],
    declarations: 'double point_norm1(const Point *p);',
  });
  assert.equal(mixed.point_norm1({ x: 1, y: 2 }), 3);
  assert.equal(biffi.typeIn(mixed, 'Point *').base.name, 'Point');
});

test('where the header or the compiler is missing, the error says so', () => {
  fails(
    () => biffi.load(null, { header: 'no/such/header.h' }),
    'BF_ESYSTEM',
    /no\/such\/header\.h.*No such file/s,
  );
  fails(
    () => biffi.load(null, { header: 'stdio.h', cc: 'no-such-compiler -O2' }),
    'BF_ESYSTEM',
    /'no-such-compiler' is not installed: install gcc/,
  );
  fails(() => biffi.load(null, { header: [] }), 'BF_ETYPE', /option header/);
  fails(() => biffi.load(null, { header: 5 }), 'BF_ETYPE', /option header/);
});
