'use strict';
/*
 * Where values lie. Memory that JavaScript owns is a DataView over an ArrayBuffer,
 * shared by many small values; it lives as long as one of them. Any other memory is
 * a NativeMemory: an address, read and written through the addon, with the methods
 * that a DataView has, so that accessors need to know only one kind of thing.
 */
const { isAnyArrayBuffer } = require('node:util').types;
const native = require('./native');
const { BASE, MEMORY, OFFSET } = require('./keys');
const { failure, expected } = require('./errors');

const SLAB = 16 * 1024;
const GRAIN = 16;

/**
 * Where reserve() found room; and the memory that it shares out, of which `used` bytes are taken: at first more than
 * there are.
 */
const room = { memory: undefined, offset: 0, slab: undefined, used: SLAB + GRAIN };

/** Does a value of this size share its memory with others? */
const shares = (size, align) => align <= GRAIN && size <= SLAB / 4;

/** In whole grains. */
const roundUp = (size) => (size + GRAIN - 1) & -GRAIN;

/**
 * Finds room for `size` bytes of zeros, aligned to `align`, in memory of
 * JavaScript's own; the answer is in `room`. Memory is never given out twice.
 */
function reserve(size, align) {
  if (!shares(size, align)) {
    room.memory = new DataView(new ArrayBuffer(size + (align > GRAIN ? align : 0)));
    room.offset = 0;
    if (align > GRAIN) {
      const address = BigInt(native.address(room.memory));
      room.offset = Number(BigInt.asUintN(64, -address) % BigInt(align));
    }
    return;
  }
  if (room.used + size > SLAB) {
    room.slab = new DataView(new ArrayBuffer(SLAB));
    room.used = 0;
  }
  /* A look costs less than the write barrier of a store. */
  if (room.memory !== room.slab) room.memory = room.slab;
  room.offset = room.used;
  room.used = roundUp(room.offset + size);
}

/** For reserve() where it is written out: up to where in a slab there is room, and how much is taken. */
function sharedRoom(size, align) {
  return { last: shares(size, align) ? SLAB - size : -1, step: roundUp(size) };
}

/* Below this nothing can lie: NULL, and what is near it. */
const PAGE = 4096;

/* How C's values are read and written at an address that is a Number, from PAGE on. */
const read = {
  Int8: native.peekInt8,
  Uint8: native.peekUint8,
  Int16: native.peekInt16,
  Uint16: native.peekUint16,
  Int32: native.peekInt32,
  Uint32: native.peekUint32,
  BigInt64: native.peekBigInt64,
  BigUint64: native.peekBigUint64,
  Float32: native.peekFloat32,
  Float64: native.peekFloat64,
};
const write = {
  Int8: native.pokeInt8,
  Uint8: native.pokeUint8,
  Int16: native.pokeInt16,
  Uint16: native.pokeUint16,
  Int32: native.pokeInt32,
  Uint32: native.pokeUint32,
  BigInt64: native.pokeBigInt64,
  BigUint64: native.pokeBigUint64,
  Float32: native.pokeFloat32,
  Float64: native.pokeFloat64,
};

/* Where a program's addresses end. */
const ADDRESSES = process.arch === 'x64' ? 2 ** 47 : 2 ** 48;

/**
 * By a DataView whose offsets are addresses, where there can be one: it is tried on a few bytes first. Each function is
 * a text of its own: the engine collects what it learns by text.
 */
function openWindow() {
  const window = new DataView(new ArrayBuffer(8));
  const sample = new DataView(new ArrayBuffer(8));
  sample.setUint32(4, 0x62696666);
  if (!native.window(window, Number(native.address(sample)), 8) || window.getUint32(4) !== 0x62696666) return;
  native.window(window, 0, ADDRESSES);
  Object.assign(read, {
    Int8: (at) => window.getInt8(at),
    Uint8: (at) => window.getUint8(at),
    Int16: (at) => window.getInt16(at, true),
    Uint16: (at) => window.getUint16(at, true),
    Int32: (at) => window.getInt32(at, true),
    Uint32: (at) => window.getUint32(at, true),
    BigInt64: (at) => window.getBigInt64(at, true),
    BigUint64: (at) => window.getBigUint64(at, true),
    Float32: (at) => window.getFloat32(at, true),
    Float64: (at) => window.getFloat64(at, true),
  });
  Object.assign(write, {
    Int8: (at, value) => window.setInt8(at, value),
    Uint8: (at, value) => window.setUint8(at, value),
    Int16: (at, value) => window.setInt16(at, value, true),
    Uint16: (at, value) => window.setUint16(at, value, true),
    Int32: (at, value) => window.setInt32(at, value, true),
    Uint32: (at, value) => window.setUint32(at, value, true),
    BigInt64: (at, value) => window.setBigInt64(at, value, true),
    BigUint64: (at, value) => window.setBigUint64(at, value, true),
    Float32: (at, value) => window.setFloat32(at, value, true),
    Float64: (at, value) => window.setFloat64(at, value, true),
  });
}

