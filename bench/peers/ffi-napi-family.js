'use strict';
/*
 * The adapter of everything that has ffi-napi's interface: the original, and biffi's compat packages.
 */

const TYPES = {
  'int(int,int)': ['int', ['int', 'int']],
  'double(double,double)': ['double', ['double', 'double']],
  'size_t(const char*)': ['size_t', ['string']],
  'int(const uint8_t*,size_t)': ['int', ['uint8 *', 'size_t']],
  'void(void)': ['void', []],
  'int64_t(int64_t)': ['int64', ['int64']],
};

/**
 * @param {object} ffi ffi-napi
 * @param {object} ref ref-napi
 * @param {Function} Struct ref-struct-di over that ref
 */
module.exports = (ffi, ref, Struct) => {
  const Point = Struct({ x: 'double', y: 'double' });
  const PointPtr = ref.refType(Point);
  const IntPtr = ref.refType('int');

  function open(library) {
    const ints = (n) => new Array(n).fill('int');
    const {
      nop,
      add_i32,
      add_f64,
      mix6,
      sum8,
      add_i64,
      length,
      greet,
      ends,
      fails,
      fill,
      norm1,
      mid,
      counter_open,
      counter_next,
      sum_f64,
      each,
      sort,
    } = ffi.Library(library, {
      nop: ['void', []],
      add_i32: ['int', ints(2)],
      add_f64: ['double', ['double', 'double']],
      mix6: ['double', ['int', 'double', 'uint', 'float', 'short', 'double']],
      sum8: ['int', ints(8)],
      add_i64: ['int64', ['int64', 'int64']],
      length: ['size_t', ['string']],
      greet: ['string', ['int']],
      ends: ['int', ['uint8 *', 'size_t']],
      fails: ['int', ['int']],
      fill: ['void', [PointPtr, 'double', 'double']],
      norm1: ['double', [Point]],
      mid: [Point, [Point, Point]],
      counter_open: ['pointer', ['int']],
      counter_next: ['int', ['pointer']],
      sum_f64: ['double', ['double *', 'size_t']],
      each: ['int', ['pointer', 'int']],
      sort: ['int', ['int', 'pointer']],
    });
    const address = ffi.DynamicLibrary(library).get('vsum');
    const vsum = ffi.VariadicForeignFunction(address, 'int', ['int'])('int', 'int', 'int', 'int');
    const compare = ffi.Callback('int', [IntPtr, IntPtr], (a, b) => a.deref() - b.deref());
    const out = new Point();
    const functions = {
      nop,
      add_i32,
      add_f64,
      mix6,
      sum8,
      add_i64n: add_i64,
      length,
      greet,
      ends,
      fails: (number) => ({ value: fails(number), errno: ffi.errno() }),
      point: (x, y) => new Point({ x, y }),
      norm1,
      mid,
      norm1o: (p) => norm1(new Point(p)),
      open: () => counter_open(5),
      next: counter_next,
      total: (values, n) => sum_f64(Buffer.from(new Float64Array(values).buffer), n),
      fill: (x, y) => {
        fill(out.ref(), x, y);
        return out.x + out.y;
      },
      callback: (fn) => ffi.Callback('int', ['int'], fn),
      each,
      each_once: (fn, n) => each(ffi.Callback('int', ['int'], fn), n),
      sort: (n) => sort(n, compare),
      vsum,
      add_async: (a, b) =>
        new Promise((resolve, reject) =>
          add_i32.async(a, b, (error, r) => (error ? reject(error) : resolve(r))),
        ),
    };
    const polys = Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((i) => [`poly${i}`, ['int', ['int']]]));
    return { functions: { ...functions, ...ffi.Library(library, polys) } };
  }

  const load = (library, list) =>
    ffi.Library(library, Object.fromEntries(list.map(({ name, type }) => [name, TYPES[type]])));

  return { open, load, lacks: { add_i64b: 'refuses BigInts' } };
};
