'use strict';
/**
 * 64-bit integers as the originals carry them. Out: a Number up to 2^53 in magnitude (2^53 itself included), beyond
 * that a decimal String. In: a Number (truncated, at most INT64_MAX, also for unsigned), a String as strtoll(3) reads
 * it with base 0, or a BigInt.
 */
const { rawmem } = require('../../native.js');

const LE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const TWO32 = 4294967296;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;
const SAFE = 9007199254740992n;

/** @param {bigint} value */
function fromBigInt(value) {
  return value >= -SAFE && value <= SAFE ? Number(value) : value.toString();
}

/** As fromBigInt, of two halves. */
function fromHalves(low, high) {
  if (high >= -0x200000 && (high < 0x200000 || (high === 0x200000 && low === 0))) return high * TWO32 + low;
  return ((BigInt(high) << 32n) | BigInt(low)).toString();
}

const digits = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/;

function parse(text, name, signed) {
  const found = digits.exec(text);
  if (!found) throw new TypeError(`${name}: no digits we found in input String`);
  const [, sign, number] = found;
  const octal = number.length > 1 && number[0] === '0' && number[1] !== 'x' && number[1] !== 'X';
  const magnitude = BigInt(octal ? `0o${number.slice(1)}` : number);
  const value = sign === '-' ? -magnitude : magnitude;
  const fits = signed ? value >= INT64_MIN && value <= INT64_MAX : magnitude <= UINT64_MAX;
  if (!fits) throw new TypeError(`${name}: input String numerical value out of range`);
  return value;
}

/**
 * The value to store, as a Number when it is a safe integer, else as a BigInt.
 *
 * @param {unknown} value
 * @param {string} name of the function, for the error
 * @param {boolean} signed
 * @returns {number | bigint}
 */
function toInteger(value, name, signed) {
  if (typeof value === 'number') {
    const n = Math.trunc(value);
    if (Number.isSafeInteger(n)) return n;
    if (!Number.isFinite(n)) return 0;
    return n >= 2 ** 63 ? INT64_MAX : n <= -(2 ** 63) ? INT64_MIN : BigInt(n);
  }
  if (typeof value === 'string') return parse(value, name, signed);
  if (typeof value === 'bigint') {
    if (value < INT64_MIN || value > (signed ? INT64_MAX : UINT64_MAX)) {
      throw new RangeError(`${name}: BigInt numerical value out of range`);
    }
    return value;
  }
  throw new TypeError(`${name}: Number/String 64-bit value required`);
}

function inside(buffer, offset) {
  return LE && Number.isInteger(offset) && offset >= 0 && offset + 8 <= buffer.length;
}

function readInt64(buffer, offset) {
  const at = offset === undefined ? 0 : offset;
  if (!inside(buffer, at)) return fromBigInt(rawmem.readBigInt64(buffer, at));
  return fromHalves(buffer.readUInt32LE(at), buffer.readInt32LE(at + 4));
}

function readUInt64(buffer, offset) {
  const at = offset === undefined ? 0 : offset;
  if (!inside(buffer, at)) return fromBigInt(rawmem.readBigUInt64(buffer, at));
  return fromHalves(buffer.readUInt32LE(at), buffer.readUInt32LE(at + 4));
}

function store(buffer, offset, integer) {
  const at = offset === undefined ? 0 : offset;
  if (typeof integer === 'number' && inside(buffer, at)) {
    const high = Math.floor(integer / TWO32);
    buffer.writeUInt32LE(integer - high * TWO32, at);
    buffer.writeInt32LE(high, at + 4);
  } else {
    rawmem.writeBigInt64(buffer, at, BigInt.asUintN(64, BigInt(integer)));
  }
}

function writeInt64(buffer, offset, value) {
  store(buffer, offset, toInteger(value, 'writeInt64', true));
}

function writeUInt64(buffer, offset, value) {
  store(buffer, offset, toInteger(value, 'writeUInt64', false));
}

/** The functions of the other byte order, out of those of the machine's. */
function swapped(read, write) {
  const scratch = Buffer.alloc(8);
  return {
    read(buffer, offset = 0) {
      for (let i = 0; i < 8; i++) scratch[i] = buffer[offset + 7 - i];
      return read(scratch, 0);
    },
    write(buffer, offset, value) {
      write(scratch, 0, value);
      for (let i = 0; i < 8; i++) buffer[(offset || 0) + i] = scratch[7 - i];
    },
  };
}

module.exports = {
  fromBigInt,
  fromHalves,
  readInt64,
  readUInt64,
  swapped,
  toInteger,
  writeInt64,
  writeUInt64,
};
