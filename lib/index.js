'use strict';
/*
 * biffi: C libraries as JavaScript objects.
 *
 *   const { load } = require('biffi');
 *   const { cos } = load('libm.so.6', 'double cos(double x);');
 */
require('./hooks');
const { load, close, symbol, typeIn } = require('./library');
const { handle } = require('./handle');
const { Library } = require('./signatures');
const { Type, typeOf, pointer, fn, constant } = require('./type');
const { struct, union, assign } = require('./struct');
const { array } = require('./array');
const { enumeration } = require('./enum');
const { Pointer, pointerAt, out } = require('./pointer');
const { Callback, callback } = require('./callback');
const { functionAt } = require('./function');
const { alloc, free, cstring, as, sizeof, alignof, offsetof, addressOf } = require('./tools');
const { LongDouble } = require('./longdouble');
const { info } = require('./info');
const { errno, flags } = require('./native');

const type = (what) => typeOf(what);

/*
 * The engine compiles a function when it is first called. What every load() calls is compiled here, with the rest of
 * biffi: left to a program's first one, it is a third of the time that 30 functions take.
 */
Reflect.get(load(null, 'int abs(int);'), 'abs');

/* An identifier each: index.mjs has these names from the text. */
module.exports = {
  load,
  close,
  Library,
  Type,
  type,
  struct,
  union,
  array,
  enumeration,
  pointer,
  fn,
  constant,
  Pointer,
  pointerAt,
  out,
  alloc,
  free,
  cstring,
  as,
  callback,
  Callback,
  functionAt,
  handle,
  typeIn,
  symbol,
  assign,
  sizeof,
  alignof,
  offsetof,
  addressOf,
  LongDouble,
  info,
  /** What the last call left in errno; with a number, what the next call finds there. */
  errno,
  /** dlopen(3)'s flags, for the option `flags`. */
  flags,
};
