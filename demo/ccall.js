'use strict';
// Both doors at once: nginx calls this JavaScript, which calls C in nginx's own
// process. No copy of a library is loaded: `load(null, ...)` is the running program.
const { load } = require('biffi');

const c = load(null, 'int getpid(void); double cos(double x); const char *zlibVersion(void);');

exports.pid = () => String(c.getpid());
exports.cos = (x) => String(c.cos(Number(x)));
exports.zlib = () => c.zlibVersion();
