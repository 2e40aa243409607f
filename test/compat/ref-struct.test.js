'use strict';
/*
 * ref-struct-di, whose published package has no tests: layouts against the C compiler's, and how struct types and
 * their instances behave. ref-union-di's and ref-array-di's layouts inside of structs come with it.
 */
const assert = require('node:assert/strict');
const path = require('node:path');
const test = require('node:test');
const { inspect } = require('node:util');
const ffi = require('../../compat/ffi-napi');
const ref = require('../../compat/ref-napi');
const Struct = require('../../compat/ref-struct-di')(ref);
const ArrayType = require('../../compat/ref-array-di')(ref);
const Union = require('../../compat/ref-union-di')(ref);

/* --- layouts -------------------------------------------------------------------------- */

const ints_first = Struct({ a: 'int', b: 'int', c: 'double' });
const growing = Struct({ a: 'char', b: 'short', c: 'int' });
const shrinking_most = Struct({ a: 'int', b: 'short', c: 'char', d: 'char', e: 'char' });
const three = Struct({ a: ArrayType('char', 3) });
const packed_mixed = Struct({ a: 'short', b: 'double', c: 'char', d: ArrayType('int', 3) }, { packed: true });
const scalars_union = Union({ a: 'char', b: 'double', c: 'int' });
const arrays_union = Union({ a: ArrayType('char', 13), b: 'short', c: 'int' });
const linked = Struct();
linked.defineProperty('a', 'size_t');
linked.defineProperty('b', ref.types.ushort);
linked.defineProperty('c', ref.types.ushort);
linked.defineProperty('d', ref.refType(ref.refType(linked)));
const song = Struct([
  ['bool', 'known'],
  ['bool', 'playable'],
  ['bool', 'blocked'],
  [ArrayType('uchar', 33), 'id'],
  [ArrayType('uchar', 41), 'file'],
  ['uint', 'bitrate'],
  [ArrayType('uchar', 33), 'album'],
  ['uchar *', 'key'],
  [ArrayType('char', 256), 'title'],
  ['void *', 'artist'],
  ['int', 'length'],
  ['int', 'year'],
  ['float', 'popularity'],
  ['pointer', 'next'],
]);

const declared = {
  ints_first,
  double_between: Struct({ a: 'int', b: 'double', c: 'int' }),
  double_first: Struct({ a: 'double', b: 'int', c: 'int' }),
  doubles_first: Struct({ a: 'double', b: 'double', c: 'int' }),
  doubles_last: Struct({ a: 'int', b: 'double', c: 'double' }),
  growing,
  shrinking: Struct({ a: 'int', b: 'short', c: 'char' }),
  shrinking_more: Struct({ a: 'int', b: 'short', c: 'char', d: 'char' }),
  shrinking_most,
  nested: Struct({ a: ints_first, b: 'char' }),
  nested_twice: Struct({ a: ints_first, b: ints_first }),
  nested_odd: Struct({ a: 'char', b: shrinking_most, c: 'char', d: growing }),
  linked,
  text: Struct({ a: 'string', b: 'int' }),
  small_array: Struct({ a: 'char', b: ArrayType('char', 2) }),
  array_between: Struct({ a: 'char', b: ArrayType('char', 2), c: 'short', d: 'char' }),
  arrays: Struct({ a: ArrayType('double', 10), b: ArrayType('char', 3), c: ArrayType('int', 6) }),
  three,
  many_threes: Struct({ a: ArrayType(three, 100) }),
  grid: Struct({ a: 'char', b: ArrayType(ArrayType('short', 5), 3), c: ArrayType('long', 2) }),
  pointers: Struct({ a: 'char', b: ArrayType('void *', 3), c: 'char' }),
  scalars: Struct({
    a: 'bool',
    b: 'int8',
    c: 'uint16',
    d: 'float',
    e: 'int64',
    f: 'bool',
    g: 'long',
    h: 'uint32',
    i: 'byte',
  }),
  song,
  packed_pointer: Struct({ a: 'char', b: 'void *' }, { packed: true }),
  packed_mixed,
  holds_packed: Struct({ a: 'char', b: packed_mixed, c: 'int' }),
  scalars_union,
  arrays_union,
  holds_union: Struct({ a: 'char', b: arrays_union, c: 'char', d: scalars_union }),
};

/** What the compiler says: "name size", "name alignment" and "name member" -> bytes. */
function compiled() {
  const Layout = Struct({ name: 'string', value: 'size_t' });
  const build = process.env.BIFFI_BUILD ?? path.join(__dirname, '../../build');
  const table = ffi.DynamicLibrary(path.join(build, 'fixtures/layouts.so')).get('layouts');
  const facts = new Map();
  for (let at = 0; ; at += Layout.size) {
    const { name, value } = Layout.get(ref.reinterpret(table, Layout.size, at), 0);
    if (name === null) return facts;
    facts.set(name, value);
  }
}

test('sizes, alignments and offsets are the C compiler’s', async (t) => {
  const facts = compiled();
  assert.ok(facts.size > 130, `${facts.size} facts`);
  for (const [fact, expected] of facts) {
    const [name, what] = fact.split(' ');
    const type = declared[name];
    const value = what === 'size' || what === 'alignment' ? type[what] : type.fields[what].offset;
    await t.test(`${fact}: ${expected}`, () => assert.equal(value, expected));
  }
});

/* --- types ---------------------------------------------------------------------------- */

