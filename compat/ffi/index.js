'use strict';
/** ffi: the older generation's name for ffi-napi. */
module.exports = require('../ffi-napi/lib/ffi.js');
