'use strict';
/** ref-struct-napi: ref-struct-di bound to ref-napi. */
module.exports = require('../../ref-struct-di/lib/struct.js')(require('../../ref-napi/lib/ref.js'));
