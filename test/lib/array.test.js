'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const util = require('node:util');
const { biffi, fails } = require('./fixtures');
const { array, struct } = biffi;

test('a large one is shown by its beginning, a freed one by why it is not', () => {
  const large = biffi.alloc('int', 2 ** 28);
  assert.match(
    util.inspect(large, { maxArrayLength: 3 }),
    /^int\[268435456\] \[ 0, 0, 0, \.\.\. 268435453 more items \]$/,
  );
  biffi.free(large);
  assert.equal(util.inspect(large), 'int[268435456] <this memory was freed>');
});

test('elements by index, iteration, conversion to JavaScript arrays', () => {
  const Four = array('int', 4);
  const a = new Four([1, 2, 3]);
  a[3] = -4;
  assert.deepEqual([...a], [1, 2, 3, -4]);
  assert.deepEqual(a.toArray(), [1, 2, 3, -4]);
  assert.equal(a.length, 4);
  assert.equal(a.get(1), 2);
  a.set(1, 20);
  assert.equal(JSON.stringify({ a }), '{"a":[1,20,3,-4]}');
  assert.equal(util.inspect(a), 'int[4] [ 1, 20, 3, -4 ]');
  assert.deepEqual([...a.fill(7)], [7, 7, 7, 7]);
  assert.deepEqual([...new Int32Array(a.toArrayBuffer())], [7, 7, 7, 7]);
  assert.deepEqual([...new Four(new Set([5, 6]))], [5, 6, 0, 0]);
  assert.deepEqual([...new Four(a)], [7, 7, 7, 7]);
  assert.equal(Four.size, 16);
});

test('arrays of arrays, of structs, of strings', () => {
  const grid = new (array(array('int', 3), 2))([[1, 2, 3], [4]]);
  grid[1][2] = 9;
  assert.deepEqual(grid.toJSON(), [
    [1, 2, 3],
    [4, 0, 9],
  ]);
  const points = new (array(struct({ x: 'int' }), 2))([{ x: 1 }]);
  points[1].x = 5;
  points[0] = { x: 3 };
  assert.deepEqual(points.toJSON(), [{ x: 3 }, { x: 5 }]);
  const words = new (array('const char *', 3))(['one', 'zwölf', null]);
  globalThis.gc?.();
  assert.deepEqual([...words], ['one', 'zwölf', null]);
});

test('arrays of characters are made from strings', () => {
  const Name = array('char', 8);
  assert.equal(String(new Name('grüße')), 'grüße');
  assert.equal(new Name('a')[0], 97);
  fails(() => new Name('123456789'), 'BF_ERANGE', /a string of 9 characters does not fit/);
  assert.equal(String(new (array('char16_t', 4))('ü🎉')), 'ü🎉');
  assert.equal(String(new (array('wchar_t', 4))('ü🎉')), 'ü🎉');
});

test('what is outside or of the wrong type is an error', () => {
  const a = new (array('uint8_t', 2))();
  fails(() => a[2], 'BF_ERANGE', 'index 2 is outside of uint8_t[2]');
  fails(() => a[-1], 'BF_ERANGE', 'index -1 is outside of uint8_t[2]');
  fails(() => (a[2] = 1), 'BF_ERANGE');
  fails(() => a.get('x'), 'BF_ERANGE');
  fails(() => (a[0] = 256), 'BF_ERANGE', /0 to 255, got number 256/);
  fails(() => (a[0] = 'x'), 'BF_ETYPE', /got string 'x'/);
  fails(() => (a.more = 1), 'BF_ETYPE', "uint8_t[2] has no property 'more'");
  fails(() => new (array('int', 2))([1, 2, 3]), 'BF_ERANGE', /more than 2 elements/);
  fails(() => new (array('int', 2))(5), 'BF_ETYPE', /expected an array of its elements, got number 5/);
  fails(() => array('int', -1), 'BF_ETYPE');
  fails(() => array('void', 2), 'BF_ETYPE');
});

test('a flexible array is reached through a pointer', () => {
  const { Packet } = biffi.load(null, 'typedef struct { int length; short data[]; } Packet;');
  const bytes = new Int16Array([3, 0, 10, 20, 30]);
  const packet = Packet.from(bytes);
  assert.equal(packet.length, 3);
  assert.deepEqual([packet.data[0], packet.data[2]], [10, 30]);
  packet.data[1] = 21;
  assert.equal(bytes[3], 21);
  fails(() => packet.data[3], 'BF_ERANGE');
});
