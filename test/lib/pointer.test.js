'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const util = require('node:util');
const { biffi, fixture, fails } = require('./fixtures');

require('node:v8').setFlagsFromString('--expose-gc');
const gc = require('node:vm').runInNewContext('gc');

const lib = biffi.load(
  fixture('structs'),
  `typedef struct handle handle; int handle_open(int number, handle **out); int handle_number(const handle *h);
   void handle_close(handle *h); int handle_count(void);
   int ints_sum(const int *v, unsigned long n); void split(double v, int *whole, double *rest);
   typedef struct Point { double x, y; } Point; double point_norm1(const Point *p);`,
);
const same = biffi.load(fixture('scalars'), 'void *same_pointer(void *v);').same_pointer;

test('C pointers come back as typed Pointers, NULL as null', () => {
  assert.equal(same(null), null);
  const bytes = Buffer.from([1, 2, 3, 4]);
  const p = same(bytes);
  assert.ok(p instanceof biffi.Pointer);
  assert.equal(p.address, biffi.addressOf(bytes));
  assert.equal(p.cast('uint8_t').get(2), 3);
  assert.equal(p.cast('uint8_t')[3], 4);
  assert.ok(same(p).equals(p));
  assert.match(util.inspect(p), /^Pointer <void \*> 0x[0-9a-f]+$/);
  assert.equal(util.inspect(biffi.pointerAt(16, 'char *')), 'Pointer <char **> 0x10');
  assert.equal(util.inspect(biffi.pointerAt(16, 'int[3]')), 'Pointer <int (*)[3]> 0x10');
});

test('out(type) and out() take results', () => {
  const whole = biffi.out('int');
  const rest = biffi.out();
  lib.split(3.25, whole, rest);
  assert.equal(whole.value, 3);
  assert.equal(rest.value, 0.25);
  const h = biffi.out();
  lib.handle_open(5, h);
  assert.equal(lib.handle_number(h.value), 5);
  lib.handle_close(h.value);
  assert.equal(lib.handle_count(), 0);
  fails(() => biffi.out().value, 'BF_ETYPE', /no type yet/);
});

test('from an out() or a cstring() nothing else can be reached', () => {
  const [a, b] = [biffi.out('int', 1), biffi.out('int', 2)];
  assert.equal(a[0], 1);
  a[0] = 3;
  assert.equal(a.value, 3);
  for (const i of [-4, -1, 1, 4]) {
    fails(() => a[i], 'BF_ERANGE', /outside/);
    fails(() => (a[i] = 7), 'BF_ERANGE', /outside/);
    assert.throws(() => a.add(i).value, RangeError);
  }
  assert.equal(a.cast('uint8_t')[3], 0);
  fails(() => a.cast('uint8_t')[4], 'BF_ERANGE', /outside/);
  fails(
    () => lib.split(1.5, biffi.out('int'), a.cast('double')),
    'BF_ERANGE',
    /at least 8 bytes of memory, got 4$/,
  );
  fails(() => a.toArrayBuffer(5), 'BF_ERANGE');
  assert.equal(b.value, 2);
  assert.equal(a.add(0).address, a.address);
  const text = biffi.cstring('abc');
  assert.equal(text[3], 0);
  fails(() => text[4], 'BF_ERANGE', /outside/);
});

test('what a pointer in memory points to lives as long as the memory, however it was set', () => {
  const name = biffi.out('const char *');
  name.cast('const char **').value = 'a name that is set through another pointer';
  for (let i = 0; i < 2000; i++) biffi.cstring(`${i}`.padEnd(64, '.'));
  gc();
  assert.equal(name.value, 'a name that is set through another pointer');
});

test('pointers move by elements and read and write what they point to', () => {
  const ints = new Int32Array([10, 20, 30]);
  const p = biffi.pointerAt(ints, 'int');
  assert.equal(p.value, 10);
  assert.equal(p.add(1).value, 20);
  p.add(2).value = 33;
  assert.equal(ints[2], 33);
  p[1] = 22;
  assert.equal(p.deref(), 10);
  assert.deepEqual([...ints], [10, 22, 33]);
  assert.equal(lib.ints_sum(p.add(1), 2), 55);
  fails(() => p[3], 'BF_ERANGE', /index 3 is outside/);
  fails(() => p[-1], 'BF_ERANGE', /index -1 is outside/);
  fails(() => (p[0] = 1.5), 'BF_ERANGE', /expected an integer, got number 1.5/);
  fails(() => p.add(0.5), 'BF_ETYPE');
  assert.deepEqual([...new Int32Array(p.toArrayBuffer(8))], [10, 22]);
  fails(() => p.toArrayBuffer(100), 'BF_ERANGE');
});

