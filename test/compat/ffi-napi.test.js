'use strict';
/*
 * ffi-napi beyond what the original's suite asks: what the original gets wrong, and what the table of deliberate
 * differences in doc/ffi-napi.md says.
 */
const assert = require('node:assert/strict');
const path = require('node:path');
const test = require('node:test');
const ffi = require('../../compat/ffi-napi');
const ref = require('../../compat/ref-napi');
const Struct = require('../../compat/ref-struct-napi');
const ArrayType = require('../../compat/ref-array-napi');
const Union = require('../../compat/ref-union-napi');

const build = process.env.BIFFI_BUILD ?? path.join(__dirname, '../../build');
const library = path.join(build, 'fixtures/compat.so');
const open = (functions) => ffi.Library(library, functions);
const collect = () => require('node:vm').runInNewContext('gc');
require('node:v8').setFlagsFromString('--expose-gc');

test('BigInt is accepted wherever a number is', () => {
  const { labs } = ffi.Library(null, { labs: ['long', ['long']] });
  assert.equal(labs(-5n), 5);
  assert.equal(labs(-9007199254740993n), '9007199254740993');
  assert.throws(() => labs(2n ** 63n), {
    name: 'RangeError',
    message: /error setting argument 1 - writeInt64/,
  });
  const { abs } = ffi.Library(null, { abs: ['int', ['int']] });
  assert.equal(abs(-7n), 7);
  assert.throws(() => abs(2n ** 40n), { name: 'RangeError', message: /^error setting argument 1 - / });
  assert.equal(ref.alloc('uint64', 2n ** 64n - 1n).deref(), '18446744073709551615');
});

test('a library that is missing says so', () => {
  assert.throws(() => ffi.Library('/nowhere/libnope'), {
    message:
      'Dynamic Linking Error: /nowhere/libnope.so: cannot open shared object file: No such file or directory',
  });
  assert.throws(() => ffi.DynamicLibrary(__filename), {
    message: /^Dynamic Linking Error: .*invalid ELF header/,
  });
});

test('a library file that is a linker script is followed', () => {
  assert.equal(ffi.Library('libc', { abs: ['int', ['int']] }).abs(-3), 3);
  assert.equal(ffi.DynamicLibrary('libm.so').get('cos').name, 'cos');
});

test('packed structs by value are laid out as C lays them out', () => {
  const Packed = Struct({ a: 'char', b: 'double', c: 'short' }, { packed: true });
  assert.deepEqual([Packed.size, Packed.alignment], [11, 1]);
  const lib = open({ packed_sum: ['double', [Packed]], packed_make: [Packed, ['int', 'double', 'int']] });
  assert.equal(lib.packed_sum({ a: 1, b: 2.5, c: 3 }), 6.5);
  assert.deepEqual(lib.packed_make(5, 6.25, 7).toObject(), { a: 5, b: 6.25, c: 7 });
  const Small = Struct({ a: 'char', b: 'int' }, { packed: true });
  assert.equal(
    open({ small_packed_sum: ['int', [Small, 'int']] }).small_packed_sum(new Small({ a: 1, b: 20 }), 300),
    321,
  );
});

test('unions by value travel as their members do', () => {
  const Floats = Struct({ x: 'float', y: 'float' });
  const Mixed = Union({ i: 'int', d: 'double', f: Floats });
  const lib = open({ mixed_double: ['double', [Mixed]], mixed_floats: [Mixed, ['float', 'float']] });
  assert.equal(lib.mixed_double(new Mixed({ d: 1.5 })), 3);
  assert.equal(lib.mixed_floats(1.5, 2.5).f.y, 2.5);
  const Three = Union({ one: 'float', two: ArrayType('float', 2), wide: 'double' });
  const value = new Three();
  value.two[0] = 1;
  value.two[1] = 2;
  assert.equal(open({ floats_sum: ['double', [Three]] }).floats_sum(value), 3);
});

test('a union inside a struct by value', () => {
  const Value = Union({ l: 'long', d: 'double', text: ArrayType('char', 12) });
  const Holder = Struct({ kind: 'int', value: Value });
  assert.deepEqual([Value.size, Holder.size], [16, 24]);
  const { holder_value } = open({ holder_value: ['double', [Holder]] });
  assert.equal(holder_value(new Holder({ kind: 0, value: { l: 7 } })), 7);
  assert.equal(holder_value(new Holder({ kind: 1, value: { d: 7.5 } })), 7.5);
});