test('a struct type is made at once or field by field', () => {
  assert.equal(typeof Struct, 'function');
  const S = Struct();
  assert.deepEqual([typeof S, S.size, S.alignment, S.indirection, S.isPacked], ['function', 0, 0, 1, false]);
  S.defineProperty('x', 'byte');
  S.defineProperty('y', ref.types.byte);
  assert.deepEqual([S.size, S.alignment], [2, 1]);
  assert.deepEqual(new S({ x: 50, y: 100 }).toObject(), { x: 50, y: 100 });
  assert.equal(Struct([['int', 'a']]).fields.a.type, ref.types.int);
  assert.equal(String(S), '[StructType]');
});

test('types are given by name as well', () => {
  const S = Struct({ int: 'int', long: 'long', string: 'string', p: 'void *' });
  assert.equal(S.fields.int.type, ref.types.int);
  assert.equal(S.fields.long.type, ref.types.long);
  assert.equal(S.fields.string.type, ref.types.CString);
  assert.equal(S.fields.p.type.indirection, 2);
});

test('what cannot be a field', () => {
  const S = Struct({ a: 'int' });
  const message = (pattern) => ({ name: 'AssertionError', message: pattern });
  assert.throws(
    () => S.defineProperty('a', 'int'),
    message(/the field "a" already exists in this Struct type/),
  );
  for (const name of ['ref', 'toObject', 'toJSON', 'inspect', 'constructor', 'ref.buffer']) {
    assert.throws(() => S.defineProperty(name, 'int'), message(/already exists/));
  }
  assert.throws(
    () => S.defineProperty('b', 'void'),
    message(/"type" object must have a size greater than 0/),
  );
  assert.throws(() => S.defineProperty(5, 'int'), message(/expected a "string" field name/));
  assert.throws(() => S.defineProperty('c', 'nothing'), /could not determine a proper "type"/);
  new S();
  assert.throws(
    () => S.defineProperty('late', 'int'),
    message(/an instance of this Struct type has already/),
  );
});

/* --- instances ------------------------------------------------------------------------ */

test('an instance of many types of fields', () => {
  const S = Struct({
    byte: 'byte',
    int8: 'int8',
    int16: 'int16',
    uint16: 'uint16',
    int32: 'int32',
    uint32: 'uint32',
    float: 'float',
    double: 'double',
    pointer: 'pointer',
    flag: 'bool',
    text: 'string',
  });
  const pointer = Buffer.alloc(1);
  const values = { byte: 100, int8: -100, int16: -1000, uint16: 1000, int32: -10000, uint32: 10000 };
  Object.assign(values, { float: 1.25, double: 1000.0005, flag: true, text: 'text' });
  const s = new S({ ...values, pointer });
  for (const [name, value] of Object.entries(values)) assert.equal(s[name], value, name);
  assert.equal(ref.address(s.pointer), ref.address(pointer));
  s.pointer = ref.NULL;
  assert.ok(ref.isNull(s.pointer));
  assert.throws(() => (s.int8 = 200), RangeError);
});

test('an instance over memory that is there', () => {
  const S = Struct({ a: 'int', b: 'int' });
  const memory = Buffer.alloc(12);
  const s = S(memory, { b: 7 });
  assert.equal(memory.readInt32LE(4), 7);
  memory.writeInt32LE(-3, 0);
  assert.equal(s.a, -3);
  assert.equal(s['ref.buffer'], memory);
  assert.equal(s.ref(), memory);
  assert.throws(
    () => new S(Buffer.alloc(7)),
    /Buffer instance must be at least 8 bytes to back this struct type/,
  );
});

test('nested structs are views', () => {
  const Child = Struct({ a: 'int', b: 'int' });
  const Parent = Struct({ first: Child, second: Child, list: ArrayType(Child, 2) });
  const p = new Parent({
    first: { a: 100, b: 200 },
    second: new Child({ a: 300, b: 400 }),
    list: [{ a: 1 }, { b: 2 }],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(p)), {
    first: { a: 100, b: 200 },
    second: { a: 300, b: 400 },
    list: [
      { a: 1, b: 0 },
      { a: 0, b: 2 },
    ],
  });
  p.first.a = 5;
  p.list[1].a = 6;
  assert.deepEqual([p.first.a, p.list[1].a], [5, 6]);
});

test('set() takes an object or an instance, at an offset', () => {
  const S = Struct({ a: 'int', b: 'int' });
  const memory = Buffer.alloc(16);
  S.set(memory, 0, { a: 7123, b: -555 });
  S.set(memory, 8, new S({ a: 1234, b: -1234 }));
  assert.deepEqual(S.get(memory, 0).toObject(), { a: 7123, b: -555 });
  assert.deepEqual(S.get(memory, 8).toObject(), { a: 1234, b: -1234 });
});

test('ref() and deref()', () => {
  const S = Struct({ d: 'double' });
  const s = new S({ d: Math.PI });
  const pointer = s.ref();
  assert.equal(pointer.type, S);
  assert.ok(pointer.deref() instanceof S);
  assert.equal(pointer.ref().deref().deref().d, Math.PI);
});

test('what else is given becomes a property of the instance', () => {
  const s = new (Struct({ a: 'int' }))({ a: 1, more: 'x' });
  assert.deepEqual(Object.keys(s), ['ref.buffer', 'more']);
  assert.deepEqual(s.toObject(), { a: 1 });
  assert.match(s.inspect(), /a: 1/);
  assert.match(inspect(s), /ref\.buffer/);
});
