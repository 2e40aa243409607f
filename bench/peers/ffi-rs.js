'use strict';
/* ffi-rs: Rust and libffi; every call carries its description along. */
const { open, close, define, createPointer, unwrapPointer, restorePointer, DataType } = require('ffi-rs');

exports.lacks = {
  callback: 'calls back later, without a result',
  each_once: 'calls back later, without a result',
  sort: 'calls back later, without a result',
  vsum: 'no variadic functions',
};

const { I32, Double, Float, I16, U32, I64, BigInt: Big, String: Text, Void, U8Array, External } = DataType;
const POINT = { x: Double, y: Double };
const POINT_BY_VALUE = { ...POINT, ffiTypeTag: DataType.StackStruct };

const maker =
  (library) =>
  (name, retType, paramsType, options = {}) =>
    define({ [name]: { library, retType, paramsType, ...options } })[name];

exports.open = (path) => {
  open({ library: 'targets', path });
  const make = maker('targets');

  const ints = (n) => new Array(n).fill(I32);
  const nop = make('nop', Void, []);
  const add_i32 = make('add_i32', I32, ints(2));
  const add_f64 = make('add_f64', Double, [Double, Double]);
  const mix6 = make('mix6', Double, [I32, Double, U32, Float, I16, Double]);
  const sum8 = make('sum8', I32, ints(8));
  const add_i64n = make('add_i64', I64, [I64, I64]);
  const add_i64b = make('add_i64', Big, [Big, Big]);
  const length = make('length', I64, [Text]);
  const greet = make('greet', Text, [I32]);
  const ends = make('ends', I32, [U8Array, I64]);
  const fails = make('fails', I32, [I32], { errno: true });
  const norm1 = make('norm1', Double, [POINT_BY_VALUE]);
  const mid = make('mid', POINT_BY_VALUE, [POINT_BY_VALUE, POINT_BY_VALUE]);
  const fill = make('fill', Void, [External, Double, Double]);
  const add_async = make('add_i32', I32, ints(2), { runInNewThread: true });
  const norm1o = make('norm1', Double, [POINT_BY_VALUE]);
  const counter_open = make('counter_open', External, [I32]);
  const counter_next = make('counter_next', I32, [External]);
  const sum_f64 = make('sum_f64', Double, [DataType.DoubleArray, I64]);
  const out = createPointer({ paramsType: [POINT], paramsValue: [{ x: 0, y: 0 }] });
  const [outAddress] = unwrapPointer(out);

  const functions = {
    nop: () => nop([]),
    add_i32: (a, b) => add_i32([a, b]),
    add_f64: (a, b) => add_f64([a, b]),
    mix6: (a, b, c, d, e, f) => mix6([a, b, c, d, e, f]),
    sum8: (a, b, c, d, e, f, g, h) => sum8([a, b, c, d, e, f, g, h]),
    add_i64n: (a, b) => add_i64n([a, b]),
    add_i64b: (a, b) => add_i64b([a, b]),
    length: (s) => length([s]),
    greet: (which) => greet([which]),
    ends: (bytes, n) => ends([bytes, n]),
    fails(number) {
      const { value, errnoCode } = fails([number]);
      return { value, errno: errnoCode };
    },
    point: (x, y) => ({ x, y }),
    norm1: (p) => norm1([p]),
    mid: (p, q) => mid([p, q]),
    norm1o: (p) => norm1o([p]),
    open: () => counter_open([5]),
    next: (c) => counter_next([c]),
    total: (values, n) => sum_f64([values, n]),
    fill: (x, y) => {
      fill([outAddress, x, y]);
      const [p] = restorePointer({ retType: [POINT], paramsValue: out });
      return p.x + p.y;
    },
    add_async: (a, b) => add_async([a, b]),
  };
  for (let i = 0; i < 8; i++) {
    const poly = make(`poly${i}`, I32, [I32]);
    functions[`poly${i}`] = (a) => poly([a]);
  }
  return { functions, close: () => close('targets') };
};

const TYPES = {
  'int(int,int)': [I32, [I32, I32]],
  'double(double,double)': [Double, [Double, Double]],
  'size_t(const char*)': [I64, [Text]],
  'int(const uint8_t*,size_t)': [I32, [U8Array, I64]],
  'void(void)': [Void, []],
  'int64_t(int64_t)': [I64, [I64]],
};

exports.load = (path, list) => {
  open({ library: 'many', path });
  const make = maker('many');
  return list.map(({ name, type }) => {
    const fn = make(name, ...TYPES[type]);
    return (...args) => fn(args);
  });
};
