'use strict';
/**
 * Pointers as Buffers. A pointer is a Buffer whose memory starts at the address; its length is what is known of the
 * pointee, often 0. Memory outside of JavaScript is viewed through an external ArrayBuffer of exactly the length
 * asked for (1 byte where the Buffer has none).
 *
 * Keeping alive: what is written as a pointer into memory stays alive as long as that memory (its ArrayBuffer) does
 * and the place is not written again. The table is on the ArrayBuffer, by byte offset.
 *
 * Nothing here goes through Buffer.prototype's additions: another copy of the originals may have replaced them.
 */
const { rawmem } = require('../../native.js');

const kSlots = Symbol('biffi.slots');
const kAttached = Symbol('attached');
const TWO32 = 4294967296;

/** Recent windows on foreign memory, so that a handle that C returns again and again costs one. */
const WINDOWS = 256;
const windowAddress = new Array(WINDOWS).fill(0);
const windowBuffer = new Array(WINDOWS).fill(null);

/**
 * @param {number | bigint} address not 0
 * @param {number} length at least 1
 * @returns {ArrayBuffer}
 */
function windowAt(address, length) {
  if (typeof address !== 'number') return rawmem.wrap(address, length);
  const at = ((address / 8) ^ (address / 32768)) & (WINDOWS - 1);
  // A detached ArrayBuffer has no length.
  if (windowAddress[at] === address && windowBuffer[at].byteLength >= length) return windowBuffer[at];
  const window = rawmem.wrap(address, length);
  windowAddress[at] = address;
  windowBuffer[at] = window;
  return window;
}

/**
 * A Buffer over the memory at an address.
 *
 * @param {number | bigint} address 0 gives a Buffer that is NULL, whatever the length
 * @param {number} length bytes
 * @returns {Buffer}
 */
function wrapPointer(address, length) {
  if (!address) return Buffer.alloc(0);
  return Buffer.from(windowAt(address, length > 1 ? length : 1), 0, length);
}

/** A length as the originals take it: whatever is no number is 0. */
function toLength(value) {
  return value === undefined ? 0 : Math.trunc(Number(value)) || 0;
}

/**
 * Keeps `object` alive as long as the memory at that place does, or until the place is given to another one.
 *
 * @param {Buffer} buffer
 * @param {number} offset
 * @param {object | null} object null: what was kept for this place is let go
 */
function keep(buffer, offset, object) {
  const memory = buffer.buffer;
  const slots = memory[kSlots];
  const at = buffer.byteOffset + (offset || 0);
  if (slots) {
    if (object === null) slots.delete(at);
    else slots.set(at, object);
  } else if (object !== null) {
    Object.defineProperty(memory, kSlots, { value: new Map([[at, object]]) });
  }
}

/** What is kept for that place, or undefined. */
function kept(buffer, offset) {
  const slots = buffer.buffer[kSlots];
  return slots && slots.get(buffer.byteOffset + (offset || 0));
}

/** Bytes were copied: what the pointers among them keep alive is kept at their new place as well. */
function copyKept(from, to, toOffset, size) {
  const slots = from.buffer[kSlots];
  if (!slots) return;
  for (const [at, object] of [...slots]) {
    const offset = at - from.byteOffset;
    if (offset >= 0 && offset < size) keep(to, toOffset + offset, object);
  }
}

/** Keeps `object` alive as long as the Buffer object. */
function attach(buffer, object) {
  if (buffer[kAttached]) buffer[kAttached].push(object);
  else Object.defineProperty(buffer, kAttached, { value: [object] });
}

/**
 * Reads a pointer out of memory.
 *
 * @param {Buffer} buffer
 * @param {number} [offset]
 * @param {number} [size] length of the Buffer returned
 * @returns {Buffer}
 */
function readPointer(buffer, offset, size) {
  const address = rawmem.readPointer(buffer, offset);
  const length = toLength(size);
  if (!address) return Buffer.alloc(0);

  // What JavaScript wrote there comes back as the same memory, and stays alive through what is returned.
  const target = kept(buffer, offset);
  if (target === undefined || rawmem.address(target) !== address) return wrapPointer(address, length);
  const result =
    target.byteOffset + length <= target.buffer.byteLength
      ? Buffer.from(target.buffer, target.byteOffset, length)
      : wrapPointer(address, length);
  attach(result, target);
  return result;
}

/**
 * Writes the address of `pointer` into memory; `pointer` stays alive with that memory.
 *
 * @param {Buffer} buffer
 * @param {number} offset
 * @param {Buffer | null} pointer null for NULL
 */
function writePointer(buffer, offset, pointer) {
  rawmem.writePointer(buffer, offset, pointer);
  keep(buffer, offset, pointer);
}

/**
 * The same address with another length; the Buffer given stays alive.
 *
 * @param {Buffer} buffer
 * @param {number} size bytes
 * @param {number} [offset]
 * @returns {Buffer}
 */
function reinterpret(buffer, size, offset) {
  const at = toLength(offset);
  const length = toLength(size);
  if (rawmem.isNull(buffer)) throw new Error('reinterpret: Cannot reinterpret from nullptr pointer');
  const start = buffer.byteOffset + at;
  if (start >= 0 && length >= 0 && start + length <= buffer.buffer.byteLength) {
    return Buffer.from(buffer.buffer, start, length);
  }
  return wrapPointer(rawmem.address(buffer, at), length);
}

/** The same up to the first group of `size` zero bytes. */
function reinterpretUntilZeros(buffer, size, offset) {
  return reinterpret(buffer, rawmem.lengthUntilZeros(buffer, size, offset), offset);
}

/**
 * @param {Buffer} buffer
 * @param {number} [offset]
 * @returns {number} also where it is no safe integer
 */
function address(buffer, offset) {
  return Number(rawmem.address(buffer, offset));
}

/** @returns {string} as printf's %p without the 0x; NULL is "(nil)" */
function hexAddress(buffer, offset) {
  const a = rawmem.address(buffer, offset);
  return a ? a.toString(16) : '(nil)';
}

function isNull(buffer, offset) {
  return rawmem.isNull(buffer, offset);
}

function readCString(buffer, offset) {
  return rawmem.readCString(buffer, offset);
}

module.exports = {
  TWO32,
  address,
  attach,
  copyKept,
  hexAddress,
  isNull,
  keep,
  kept,
  readCString,
  readPointer,
  reinterpret,
  reinterpretUntilZeros,
  wrapPointer,
  writePointer,
};
