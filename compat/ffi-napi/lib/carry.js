'use strict';
/**
 * How values of a type travel through a call's frame. `carrier(type)` gives
 *
 *   spec              the C type, for the plan
 *   isPointer         a pointer argument: toPointer() gives what the call writes, nothing is written here
 *   write(at, v, size, keep)  writes an argument; `keep` collects what must live as long as the call
 *   toPointer(v)      a view, an address or null
 *   read(at, size)    the value there
 *
 * Scalars whose type has the built-in get() and set() go straight to memory when they are plain numbers in range;
 * whatever else goes through the type's own get() and set(), so that its coercions and errors are the original's.
 */
const ref = require('../../ref-napi/lib/ref.js');
const { fromHalves } = require('../../ref-napi/lib/int64.js');
const { wrapPointer } = require('../../ref-napi/lib/memory.js');
const { rawmem } = require('../../native.js');
const { bytes, block } = require('./block.js');
const { KIND, specOf } = require('./type.js');

const I8 = new Int8Array(block);
const U8 = new Uint8Array(block);
const I16 = new Int16Array(block);
const U16 = new Uint16Array(block);
const I32 = new Int32Array(block);
const U32 = new Uint32Array(block);
const F32 = new Float32Array(block);
const F64 = new Float64Array(block);
const TWO32 = 4294967296;

const { types } = ref;

/* --- scalars ---------------------------------------------------------------------- */

/** A number in range goes into the typed array, anything else through the type. */
function integer(array, shift, low, high) {
  return {
    write: (set) => (at, v) => {
      if (typeof v === 'number' && v >= low && v <= high) array[at >> shift] = v;
      else set(bytes, at, v);
    },
    read: (at) => array[at >> shift],
  };
}

function float(array, shift) {
  return {
    write: (set) => (at, v) => {
      if (typeof v === 'number') array[at >> shift] = v;
      else set(bytes, at, v);
    },
    read: (at) => array[at >> shift],
  };
}

function wide(high) {
  return {
    write: (set) => (at, v) => {
      if (Number.isSafeInteger(v)) {
        const low = v >>> 0;
        U32[at >> 2] = low;
        I32[(at >> 2) + 1] = (v - low) / TWO32;
      } else set(bytes, at, v);
    },
    read: (at) => fromHalves(U32[at >> 2], high[(at >> 2) + 1]),
  };
}

const scalars = {
  int8: integer(I8, 0, -128, 127),
  uint8: integer(U8, 0, 0, 255),
  int16: integer(I16, 1, -32768, 32767),
  uint16: integer(U16, 1, 0, 65535),
  int32: integer(I32, 2, -2147483648, 2147483647),
  uint32: integer(U32, 2, 0, 4294967295),
  int64: wide(I32),
  uint64: wide(U32),
  float: float(F32, 2),
  double: float(F64, 3),
  bool: { write: (set) => (at, v) => set(bytes, at, v), read: (at) => U8[at] !== 0 },
};

/** get() of a built-in -> its name here, its set(), and the kind of its `ffi_type`. */
const builtin = new Map();
for (const name of Object.keys(scalars)) {
  const { get, set } = types[name];
  builtin.set(get, { name, set, kind: KIND[name === 'bool' ? 'uint8' : name], ...scalars[name] });
}

function scalar(type) {
  const known = builtin.get(type.get);
  if (!known || known.set !== type.set) return undefined;
  const spec = specOf(type);
  // size_t says it is a pointer; a type with an ffi_type of its own may be anything.
  if (spec !== known.kind && !(spec === KIND.pointer && known.kind === KIND.uint64)) return undefined;
  return {
    spec: known.kind,
    isPointer: false,
    write: known.write((buffer, at, v) => type.set(buffer, at, v)),
    read: known.read,
  };
}

/* --- pointers ------------------------------------------------------------------------ */

function readAddress(at) {
  const high = U32[(at >> 2) + 1];
  if (high < 0x200000) return high * TWO32 + U32[at >> 2];
  return (BigInt(high) << 32n) | BigInt(U32[at >> 2]);
}

function writeAddress(at, pointer) {
  const address = typeof pointer === 'number' ? pointer : pointer === null ? 0 : rawmem.address(pointer);
  if (typeof address === 'bigint') bytes.writeBigUInt64LE(address, at);
  else {
    U32[at >> 2] = address >>> 0;
    U32[(at >> 2) + 1] = address / TWO32;
  }
}

function toPointer(v) {
  if (v === null || ArrayBuffer.isView(v)) return v;
  throw new TypeError('writePointer: Buffer instance expected as third argument');
}

function pointer(type) {
  const to = ref.derefType(type);
  const length = type.indirection === 2 ? type.size : ref.sizeof.pointer;
  return {
    spec: KIND.pointer,
    isPointer: true,
    toPointer,
    write: undefined,
    read(at) {
      const buffer = wrapPointer(readAddress(at), length);
      buffer.type = to;
      return buffer;
    },
  };
}

