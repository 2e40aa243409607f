'use strict';
/**
 * JavaScript objects in C memory: 8 bytes that stand for an object, to be stored anywhere and carried through a
 * `void *`. The bytes hold an object weakly; what writes them into a Buffer also keeps the object alive with that
 * memory. Bytes that stand for no object, or for one that is gone, read as undefined.
 *
 * The handle is a number that was never given before, under a tag that makes it unlike any address.
 */
const { rawmem } = require('../../native.js');
const { keep } = require('./memory.js');

const TAG = 0xb1ffn << 48n;
const MASK = 0xffffn << 48n;
let last = 0;
const handles = new WeakMap();
const objects = new Map();
const gone = new FinalizationRegistry((id) => objects.delete(id));

function writeBare(buffer, offset, object) {
  if (rawmem.isNull(buffer)) throw new Error('readObject: Cannot write to nullptr pointer');
  if (object === null) {
    rawmem.writeBigInt64(buffer, offset, 0n);
    return;
  }
  if ((typeof object !== 'object' && typeof object !== 'function') || object === undefined) {
    throw new TypeError("WriteObject's 3rd argument needs to be an object");
  }
  let id = handles.get(object);
  if (id === undefined) {
    id = ++last;
    handles.set(object, id);
    objects.set(id, new WeakRef(object));
    gone.register(object, id);
  }
  rawmem.writeBigInt64(buffer, offset, TAG | BigInt(id));
}

/**
 * @param {Buffer} buffer
 * @param {number} offset
 * @param {object | null} object null empties the place
 */
function writeObject(buffer, offset, object) {
  writeBare(buffer, offset, object);
  keep(buffer, offset, object);
}

/**
 * @param {Buffer} buffer
 * @param {number} [offset]
 * @returns {object | undefined}
 */
function readObject(buffer, offset) {
  if (rawmem.isNull(buffer)) throw new Error('readObject: Cannot read from nullptr pointer');
  const bits = rawmem.readBigUInt64(buffer, offset);
  if ((bits & MASK) !== TAG) return undefined;
  const held = objects.get(Number(bits & ~MASK));
  return held && held.deref();
}

module.exports = { readObject, writeObject, writeBare };
