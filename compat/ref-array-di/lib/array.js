'use strict';
/**
 * ref-array-di: C arrays as views over Buffers. `require('ref-array-di')(ref)` gives ArrayType(type, length): with a
 * length a type for struct members, without one a type that travels as a pointer to the first element.
 */
const assert = require('node:assert');
const once = require('../../once.js');
const { Indexed, kGet, kSet } = require('./indexed.js');

/**
 * @param {typeof import('../../ref-napi/lib/ref.js')} ref
 */
function makeArray(ref) {
  /** The memory of element `index`, which may lie beyond what is known of a pointer. */
  function memoryFor(array, index) {
    const end = array.constructor.BYTES_PER_ELEMENT * (index + 1);
    return array.buffer.length < end ? ref.reinterpret(array.buffer, end) : array.buffer;
  }

  function getElement(index) {
    const type = this.constructor;
    return ref.get(memoryFor(this, index), type.BYTES_PER_ELEMENT * index, type.type);
  }

  function setElement(index, value) {
    const type = this.constructor;
    ref.set(memoryFor(this, index), type.BYTES_PER_ELEMENT * index, value, type.type);
    return value;
  }

  /** A pointer to the array: what `int (*)[]` is to `int[]`. */
  function refOf() {
    const type = this.constructor;
    const size = this.buffer.length;
    const result = ref.ref(this.buffer);
    result.type = Object.create(ref.types.CString);
    result.type.get = (buf, offset) => new type(ref.readPointer(buf, offset | 0, size));
    result.type.set = () => assert(0, 'implement!!!');
    return result;
  }

  /** Shares the memory. */
  function slice(start, end) {
    const size = this.constructor.BYTES_PER_ELEMENT;
    return new this.constructor(this.buffer.slice(start * size, end ? end * size : undefined));
  }

  /* --- the type of an array of known length: its elements are the value ---------- */

  function get(buffer, offset) {
    return new this(offset > 0 ? buffer.slice(offset) : buffer);
  }

  function set(buffer, offset, value) {
    const array = this.get(buffer, offset);
    if (!(value instanceof this || Array.isArray(value))) {
      throw new Error('not sure how to set into Array: ' + value);
    }
    for (let i = 0; i < value.length; i++) array[i] = value[i];
  }

  /* --- the type of an array of any length: a pointer is the value ---------------- */

  function getPointer(buffer, offset) {
    return new this(ref.readPointer(buffer, offset));
  }

  function setPointer(buffer, offset, value) {
    ref.writePointer(buffer, offset, (value instanceof this ? value : new this(value)).buffer);
  }

  function untilZeros(buffer) {
    return new this(ref.reinterpretUntilZeros(buffer, this.type.size));
  }

  function toString() {
    return '[ArrayType]';
  }

  /**
   * @param {any} elementType type or its name
   * @param {number} [length]
   */
  return function ArrayType_(elementType, length) {
    const type = ref.coerceType(elementType);
    const fixedLength = length | 0;

    function ArrayType(data, count) {
      if (!(this instanceof ArrayType)) return new ArrayType(data, count);
      Indexed.call(this);
      const size = ArrayType.BYTES_PER_ELEMENT;
      const wanted = count ?? (fixedLength > 0 ? fixedLength : undefined);

      if (arguments.length === 0) {
        if (fixedLength <= 0)
          throw new Error('A "length", "array" or "buffer" must be passed as the first argument');
        this.length = fixedLength;
        this.buffer = Buffer.alloc(fixedLength * size);
      } else if (typeof data === 'number') {
        this.length = data;
        this.buffer = Buffer.alloc(this.length * size);
      } else if (Array.isArray(data)) {
        const n = wanted ?? data.length;
        if (data.length < n) throw new Error('array length must be at least ' + n + ', got ' + data.length);
        this.length = n;
        this.buffer = Buffer.alloc(n * size);
        for (let i = 0; i < n; i++) this[i] = data[i];
      } else if (ArrayBuffer.isView(data)) {
        // Any view serves as memory, as it does where a pointer is expected.
        const bytes = Buffer.isBuffer(data)
          ? data
          : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
        const n = wanted ?? (bytes.length / size) | 0;
        this.length = n;
        if (bytes.length < size * n) {
          throw new Error('buffer length must be at least ' + size * n + ', got ' + bytes.length);
        }
        this.buffer = bytes.length === size * n ? bytes : bytes.slice(0, size * n);
      }
    }

    ArrayType.prototype = Object.create(Indexed.prototype, {
      constructor: {
        value: ArrayType,
        enumerable: false,
        writable: true,
        configurable: true,
      },
      buffer: {
        value: ref.NULL,
        enumerable: true,
        writable: true,
        configurable: true,
      },
      ref: {
        value: refOf,
        enumerable: true,
        writable: true,
        configurable: true,
      },
      slice: {
        value: slice,
        enumerable: true,
        writable: true,
        configurable: true,
      },
      [kGet]: { value: getElement },
      [kSet]: { value: setElement },
    });

    if (fixedLength > 0) ArrayType.fixedLength = fixedLength;
    ArrayType.type = type;
    ArrayType.BYTES_PER_ELEMENT = type.indirection === 1 ? type.size : ref.sizeof.pointer;
    assert(ArrayType.BYTES_PER_ELEMENT > 0);
    const inPlace = fixedLength > 0;
    ArrayType.size = inPlace ? ArrayType.BYTES_PER_ELEMENT * fixedLength : ref.sizeof.pointer;
    ArrayType.alignment = inPlace && type.indirection === 1 ? type.alignment : ref.alignof.pointer;
    ArrayType.indirection = 1;
    ArrayType.get = inPlace ? get : getPointer;
    ArrayType.set = inPlace ? set : setPointer;
    ArrayType.untilZeros = untilZeros;
    ArrayType.toString = toString;
    return ArrayType;
  };
}

const made = once('ref-array-di', () => new WeakMap());

module.exports = function arrayFor(ref) {
  if (!made.has(ref)) made.set(ref, makeArray(ref));
  return made.get(ref);
};
