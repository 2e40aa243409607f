'use strict';
/* ffi-napi 4.0.3 with ref-napi and ref-struct-di, the originals. */
const ref = require('ref-napi');

module.exports = require('./ffi-napi-family.js')(require('ffi-napi'), ref, require('ref-struct-di')(ref));
