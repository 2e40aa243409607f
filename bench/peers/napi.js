'use strict';
/* A Node-API addon written by hand for this one library (napi_addon.c): what Node-API costs without an FFI. */
const addon = require('../../build/bench/napi_addon.node');

exports.lacks = {};

exports.open = (library) => {
  const functions = addon.open(library);
  const { fill, each, sort } = functions;

  functions.point = (x, y) => ({ x, y });
  const p = { x: 0, y: 0 };
  functions.fill = (x, y) => {
    fill(p, x, y);
    return p.x + p.y;
  };
  functions.norm1o = functions.norm1;
  functions.open = () => functions.counter_open(5);
  functions.next = functions.counter_next;
  functions.total = functions.sum_f64;
  functions.callback = (fn) => fn;
  functions.each_once = each;
  functions.sort = (n) => sort(n, (a, b) => a - b);
  return { functions };
};

exports.load = (library, list) => addon.load(library, list.length);
