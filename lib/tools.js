'use strict';
/*
 * Small tools around types and memory: memory from C's heap, C strings, sizes, and
 * types for variadic arguments.
 */
const native = require('./native');
const { MEMORY, OFFSET, TYPE, VALUE } = require('./keys');
const { KIND, typeOf, completeType } = require('./type');
const {
  allocateNative,
  freeNative,
  everywhere,
  reserve,
  room,
  alone,
  addressOf: address,
} = require('./memory');
const { VIEW, helpers } = require('./codec');
const { array, unitsOf } = require('./array');
const { Pointer } = require('./pointer');
const { fieldsOf } = require('./struct');
const { failure, expected } = require('./errors');

const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');

/**
 * Zeroed memory from C's heap, which stays at its address until free(), the end of a
 * `using` block, or its collection. Use after that throws.
 * @param {unknown} type or a number of bytes
 * @param {number} [length] for that many elements
 * @returns {object} a struct, union or array value; a Pointer for other types
 */
function alloc(type, length) {
  const target = typeof type === 'number' ? undefined : completeType(type, 'alloc()');
  const count = length ?? 1;
  const bytes = target === undefined || typeof count !== 'number' ? type : target.size * count;
  if (!Number.isSafeInteger(bytes) || bytes <= 0 || !Number.isSafeInteger(count)) {
    throw expected(
      'alloc()',
      'a type or a number of bytes, and a length',
      target === undefined ? type : length,
    );
  }
  const memory = allocateNative(bytes);
  const value = valueAt(target ?? typeOf('void'), length, memory);
  Object.defineProperty(value, DISPOSE, { value: () => memory.freed || freeNative(memory) });
  return value;
}

function valueAt(type, length, memory) {
  if (length !== undefined) return new (array(type, length))(VIEW, memory, 0);
  const { kindNumber } = type.resolved;
  if (kindNumber === KIND.STRUCT || kindNumber === KIND.UNION || kindNumber === KIND.ARRAY) {
    return new type.valueConstructor(VIEW, memory, 0);
  }
  return new Pointer(type, memory, 0);
}

/** Frees what alloc() gave. Use of it afterwards, and freeing it twice, throws. */
function free(value) {
  const memory = value?.[MEMORY];
  if (memory === undefined) throw expected('free()', 'what alloc() gave', value);
  freeNative(memory);
}

/* What a string may be made of: integers of 1, 2 or 4 bytes. */
const CHARACTERS = [KIND.INT8, KIND.UINT8, KIND.INT16, KIND.UINT16, KIND.INT32, KIND.UINT32];

/**
 * A NUL-terminated string in memory that lives as long as what it returns.
 * @param {string} text
 * @param {unknown} [character] 'char' (UTF-8), 'char16_t', 'char32_t', 'wchar_t'
 */
function cstring(text, character = 'char') {
  if (typeof text !== 'string') throw expected('cstring()', 'a string', text);
  const type = typeOf(character);
  if (type.resolved.kindNumber !== KIND.VOID && !CHARACTERS.includes(type.resolved.kindNumber))
    throw expected('cstring()', 'a character type', character);
  return makeString(text, type, 'cstring()');
}

function makeString(text, type, label) {
  if (text.includes('\0')) throw failure('BF_ETYPE', `${label}: expected a string without NUL characters`);
  const width = type.size || 1;
  const units = unitsOf(text, width);
  const size = (units.length + 1) * width;
  reserve(size, width);
  const memory = alone(room.memory, room.offset, size);
  const name = { 1: 'setUint8', 2: 'setUint16', 4: 'setUint32' }[width];
  for (let i = 0; i < units.length; i++) memory[name](i * width, units[i], true);
  return new Pointer(type.resolved.kindNumber === KIND.VOID ? typeOf('char') : type.resolved, memory, 0);
}
helpers.makeString = makeString;

/**
 * A value with its C type, for what stands for "...": printf('%f', as('double', 1)).
 */
function as(type, value) {
  return { [TYPE]: typeOf(type), [VALUE]: [value] };
}

/** Bytes of a type, or of a value's type. */
function sizeof(what) {
  return (what?.[MEMORY] !== undefined ? what[TYPE] : completeType(what, 'sizeof()')).size;
}

/** Alignment of a type in bytes. */
function alignof(what) {
  return completeType(what, 'alignof()').align;
}

/** The offset of a member in bytes, also inside anonymous structs and unions. */
function offsetof(what, member) {
  const type = typeOf(what);
  if (typeof member !== 'string') throw expected('offsetof()', 'the name of a member', member);
  const field = fieldsOf(type.resolved).find((f) => f.name === member);
  if (field === undefined) throw failure('BF_ETYPE', `${type.spelling} has no member '${member}'`);
  return field.offset;
}

/** The address of a value, Buffer, TypedArray, ArrayBuffer or bound function. */
function addressOf(value) {
  const found =
    typeof value === 'function'
      ? native.functionAddress(value)
      : value !== null && typeof value === 'object'
        ? value[MEMORY] === everywhere && value[OFFSET] !== undefined
          ? address(value)
          : native.address(value)
        : undefined;
  if (found === undefined) throw expected('addressOf()', 'a value in memory', value);
  return BigInt(found);
}

module.exports = { alloc, free, cstring, as, sizeof, alignof, offsetof, addressOf };
