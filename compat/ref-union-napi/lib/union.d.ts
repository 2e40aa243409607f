import union = require('../../ref-union-di/lib/union.js');

/** ref-union-napi: ref-union-di bound to ref-napi. */
declare const bound: union.Union;
export = bound;
