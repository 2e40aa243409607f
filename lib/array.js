'use strict';
/*
 * Arrays: live views over elements that lie one after the other.
 *
 *   const Four = array('int', 4);
 *   const a = new Four([1, 2, 3]);   // a[3] is 0
 */
const native = require('./native');
const { HANDLE, MEMORY, OFFSET, TYPE } = require('./keys');
const { typeOf, typeFromHandle } = require('./type');
const { reserve, room, copy, addressOf } = require('./memory');
const { VIEW, readerOf, writerOf, fillerOf, isText } = require('./codec');
const { describeConstructor, keepOne, plain, shownOfUnion } = require('./struct');
const { indexed } = require('./indexed');
const { failure, describe, expected, inspect } = require('./errors');

/** What all array values share. */
class ArrayValue {
  get length() {
    return this[TYPE].count;
  }

  /** Element `i`, as a[i]; a RangeError outside. */
  get(i) {
    return readerOf(this[TYPE].base)(this[MEMORY], elementOffset(this, i));
  }

  /** Sets element `i`, as a[i] = value. */
  set(i, value) {
    const type = this[TYPE];
    writerOf(type.base)(this[MEMORY], elementOffset(this, i), value, i);
  }

  *[Symbol.iterator]() {
    const read = readerOf(this[TYPE].base);
    const { size } = this[TYPE].base;
    for (let i = 0; i < this.length; i++) yield read(this[MEMORY], this[OFFSET] + i * size);
  }

  /** Sets all elements. */
  fill(value) {
    for (let i = 0; i < this.length; i++) this.set(i, value);
    return this;
  }

  /** A JavaScript array of the elements. */
  toArray() {
    const { [TYPE]: type, [MEMORY]: memory, [OFFSET]: offset } = this;
    const read = readerOf(type.base);
    const { size } = type.base;
    const elements = new Array(type.count);
    for (let i = 0; i < elements.length; i++) elements[i] = read(memory, offset + i * size);
    return elements;
  }

  /** The characters up to the first NUL, for arrays of characters. */
  toString() {
    const type = this[TYPE];
    if (!isText(type)) return this.toArray().join();
    return native.readString(this[MEMORY], this[OFFSET], type.base.size, type.count);
  }

  /** A copy of the bytes. */
  toArrayBuffer() {
    return native.copyOut(addressOf(this), this[TYPE].size);
  }

  toJSON() {
    return this.toArray().map(plain);
  }

  /** `shared`: it lies in a union. */
  [inspect.custom](depth, options, print, shared = false) {
    /* Made one by one: there may be more than JavaScript could hold. */
    const shown = Math.min(this.length, options.maxArrayLength ?? Infinity);
    const { spelling, base } = this[TYPE];
    const element = (i) => {
      const read = () => this.get(i);
      return shared ? shownOfUnion(base, this[MEMORY], elementOffset(this, i), read) : read();
    };
    let elements;
    try {
      elements = Array.from({ length: shown }, (_, i) => element(i));
    } catch (error) {
      return `${spelling} <${error.message}>`;
    }
    const more = this.length - shown;
    if (more > 0) elements.push({ [inspect.custom]: () => `... ${more} more item${more > 1 ? 's' : ''}` });
    return `${spelling} ${(print ?? inspect)(elements, { ...options, maxArrayLength: null })}`;
  }
}
indexed(ArrayValue.prototype);

function elementOffset(value, i) {
  const type = value[TYPE];
  if (!Number.isSafeInteger(i) || i < 0 || i >= type.count) {
    throw failure(
      'BF_ERANGE',
      `index ${typeof i === 'number' ? i : describe(i)} is outside of ${type.spelling}`,
    );
  }
  return value[OFFSET] + i * type.base.size;
}

/** Fills an array from a string, an iterable, a typed array, or another array value. */
function assign(value, init) {
  const type = value[TYPE];
  if (typeof init === 'string' && isText(type)) {
    assignText(value, type, init);
    return;
  }
  if (
    init !== null &&
    typeof init === 'object' &&
    init[MEMORY] !== undefined &&
    init[TYPE]?.resolved === type
  ) {
    copy(value[MEMORY], value[OFFSET], init[MEMORY], init[OFFSET], type.size);
    return;
  }
  if (init === null || typeof init !== 'object' || typeof init[Symbol.iterator] !== 'function') {
    throw expected(type.spelling, 'an array of its elements', init);
  }
  if (Array.isArray(init) && init.length <= type.count) {
    fillerOf(type.base)(value[MEMORY], value[OFFSET], init, init.length);
    return;
  }
  let i = 0;
  for (const element of init) {
    if (i === type.count)
      throw failure('BF_ERANGE', `${type.spelling}: more than ${type.count} elements were given`);
    value.set(i++, element);
  }
}

/** The units of a string as characters of 1 (UTF-8), 2 or 4 bytes. */
function unitsOf(text, width) {
  if (width === 1) return Buffer.from(text, 'utf8');
  if (width === 2) return Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return Uint32Array.from(text, (character) => character.codePointAt(0));
}

function assignText(value, type, text) {
  const { size: width } = type.base;
  const units = unitsOf(text, width);
  if (units.length > type.count) {
    throw failure('BF_ERANGE', `${type.spelling}: a string of ${units.length} characters does not fit`);
  }
  const name = { 1: 'setUint8', 2: 'setUint16', 4: 'setUint32' }[width];
  for (let i = 0; i < type.count; i++) value[MEMORY][name](value[OFFSET] + i * width, units[i] ?? 0, true);
}

/** Makes the constructor of an array type. */
function makeArray(type) {
  function Value(init, memory, offset) {
    if (new.target === undefined) return new Value(init);
    if (init === VIEW) {
      this[MEMORY] = memory;
      this[OFFSET] = offset;
      return;
    }
    reserve(type.size, type.align);
    this[MEMORY] = room.memory;
    this[OFFSET] = room.offset;
    if (init !== undefined) assign(this, init);
  }
  Object.setPrototypeOf(Value.prototype, ArrayValue.prototype);
  Object.defineProperty(Value.prototype, TYPE, { value: type });
  keepOne(Value);
  return describeConstructor(Value, type, type.spelling);
}

/**
 * Makes an array type: `array('int', 4)`; the result constructs values.
 * @param {unknown} element
 * @param {number} length
 */
function array(element, length) {
  if (!Number.isSafeInteger(length) || length < 0) throw expected('array()', 'a length', length);
  return typeFromHandle(native.arrayType(typeOf(element)[HANDLE], length)).valueConstructor;
}

module.exports = { makeArray, array, ArrayValue, unitsOf };
