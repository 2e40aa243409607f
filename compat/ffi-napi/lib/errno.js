'use strict';
/**
 * errno(): what the last call left there. In the callback of an `.async` call, what that call left.
 */
const { frames } = require('./bindings.js');

const errno = function proxy(...args) {
  if (args.length !== 0) throw new TypeError('Expected 0 arguments, got ' + args.length);
  return frames.errno();
};

errno.async = function (callback) {
  const value = frames.errno();
  process.nextTick(callback, null, value);
};

module.exports = errno;
