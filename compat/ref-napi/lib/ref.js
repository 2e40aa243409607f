'use strict';
/**
 * ref-napi: Buffers as pointers, and the protocol of types that the whole family speaks.
 */
const assert = require('node:assert');
const { inspect } = require('node:util');
const once = require('../../once.js');
const debug = require('../../debug.js')('ref');
const { rawmem } = require('../../native.js');
const memory = require('./memory.js');
const int64 = require('./int64.js');
const object = require('./object.js');
const makeTypes = require('./types.js');
const extendBuffer = require('./buffer.js');

module.exports = once('ref-napi', () => {
  const endianness = require('node:os').endianness();
  const { sizeof, alignof, types } = makeTypes({ allocCString });
  const NULL = Buffer.alloc(0);
  NULL.type = types.void;

  /* --- types ------------------------------------------------------------------ */

  function isType(type) {
    return (
      type &&
      (typeof type === 'object' || typeof type === 'function') &&
      'size' in type &&
      'indirection' in type
    );
  }

  function badType(type) {
    return new TypeError('could not determine a proper "type" from: ' + inspect(type));
  }

  /**
   * A type out of a type or of its name: "int", "INT", "long long", "void *", "char**", "string", "pointer".
   *
   * @throws {TypeError} for anything else
   */
  function coerceType(type) {
    if (typeof type !== 'string') {
      if (isType(type)) return type;
      throw badType(type);
    }
    if (types[type]) return types[type];
    const name = type.replace(/\s+/g, '').toLowerCase();
    if (name === 'pointer') return refType(types.void);
    if (name === 'string') return types.CString;
    let result = types[name.replace(/\*/g, '')];
    if (!isType(result)) throw badType(type);
    for (const c of name) {
      if (c === '*') result = refType(result);
    }
    return result;
  }

  /** The type of a pointer to that type. */
  function refType(type) {
    const to = coerceType(type);
    const result = Object.create(to);
    result.indirection++;
    if (to.name) {
      Object.defineProperty(result, 'name', {
        value: to.name + '*',
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
    return result;
  }

  /** What a type points to. */
  function derefType(type) {
    const from = coerceType(type);
    if (from.indirection === 1) throw new Error("Cannot create deref'd type for type with indirection 1");
    const proto = Object.getPrototypeOf(from);
    if (proto.indirection === from.indirection - 1) return proto;
    const result = Object.create(from);
    result.indirection--;
    return result;
  }

  /** The type of a Buffer; one that has none gets a type that can neither be read nor written. */
  function getType(buffer) {
    if (!buffer.type) {
      buffer.type = {
        size: buffer.length,
        indirection: 1,
        get: function get() {
          throw new Error('unknown "type"; cannot get()');
        },
        set: function set() {
          throw new Error('unknown "type"; cannot set()');
        },
      };
    }
    return coerceType(buffer.type);
  }

  /* --- values ----------------------------------------------------------------- */

  function get(buffer, offset, type) {
    const t = type ? coerceType(type) : getType(buffer);
    const at = offset || 0;
    assert(t.indirection > 0, `"indirection" level must be at least 1, saw ${t.indirection}`);
    if (t.indirection === 1) return t.get(buffer, at);
    const pointer = memory.readPointer(buffer, at, t.indirection === 2 ? t.size : sizeof.pointer);
    pointer.type = derefType(t);
    return pointer;
  }

  function set(buffer, offset, value, type) {
    const t = type ? coerceType(type) : getType(buffer);
    const at = offset || 0;
    assert(t.indirection >= 1, '"indirection" level must be at least 1');
    if (t.indirection === 1) t.set(buffer, at, value);
    else memory.writePointer(buffer, at, value);
  }

  /** A zeroed Buffer for a value of the type; with a second argument, even undefined, that value is written. */
  function alloc(type, value) {
    const t = coerceType(type);
    const buffer = Buffer.alloc(t.indirection === 1 ? t.size : sizeof.pointer);
    buffer.type = t;
    if (arguments.length >= 2) set(buffer, 0, value, t);
    debug('alloc', t.name, buffer.length);
    return buffer;
  }

  function ref(buffer) {
    return alloc(refType(getType(buffer)), buffer);
  }

  function deref(buffer) {
    return get(buffer);
  }

  /* --- strings ---------------------------------------------------------------- */

  /** A Buffer with the string and one NUL byte; NULL for null, undefined and NULL. */
  function allocCString(string, encoding) {
    if (string === null || string === undefined) return NULL;
    if (Buffer.isBuffer(string) && memory.isNull(string)) return NULL;
    const buffer = Buffer.allocUnsafe(Buffer.byteLength(string, encoding) + 1);
    writeCString(buffer, 0, string, encoding);
    buffer.type = charPointer;
    return buffer;
  }

  /** Writes what fits and one NUL byte. */
  function writeCString(buffer, offset, string, encoding) {
    assert(Buffer.isBuffer(buffer), 'expected a Buffer as the first argument');
    assert.strictEqual('string', typeof string, 'expected a "string" as the third argument');
    const at = offset || 0;
    const length = buffer.write(string, at, buffer.length - at - 1, encoding || 'utf8');
    buffer.writeUInt8(0, at + length);
  }

  /* --- the module ------------------------------------------------------------- */

  const other = endianness === 'LE' ? 'BE' : 'LE';
  const signed = int64.swapped(int64.readInt64, int64.writeInt64);
  const unsigned = int64.swapped(int64.readUInt64, int64.writeUInt64);

  const exports = {
    instance: rawmem.instance(memory.wrapPointer),
    sizeof,
    alignof,
    NULL,
    address: memory.address,
    hexAddress: memory.hexAddress,
    isNull: memory.isNull,
    readObject: object.readObject,
    _writeObject: object.writeBare,
    readPointer: memory.readPointer,
    _writePointer: function _writePointer(buffer, offset, pointer, strong) {
      rawmem.writePointer(buffer, offset, pointer);
      if (strong) memory.keep(buffer, offset, pointer);
    },
    readInt64: int64.readInt64,
    writeInt64: int64.writeInt64,
    readUInt64: int64.readUInt64,
    writeUInt64: int64.writeUInt64,
    readCString: memory.readCString,
    _reinterpret: memory.reinterpret,
    _reinterpretUntilZeros: memory.reinterpretUntilZeros,
    endianness,
    refType,
    derefType,
    coerceType,
    getType,
    get,
    set,
    alloc,
    allocCString,
    writeCString,
    [`readInt64${endianness}`]: int64.readInt64,
    [`readUInt64${endianness}`]: int64.readUInt64,
    [`writeInt64${endianness}`]: int64.writeInt64,
    [`writeUInt64${endianness}`]: int64.writeUInt64,
    [`readInt64${other}`]: signed.read,
    [`readUInt64${other}`]: unsigned.read,
    [`writeInt64${other}`]: signed.write,
    [`writeUInt64${other}`]: unsigned.write,
    ref,
    deref,
    _attach: memory.attach,
    writeObject: object.writeObject,
    writePointer: memory.writePointer,
    reinterpret: function reinterpret(buffer, size, offset) {
      const result = memory.reinterpret(buffer, size, offset);
      memory.attach(result, buffer);
      return result;
    },
    reinterpretUntilZeros: function reinterpretUntilZeros(buffer, size, offset) {
      const result = memory.reinterpretUntilZeros(buffer, size, offset);
      memory.attach(result, buffer);
      return result;
    },
    types,
  };

  const charPointer = refType(types.char);
  exports.NULL_POINTER = ref(NULL);
  extendBuffer(exports);
  return exports;
});

// For `import { ... }`: Node.js finds these names by reading.
const made = module.exports;
module.exports.instance = made.instance;
module.exports.sizeof = made.sizeof;
module.exports.alignof = made.alignof;
module.exports.NULL = made.NULL;
module.exports.NULL_POINTER = made.NULL_POINTER;
module.exports.address = made.address;
module.exports.hexAddress = made.hexAddress;
module.exports.isNull = made.isNull;
module.exports.readObject = made.readObject;
module.exports.readPointer = made.readPointer;
module.exports.readInt64 = made.readInt64;
module.exports.writeInt64 = made.writeInt64;
module.exports.readUInt64 = made.readUInt64;
module.exports.writeUInt64 = made.writeUInt64;
module.exports.readCString = made.readCString;
module.exports.endianness = made.endianness;
module.exports.refType = made.refType;
module.exports.derefType = made.derefType;
module.exports.coerceType = made.coerceType;
module.exports.getType = made.getType;
module.exports.get = made.get;
module.exports.set = made.set;
module.exports.alloc = made.alloc;
module.exports.allocCString = made.allocCString;
module.exports.writeCString = made.writeCString;
module.exports.ref = made.ref;
module.exports.deref = made.deref;
module.exports._attach = made._attach;
module.exports.writeObject = made.writeObject;
module.exports.writePointer = made.writePointer;
module.exports.reinterpret = made.reinterpret;
module.exports.reinterpretUntilZeros = made.reinterpretUntilZeros;
module.exports.types = made.types;