/**
 * Memory at an address. With a size, access is checked against it; freed, every
 * access throws. The whole address space is one of them (`everywhere`), so that a
 * plain C pointer needs no object of its own.
 */
class NativeMemory {
  /**
   * @param {number} base address
   * @param {number} size bytes, Infinity when not known
   */
  constructor(base, size) {
    this[BASE] = base;
    this.size = size;
  }

  /** The address of `offset`, if `width` bytes may be touched there. */
  at(offset, width) {
    if (offset + width > this.size || offset < 0) {
      throw failure('BF_ERANGE', `offset ${offset} is outside of the memory (${this.size} bytes)`);
    }
    return this[BASE] + offset;
  }

  /* As a DataView has them. Each is a text of its own: the engine collects what it learns by text. */
  getInt8(offset) {
    const at = this.at(offset, 1);
    return at >= PAGE && typeof at === 'number' ? read.Int8(at) : native.peekInt8(at);
  }

  setInt8(offset, value) {
    const at = this.at(offset, 1);
    if (at >= PAGE && typeof at === 'number') write.Int8(at, value);
    else native.pokeInt8(at, value);
  }

  getUint8(offset) {
    const at = this.at(offset, 1);
    return at >= PAGE && typeof at === 'number' ? read.Uint8(at) : native.peekUint8(at);
  }

  setUint8(offset, value) {
    const at = this.at(offset, 1);
    if (at >= PAGE && typeof at === 'number') write.Uint8(at, value);
    else native.pokeUint8(at, value);
  }

  getInt16(offset) {
    const at = this.at(offset, 2);
    return at >= PAGE && typeof at === 'number' ? read.Int16(at) : native.peekInt16(at);
  }

  setInt16(offset, value) {
    const at = this.at(offset, 2);
    if (at >= PAGE && typeof at === 'number') write.Int16(at, value);
    else native.pokeInt16(at, value);
  }

  getUint16(offset) {
    const at = this.at(offset, 2);
    return at >= PAGE && typeof at === 'number' ? read.Uint16(at) : native.peekUint16(at);
  }

  setUint16(offset, value) {
    const at = this.at(offset, 2);
    if (at >= PAGE && typeof at === 'number') write.Uint16(at, value);
    else native.pokeUint16(at, value);
  }

  getInt32(offset) {
    const at = this.at(offset, 4);
    return at >= PAGE && typeof at === 'number' ? read.Int32(at) : native.peekInt32(at);
  }

  setInt32(offset, value) {
    const at = this.at(offset, 4);
    if (at >= PAGE && typeof at === 'number') write.Int32(at, value);
    else native.pokeInt32(at, value);
  }

  getUint32(offset) {
    const at = this.at(offset, 4);
    return at >= PAGE && typeof at === 'number' ? read.Uint32(at) : native.peekUint32(at);
  }

  setUint32(offset, value) {
    const at = this.at(offset, 4);
    if (at >= PAGE && typeof at === 'number') write.Uint32(at, value);
    else native.pokeUint32(at, value);
  }

  getBigInt64(offset) {
    const at = this.at(offset, 8);
    return at >= PAGE && typeof at === 'number' ? read.BigInt64(at) : native.peekBigInt64(at);
  }

  setBigInt64(offset, value) {
    const at = this.at(offset, 8);
    if (at >= PAGE && typeof at === 'number') write.BigInt64(at, value);
    else native.pokeBigInt64(at, value);
  }

  getBigUint64(offset) {
    const at = this.at(offset, 8);
    return at >= PAGE && typeof at === 'number' ? read.BigUint64(at) : native.peekBigUint64(at);
  }

  setBigUint64(offset, value) {
    const at = this.at(offset, 8);
    if (at >= PAGE && typeof at === 'number') write.BigUint64(at, value);
    else native.pokeBigUint64(at, value);
  }

  getFloat32(offset) {
    const at = this.at(offset, 4);
    return at >= PAGE && typeof at === 'number' ? read.Float32(at) : native.peekFloat32(at);
  }

