import struct = require('../../ref-struct-di/lib/struct.js');

/** ref-struct-napi: ref-struct-di bound to ref-napi. */
declare const bound: struct.Struct;
export = bound;
