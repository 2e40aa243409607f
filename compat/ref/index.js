'use strict';
/** ref: the older generation's name for ref-napi. */
module.exports = require('../ref-napi/lib/ref.js');
