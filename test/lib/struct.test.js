'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const util = require('node:util');
const { execFileSync } = require('node:child_process');
const { biffi, fixture, fails, root } = require('./fixtures');

const lib = biffi.load(
  fixture('structs'),
  `typedef struct Point { double x, y; } Point;
   typedef struct { Point from, to; int tag; unsigned char colors[3]; char name[8]; } Line;
   typedef union { int i; float f; unsigned char bytes[4]; } Word;
   struct flags { unsigned low : 3; int middle : 7; unsigned high : 12; unsigned long long wide : 50; };
   struct node { struct node *next; const char *label; int value; };
   struct big { long v[16]; };
   Point origin; int table[4]; char title[16]; const char *motto; int counter; const int answer; long long large;
   Point point_make(double x, double y); Point point_add(Point a, Point b); double point_norm1(const Point *p);
   void point_scale(Point *p, double by); Line line_reverse(Line l);
   Word word_of_float(float f); int word_int(Word w);
   struct flags flags_make(unsigned low, int middle, unsigned high, unsigned long long wide);
   unsigned long long flags_sum(const struct flags *f);
   int node_sum(const struct node *n); struct big big_fill(long from); long big_sum(struct big b);`,
);
const { Point, Line, Word } = lib;

test('values are made from objects, partly given, and changed by members', () => {
  const p = new Point({ y: 2 });
  assert.deepEqual([p.x, p.y], [0, 2]);
  p.x = 5;
  assert.equal(p.x, 5);
  assert.deepEqual(p.toJSON(), { x: 5, y: 2 });
  assert.equal(util.inspect(p), 'Point { x: 5, y: 2 }');
  assert.equal(JSON.stringify(Point({ x: 1 })), '{"x":1,"y":0}');
  assert.ok(p instanceof Point);
  const q = new Point(p);
  p.x = 6;
  assert.equal(q.x, 5);
});

test('by value in and out, as value and as plain object', () => {
  assert.deepEqual(lib.point_make(1, 2).toJSON(), { x: 1, y: 2 });
  assert.deepEqual(lib.point_add(new Point({ x: 1, y: 2 }), { x: 10, y: 20 }).toJSON(), { x: 11, y: 22 });
  assert.ok(lib.point_make(1, 2) instanceof Point);
});

test('by pointer: C changes the value', () => {
  const p = new Point({ x: 1, y: 2 });
  lib.point_scale(p, 3);
  assert.deepEqual(p.toJSON(), { x: 3, y: 6 });
  assert.equal(lib.point_norm1({ x: 4, y: 5 }), 9);
  assert.equal(lib.point_norm1(null), -1);
  assert.equal(lib.point_norm1(new Float64Array([2, 3])), 5);
  assert.equal(lib.point_norm1(new Float64Array([2, 3]).buffer), 5);
  assert.equal(lib.point_norm1(new DataView(new Float64Array([2, 4]).buffer)), 6);
  fails(
    () => lib.point_norm1(Buffer.alloc(15)),
    'BF_ERANGE',
    /argument 1 'p' \(const Point \*\): expected at least 16 bytes of memory, got 15/,
  );
  fails(() => lib.point_scale({ x: 1 }, 2), 'BF_ETYPE', /only for a pointer to const/);
  fails(() => lib.point_scale(new Line(), 2), 'BF_ETYPE', /expected a pointer to struct Point, got a Line/);
  fails(() => lib.point_scale(4096, 2), 'BF_ETYPE', /expected a pointer, a buffer or null, got number 4096/);
  fails(() => lib.point_scale('text', 2), 'BF_ETYPE', /got string 'text'/);
});

