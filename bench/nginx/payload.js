'use strict';
/* The bytes that travel: printable ASCII, so that a string and a Buffer carry the same. */

const LINE = 'The quick brown fox jumps over the lazy dog, 0123456789.\n';

/** @param {number} size in bytes */
exports.payload = (size) => Buffer.from(LINE.repeat(Math.ceil(size / LINE.length)).slice(0, size));

const pages = new Map();

/** The same, made once, as { bytes, text }; `size` is a number, or its digits as a string or a Buffer. */
exports.page = (size) => {
  const key = `${size}`;
  let page = pages.get(key);
  if (page === undefined) {
    const bytes = exports.payload(Number(key));
    pages.set(key, (page = { bytes, text: bytes.toString('latin1') }));
  }
  return page;
};
