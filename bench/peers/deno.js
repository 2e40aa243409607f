'use strict';
/* Deno.dlopen: V8 fast calls through trampolines of its own. Strings and structs are bytes there. */
/* global Deno */

exports.lacks = { vsum: 'no variadic functions', fails: 'no errno' };

const POINT = { struct: ['f64', 'f64'] };
const INT_CALLBACK = { parameters: ['i32'], result: 'i32' };
const type = (result, ...parameters) => ({ parameters, result });

exports.open = (path) => {
  const ints = (n) => new Array(n).fill('i32');
  const { symbols } = Deno.dlopen(path, {
    nop: type('void'),
    add_i32: type('i32', ...ints(2)),
    add_f64: type('f64', 'f64', 'f64'),
    mix6: type('f64', 'i32', 'f64', 'u32', 'f32', 'i16', 'f64'),
    sum8: type('i32', ...ints(8)),
    add_i64: type('i64', 'i64', 'i64'),
    length: type('usize', 'buffer'),
    greet: type('pointer', 'i32'),
    ends: type('i32', 'buffer', 'usize'),
    fill: type('void', 'buffer', 'f64', 'f64'),
    norm1: type('f64', POINT),
    mid: type(POINT, POINT, POINT),
    counter_open: type('pointer', 'i32'),
    counter_next: type('i32', 'pointer'),
    sum_f64: type('f64', 'buffer', 'usize'),
    each: type('i32', 'function', 'i32'),
    sort: type('i32', 'i32', 'function'),
    add_async: { ...type('i32', ...ints(2)), name: 'add_i32', nonblocking: true },
    ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((i) => [`poly${i}`, type('i32', 'i32')])),
  });
  const functions = { ...symbols };
  const { add_i64, length, greet, ends, fill, mid, each, sort } = functions;

  /* Numbers are accepted, but leave the fast path: 77 ns instead of 20 */
  functions.add_i64n = (a, b) => Number(add_i64(BigInt(a), BigInt(b)));
  functions.add_i64b = add_i64;

  const encoder = new TextEncoder();
  let text = new Uint8Array(4096);
  functions.length = (s) => {
    if (s.length * 3 >= text.length) text = new Uint8Array(s.length * 3 + 1);
    text[encoder.encodeInto(s, text).written] = 0;
    return Number(length(text));
  };
  functions.greet = (which) => Deno.UnsafePointerView.getCString(greet(which));
  functions.ends = (bytes, n) => ends(bytes, BigInt(n));

  functions.point = (x, y) => new Uint8Array(new Float64Array([x, y]).buffer);
  functions.mid = (p, q) => {
    const r = new Float64Array(mid(p, q).buffer);
    return { x: r[0], y: r[1] };
  };
  const { norm1, counter_open, counter_next, sum_f64 } = functions;
  functions.norm1o = (p) => norm1(functions.point(p.x, p.y));
  functions.open = () => counter_open(5);
  functions.next = counter_next;
  functions.total = (values, n) => sum_f64(new Float64Array(values), BigInt(n));

  const out = new Float64Array(2);
  functions.fill = (x, y) => {
    fill(out, x, y);
    return out[0] + out[1];
  };

  functions.callback = (fn) => new Deno.UnsafeCallback(INT_CALLBACK, fn).pointer;
  functions.each_once = (fn, n) => {
    const cb = new Deno.UnsafeCallback(INT_CALLBACK, fn);
    const r = each(cb.pointer, n);
    cb.close();
    return r;
  };
  const compare = new Deno.UnsafeCallback(
    { parameters: ['pointer', 'pointer'], result: 'i32' },
    (a, b) => new Deno.UnsafePointerView(a).getInt32() - new Deno.UnsafePointerView(b).getInt32(),
  );
  functions.sort = (n) => sort(n, compare.pointer);
  return { functions };
};

const TYPES = {
  'int(int,int)': type('i32', 'i32', 'i32'),
  'double(double,double)': type('f64', 'f64', 'f64'),
  'size_t(const char*)': type('usize', 'buffer'),
  'int(const uint8_t*,size_t)': type('i32', 'buffer', 'usize'),
  'void(void)': type('void'),
  'int64_t(int64_t)': type('i64', 'i64'),
};

exports.load = (path, list) =>
  Deno.dlopen(path, Object.fromEntries(list.map((f) => [f.name, TYPES[f.type]]))).symbols;

exports.samples = {
  'size_t(const char*)': [Buffer.from('text\0')],
  'int(const uint8_t*,size_t)': [Buffer.alloc(4), 4n],
  'int64_t(int64_t)': [5n],
};
