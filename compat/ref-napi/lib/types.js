'use strict';
/**
 * The built-in types. A type is any object with size, indirection, get(buffer, offset), set(buffer, offset, value);
 * foreign packages make their own with Object.create() of these, and hang further properties on them.
 */
const memory = require('./memory.js');
const int64 = require('./int64.js');
const object = require('./object.js');

const END = require('node:os').endianness();

const sizeof = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float: 4,
  double: 8,
  bool: 1,
  byte: 1,
  char: 1,
  uchar: 1,
  short: 2,
  ushort: 2,
  int: 4,
  uint: 4,
  long: 8,
  ulong: 8,
  longlong: 8,
  ulonglong: 8,
  pointer: 8,
  size_t: 8,
  Object: 8,
};

// On the 64-bit systems that biffi runs on every scalar is aligned to its size.
const alignof = { ...sizeof };
delete alignof.byte;

const number = (value) => (typeof value === 'bigint' ? Number(value) : value);

/** Through Buffer's own methods: their range errors are what callers of the originals see. */
function scalar(name, method) {
  const read = `read${method}`;
  const write = `write${method}`;
  return {
    size: sizeof[name],
    indirection: 1,
    get(buf, offset) {
      return buf[read](offset || 0);
    },
    set(buf, offset, val) {
      return buf[write](number(val), offset || 0);
    },
  };
}

/** One byte takes a character as well. */
function byteSized(name, method) {
  const read = `read${method}`;
  const write = `write${method}`;
  return {
    size: 1,
    indirection: 1,
    get(buf, offset) {
      return buf[read](offset || 0);
    },
    set(buf, offset, val) {
      return buf[write](typeof val === 'string' ? val.charCodeAt(0) : number(val), offset || 0);
    },
  };
}

/**
 * @param {{ allocCString: (s: any) => Buffer }} strings
 * @returns {{ sizeof: object, alignof: object, types: Record<string, any> }}
 */
module.exports = function makeTypes({ allocCString }) {
  const types = {
    void: {
      size: 0,
      indirection: 1,
      get() {
        return null;
      },
      set() {},
    },
    int8: byteSized('int8', 'Int8'),
    uint8: byteSized('uint8', 'UInt8'),
    int16: scalar('int16', `Int16${END}`),
    uint16: scalar('uint16', `UInt16${END}`),
    int32: scalar('int32', `Int32${END}`),
    uint32: scalar('uint32', `UInt32${END}`),
    int64: {
      size: 8,
      indirection: 1,
      get(buf, offset) {
        return int64.readInt64(buf, offset || 0);
      },
      set(buf, offset, val) {
        return int64.writeInt64(buf, offset || 0, val);
      },
    },
    uint64: {
      size: 8,
      indirection: 1,
      get(buf, offset) {
        return int64.readUInt64(buf, offset || 0);
      },
      set(buf, offset, val) {
        return int64.writeUInt64(buf, offset || 0, val);
      },
    },
    float: scalar('float', `Float${END}`),
    double: scalar('double', `Double${END}`),
    Object: {
      size: sizeof.Object,
      indirection: 1,
      get(buf, offset) {
        return object.readObject(buf, offset || 0);
      },
      set(buf, offset, val) {
        return object.writeObject(buf, offset || 0, val);
      },
    },
    CString: {
      size: sizeof.pointer,
      alignment: alignof.pointer,
      indirection: 1,
      get(buf, offset) {
        const pointer = memory.readPointer(buf, offset);
        return memory.isNull(pointer) ? null : memory.readCString(pointer, 0);
      },
      set(buf, offset, val) {
        return memory.writePointer(buf, offset, Buffer.isBuffer(val) ? val : allocCString(val));
      },
    },
  };

  let warned = false;
  Object.defineProperty(types, 'Utf8String', {
    enumerable: false,
    configurable: true,
    get() {
      if (!warned) {
        warned = true;
        console.error('"Utf8String" type is deprecated, use "CString" instead');
      }
      return types.CString;
    },
  });

  const unsigned = ['bool', 'byte', 'uchar', 'ushort', 'uint', 'ulong', 'ulonglong', 'size_t'];
  const signed = ['char', 'short', 'int', 'long', 'longlong'];
  const names = ['bool', 'byte', 'char', 'uchar', 'short', 'ushort', 'int', 'uint'];
  names.push('long', 'ulong', 'longlong', 'ulonglong', 'size_t');
  for (const name of names) {
    const prefix = signed.includes(name) ? 'int' : unsigned.includes(name) ? 'uint' : undefined;
    types[name] = Object.create(types[prefix + sizeof[name] * 8]);
  }

  for (const name of Object.keys(alignof)) {
    if (name !== 'pointer') types[name].alignment = alignof[name];
  }

  const { get, set } = types.bool;
  types.bool.get = (buf, offset) => (get(buf, offset) ? true : false);
  types.bool.set = (buf, offset, val) => set(buf, offset, typeof val === 'number' ? val : val ? 1 : 0);

  for (const name of Object.keys(types)) types[name].name = name;
  return { sizeof, alignof, types };
};
