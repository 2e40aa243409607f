'use strict';
// zlib compresses this program's own text and checks it; Node.js checks it again.

const { readFileSync } = require('node:fs');
const { inflateSync } = require('node:zlib');
const { load } = require('biffi');

const zlib = load(
  'libz.so.1',
  `const char *zlibVersion(void);
   unsigned long compressBound(unsigned long length);
   int compress2(void *to, unsigned long *to_length, const void *from, unsigned long from_length, int level);
   int uncompress(void *to, unsigned long *to_length, const void *from, unsigned long from_length);`,
);

const text = readFileSync(__filename);
const packed = Buffer.alloc(Number(zlib.compressBound(text.length)));
const length = BigUint64Array.of(BigInt(packed.length)); // an unsigned long that C writes to
if (zlib.compress2(packed, length, text, text.length, 9) !== 0) throw new Error('compress2 failed');
const compressed = packed.subarray(0, Number(length[0]));
console.log(`zlib ${zlib.zlibVersion()}: ${text.length} bytes compressed to ${compressed.length}`);

const unpacked = Buffer.alloc(text.length);
length[0] = BigInt(unpacked.length);
const result = zlib.uncompress(unpacked, length, compressed, compressed.length);
console.log('unpacked by the same library:', result === 0 && unpacked.equals(text) ? 'equal' : 'DIFFERENT');
console.log('unpacked by Node.js itself:  ', inflateSync(compressed).equals(text) ? 'equal' : 'DIFFERENT');
