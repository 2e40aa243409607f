import bound = require('../ref-struct-napi/lib/struct.js');
export = bound;
