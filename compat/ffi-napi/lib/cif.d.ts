import ffi = require('./ffi.js');
export = ffi.CIF;
