'use strict';
/**
 * The block of memory that frames lie in, a stack that the addon's callbacks share: the first 4 bytes hold the offset
 * of the first free byte.
 */
const once = require('../../once.js');
const { frames } = require('./bindings.js');

const SIZE = 1 << 20;
const START = 64;

module.exports = once('ffi-napi/block', () => {
  const block = new ArrayBuffer(SIZE);
  const bytes = Buffer.from(block);
  const top = new Uint32Array(block, 0, 1);
  top[0] = START;

  /** id -> what runs the callback on the frame at an offset */
  const callbacks = new Map();

  frames.start(block, (id, at) => {
    const run = callbacks.get(id);
    if (run) run(at);
  });

  /**
   * Takes a frame; whoever takes it gives it back with `top[0] = at`.
   *
   * @param {number} size a multiple of 16
   * @returns {number} its offset
   */
  function take(size) {
    const at = top[0];
    if (at + size > SIZE) throw new RangeError('calls are nested too deep');
    top[0] = at + size;
    return at;
  }

  return { block, bytes, callbacks, take, top };
});
