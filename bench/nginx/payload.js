'use strict';
/* The bytes that travel: printable ASCII, so that a string and a Buffer carry the same. */

const LINE = 'The quick brown fox jumps over the lazy dog, 0123456789.\n';

/** @param {number} size in bytes */
exports.payload = (size) => Buffer.from(LINE.repeat(Math.ceil(size / LINE.length)).slice(0, size));
