'use strict';
/* bun:ffi: calls are machine code of JavaScriptCore's own compiler. Pointers are Numbers. */
const { dlopen, JSCallback, CString, read } = require('bun:ffi');

exports.lacks = {
  fails: 'no errno',
  point: 'no structs by value',
  norm1o: 'no structs by value',
  vsum: 'no variadic functions',
  add_async: 'no asynchronous calls',
};

const type = (returns, ...args) => ({ args, returns });
const INT_CALLBACK = type('i32', 'i32');

exports.open = (path) => {
  const ints = (n) => new Array(n).fill('i32');
  const { symbols } = dlopen(path, {
    nop: type('void'),
    add_i32: type('i32', ...ints(2)),
    add_f64: type('f64', 'f64', 'f64'),
    mix6: type('f64', 'i32', 'f64', 'u32', 'f32', 'i16', 'f64'),
    sum8: type('i32', ...ints(8)),
    add_i64: type('i64', 'i64', 'i64'),
    length: type('i64_fast', 'cstring'),
    greet: type('ptr', 'i32'),
    ends: type('i32', 'ptr', 'u64_fast'),
    fill: type('void', 'ptr', 'f64', 'f64'),
    counter_open: type('ptr', 'i32'),
    counter_next: type('i32', 'ptr'),
    sum_f64: type('f64', 'ptr', 'u64_fast'),
    each: type('i32', 'function', 'i32'),
    sort: type('i32', 'i32', 'function'),
    ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((i) => [`poly${i}`, type('i32', 'i32')])),
  });
  const fast = dlopen(path, { add_i64: type('i64_fast', 'i64_fast', 'i64_fast') }).symbols;
  const functions = { ...symbols };
  const { add_i64, greet, fill, each, sort } = functions;

  functions.add_i64n = fast.add_i64;
  functions.add_i64b = add_i64;
  functions.greet = (which) => new CString(greet(which)).toString();

  const { counter_open, counter_next, sum_f64 } = functions;
  functions.open = () => counter_open(5);
  functions.next = counter_next;
  functions.total = (values, n) => sum_f64(new Float64Array(values), n);

  const p = new Float64Array(2);
  functions.fill = (x, y) => {
    fill(p, x, y);
    return p[0] + p[1];
  };

  functions.callback = (fn) => new JSCallback(fn, INT_CALLBACK).ptr;
  functions.each_once = (fn, n) => {
    const cb = new JSCallback(fn, INT_CALLBACK);
    const r = each(cb.ptr, n);
    cb.close();
    return r;
  };
  const compare = new JSCallback((a, b) => read.i32(a, 0) - read.i32(b, 0), type('i32', 'ptr', 'ptr'));
  functions.sort = (n) => sort(n, compare.ptr);
  return { functions };
};

const TYPES = {
  'int(int,int)': type('i32', 'i32', 'i32'),
  'double(double,double)': type('f64', 'f64', 'f64'),
  'size_t(const char*)': type('u64_fast', 'cstring'),
  'int(const uint8_t*,size_t)': type('i32', 'ptr', 'u64_fast'),
  'void(void)': type('void'),
  'int64_t(int64_t)': type('i64', 'i64'),
};

exports.load = (path, list) =>
  dlopen(path, Object.fromEntries(list.map((f) => [f.name, TYPES[f.type]]))).symbols;
