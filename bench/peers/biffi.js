'use strict';
/* biffi itself. BIFFI_TIER forces a tier: ffi, napi or v8. */
const fs = require('node:fs');
const path = require('node:path');
const biffi = require('../../lib');

/* What a program pastes: the header without its preprocessor lines. */
const declarations = fs.readFileSync(path.join(__dirname, '../targets.h'), 'utf8').replace(/^#.*/gm, '');

exports.lacks = {};

exports.open = (library) => {
  const lib = biffi.load(library, declarations);
  const { fill, each, sort, add_i32 } = lib;
  const functions = { ...lib };

  functions.add_i64n = lib.add_i64;
  functions.add_i64b = biffi.load(library, { declarations, int64: 'bigint' }).add_i64;

  functions.fails = biffi.load(library, { declarations, errno: true }).fails;

  const Point = lib.point;
  functions.point = (x, y) => new Point({ x, y });
  const p = new Point();
  functions.fill = (x, y) => {
    fill(p, x, y);
    return p.x + p.y;
  };

  functions.norm1o = lib.norm1;
  functions.open = () => lib.counter_open(5);
  functions.next = lib.counter_next;
  functions.total = lib.sum_f64;

  functions.callback = (fn) => biffi.callback(lib.int_callback, fn);
  functions.each_once = each;
  /* made when it is needed: fast calls rest while a callback lives */
  let compare;
  functions.sort = (n) => {
    compare ??= biffi.callback(lib.compare_callback, (a, b) => a.value - b.value);
    return sort(n, compare);
  };
  functions.add_async = (a, b) => add_i32.async(a, b);
  return {
    functions,
    info: { biffi: require('../../package.json').version, tier: biffi.info().tier },
  };
};

exports.load = (library, list) => biffi.load(library, list.text);
