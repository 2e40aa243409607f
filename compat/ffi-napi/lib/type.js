'use strict';
/**
 * From a ref type to C. Two answers: `ffiType(type)` is a Buffer over an `ffi_type`, as the original hands out and as
 * types may bring one of their own; `specOf(type)` is how frames.plan() takes a type, where packed structs and unions
 * are what C says they are.
 */
const assert = require('node:assert');
const ref = require('../../ref-napi/lib/ref.js');
const Struct = require('../../ref-struct-di/lib/struct.js')(ref);
const { FFI_TYPES, libffi } = require('./bindings.js');

/** bf_kind of src/ctype/ctype.h. */
const KIND = {
  void: 0,
  int8: 2,
  uint8: 3,
  int16: 4,
  uint16: 5,
  int32: 6,
  uint32: 7,
  int64: 8,
  uint64: 9,
  float: 12,
  double: 13,
  pointer: 19,
};

const FFI_TYPE_STRUCT = 13;

const FFI_TYPE = Struct();
FFI_TYPE.defineProperty('size', ref.types.size_t);
FFI_TYPE.defineProperty('alignment', ref.types.ushort);
FFI_TYPE.defineProperty('type', ref.types.ushort);
FFI_TYPE.defineProperty('elements', ref.refType(ref.refType(FFI_TYPE)));

/** ffi_type Buffer -> spec, for those made here. */
const specs = new WeakMap();
for (const [name, type] of Object.entries(FFI_TYPES)) {
  const base = {
    uchar: 'uint8',
    char: 'int8',
    ushort: 'uint16',
    short: 'int16',
    uint: 'uint32',
    int: 'int32',
  };
  Object.assign(base, { ulonglong: 'uint64', longlong: 'int64' });
  specs.set(type, KIND[base[name] || name]);
}

for (const name of Object.keys(FFI_TYPES)) {
  if (name !== 'pointer') ref.types[name].ffi_type = FFI_TYPES[name];
}
ref.types.size_t.ffi_type = FFI_TYPES.pointer;
ref.types.CString.ffi_type = FFI_TYPES.pointer;
ref.types.Object.ffi_type = FFI_TYPES.pointer;
ref.types.long.ffi_type = FFI_TYPES.int64;
ref.types.ulong.ffi_type = FFI_TYPES.uint64;
// bool and byte have their own, so that variadic calls and foreign type packages find one with a name.
ref.types.bool.ffi_type = FFI_TYPES.uint8;
ref.types.byte.ffi_type = FFI_TYPES.uint8;

const isUnion = (type) =>
  type.isUnion === true || Object.values(type.fields).every((field) => !('offset' in field));
const isArray = (type) => type.indirection === 1 && type.fixedLength > 0;

/** Members of a struct or union, an array's elements one by one. */
function elementsOf(type) {
  const list = [];
  for (const { type: member } of Object.values(type.fields)) {
    let element = member;
    let count = 1;
    while (isArray(element)) {
      count *= element.fixedLength;
      element = element.type;
    }
    for (let i = 0; i < count; i++) list.push(element);
  }
  return list;
}

/** An `ffi_type` for a struct or union. libffi lays it out unless it can't: then size and alignment are ours. */
function makeAggregate(type) {
  const union = isUnion(type) && Object.keys(type.fields).length > 0;
  let list = elementsOf(type);
  const result = new FFI_TYPE();
  if (union || type.isPacked) {
    result.size = type.size;
    result.alignment = type.alignment;
  }
  // libffi knows no unions: the largest member stands for all.
  if (union) list = [list.reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a))];
  result.type = FFI_TYPE_STRUCT;
  const pointers = Buffer.alloc(ref.sizeof.pointer * (list.length + 1));
  list.forEach((element, i) => ref.writePointer(pointers, i * ref.sizeof.pointer, ffiType(element)));
  result.elements = pointers;

  const buffer = result.ref();
  specs.set(buffer, [
    union ? 'union' : type.isPacked ? 'packed' : 'struct',
    ...Object.values(type.fields).map((field) => memberSpec(field.type)),
  ]);
  return buffer;
}

function sizeOf(type) {
  return type.indirection === 1 ? type.size : ref.sizeof.pointer;
}

function memberSpec(type) {
  return isArray(type) ? ['array', memberSpec(type.type), type.fixedLength] : specOf(type);
}

/**
 * The `ffi_type` of a type, remembered as its property `ffi_type`.
 *
 * @param {any} givenType type or its name
 * @returns {Buffer}
 */
function ffiType(givenType) {
  const type = ref.coerceType(givenType);
  assert(type.indirection >= 1, 'invalid "type" given: ' + (type.name || type));
  if (type.indirection > 1) return FFI_TYPES.pointer;
  if (type.ffi_type) return type.ffi_type;
  // An array travels as the pointer to its first element.
  if (type.type) return FFI_TYPES.pointer;
  if (type.fields) return (type.ffi_type = makeAggregate(type));
  let result;
  if (type.name === 'CString') result = type.ffi_type = FFI_TYPES.pointer;
  // Another copy's types, and what is derived of them, by name.
  for (let t = type; !result && t && type.name; t = Object.getPrototypeOf(t)) result = byName(t.name);
  assert(result, 'Could not determine the `ffi_type` instance for type: ' + (type.name || type));
  return (type.ffi_type = result);
}

const NAMED = {
  long: 'int64',
  ulong: 'uint64',
  size_t: 'pointer',
  bool: 'uint8',
  byte: 'uint8',
  Object: 'pointer',
};

function byName(name) {
  const own = Object.hasOwn(NAMED, name) ? NAMED[name] : name;
  return Object.hasOwn(FFI_TYPES, own) ? FFI_TYPES[own] : undefined;
}

/**
 * @param {any} type coerced
 * @returns {number | any[]}
 * @throws {TypeError} for an `ffi_type` of the type's own that makes no sense
 */
function specOf(type) {
  if (type.indirection > 1) return KIND.pointer;
  const ffi = ffiType(type);
  const known = specs.get(ffi);
  return known === undefined ? libffi.describe(ffi) : known;
}

ffiType.FFI_TYPE = FFI_TYPE;
module.exports = ffiType;
module.exports.KIND = KIND;
module.exports.specOf = specOf;
