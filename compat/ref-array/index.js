'use strict';
/** ref-array: the older generation's name for ref-array-napi. */
module.exports = require('../ref-array-napi/lib/array.js');