test('nested structs and arrays are views into the outer one', () => {
  const line = new Line({
    from: { x: 1 },
    to: new Point({ x: 3, y: 4 }),
    tag: 7,
    colors: [1, 2],
    name: 'abc',
  });
  line.from.y = 2;
  const { to } = line;
  to.x = 30;
  line.colors[2] = 255;
  const back = lib.line_reverse(line);
  assert.deepEqual(back.toJSON(), {
    from: { x: 30, y: 4 },
    to: { x: 1, y: 2 },
    tag: -7,
    colors: [2, 2, 255],
    name: 'abc',
  });
  line.from = { y: 9 };
  assert.deepEqual(line.from.toJSON(), { x: 0, y: 9 });
  assert.equal(util.inspect(back).includes("name: 'abc'"), true);
});

test('char arrays are strings', () => {
  const line = new Line({ name: 'ßß' });
  assert.equal(line.name, 'ßß');
  line.name = '12345678';
  assert.equal(line.name, '12345678');
  line.name = '';
  assert.equal(line.name, '');
  fails(() => (line.name = '123456789'), 'BF_ERANGE', /9 characters does not fit/);
});

test('unions share their memory, by value too', () => {
  const w = new Word({ f: 1 });
  assert.equal(w.i, 0x3f800000);
  w.bytes[3] = 0;
  assert.equal(w.i, 0x800000);
  assert.equal(lib.word_of_float(2).i, 0x40000000);
  assert.equal(lib.word_int({ i: -5 }), -5);
});

test('printing a union follows no pointer that another member may have left there', () => {
  const wild = 0x43b58000;
  const text = biffi.struct({ text: 'const char *', wide: 'const char16_t *' });
  const shared = { at: 'uint64_t', text: 'const char *', texts: biffi.array('const char *', 1), inner: text };
  const Any = biffi.union('Any', { ...shared, inners: biffi.array(text, 1), name: biffi.array('char', 4) });
  const pointer = 'Pointer <const char *> 0x43b58000';
  const inner = `{ text: ${pointer}, wide: null }`;
  const printed = (value) => util.inspect(value, { depth: 9, breakLength: Infinity });
  const expected = (name) =>
    `{ at: ${wild}, text: ${pointer}, texts: const char *[1] [ ${pointer} ], ` +
    `inner: ${text.name} ${inner}, inners: ${text.type.spelling}[1] [ ${text.name} ${inner} ], name: ${name} }`;
  const name = util.inspect(new Any({ at: wild }).name);
  assert.equal(printed(new Any({ at: wild })), `Any ${expected(name)}`);
  assert.equal(printed(new (biffi.array(Any, 1))([{ at: wild }])[0]), `Any ${expected(name)}`);
  assert.match(printed(new Any()), /text: null, texts: const char \*\[1\] \[ null \]/);

  /* Those of an anonymous union, too, but not what lies beside it. */
  const { mixed } = biffi.load(
    null,
    'struct mixed { const char *label; union { double d; const char *text; }; };',
  );
  const value = new mixed({ label: 'beside', d: 1.5 });
  assert.equal(
    printed(value),
    "mixed { label: 'beside', d: 1.5, text: Pointer <const char *> 0x3ff8000000000000 }",
  );
  value.text = 'followed when it is read';
  assert.equal(value.text, 'followed when it is read');
  assert.equal(value.toJSON().text, 'followed when it is read');
});

test('bit-fields, as the compiler lays them out', () => {
  const made = lib.flags_make(5, -64, 4095, 2n ** 50n - 1n);
  assert.deepEqual([made.low, made.middle, made.high, made.wide], [5, -64, 4095, 2 ** 50 - 1]);
  const f = new lib['struct flags']({ low: 7, middle: 63, high: 1, wide: 2 ** 40 });
  assert.equal(lib.flags_sum(f), 7 + 63 + 1 + 2 ** 40);
  f.middle = -1;
  f.low = 0;
  assert.deepEqual(f.toJSON(), { low: 0, middle: -1, high: 1, wide: 2 ** 40 });
  fails(() => (f.low = 8), 'BF_ERANGE', 'flags.low: expected an integer from 0 to 7, got number 8');
  fails(() => (f.middle = 64), 'BF_ERANGE', /from -64 to 63/);
  fails(() => (f.high = 'x'), 'BF_ETYPE', "flags.high: expected a number, got string 'x'");
  fails(() => (f.wide = 2n ** 50n), 'BF_ERANGE', /got bigint/);
});

