'use strict';
/* biffi's drop-in replacements of ffi-napi, ref-napi and ref-struct-di. */
const ref = require('../../compat/ref-napi');
const Struct = require('../../compat/ref-struct-di')(ref);

module.exports = require('./ffi-napi-family.js')(require('../../compat/ffi-napi'), ref, Struct);
