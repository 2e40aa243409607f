'use strict';
/*
 * Pointers: an address and the type of what is there. A Pointer to JavaScript's own
 * memory keeps that memory alive.
 */
const { isAnyArrayBuffer } = require('node:util').types;
const native = require('./native');
const { MEMORY, OFFSET, TYPE } = require('./keys');
const { KIND, typeOf, completeType, pointer: pointerTo } = require('./type');
const { PAGE, read, everywhere, reserve, room, alone, addressOf, viewOf, NativeMemory } = require('./memory');
const { helpers, readerOf, writerOf, fillerOf } = require('./codec');
const { indexed } = require('./indexed');
const { failure, expected, inspect } = require('./errors');

/** Whether there is one value only, in memory that has others behind it. Not asked by instanceof: see indexed(). */
const SINGLE = Symbol('biffi.single');

/** Bytes from a place to the end of what is known of its memory. */
function bytesKnown(memory, offset) {
  const size = memory instanceof NativeMemory ? memory.size : memory.byteLength;
  return size - Number(offset);
}

class Pointer {
  /** Not for users: see pointerAt, out, alloc, and what C functions return. */
  constructor(type, memory, offset) {
    this[MEMORY] = memory;
    this[OFFSET] = offset;
    this[TYPE] = type;
  }

  /** The type of what it points to. */
  get type() {
    return this[TYPE];
  }

  /** The address. */
  get address() {
    return BigInt(addressOf(placed(this)));
  }

  /** What it points to: a Number, string ..., or a live view of a struct, union or array. */
  get value() {
    const address = this[OFFSET];
    /*
     * A number that C has somewhere, once its type is known: written out with the numbers of CONVERSION, so that
     * optimised code has all of it in line, and may do without the Pointer.
     */
    if (this[MEMORY] === everywhere && typeof address === 'number' && address >= PAGE) {
      switch (this[TYPE].scalar) {
        case 2 /* INT8 */:
          return read.Int8(address);
        case 3 /* UINT8 */:
          return read.Uint8(address);
        case 4 /* INT16 */:
          return read.Int16(address);
        case 5 /* UINT16 */:
          return read.Uint16(address);
        case 6 /* INT32 */:
          return read.Int32(address);
        case 7 /* UINT32 */:
          return read.Uint32(address);
        case 12 /* FLOAT */:
          return read.Float32(address);
        case 13 /* DOUBLE */:
          return read.Float64(address);
        default:
      }
    }
    return readerOf(readable(this))(this[MEMORY], address);
  }

  set value(value) {
    writerOf(readable(this))(this[MEMORY], this[OFFSET], value, `*(${this[TYPE].spelling} *)`);
  }

  /** The same as reading `value`. */
  deref() {
    return this.value;
  }

  /** A pointer `n` elements further. */
  add(n) {
    if (!Number.isInteger(n)) throw expected('Pointer.add()', 'an integer', n);
    const { [TYPE]: type, [MEMORY]: memory, [OFFSET]: offset } = bounded(this);
    const step = n * (type.size || 1);
    return new Pointer(type, memory, typeof offset === 'bigint' ? offset + BigInt(step) : offset + step);
  }

  /** The same address as another type: of what is there ('int'), or as in C's cast the pointer's own ('int *'). */
  cast(type) {
    const target = typeOf(type);
    const { kindNumber, base } = target.resolved;
    const { [MEMORY]: memory, [OFFSET]: offset } = bounded(this);
    return new Pointer(kindNumber === KIND.POINTER ? base : target, memory, offset);
  }

  /** Element `i`, as p[i]. */
  get(i) {
    return readerOf(readable(this))(this[MEMORY], elementOffset(this, i));
  }

  /** Sets element `i`, as p[i] = value. */
  set(i, value) {
    writerOf(readable(this))(this[MEMORY], elementOffset(this, i), value, i);
  }

  /** The NUL-terminated string there. */
  toText(limit = -1) {
    const { [TYPE]: type, [MEMORY]: memory, [OFFSET]: offset } = bounded(this);
    const width = type.resolved.kindNumber === KIND.VOID ? 1 : type.size;
    if (width !== 1 && width !== 2 && width !== 4)
      throw expected('Pointer.toText()', 'a pointer to characters', this);
    return native.readString(memory, offset, width, limit);
  }

  /**
   * A copy of `length` bytes from there.
   * @returns {ArrayBuffer}
   */
  toArrayBuffer(length = placed(this)[TYPE].size) {
    if (!Number.isSafeInteger(length) || length < 0)
      throw expected('Pointer.toArrayBuffer()', 'a length', length);
    const { [MEMORY]: memory, [OFFSET]: offset } = bounded(this);
    if (length > bytesKnown(memory, offset)) {
      throw failure('BF_ERANGE', `Pointer.toArrayBuffer(): ${length} bytes are more than the memory has`);
    }
    return native.copyOut(addressOf(this), length);
  }

