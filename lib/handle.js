'use strict';
/*
 * Handles: pointers that C opened and wants closed. A handle is closed by close(),
 * at the end of a `using` block, or at the latest some time after it was collected.
 *
 *   const Database = handle(sqlite.sqlite3, sqlite.sqlite3_close);
 *   const db = out();
 *   sqlite.sqlite3_open(':memory:', db);
 *   using connection = new Database(db);
 */
const { MEMORY, OFFSET, TYPE } = require('./keys');
const { KIND, typeOf, pointer } = require('./type');
const { NativeMemory, everywhere, addressOf } = require('./memory');
const { Pointer } = require('./pointer');
const { failure, expected } = require('./errors');

const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');

const closeLater = new FinalizationRegistry(({ destroy, target, address }) => {
  destroy(new Pointer(target, everywhere, address));
});

/**
 * A class of handles.
 * @param {unknown} type what the handle points to, or the pointer type
 * @param {(handle: Pointer) => unknown} destroy the C function (or any) that closes it
 * @returns {new (pointer: Pointer) => Pointer & { close(): void, closed: boolean }}
 */
function handle(type, destroy) {
  const given = typeOf(type);
  const target = given.resolved.kindNumber === KIND.POINTER ? given.resolved.base : given;
  if (typeof destroy !== 'function') throw expected('handle()', 'the function that closes it', destroy);

  class Handle extends Pointer {
    /** @param {Pointer} from the pointer, or the out() that received it */
    constructor(from) {
      const opened = openedPointer(from, target);
      const address = addressOf(opened);
      super(target, new NativeMemory(address, Infinity), 0);
      closeLater.register(this, { destroy, target, address }, this);
    }

    /** Closes it; once is enough. Passing it to C throws from here on. */
    close() {
      if (this.closed) return;
      closeLater.unregister(this);
      const plain = new Pointer(target, everywhere, addressOf(this));
      this[MEMORY].forget();
      destroy(plain);
    }

    /** Was it closed? */
    get closed() {
      return this[MEMORY].freed;
    }

    [DISPOSE]() {
      this.close();
    }
  }
  Object.defineProperty(Handle, 'name', { value: `Handle<${target.spelling}>` });
  /* As a type it is the pointer. */
  Object.defineProperty(Handle, TYPE, { value: pointer(target) });
  return Handle;
}

/** The pointer to close: given, or in an out(). */
function openedPointer(from, target) {
  const found =
    from instanceof Pointer && from.type?.resolved.kindNumber === KIND.POINTER ? from.value : from;
  if (found === null) throw failure('BF_ETYPE', `handle: the pointer to ${target.spelling} is NULL`);
  if (found === undefined || found[MEMORY] === undefined || found[OFFSET] === undefined) {
    throw expected('handle', `a pointer to ${target.spelling}`, from);
  }
  const { type } = found;
  if (type !== undefined && !type.equals(target) && type.resolved.kindNumber !== KIND.VOID) {
    throw failure(
      'BF_ETYPE',
      `handle: expected a pointer to ${target.spelling}, got one to ${type.spelling}`,
    );
  }
  return found;
}

module.exports = { handle };
