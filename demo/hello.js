'use strict';
// Handlers without ceremony: every function that a module exports is a method of
// the runtime. `local hello = ngx.load_ffi("ffi_nodejs", "demo/hello")`.

exports.greet = (name) => `hello, ${name || 'world'}\n`;

exports.later = async (ms) => {
  await new Promise((resolve) => setTimeout(resolve, Number(ms) || 100));
  return 'it took a while, and nginx went on meanwhile\n';
};

exports.versions = () => process.versions;

exports.fail = () => {
  throw Object.assign(new Error('this handler fails'), { rc: 42 });
};
