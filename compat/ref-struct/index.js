'use strict';
/** ref-struct: the older generation's name for ref-struct-napi. */
module.exports = require('../ref-struct-napi/lib/struct.js');
