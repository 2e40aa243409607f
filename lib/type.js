'use strict';
/*
 * Type objects: what C calls a type, as JavaScript holds it. Equal types are one
 * object, whether they were parsed or made by hand: `pointer('int')` is the type of
 * a parameter `int *`. Structs, unions and enums are equal only to themselves.
 *
 * Struct, union and array types have a constructor (lib/struct.js, lib/array.js),
 * which stands for the type wherever one is expected.
 */
const native = require('./native');
const { HANDLE, TYPE } = require('./keys');
const { failure, expected, inspect } = require('./errors');

/* bf_kind of src/ctype/ctype.h */
const KIND = {
  VOID: 0,
  BOOL: 1,
  INT8: 2,
  UINT8: 3,
  INT16: 4,
  UINT16: 5,
  INT32: 6,
  UINT32: 7,
  INT64: 8,
  UINT64: 9,
  CLDOUBLE: 18,
  POINTER: 19,
  ARRAY: 20,
  STRUCT: 21,
  UNION: 22,
  ENUM: 23,
  FUNCTION: 24,
  VECTOR: 25,
  ALIAS: 26,
};
const NAMES = {
  19: 'pointer',
  20: 'array',
  21: 'struct',
  22: 'union',
  23: 'enum',
  24: 'function',
  25: 'vector',
};

/* BF_FLAG_... */
const FLAG = {
  CONST: 1,
  VOLATILE: 2,
  INCOMPLETE: 4,
  FLEXIBLE: 8,
  PACKED: 16,
  VARIADIC: 32,
  CHAR: 64,
  VLIST: 128,
};

/* bf_conversion of src/node/convert.h */
const CONVERSION = {
  VOID: 0,
  BOOL: 1,
  INT8: 2,
  UINT8: 3,
  INT16: 4,
  UINT16: 5,
  INT32: 6,
  UINT32: 7,
  INT64: 8,
  UINT64: 9,
  INT128: 10,
  UINT128: 11,
  FLOAT: 12,
  DOUBLE: 13,
  LDOUBLE: 14,
  COMPLEX: 15,
  STRING: 16,
  STRING16: 17,
  STRING32: 18,
  POINTER: 19,
  CALLBACK: 20,
  MEMORY: 21,
  UNSUPPORTED: 22,
};

let count = 0;

/** A C type. Never constructed directly: see typeOf. */
class Type {
  #description;
  #base;
  #members;
  #params;
  #maker;

  constructor(handle, description) {
    this[HANDLE] = handle;
    this.#description = description;
    this.kindNumber = description.kind;
    this.flags = description.flags;
    this.conversion = description.conversion;
    this.serial = ++count;
    /** What lib/codec.js made for it: functions that read, write, write many; and how pointers read one at once. */
    this.reader = undefined;
    this.writer = undefined;
    this.filler = undefined;
    this.scalar = 0;
    /** Bytes from one element to the next, once a Pointer found that there are values of the type to be read. */
    this.step = 0;
    /** What values of a struct or union type are called. */
    this.title = undefined;
    /** The option int64 of the library that a struct or union type belongs to. */
    this.int64 = undefined;
  }

  /** 'int', 'struct', 'pointer', ... ; an alias (typedef, const) has the kind of what it names. */
  get kind() {
    const { kindNumber } = this.resolved;
    return NAMES[kindNumber] ?? this.resolved.#description.name;
  }

  /** The type as C spells it: "const char *". */
  get spelling() {
    return this.#description.spelling;
  }

  /** The tag, the typedef's name, or a builtin type's; undefined without one. */
  get name() {
    return this.#description.name;
  }

  /** Bytes; 0 while incomplete. */
  get size() {
    return this.resolved.#description.size;
  }

  /** Bytes. */
  get align() {
    return this.resolved.#description.align;
  }

  /** The type without typedef names and qualifiers. */
  get resolved() {
    let type = this;
    while (type.kindNumber === KIND.ALIAS) type = type.base;
    return type;
  }

  /** What a pointer points to, an array's element, an alias's type, an enum's integer, a function's result. */
  get base() {
    this.#base ??= this.#description.base && typeFromHandle(this.#description.base);
    return this.#base;
  }

  /** Is it, or what it stands for, const? */
  get isConst() {
    for (let type = this; type.kindNumber === KIND.ALIAS; type = type.base) {
      if (type.flags & FLAG.CONST) return true;
    }
    return false;
  }

  /** Elements of an array; 0 when flexible. */
  get count() {
    return this.resolved.#description.count;
  }

  get isComplete() {
    return !(this.resolved.flags & FLAG.INCOMPLETE);
  }

  /** Members of a struct or union: [{ name, type, offset, bitOffset, bitWidth, doc }]. */
  get members() {
    const type = this.resolved;
    type.#members ??= (type.#description.members ?? []).map((m) => ({ ...m, type: typeFromHandle(m.type) }));
    return type.#members;
  }

  /** Members of an enum: Map of name to value. */
  get enumerators() {
    const list = this.resolved.#description.enumerators ?? [];
    const map = new Map();
    for (let i = 0; i < list.length; i += 2) map.set(list[i], list[i + 1]);
    return map;
  }