test('pointers between structs keep what they point to alive', () => {
  const { node } = lib;
  let list = null;
  for (let i = 1; i <= 100; i++) list = new node({ next: list, label: `node ${i}`, value: i });
  globalThis.gc?.();
  assert.equal(lib.node_sum(list), 5050);
  assert.equal(list.next.value.label, 'node 99');
  assert.equal(list.label, 'node 100');
  list.next = null;
  assert.equal(list.next, null);
  assert.equal(lib.node_sum(list), 100);
});

test('large structs travel in memory', () => {
  const b = lib.big_fill(100);
  assert.deepEqual(
    b.v.toArray(),
    Array.from({ length: 16 }, (_, i) => 100 + i),
  );
  assert.equal(lib.big_sum(b), 16 * 100 + 120);
});

test('a wrong member: its name, its type, what came', () => {
  const p = new Point();
  fails(() => (p.x = 'abc'), 'BF_ETYPE', "Point.x (double): expected a number, got string 'abc'");
  fails(() => new Point({ z: 1 }), 'BF_ETYPE', "Point has no member 'z'");
  fails(() => new Point(5), 'BF_ETYPE', 'Point: expected an object or a Point, got number 5');
  fails(() => new Point([1, 2]), 'BF_ETYPE', /Point: expected an object with its members, got an Array/);
  fails(
    () => lib.point_add({ x: 'abc' }, p),
    'BF_ETYPE',
    /^point_add\(\): argument 1 'a' \(Point\): Point\.x \(double\): expected a number, got string 'abc'$/,
  );
  fails(
    () => lib.point_add(new Line(), p),
    'BF_ETYPE',
    /^point_add\(\): argument 1 'a' \(Point\): Point: expected an object or a Point, got a Line$/,
  );
  fails(() => lib.point_add(null, p), 'BF_ETYPE', /got null/);
  const line = new Line();
  fails(() => (line.tag = 2 ** 31), 'BF_ERANGE', /Line\.tag \(int\): expected an integer from/);
  fails(() => (line.from = 5), 'BF_ETYPE', /Line\.from: expected a value of .*, got number 5/);
  fails(() => (line.colors = [1, 2, 3, 4]), 'BF_ERANGE', /more than 3 elements/);
  fails(() => line.colors[3], 'BF_ERANGE', /index 3 is outside of unsigned char\[3\]/);
  fails(() => (line.colors[1] = 256), 'BF_ERANGE', /0 to 255/);
});

test('variables: scalars, structs, arrays, strings, constants', () => {
  assert.deepEqual(lib.origin.toJSON(), { x: 1, y: 2 });
  lib.origin.x = 10;
  assert.equal(lib.origin.x, 10);
  lib.origin = { x: 1, y: 2 };
  assert.deepEqual(lib.origin.toJSON(), { x: 1, y: 2 });
  assert.deepEqual([...lib.table], [10, 20, 30, 40]);
  lib.table[1] = 21;
  assert.equal(lib.table[1], 21);
  lib.table[1] = 20;
  assert.equal(lib.title, 'title');
  assert.equal(lib.motto, 'festina lente');
  assert.equal(lib.counter, 7);
  assert.equal(lib.answer, 42);
  fails(() => (lib.answer = 43), 'BF_ETYPE', "answer: const int can't be changed");
  assert.equal(lib.large, 2n ** 63n - 1n);
  lib.large = -5;
  assert.equal(lib.large, -5);
  lib.large = 2n ** 63n - 1n;
});