/* --- strings -------------------------------------------------------------------------- */

// Strings stand one after the other in slabs; a slab lives as long as somebody holds it, as with Buffer's own pool.
const SLAB = 16384;
const LONG = 1024;
let slab = Buffer.alloc(0);
let slabAddress = 0;
let slabUsed = 0;

/** @returns {number | Buffer} where the string now stands; a Number lies in currentSlab() */
function place(string) {
  if (string.length > LONG) return Buffer.from(string + '\0');
  if (slabUsed + string.length * 3 + 1 > slab.length) {
    slab = Buffer.alloc(SLAB);
    slabAddress = rawmem.address(slab);
    slabUsed = 0;
  }
  const start = slabUsed;
  const end = start + slab.write(string, start);
  slab[end] = 0;
  slabUsed = end + 1;
  return slabAddress + start;
}

function stringToPointer(v) {
  if (typeof v === 'string') return place(v);
  if (v === null || v === undefined) return null;
  return Buffer.isBuffer(v) ? v : ref.allocCString(v);
}

const string = {
  spec: KIND.pointer,
  isPointer: true,
  toPointer: stringToPointer,
  write: undefined,
  read: (at) => rawmem.cstring(readAddress(at)),
};

/* --- everything else: through memory of the value's own ---------------------------------- */

/** Pointers that a type's set() has written are integers for the plan: it must not fill them in. */
function memorySpec(type) {
  const spec = specOf(type);
  return spec === KIND.pointer ? KIND.uint64 : spec;
}

function memory(type) {
  return {
    spec: memorySpec(type),
    isPointer: false,
    toPointer: undefined,
    write(at, v, size, keep) {
      const buffer = Buffer.alloc(type.size);
      buffer.type = type;
      type.set(buffer, 0, v);
      buffer.copy(bytes, at, 0, size);
      keep.push(buffer);
    },
    read(at, size) {
      const buffer = Buffer.alloc(Math.max(type.size, 8));
      bytes.copy(buffer, 0, at, at + Math.min(size, buffer.length));
      buffer.type = type;
      return type.get(buffer, 0);
    },
  };
}

/** An array of known length: C takes and gives the pointer to its first element. */
function arrayPointer(type) {
  return {
    spec: KIND.pointer,
    isPointer: true,
    toPointer(v) {
      if (v === null) return null;
      if (v instanceof type) return v.buffer;
      if (ArrayBuffer.isView(v)) return v;
      const buffer = Buffer.alloc(type.size);
      buffer.type = type;
      type.set(buffer, 0, v);
      return buffer;
    },
    write: undefined,
    read(at) {
      const address = readAddress(at);
      return address ? type.get(wrapPointer(address, type.size), 0) : null;
    },
  };
}

const nothing = { spec: KIND.void, isPointer: false, toPointer: undefined, write() {}, read: () => null };

/** Carriers of types whose parts are as they were when the carrier was made. */
const known = new WeakMap();

/**
 * @param {any} type coerced
 */
function carrier(type) {
  const found = known.get(type);
  if (
    found !== undefined &&
    found.get === type.get &&
    found.set === type.set &&
    found.ffi_type === type.ffi_type &&
    found.size === type.size
  ) {
    return found.carrier;
  }
  const made = makeCarrier(type);
  // After it was made: a struct's ffi_type is set on the way.
  known.set(type, { get: type.get, set: type.set, ffi_type: type.ffi_type, size: type.size, carrier: made });
  return made;
}

function makeCarrier(type) {
  if (type.indirection > 1) return pointer(type);
  if (type.get === types.void.get && type.set === types.void.set) return nothing;
  if (type.get === types.CString.get && type.set === types.CString.set) return string;
  const plain = scalar(type);
  if (plain) return plain;
  if (type.type && type.fixedLength > 0 && !type.ffi_type) return arrayPointer(type);
  return memory(type);
}

/**
 * As C passes a variadic argument: float as double, what is narrower than int as int.
 */
function promoted(type) {
  const plain = carrier(type);
  const { spec } = plain;
  if (spec !== KIND.float && !(spec > KIND.void && spec < KIND.int32)) return plain;
  const write = (at, v, size, keep) => {
    plain.write(at, v, Math.min(size, type.size), keep);
    const value = spec === KIND.float ? F32[at >> 2] : narrow[spec](at);
    if (spec === KIND.float) F64[at >> 3] = value;
    else I32[at >> 2] = value;
  };
  return { ...plain, spec: spec === KIND.float ? KIND.double : KIND.int32, write };
}

const narrow = {
  [KIND.int8]: (at) => I8[at],
  [KIND.uint8]: (at) => U8[at],
  [KIND.int16]: (at) => I16[at >> 1],
  [KIND.uint16]: (at) => U16[at >> 1],
};

module.exports = { carrier, currentSlab: () => slab, promoted, writeAddress };