test('structs by value go through callbacks', () => {
  const Big = Struct({ a: 'double', b: ArrayType('int', 5), c: 'string' });
  const swap = ffi.Callback(Big, [Big, 'int'], (big, n) => ({
    a: n,
    b: [...big.b.toArray()].reverse(),
    c: big.c + '!',
  }));
  const call = ffi.ForeignFunction(swap, Big, [Big, 'int']);
  const result = call({ a: 1, b: [1, 2, 3, 4, 5], c: 'hey' }, 9);
  assert.deepEqual([result.a, result.b.toArray(), result.c], [9, [5, 4, 3, 2, 1], 'hey!']);
});

test('variadic arguments are promoted', () => {
  const sum = ffi.VariadicForeignFunction(ffi.DynamicLibrary(library).get('sum_varargs'), 'double', [
    'string',
  ]);
  assert.equal(
    sum('float', 'int8', 'uint16', 'long', 'double', 'bool')(
      'diiddi'.replace('dd', 'ld'),
      0.5,
      -3,
      7,
      10,
      2.25,
      true,
    ),
    17.75,
  );
  assert.equal(sum('float', 'float')('dd', 0.5, 0.25), 0.75);
  assert.throws(() => sum('int8')('i', 200), { name: 'RangeError', message: /error setting argument 2/ });
});

test('arrays of known length are passed by their address', () => {
  const Four = ArrayType('int', 4);
  const lib = open({ sum_array: ['int', [Four, 'int']], static_array: [Four, []] });
  assert.equal(lib.sum_array([1, 2, 3, 4], 4), 10);
  assert.equal(lib.sum_array(new Four([5, 6, 7, 8]), 4), 26);
  assert.deepEqual(lib.static_array().toArray(), [10, 20, 30, 40]);
  const Any = ArrayType('int');
  assert.equal(open({ sum_array: ['int', [Any, 'int']] }).sum_array(Int32Array.of(1, 2, 3), 3), 6);
});

test('a JavaScript object travels through void *', () => {
  const seen = [];
  const cb = ffi.Callback('void', ['Object'], (object) => seen.push(object));
  const lib = open({ with_user_data: ['void', ['pointer', 'Object']], identity: ['Object', ['Object']] });
  const data = { name: 'x' };
  lib.with_user_data(cb, data);
  assert.equal(seen[0], data);
  assert.equal(lib.identity(data), data);
  assert.equal(lib.identity(null), undefined);
  assert.throws(() => lib.identity(5), {
    name: 'TypeError',
    message: /^error setting argument 1 - WriteObject's 3rd/,
  });
  const Message = Struct({ id: 'int', data: 'Object' });
  assert.equal(Message.size, 16);
  assert.equal(new Message({ data }).data, data);
});

test('bytes that stand for no object read as undefined', () => {
  assert.equal(ref.get(Buffer.alloc(8, 0x5a), 0, 'Object'), undefined);
  assert.equal(open({ identity: ['Object', ['size_t']] }).identity(12345), undefined);
});

test('memory beyond a known Buffer can be read', () => {
  const text = Buffer.from(new Uint8Array([104, 101, 108, 108, 111, 0]).buffer);
  const lib = open({ identity: ['char *', ['pointer']] });
  const pointer = lib.identity(text);
  assert.equal(pointer.length, 1);
  assert.equal(ref.reinterpret(pointer, 5).toString(), 'hello');
  assert.equal(ref.readPointer(ref.ref(pointer), 0, 5).toString(), 'hello');
  assert.equal(pointer.reinterpretUntilZeros(1).toString(), 'hello');
});

test('errno of a call, and of an asynchronous one', async () => {
  const { fail_with } = open({ fail_with: ['int', ['int']] });
  fail_with(34);
  assert.equal(ffi.errno(), 34);
  const results = await Promise.all(
    [11, 12, 13].map(
      (n) =>
        new Promise((resolve) => fail_with.async(n, (error, value) => resolve([error, value, ffi.errno()]))),
    ),
  );
  assert.deepEqual(results, [
    [null, -1, 11],
    [null, -1, 12],
    [null, -1, 13],
  ]);
});

test('what a callback throws arrives as it is', () => {
  const error = Object.assign(new TypeError('boom'), { code: 'E_BOOM' });
  const later = [];
  const cb = ffi.Callback('void', ['pointer'], () => {
    later.push('called');
    throw error;
  });
  const { with_user_data } = open({ with_user_data: ['void', ['pointer', 'pointer']] });
  assert.throws(
    () => with_user_data(cb, null),
    (thrown) => thrown === error,
  );
  // It is over with that call.
  assert.throws(() => with_user_data(cb, null), error);
  assert.equal(later.length, 2);
  const odd = ffi.Callback('void', ['pointer'], () => {
    throw undefined;
  });
  let thrown = 'nothing';
  try {
    with_user_data(odd, null);
  } catch (e) {
    thrown = e;
  }
  assert.equal(thrown, undefined);
});

