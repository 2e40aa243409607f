'use strict';
/*
 * The symbols under which biffi's objects carry what C needs of them. Their order
 * is that of bf_key in src/node/env.h.
 *
 * A value that lies in memory (struct, union, array, Pointer) is an object with
 * MEMORY and OFFSET as its first two properties, always, so that machine code can
 * find them there. MEMORY is a DataView over memory that JavaScript owns, or a
 * NativeMemory (lib/memory.js); OFFSET counts bytes from its start.
 */
const MEMORY = Symbol('biffi.memory');
const OFFSET = Symbol('biffi.offset');
const BASE = Symbol('biffi.base');
const TYPE = Symbol('biffi.type');
const HANDLE = Symbol('biffi.handle');
const RECORD = Symbol('biffi.record');
const VALUE = Symbol('biffi.value');
/* Of constructors of structs and unions: makes a value of zeros, for C to fill. */
const FRESH = Symbol('biffi.fresh');

module.exports = {
  MEMORY,
  OFFSET,
  BASE,
  TYPE,
  HANDLE,
  RECORD,
  VALUE,
  FRESH,
  /** In the order of bf_key. */
  list: [MEMORY, OFFSET, BASE, TYPE, HANDLE, RECORD, VALUE],
};