test('a pointer of another type is refused', () => {
  const p = biffi.pointerAt(new Int32Array(4), 'int');
  fails(() => lib.point_norm1(p), 'BF_ETYPE', /expected a pointer to struct Point, got a Pointer \(int\)/);
  fails(() => lib.handle_number(p), 'BF_ETYPE', /expected a pointer to struct handle/);
  assert.equal(lib.point_norm1(biffi.pointerAt(new Float64Array([1, 2]), 'void')), 3);
  assert.equal(lib.ints_sum(biffi.pointerAt(new Int32Array([1, 2]), 'unsigned'), 2), 3);
});

test('arrays are passed to const pointers, for the call', () => {
  assert.equal(lib.ints_sum([1, 2, 3], 3), 6);
  assert.equal(lib.ints_sum(new (biffi.array('int', 3))([4, 5, 6]), 3), 15);
  assert.equal(lib.ints_sum(new Int32Array(0), 0), 0);
  fails(
    () => lib.ints_sum([1, 'x'], 2),
    'BF_ETYPE',
    /^ints_sum\(\): argument 1 'v' \(const int \*\): .*got string 'x'$/,
  );
  fails(() => lib.split(1, [1], null), 'BF_ETYPE', /only for a pointer to const/);
});

test('addresses make pointers, NULL makes null', () => {
  assert.equal(biffi.pointerAt(0), null);
  assert.equal(biffi.pointerAt(0n, 'int'), null);
  const p = biffi.pointerAt(-1n);
  assert.equal(p.address, 2n ** 64n - 1n);
  assert.equal(same(p).address, 2n ** 64n - 1n);
  fails(() => p.cast('int').value, 'BF_ERANGE', /outside of what can be read/);
  fails(() => biffi.pointerAt(16, 'int').value, 'BF_ETYPE', /NULL pointer/);
  fails(() => p.value, 'BF_ETYPE', /pointer to void has no value/);
  fails(() => biffi.pointerAt('x'), 'BF_ETYPE');
});

test('memory from alloc() is gone after free()', () => {
  const p = biffi.alloc(lib.Point);
  p.x = 1.5;
  p.y = 2;
  assert.equal(lib.point_norm1(p), 3.5);
  biffi.free(p);
  fails(() => p.x, 'BF_ECLOSED', /freed/);
  fails(() => (p.x = 1), 'BF_ECLOSED', /freed/);
  fails(() => lib.point_norm1(p), 'BF_ECLOSED', /freed/);
  fails(() => biffi.free(p), 'BF_ECLOSED', /freed already/);
  const list = biffi.alloc('int', 4);
  list[3] = 9;
  assert.deepEqual(list.toArray(), [0, 0, 0, 9]);
  list[Symbol.dispose]();
  fails(() => list[0], 'BF_ECLOSED');
  const one = biffi.alloc('int');
  one.value = 3;
  fails(() => one[1], 'BF_ERANGE');
  fails(() => biffi.free({}), 'BF_ETYPE');
  fails(() => biffi.alloc('void'), 'BF_ETYPE');
});

test('both ways of making a type give the same type', () => {
  assert.equal(biffi.type('int *'), biffi.pointer('int'));
  assert.equal(biffi.type('const char *'), biffi.pointer(biffi.constant('char')));
  assert.equal(biffi.type('int[4]'), biffi.array('int', 4).type);
  const parsed = biffi.load(
    null,
    'void qsort(void *base, unsigned long n, unsigned long size, int (*compare)(const void *, const void *));',
  );
  const made = biffi.fn('int', ['const void *', 'const void *']);
  assert.ok(parsed.qsort.type.params[3].type.equals(biffi.pointer(made)));
});

test('memory that was detached is refused', () => {
  const bytes = new ArrayBuffer(16);
  const p = biffi.pointerAt(bytes, 'int');
  const point = lib.Point.from(bytes);
  structuredClone(bytes, { transfer: [bytes] });
  fails(() => lib.ints_sum(p, 1), 'BF_ECLOSED', /^ints_sum\(\): argument 1 'v'/);
  fails(() => lib.point_norm1(point), 'BF_ECLOSED', /^point_norm1\(\): argument 1 'p'/);
  assert.throws(() => point.x, TypeError);
});

test('shared memory is passed too', () => {
  const shared = new SharedArrayBuffer(16);
  const ints = new Int32Array(shared);
  ints[1] = 5;
  assert.equal(lib.ints_sum(ints, 4), 5);
  assert.equal(lib.ints_sum(shared, 4), 5);
  assert.equal(biffi.pointerAt(shared, 'int')[1], 5);
});

test('what a getter or a Proxy throws arrives as it is', () => {
  const mine = new Error('mine');
  const same = (error) => error === mine;
  assert.throws(
    () =>
      lib.point_norm1({
        get x() {
          throw mine;
        },
      }),
    same,
  );
  const trap = new Proxy(
    {},
    {
      get() {
        throw mine;
      },
      has() {
        throw mine;
      },
      ownKeys() {
        throw mine;
      },
    },
  );
  assert.throws(() => lib.point_norm1(trap), same);
});