test('after a callback has thrown no JavaScript runs until C returns', () => {
  const { qsort } = ffi.Library(null, { qsort: ['void', ['pointer', 'size_t', 'size_t', 'pointer']] });
  let calls = 0;
  const compare = ffi.Callback('int', ['int *', 'int *'], () => {
    calls++;
    throw new Error('no order');
  });
  assert.throws(
    () => qsort(Buffer.from(Int32Array.of(4, 3, 2, 1).buffer), 4, 4, compare),
    /^Error: no order$/,
  );
  assert.equal(calls, 1);
});

test('calls nest: a callback calls C, which calls a callback', () => {
  const types = ['int', ['int']];
  const f = ffi.ForeignFunction(
    ffi.Callback(...types, (n) => (n > 0 ? n + f(n - 1) : 0)),
    ...types,
  );
  assert.equal(f(100), 5050);
  const throwing = ffi.ForeignFunction(
    ffi.Callback(...types, (n) => {
      if (n === 0) throw new Error('deep');
      try {
        return throwing(n - 1);
      } catch (error) {
        error.message += n;
        throw error;
      }
    }),
    ...types,
  );
  assert.throws(() => throwing(3), /^Error: deep123$/);
  const endless = ffi.ForeignFunction(
    ffi.Callback(...types, (n) => endless(n)),
    ...types,
  );
  assert.throws(() => endless(1), RangeError);
  assert.equal(f(10), 55);
});

test('writing pointers again and again into one place keeps the last alone', () => {
  const slot = Buffer.alloc(8);
  const gc = collect();
  const registry = [];
  for (let i = 0; i < 200; i++) {
    const target = Buffer.alloc(4096);
    registry.push(new WeakRef(target));
    ref.writePointer(slot, 0, target);
  }
  return new Promise((resolve) => setImmediate(resolve)).then(() => {
    gc();
    const alive = registry.filter((weak) => weak.deref()).length;
    assert.ok(alive <= 2, `${alive} of 200 are alive`);
    assert.ok(registry.at(-1).deref());
    assert.ok(!ref.readPointer(slot, 0, 1).isNull());
  });
});

test('a struct keeps its strings alive, also when it is copied into another', async () => {
  const gc = collect();
  const Inner = Struct({ s: 'string' });
  const Outer = Struct({ inner: Inner, list: ArrayType(Inner, 2) });
  const outer = new Outer();
  outer.inner = new Inner({ s: 'copied '.repeat(50) });
  outer.list[1] = { s: 'set in place '.repeat(50) };
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    Array.from({ length: 1000 }, () => Buffer.alloc(400, 0x7a));
  }
  assert.equal(outer.inner.s, 'copied '.repeat(50));
  assert.equal(outer.list[1].s, 'set in place '.repeat(50));
});

test('shared memory is memory', () => {
  const shared = new Int32Array(new SharedArrayBuffer(16));
  shared.set([1, 2, 3, 4]);
  const { sum_array } = open({ sum_array: ['int', ['pointer', 'int']] });
  assert.equal(sum_array(Buffer.from(shared.buffer), 4), 10);
  assert.equal(sum_array(shared, 4), 10);
  assert.equal(ref.get(Buffer.from(shared.buffer), 4, 'int'), 2);
});

test('thousands of pointers and callbacks are no phantom memory', () => {
  const before = process.memoryUsage();
  const lib = open({ identity: ['pointer', ['size_t']] });
  const pointers = Array.from({ length: 5000 }, (_, i) => lib.identity(0x10000 + i * 16));
  const callbacks = Array.from({ length: 2000 }, (_, i) => ffi.Callback('int', ['int'], (n) => n + i));
  assert.equal(ffi.ForeignFunction(callbacks[1999], 'int', ['int'])(1), 2000);
  assert.equal(pointers[4999].address(), 0x10000 + 4999 * 16);
  const grown = process.memoryUsage().external - before.external;
  assert.ok(grown < 4 * 2 ** 20, `external memory grew by ${grown} bytes`);
});

test('a callback that was collected says so when C calls it', async () => {
  const { keep_callback, call_kept } = open({
    keep_callback: ['void', ['pointer']],
    call_kept: ['int', ['int']],
  });
  const gc = collect();
  (() => keep_callback(ffi.Callback('int', ['int'], (n) => n + 1)))();
  assert.equal(call_kept(1), 2);
  let error;
  for (let i = 0; i < 50 && !error; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    gc();
    try {
      call_kept(1);
    } catch (thrown) {
      error = thrown;
    }
  }
  assert.match(String(error), /ffi fatal: callback has been garbage collected!/);
});

