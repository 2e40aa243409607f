import array = require('../../ref-array-di/lib/array.js');

/** ref-array-napi: ref-array-di bound to ref-napi. */
declare const bound: array.Maker;
export = bound;