test('types made by hand, with bit-fields, packing, tags', () => {
  const P = biffi.struct('pair', { a: 'char', b: 'int' });
  assert.deepEqual([P.size, P.align, biffi.offsetof(P, 'b')], [8, 4, 4]);
  const Packed = biffi.struct({ a: 'char', b: 'int' }, { packed: true });
  assert.deepEqual([Packed.size, Packed.align], [5, 1]);
  const q = new Packed({ a: 1, b: -2 });
  assert.deepEqual(q.toJSON(), { a: 1, b: -2 });
  const Bits = biffi.struct({ a: { type: 'unsigned', bits: 3 }, b: { type: 'unsigned', bits: 29 } });
  assert.equal(Bits.size, 4);
  const U = biffi.union({ i: 'int', d: 'double' });
  assert.equal(new U({ d: 1 }).i, 0);
  const Nested = biffi.struct({ p: P, list: biffi.array(P, 2) });
  const n = new Nested({ p: { b: 3 }, list: [{ b: 4 }, { b: 5 }] });
  assert.equal(n.list[1].b, 5);
  assert.equal(biffi.struct('opaque').size, 0);
  fails(() => new (biffi.struct('opaque2'))(), 'BF_ETYPE', /declared but not defined/);
  fails(() => biffi.struct({ a: 'nosuchtype' }), 'BF_ESYNTAX');
  fails(() => biffi.struct(5), 'BF_ETYPE');
});

test('from() and at() view other memory', () => {
  const bytes = new Float64Array([1, 2, 3, 4]);
  const p = Point.from(bytes, 16);
  assert.deepEqual(p.toJSON(), { x: 3, y: 4 });
  p.x = 30;
  assert.equal(bytes[2], 30);
  fails(() => Point.from(bytes, 24), 'BF_ERANGE', /16 bytes at offset 24/);
  const q = Point.at(biffi.pointerAt(p));
  q.y = 40;
  assert.equal(bytes[3], 40);
});

test("anonymous members are the outer one's", () => {
  const { V } = biffi.load(
    null,
    'typedef struct { int kind; union { int i; struct { short lo, hi; }; }; } V;',
  );
  const v = new V({ kind: 1, i: 0x20001 });
  assert.deepEqual([v.lo, v.hi], [1, 2]);
  assert.equal(biffi.offsetof(V, 'hi'), 6);
});

test('64-bit members follow the option int64 of the library that declares the struct', () => {
  const declarations = `struct inner { long d; };
    typedef struct { long a; unsigned long u; struct inner in; struct { long z; } un; struct { long q; };
                     unsigned long wide : 40; unsigned long narrow : 8; int i; } Mixed;`;
  const init = { a: 1, u: 2n ** 63n, in: { d: 4 }, un: { z: 5 }, q: 6, wide: 7, narrow: 8, i: 9 };
  const members = (v) => [v.a, v.u, v.in.d, v.un.z, v.q, v.wide, v.narrow, v.i];
  const read = (int64) => members(new (biffi.load(null, { declarations, int64 }).Mixed)(init));
  assert.deepEqual(read('bigint'), [1n, 2n ** 63n, 4n, 5n, 6n, 7n, 8, 9]);
  assert.deepEqual(read('number'), [1, 2 ** 63, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(read('auto'), [1, 2n ** 63n, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(read(undefined), [1, 2n ** 63n, 4, 5, 6, 7, 8, 9]);
});

test('a function alone keeps the option int64 of its structs', async () => {
  require('node:v8').setFlagsFromString('--expose-gc');
  const gc = require('node:vm').runInNewContext('gc');
  const declarations = 'typedef struct { int64_t a, b, c; } large; large large_make(int64_t a);';
  const make = (() => biffi.load(fixture('tiers'), { declarations, int64: 'bigint' }).large_make)();
  for (let i = 0; i < 4; i++) {
    gc();
    await new Promise(setImmediate);
  }
  assert.equal(make(5).a, 5n);
});

test('a struct without members, as the first value of a process too', () => {
  const script = `const biffi = require(${JSON.stringify(root)});
    const { e, same } = biffi.load(null, 'struct e {}; struct e same(struct e v) __asm__("abs");');
    for (let i = 0; i < 3; i++) console.log(same(i === 0 ? new e() : {}));`;
  assert.equal(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }), 'e {}\n'.repeat(3));
});