test('functions of a library that is gone throw', () => {
  const copy = path.join(build, 'fixtures', `compat-${process.pid}.so`);
  require('node:fs').copyFileSync(library, copy);
  const dl = ffi.DynamicLibrary(copy);
  const { fail_with } = ffi.Library(dl, { fail_with: ['int', ['int']] });
  assert.equal(fail_with(1), -1);
  assert.equal(dl.close(), 0);
  require('node:fs').unlinkSync(copy);
  assert.throws(() => fail_with(1), { message: `the library of this function has been closed: ${copy}` });
});

test('a function at NULL throws', () => {
  assert.throws(() => ffi.ForeignFunction(ref.NULL, 'int', [])(), {
    message: "the function's address is NULL",
  });
});

test('functions and callbacks of another ABI', { skip: process.arch !== 'x64' && 'x86-64 only' }, () => {
  const ms = 3; // FFI_WIN64
  const lib = ffi.DynamicLibrary(library);
  const sum = ffi.ForeignFunction(
    lib.get('ms_sum'),
    'long',
    ['long', 'double', 'long', 'double', 'long'],
    ms,
  );
  assert.equal(sum(1, 2, 3, 4, 5), 15);
  assert.throws(() => sum('x'), { message: 'Expected 5 arguments, got 1' });
  assert.throws(() => sum(null, 2, 3, 4, 5), { message: /^error setting argument 1 - / });
  const cb = ffi.Callback('long', ['long', 'double'], ms, (a, b) => a + b);
  assert.equal(ffi.ForeignFunction(lib.get('ms_call'), 'long', ['pointer'])(cb), 42);
  assert.throws(() => ffi.ForeignFunction(lib.get('ms_sum'), 'long', [], 77), { code: 'FFI_BAD_ABI' });
});

test('asynchronous calls: arity, errors, results, many at once', async () => {
  const { strlen } = ffi.Library(null, { strlen: ['size_t', ['string']] });
  assert.throws(() => strlen.async('x'), { name: 'TypeError', message: 'Expected 2 arguments, got 1' });
  assert.throws(() => strlen.async('x', 'y'), {
    message: 'Expected a callback function as argument number: 1',
  });
  const error = await new Promise((resolve) => assert.equal(strlen.async(5, resolve), undefined));
  assert.match(error.message, /^error setting argument 0 - /);
  const gc = collect();
  const calls = Array.from({ length: 3000 }, (_, i) => {
    if (i % 500 === 0) gc();
    return new Promise((resolve) => strlen.async('x'.repeat(i), (e, n) => resolve(n)));
  });
  assert.deepEqual(
    await Promise.all(calls),
    calls.map((_, i) => i),
  );
});

test('pointers that no Number holds', () => {
  assert.equal(ffi.RTLD_NEXT.hexAddress(), 'ffffffffffffffff');
  const lib = open({ identity: ['pointer', ['pointer']] });
  assert.equal(lib.identity(ffi.RTLD_NEXT).hexAddress(), 'ffffffffffffffff');
});

test('a type with an ffi_type of its own', () => {
  const wide = { size: 4, alignment: 4, indirection: 1, ffi_type: ffi.FFI_TYPES.int32 };
  wide.get = (buffer, offset) => ({ wide: buffer.readInt32LE(offset) });
  wide.set = (buffer, offset, value) => buffer.writeInt32LE(value.wide, offset);
  assert.deepEqual(ffi.Library(null, { abs: [wide, [wide]] }).abs({ wide: -5 }), { wide: 5 });
  const type = new ffi.FFI_TYPE({ size: 0, alignment: 0, type: 13 });
  const elements = Buffer.alloc(24);
  ref.writePointer(elements, 0, ffi.FFI_TYPES.int32);
  ref.writePointer(elements, 8, ffi.FFI_TYPES.int32);
  type.elements = elements;
  const Pair = Struct({ x: 'int', y: 'int' });
  const own = { size: 8, alignment: 4, indirection: 1, ffi_type: type.ref() };
  own.set = (buffer, offset, value) => Pair.set(buffer, offset, value);
  own.get = (buffer, offset) => Pair.get(buffer, offset);
  const echo = ffi.Callback(Pair, [Pair], (p) => ({ x: p.y, y: p.x }));
  const result = ffi.ForeignFunction(echo, Pair, [own])(new Pair({ x: 1, y: 2 }));
  assert.deepEqual(result.toObject(), { x: 2, y: 1 });
});
