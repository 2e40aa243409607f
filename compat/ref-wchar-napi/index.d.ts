import ref = require('../ref-napi/lib/ref.js');

/** The type wchar_t. A string or a Number, its code point, goes in; a string comes out. */
declare const wchar: Omit<ref.Type<string>, 'set'> & {
  set(buffer: Buffer, offset: number, value: string | number | Buffer): void;
  /** The type `wchar_t *`. */
  string: ref.Type<string | null>;
  /** UTF-32 bytes as a string. */
  toString(buffer: Buffer): string;
};
export = wchar;
