'use strict';
/**
 * ref-wchar-napi: the type wchar_t (the module itself) and `wchar_t *` (its property `string`). wchar_t is UTF-32 on
 * the systems that biffi runs on.
 */
const once = require('../once.js');
const ref = require('../ref-napi/lib/ref.js');

const size = 4;
const REPLACEMENT = 0xfffd;
const { read, write } =
  ref.endianness === 'LE'
    ? { read: 'readUInt32LE', write: 'writeUInt32LE' }
    : { read: 'readUInt32BE', write: 'writeUInt32BE' };

/** UTF-32 bytes of a string; lone surrogates become U+FFFD. */
function encode(string) {
  const points = Array.from(string, (c) => c.codePointAt(0));
  const buffer = Buffer.alloc(points.length * size);
  points.forEach((p, i) => buffer[write](p >= 0xd800 && p <= 0xdfff ? REPLACEMENT : p, i * size));
  return buffer;
}

function decode(buffer) {
  let string = '';
  for (let i = 0; i + size <= buffer.length; i += size) {
    const p = buffer[read](i);
    string += String.fromCodePoint(p > 0x10ffff || (p >= 0xd800 && p <= 0xdfff) ? REPLACEMENT : p);
  }
  return string;
}

module.exports = once('ref-wchar-napi', () => {
  const wchar = Object.create(ref.types.int32);
  wchar.name = 'wchar_t';
  wchar.size = size;
  wchar.indirection = 1;
  wchar.get = function get(buf, offset) {
    const at = offset | 0;
    return decode(buf.subarray(at, at + size));
  };
  wchar.set = function set(buf, offset, val) {
    let bytes = val;
    // The whole first character, where the original took its first UTF-16 half.
    if (typeof val === 'string') bytes = encode(String.fromCodePoint(val.codePointAt(0) ?? 0));
    else if (typeof val === 'number') bytes = encode(String.fromCodePoint(val));
    else if (!val) throw new TypeError('muss pass a String, Number, or Buffer for `wchar_t`');
    return bytes.copy(buf, offset, 0, size);
  };

  wchar.string = Object.create(ref.types.CString);
  wchar.string.name = 'WCString';
  wchar.string.get = function get(buf, offset) {
    const pointer = ref.readPointer(buf, offset);
    return ref.isNull(pointer) ? null : decode(ref.reinterpretUntilZeros(pointer, size));
  };
  wchar.string.set = function set(buf, offset, val) {
    return ref.writePointer(buf, offset, typeof val === 'string' ? encode(val + '\0') : (val ?? null));
  };

  wchar.toString = function toString(buffer) {
    return decode(buffer);
  };
  return wchar;
});
