'use strict';
/** ref-union: the older generation's name for ref-union-napi. */
module.exports = require('../ref-union-napi/lib/union.js');
