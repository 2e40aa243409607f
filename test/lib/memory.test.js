'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { biffi, fails } = require('./fixtures');

const Everything = biffi.struct({
  i8: 'int8_t',
  u8: 'uint8_t',
  i16: 'int16_t',
  u16: 'uint16_t',
  i32: 'int32_t',
  u32: 'uint32_t',
  i64: 'int64_t',
  u64: 'uint64_t',
  f: 'float',
  d: 'double',
  ld: 'long double',
  b: '_Bool',
  wide: '__int128',
  z: 'double _Complex',
  p: 'int *',
  s: 'const char *',
});
const VALUES = {
  i8: -128,
  u8: 255,
  i16: -32768,
  u16: 65535,
  i32: -(2 ** 31),
  u32: 2 ** 32 - 1,
  i64: -(2n ** 63n),
  u64: 2n ** 64n - 1n,
  f: 0.5,
  d: Math.PI,
  ld: -1.25,
  b: true,
  wide: -(2n ** 100n),
  z: { re: 1, im: -2 },
  p: null,
  s: null,
};

const places = {
  "JavaScript's memory": () => new Everything(),
  "C's heap": () => biffi.alloc(Everything),
  'memory at an address': () => Everything.at(biffi.pointerAt(biffi.addressOf(kept))),
};
const kept = biffi.alloc(Everything);

for (const [where, make] of Object.entries(places)) {
  test(`${where}: every type is written and read`, () => {
    const value = make();
    Object.assign(value, VALUES);
    for (const [name, expected] of Object.entries(VALUES)) assert.deepEqual(value[name], expected, name);
    value.i64 = -1;
    value.u64 = 5;
    assert.deepEqual([value.i64, value.u64], [-1, 5]);
    for (const safe of [2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 32, -(2 ** 32), -(2 ** 31) - 1, 0]) {
      value.i64 = safe;
      assert.equal(value.i64, safe);
    }
    value.i64 = 2n ** 53n;
    assert.equal(value.i64, 2n ** 53n);
    value.i64 = -(2n ** 53n);
    assert.equal(value.i64, -(2n ** 53n));
  });

  test(`${where}: what is wrong is refused, and nothing is written`, () => {
    const value = make();
    Object.assign(value, VALUES);
    for (const name of Object.keys(VALUES))
      fails(() => (value[name] = Symbol('no')), 'BF_ETYPE', new RegExp(`\\.${name} \\(`));
    fails(() => (value.i8 = 128), 'BF_ERANGE', /-128 to 127, got number 128/);
    fails(() => (value.u64 = -1), 'BF_ERANGE');
    fails(() => (value.i64 = 1.5), 'BF_ERANGE');
    fails(() => (value.u32 = 2 ** 32), 'BF_ERANGE');
    for (const [name, expected] of Object.entries(VALUES)) assert.deepEqual(value[name], expected, name);
  });
}

test('strings are kept alive in memory of JavaScript, and refused elsewhere', () => {
  const value = new Everything({ s: 'kept' });
  assert.equal(value.s, 'kept');
  const native = Everything.at(biffi.pointerAt(biffi.addressOf(kept)));
  fails(() => (native.s = 'lost'), 'BF_ETYPE', /cstring\(\)/);
  const text = biffi.cstring('mine');
  native.s = text;
  assert.equal(native.s, 'mine');
  native.s = null;
});

test('many small values share memory without touching each other', () => {
  const Small = biffi.struct({ a: 'int', b: 'char' });
  const list = Array.from({ length: 10000 }, (_, i) => new Small({ a: i, b: i % 100 }));
  list.forEach((value, i) => assert.deepEqual([value.a, value.b], [i, i % 100]));
  const Large = biffi.array('int', 100000);
  const large = new Large();
  large[99999] = 1;
  assert.equal(large[99999] + large[0], 1);
  const Aligned = biffi.struct({ x: { type: 'int', align: 256 } });
  assert.equal(biffi.addressOf(new Aligned()) % 256n, 0n);
});

test('alloc() takes types, lengths and bytes', () => {
  const bytes = biffi.alloc(10);
  assert.equal(bytes.toArrayBuffer(10).byteLength, 10);
  fails(() => bytes.toArrayBuffer(11), 'BF_ERANGE');
  fails(() => biffi.alloc(0), 'BF_ETYPE');
  fails(() => biffi.alloc('int', 1.5), 'BF_ETYPE');
  biffi.free(bytes);
});
