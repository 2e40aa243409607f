import bound = require('../ref-union-napi/lib/union.js');
export = bound;