  /** Parameters of a function: [{ name, type }]. */
  get params() {
    const type = this.resolved;
    type.#params ??= (type.#description.params ?? []).map((p) => ({
      name: p.name,
      type: typeFromHandle(p.type),
    }));
    return type.#params;
  }

  /** The constructor of values of a struct, union or array type; undefined for the others. */
  get valueConstructor() {
    const type = this.resolved;
    /* typedef struct { ... } Point: the struct is known by the first typedef it is met under. */
    type.title ??= type.name ?? this.name ?? type.kind;
    type.#maker ??= Type.makeConstructor(type);
    return type.#maker;
  }

  /** Is this the same type for a C compiler? Typedef names and qualifiers don't count. */
  equals(other) {
    return native.sameType(this[HANDLE], typeOf(other)[HANDLE]);
  }

  toString() {
    return this.spelling;
  }

  [inspect.custom]() {
    return `Type <${this.spelling}>`;
  }
}

/** (type) => constructor or undefined; lib/values.js fills it in. */
Type.makeConstructor = () => undefined;

/* Types by the addon's id and by structure. What nobody else holds may go. */
const byId = new Map();
const byKey = new Map();
const forget = new FinalizationRegistry(({ map, key, type }) => {
  if (map.get(key) === type) map.delete(key);
});

/** For as long as `holder` lives: a type, or one of the addon's handles of it. */
function remember(map, key, type, holder) {
  map.set(key, new WeakRef(type));
  forget.register(holder, { map, key, type: map.get(key) });
}

/** What types of equal structure have in common. */
function structureKey(d) {
  const part = (handle) => typeFromHandle(handle).serial;
  switch (d.kind) {
    case KIND.POINTER:
      return `*${part(d.base)}`;
    case KIND.ARRAY:
      return `[${d.flags},${d.count}]${part(d.base)}`;
    case KIND.ALIAS:
      return `=${d.flags},${d.name ?? ''},${part(d.base)}`;
    case KIND.FUNCTION:
      return `(${d.flags},${d.params.map((p) => `${p.name ?? ''}:${part(p.type)}`).join()})${part(d.base)}`;
    default:
      return `#${d.id}`;
  }
}

/** The type object of a handle of the addon. */
function typeFromHandle(handle) {
  const id = native.typeId(handle);
  let type = byId.get(id)?.deref();
  if (type !== undefined) return type;
  const description = native.describe(handle);
  const key = structureKey(description);
  type = byKey.get(key)?.deref();
  if (type === undefined) {
    type = new Type(handle, description);
    remember(byKey, key, type, type);
  }
  /* Each handle that is made for a type that is known has an id of its own, and an end of its own. */
  remember(byId, id, type, handle);
  return type;
}

/* 'pointer' and 'string' are ffi-napi's names. */
const SYNONYMS = { pointer: 'void *', string: 'const char *' };
const parsed = new Map();

function parseType(text, declarations) {
  if (declarations !== undefined) return parseIn(declarations, text);
  let type = parsed.get(text);
  if (type === undefined) {
    const handle = native.namedType(text) ?? native.parseType(undefined, SYNONYMS[text] ?? text);
    parsed.set(text, (type = typeFromHandle(handle)));
  }
  return type;
}

/* By declarations, then by text: what is parsed stays with the declarations, so once is enough. */
const parsedIn = new WeakMap();

function parseIn(declarations, text) {
  let type = parsedIn.get(declarations)?.get(text);
  if (type !== undefined) return type;
  type = typeFromHandle(native.parseType(declarations, text));
  const types = parsedIn.get(declarations) ?? new Map();
  parsedIn.set(declarations, types.set(text, type));
  return type;
}

/**
 * The type that something stands for: a Type, a struct, union, array or enum that
 * struct(), load() and the like made, or C text ('const char *').
 * @param {unknown} what
 * @param {object} [declarations] handle whose names the text may use
 * @returns {Type}
 */
function typeOf(what, declarations) {
  if (what instanceof Type) return what;
  if (typeof what === 'string') return parseType(what, declarations);
  const type = what === null || what === undefined ? undefined : what[TYPE];
  if (type instanceof Type && typeof what === 'function') return type;
  throw expected('type', 'a type (C text, or what struct(), pointer() ... made)', what);
}

/** As typeOf, but void or a type whose size is known: for memory to make. */
function completeType(what, label) {
  const type = typeOf(what);
  if (!type.isComplete || type.size === 0) {
    throw failure('BF_ETYPE', `${label}: ${type.spelling} has no size`);
  }
  return type;
}

/**
 * Pointer to a type.
 * @param {Type | string | Function} to
 */
function pointer(to) {
  return typeFromHandle(native.pointerType(typeOf(to)[HANDLE]));
}

/**
 * The type of functions.
 * @param {Type | string} result
 * @param {(Type | string | Function)[]} [params] '...' last: variadic
 */
function fn(result, params = []) {
  if (!Array.isArray(params)) throw expected('fn()', 'an array of parameter types', params);
  const variadic = params.at(-1) === '...';
  const list = variadic ? params.slice(0, -1) : params;
  const flat = list.flatMap((p) => [undefined, adjusted(typeOf(p))[HANDLE]]);
  return typeFromHandle(native.functionType(typeOf(result)[HANDLE], flat, variadic ? FLAG.VARIADIC : 0));
}

/** Arrays and functions as parameters are pointers, as in C. */
function adjusted(type) {
  const { kindNumber } = type.resolved;
  if (kindNumber === KIND.ARRAY) return pointer(type.resolved.base);
  return kindNumber === KIND.FUNCTION ? pointer(type) : type;
}

/** The same type, const. */
function constant(what) {
  return typeFromHandle(native.aliasType(undefined, typeOf(what)[HANDLE], FLAG.CONST));
}

module.exports = {
  Type,
  KIND,
  FLAG,
  CONVERSION,
  typeOf,
  typeFromHandle,
  completeType,
  pointer,
  fn,
  constant,
};
