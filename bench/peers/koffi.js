'use strict';
/* koffi: Node-API, its own calling code; the strongest peer on npm. */
const koffi = require('koffi');

exports.lacks = {};

exports.open = (library) => {
  const lib = koffi.load(library);
  const point = koffi.struct('point', { x: 'double', y: 'double' });
  const IntCallback = koffi.pointer(koffi.proto('int IntCallback(int)'));
  const CompareCallback = koffi.pointer(koffi.proto('int CompareCallback(const int *, const int *)'));

  const counter = koffi.pointer('counter', koffi.opaque());

  const functions = {
    nop: lib.func('void nop()'),
    add_i32: lib.func('int add_i32(int, int)'),
    add_f64: lib.func('double add_f64(double, double)'),
    mix6: lib.func('double mix6(int, double, unsigned int, float, short, double)'),
    sum8: lib.func('int sum8(int, int, int, int, int, int, int, int)'),
    add_i64n: lib.func('int64_t add_i64(int64_t, int64_t)'),
    length: lib.func('size_t length(const char *)'),
    greet: lib.func('const char *greet(int)'),
    ends: lib.func('int ends(const uint8_t *, size_t)'),
    point: (x, y) => ({ x, y }),
    norm1: lib.func('norm1', 'double', [point]),
    mid: lib.func('mid', point, [point, point]),
    norm1o: lib.func('norm1', 'double', [point]),
    next: lib.func('counter_next', 'int', [counter]),
    total: lib.func('double sum_f64(const double *, size_t)'),
    callback: (fn) => koffi.register(fn, IntCallback),
    each: lib.func('each', 'int', [IntCallback, 'int']),
  };

  const counterOpen = lib.func('counter_open', counter, ['int']);
  functions.open = () => counterOpen(5);

  /* koffi gives a Number while it is exact, so BigInts only come out by asking */
  const add_i64 = lib.func('int64_t add_i64(int64_t, int64_t)');
  functions.add_i64b = (a, b) => BigInt(add_i64(a, b));

  const fails = lib.func('int fails(int)');
  functions.fails = (number) => ({ value: fails(number), errno: koffi.errno() });

  const fill = lib.func('fill', 'void', [koffi.out(koffi.pointer(point)), 'double', 'double']);
  const p = { x: 0, y: 0 };
  functions.fill = (x, y) => {
    fill(p, x, y);
    return p.x + p.y;
  };

  const each = lib.func('each', 'int', [IntCallback, 'int']);
  functions.each_once = (fn, n) => each(fn, n);

  const sort = lib.func('sort', 'int', ['int', CompareCallback]);
  const compare = koffi.register((a, b) => koffi.decode(a, 'int') - koffi.decode(b, 'int'), CompareCallback);
  functions.sort = (n) => sort(n, compare);

  const vsum = lib.func('int vsum(int, ...)');
  functions.vsum = (n, a, b, c, d) => vsum(n, 'int', a, 'int', b, 'int', c, 'int', d);

  const add = lib.func('int add_i32(int, int)');
  functions.add_async = (a, b) =>
    new Promise((resolve, reject) => add.async(a, b, (error, r) => (error ? reject(error) : resolve(r))));

  for (let i = 0; i < 8; i++) functions[`poly${i}`] = lib.func(`int poly${i}(int)`);
  return { functions, info: { koffi: koffi.version } };
};

const TYPES = {
  'int(int,int)': ['int', ['int', 'int']],
  'double(double,double)': ['double', ['double', 'double']],
  'size_t(const char*)': ['size_t', ['str']],
  'int(const uint8_t*,size_t)': ['int', ['uint8_t *', 'size_t']],
  'void(void)': ['void', []],
  'int64_t(int64_t)': ['int64_t', ['int64_t']],
};

/** Opens a library of many functions: [{ name, type }]. */
exports.load = (library, list) => {
  const lib = koffi.load(library);
  return list.map(({ name, type }) => lib.func(name, ...TYPES[type]));
};
