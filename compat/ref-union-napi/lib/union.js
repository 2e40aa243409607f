'use strict';
/** ref-union-napi: ref-union-di bound to ref-napi. */
module.exports = require('../../ref-union-di/lib/union.js')(require('../../ref-napi/lib/ref.js'));
