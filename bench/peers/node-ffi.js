'use strict';
/* node:ffi, part of Node.js 26: V8 fast calls for a few signatures, libffi for the rest. */
const ffi = require('node:ffi');

exports.lacks = {
  fails: 'no errno',
  point: 'no structs by value',
  norm1o: 'no structs by value',
  vsum: 'no variadic functions',
  add_async: 'no asynchronous calls',
};

const type = (result, ...args) => ({ arguments: args, return: result });

exports.open = (path) => {
  const ints = (n) => new Array(n).fill('int32');
  const { lib, functions: f } = ffi.dlopen(path, {
    nop: type('void'),
    add_i32: type('int32', ...ints(2)),
    add_f64: type('double', 'double', 'double'),
    mix6: type('double', 'int32', 'double', 'uint32', 'float', 'int16', 'double'),
    sum8: type('int32', ...ints(8)),
    add_i64: type('int64', 'int64', 'int64'),
    length: type('uint64', 'string'),
    greet: type('pointer', 'int32'),
    ends: type('int32', 'buffer', 'uint64'),
    fill: type('void', 'buffer', 'double', 'double'),
    counter_open: type('pointer', 'int32'),
    counter_next: type('int32', 'pointer'),
    sum_f64: type('double', 'buffer', 'uint64'),
    each: type('int32', 'function', 'int32'),
    sort: type('int32', 'int32', 'function'),
    ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((i) => [`poly${i}`, type('int32', 'int32')])),
  });
  /* taken out of the object once, as a program does: node:ffi makes its wrappers anew at every access */
  const functions = { ...f };
  const { add_i64, length, greet, ends, fill, each, sort } = functions;

  functions.add_i64n = (a, b) => Number(add_i64(BigInt(a), BigInt(b)));
  functions.add_i64b = add_i64;
  functions.length = (s) => Number(length(s));
  functions.greet = (which) => ffi.toString(greet(which));
  functions.ends = (bytes, n) => ends(bytes, BigInt(n));

  functions.open = () => functions.counter_open(5);
  functions.next = functions.counter_next;
  const { sum_f64 } = functions;
  functions.total = (values, n) => sum_f64(new Float64Array(values), BigInt(n));

  const p = new Float64Array(2);
  functions.fill = (x, y) => {
    fill(p, x, y);
    return p[0] + p[1];
  };

  functions.callback = (fn) => lib.registerCallback(type('int32', 'int32'), fn);
  functions.each_once = (fn, n) => {
    const cb = lib.registerCallback(type('int32', 'int32'), fn);
    const r = each(cb, n);
    lib.unregisterCallback(cb);
    return r;
  };
  const compare = lib.registerCallback(
    type('int32', 'pointer', 'pointer'),
    (a, b) => ffi.getInt32(a, 0) - ffi.getInt32(b, 0),
  );
  functions.sort = (n) => sort(n, compare);
  return { functions };
};

const TYPES = {
  'int(int,int)': type('int32', 'int32', 'int32'),
  'double(double,double)': type('double', 'double', 'double'),
  'size_t(const char*)': type('uint64', 'string'),
  'int(const uint8_t*,size_t)': type('int32', 'buffer', 'uint64'),
  'void(void)': type('void'),
  'int64_t(int64_t)': type('int64', 'int64'),
};

exports.load = (path, list) => {
  const { functions } = ffi.dlopen(path, Object.fromEntries(list.map((f) => [f.name, TYPES[f.type]])));
  return list.map(({ name }) => functions[name]);
};

exports.samples = { 'int(const uint8_t*,size_t)': [Buffer.alloc(4), 4n], 'int64_t(int64_t)': [5n] };
