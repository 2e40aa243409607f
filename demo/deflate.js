'use strict';
// zlib as a stream: z_stream from zlib.h is a live JavaScript object; the text goes in piece by piece.

const { createReadStream } = require('node:fs');
const { inflateSync } = require('node:zlib');
const { load, sizeof, flags } = require('biffi');

// Node.js has a zlib of its own inside, whose functions would take the place of this one's: RTLD_DEEPBIND.
const zlib = load('libz.so.1', { header: 'zlib.h', flags: flags.RTLD_NOW | flags.RTLD_DEEPBIND });
const ROOM = 512;

/** Compresses an async iterable of Buffers; yields Buffers. */
async function* deflate(pieces) {
  const stream = new zlib.z_stream(); // all zeros: zlib's own malloc
  const room = Buffer.alloc(ROOM);

  const check = (code) => {
    if (code < 0) throw new Error(`zlib: ${stream.msg ?? zlib.zError(code)}`);
    return code;
  };
  const step = function* (input, flush) {
    stream.next_in = input; // keeps the Buffer alive
    stream.avail_in = input.length;
    do {
      stream.next_out = room;
      stream.avail_out = ROOM;
      check(zlib.deflate(stream, flush));
      if (stream.avail_out < ROOM) yield Buffer.from(room.subarray(0, ROOM - stream.avail_out));
    } while (stream.avail_out === 0);
  };

  // What the macro deflateInit(stream, level) calls.
  check(zlib.deflateInit_(stream, zlib.Z_BEST_COMPRESSION, zlib.ZLIB_VERSION, sizeof(zlib.z_stream)));
  try {
    for await (const piece of pieces) yield* step(piece, zlib.Z_NO_FLUSH);
    yield* step(Buffer.alloc(0), zlib.Z_FINISH);
    console.log(`${stream.total_in} bytes in, ${stream.total_out} bytes out`);
  } finally {
    zlib.deflateEnd(stream);
  }
}

async function main() {
  const packed = [];
  for await (const piece of deflate(createReadStream(__filename, { highWaterMark: 256 }))) packed.push(piece);
  const text = inflateSync(Buffer.concat(packed)).toString();
  console.log(`${packed.length} pieces; Node.js reads: ${text.split('\n')[1]}`);
}

main();