  setFloat32(offset, value) {
    const at = this.at(offset, 4);
    if (at >= PAGE && typeof at === 'number') write.Float32(at, value);
    else native.pokeFloat32(at, value);
  }

  getFloat64(offset) {
    const at = this.at(offset, 8);
    return at >= PAGE && typeof at === 'number' ? read.Float64(at) : native.peekFloat64(at);
  }

  setFloat64(offset, value) {
    const at = this.at(offset, 8);
    if (at >= PAGE && typeof at === 'number') write.Float64(at, value);
    else native.pokeFloat64(at, value);
  }

  /** After this every access throws. */
  forget() {
    this[BASE] = undefined;
  }

  get freed() {
    return this[BASE] === undefined;
  }
}

/** The whole address space: offsets are addresses. */
const everywhere = new NativeMemory(0, Infinity);

/* What values in memory point to must live as long as they do: ArrayBuffer or NativeMemory -> offset in it -> object. */
const kept = new WeakMap();

/** Under what it is in `kept`, and the offset there; the views over an ArrayBuffer share one. */
function place(memory, offset) {
  return memory instanceof DataView ? [memory.buffer, memory.byteOffset + offset] : [memory, offset];
}

/** Keeps `value` alive until another one is stored at the same place, or the memory dies. */
function keep(memory, offset, value) {
  const [owner, at] = place(memory, offset);
  let places = kept.get(owner);
  if (places === undefined) {
    if (value === null) return;
    kept.set(owner, (places = new Map()));
  }
  if (value === null) places.delete(at);
  else places.set(at, value);
}

/** Copies bytes from one value's memory to another's, and what they keep alive. */
function copy(memory, offset, from, fromOffset, size) {
  native.copy(memory, offset, from, fromOffset, size);
  const [owner, start] = place(from, fromOffset);
  const places = kept.get(owner);
  if (places === undefined) return;
  for (const [at, value] of places) {
    if (at >= start && at < start + size) keep(memory, at - start + offset, value);
  }
}

/** The part of JavaScript's own memory that is one value's, so that what points there reaches no other. */
function alone(memory, offset, size) {
  return new DataView(memory.buffer, memory.byteOffset + offset, size);
}

/** All bytes of an ArrayBuffer, or of a view over one. */
function viewOf(bytes, label) {
  const buffer = ArrayBuffer.isView(bytes) ? bytes.buffer : bytes;
  if (!isAnyArrayBuffer(buffer))
    throw expected(label, 'a Buffer, TypedArray, DataView or ArrayBuffer', bytes);
  try {
    return buffer === bytes ? new DataView(buffer) : new DataView(buffer, bytes.byteOffset, bytes.byteLength);
  } catch {
    throw failure('BF_ECLOSED', `${label}: the memory of the ArrayBuffer was detached`);
  }
}

const freeLater = new FinalizationRegistry((address) => native.free(address));

/**
 * Memory from C's heap, zeroed, that stays until it is freed or collected.
 * @param {number} size bytes
 */
function allocateNative(size) {
  const memory = new NativeMemory(native.allocate(size), size);
  freeLater.register(memory, memory[BASE], memory);
  return memory;
}

/** Frees what allocateNative gave; twice is an error. */
function freeNative(memory) {
  if (!(memory instanceof NativeMemory) || memory === everywhere || memory.size === Infinity) {
    throw failure('BF_ETYPE', 'free(): expected a value that alloc() made');
  }
  if (memory.freed) throw failure('BF_ECLOSED', 'free(): this memory was freed already');
  freeLater.unregister(memory);
  native.free(memory[BASE]);
  memory.forget();
}

/** The address that stands in memory at `offset`: Number when safe, else BigInt. */
function readAddress(memory, offset) {
  const high = memory.getUint32(offset + 4, true);
  const low = memory.getUint32(offset, true);
  if (high < 0x200000) return high * 0x100000000 + low;
  return (BigInt(high) << 32n) | BigInt(low);
}

/** The address of a value in memory. */
function addressOf(value) {
  return value[MEMORY] === everywhere ? value[OFFSET] : native.address(value);
}

module.exports = {
  PAGE,
  read,
  NativeMemory,
  viewOf,
  openWindow,
  everywhere,
  reserve,
  sharedRoom,
  room,
  keep,
  copy,
  alone,
  allocateNative,
  freeNative,
  readAddress,
  addressOf,
};
