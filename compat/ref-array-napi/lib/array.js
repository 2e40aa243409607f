'use strict';
/** ref-array-napi: ref-array-di bound to ref-napi. */
module.exports = require('../../ref-array-di/lib/array.js')(require('../../ref-napi/lib/ref.js'));
