import bound = require('../ref-array-napi/lib/array.js');
export = bound;