  /** Do both point to the same address? */
  equals(other) {
    return (
      other !== null &&
      other !== undefined &&
      other[MEMORY] !== undefined &&
      this.address === BigInt(addressOf(other))
    );
  }

  [inspect.custom]() {
    const { spelling } = pointerTo(this[TYPE]);
    try {
      return `Pointer <${spelling}> 0x${this.address.toString(16)}`;
    } catch {
      return `Pointer <${spelling}> (freed)`;
    }
  }
}

/** The pointer itself, if it points somewhere: an out() without a type does when it was passed. */
function placed(pointer) {
  if (pointer[TYPE] === undefined)
    throw failure('BF_ETYPE', 'out(): it has no type yet: pass it to a function, or use out(type)');
  return pointer;
}

/** The same pointer, knowing where its memory ends: that of an out() has other values behind. */
function bounded(pointer) {
  if (!placed(pointer)[SINGLE]) return pointer;
  const type = pointer[TYPE];
  return new Pointer(type, alone(pointer[MEMORY], pointer[OFFSET], type.size), 0);
}

/** The type, if a value of it can be read. */
function readable(pointer) {
  const type = placed(pointer)[TYPE];
  if (type.step !== 0 && typeof pointer[OFFSET] === 'number') return type;
  const { kindNumber } = type.resolved;
  if (kindNumber === KIND.VOID || kindNumber === KIND.FUNCTION || !type.isComplete) {
    throw failure('BF_ETYPE', `a pointer to ${type.spelling} has no value: cast() it first`);
  }
  if (typeof pointer[OFFSET] === 'bigint') {
    throw failure('BF_ERANGE', `address 0x${pointer[OFFSET].toString(16)} is outside of what can be read`);
  }
  type.step = type.size;
  return type;
}

function elementOffset(pointer, i) {
  if (!Number.isSafeInteger(i)) throw expected('Pointer', 'an integer index', i);
  const size = readable(pointer).step;
  const offset = pointer[OFFSET] + i * size;
  const memory = pointer[MEMORY];
  if (memory === everywhere) return offset;
  if (pointer[SINGLE] ? i !== 0 : offset < 0 || size > bytesKnown(memory, offset)) {
    throw failure('BF_ERANGE', `index ${i} is outside of the memory that the pointer knows of`);
  }
  return offset;
}

Object.defineProperty(Pointer.prototype, SINGLE, { value: false });
indexed(Pointer.prototype);

/** The values of an array one behind the other in memory of their own: a pointer to the first. */
function pointerToAll(type, values) {
  const { length } = values;
  reserve(type.size * Math.max(length, 1), type.align);
  const { memory, offset } = room;
  fillerOf(type)(memory, offset, values, length);
  return new Pointer(type, memory, offset);
}

/**
 * A pointer to an address, or to the memory of a value.
 * @param {bigint | number | object} where an address, a Buffer, TypedArray, ArrayBuffer, struct value, Pointer
 * @param {unknown} [type] of what is there; default: void, or the value's own type
 * @returns {Pointer | null} null for address 0
 */
function pointerAt(where, type) {
  const target = type === undefined ? undefined : typeOf(type);
  if (typeof where === 'bigint' || typeof where === 'number') {
    if (typeof where === 'number' && !Number.isSafeInteger(where))
      throw expected('pointerAt()', 'an address', where);
    const address = BigInt.asUintN(64, BigInt(where));
    if (address === 0n) return null;
    const number = Number(address);
    return new Pointer(target ?? typeOf('void'), everywhere, Number.isSafeInteger(number) ? number : address);
  }
  if (ArrayBuffer.isView(where) || isAnyArrayBuffer(where))
    return new Pointer(target ?? typeOf('void'), viewOf(where, 'pointerAt()'), 0);
  if (where?.[MEMORY] === undefined)
    throw expected('pointerAt()', 'an address, a buffer or a value in memory', where);
  return new Pointer(target ?? where[TYPE], where[MEMORY], where[OFFSET]);
}

/**
 * Memory for a result that C writes through a pointer: pass it, then read `.value`.
 * Without a type it takes the parameter's.
 */
function out(type, initial) {
  const pointer = new Out();
  if (type !== undefined) pointer.adopt(type);
  if (initial !== undefined) pointer.value = initial;
  return pointer;
}

/** What out() gives. Until it has a type, that of the first parameter it is passed to, it points nowhere. */
class Out extends Pointer {
  constructor() {
    super(undefined, undefined, undefined);
  }

  /** Called by the conversion of a pointer argument, too. */
  adopt(type) {
    const target = completeType(type, 'out()');
    reserve(target.size, target.align);
    this[MEMORY] = room.memory;
    this[OFFSET] = room.offset;
    this[TYPE] = target;
  }

  [inspect.custom](...args) {
    return this[TYPE] === undefined ? 'Out <not passed yet>' : super[inspect.custom](...args);
  }
}

Object.defineProperty(Out.prototype, SINGLE, { value: true });

helpers.Pointer = Pointer;

module.exports = { Pointer, Out, pointerToAll, pointerAt, out };
