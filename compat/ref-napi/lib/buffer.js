'use strict';
/**
 * What the package adds to every Buffer, for its users alone. Value or pointer comes first, the offset last.
 */
const { inspect } = require('node:util');

/**
 * @param {Record<string, Function>} ref
 */
module.exports = function extendBuffer(ref) {
  const methods = {
    address() {
      return ref.address(this, 0);
    },
    hexAddress() {
      return ref.hexAddress(this, 0);
    },
    isNull() {
      return ref.isNull(this, 0);
    },
    ref() {
      return ref.ref(this);
    },
    deref() {
      return ref.deref(this);
    },
    readObject(offset) {
      return ref.readObject(this, offset);
    },
    writeObject(obj, offset) {
      return ref.writeObject(this, offset, obj);
    },
    readPointer(offset, size) {
      return ref.readPointer(this, offset, size);
    },
    writePointer(ptr, offset) {
      return ref.writePointer(this, offset, ptr);
    },
    readCString(offset) {
      return ref.readCString(this, offset);
    },
    writeCString(string, offset, encoding) {
      return ref.writeCString(this, offset, string, encoding);
    },
    reinterpret(size, offset) {
      return ref.reinterpret(this, size, offset);
    },
    reinterpretUntilZeros(size, offset) {
      return ref.reinterpretUntilZeros(this, size, offset);
    },
  };
  for (const kind of ['Int64BE', 'UInt64BE', 'Int64LE', 'UInt64LE']) {
    const read = `read${kind}`;
    const write = `write${kind}`;
    methods[read] = {
      [read](offset) {
        return ref[read](this, offset);
      },
    }[read];
    methods[write] = {
      [write](val, offset) {
        return ref[write](this, offset, val);
      },
    }[write];
  }
  // Enumerable and writable, as plain assignments are: another copy may put its own on top.
  Object.assign(Buffer.prototype, methods);

  const plain = Buffer.prototype[inspect.custom];
  // The name marks a wrapped one, for this package and for the original alike.
  if (plain && plain.name !== 'refinspect') {
    Buffer.prototype[inspect.custom] = function refinspect(...args) {
      return plain.apply(this, args).replace('Buffer', `Buffer@0x${ref.hexAddress(this)}`);
    };
  }
};
