'use strict';
/**
 * DynamicLibrary(path, mode): dlopen(3), and its symbols as pointers.
 */
const assert = require('node:assert');
const { readFileSync } = require('node:fs');
const debug = require('../../debug.js')('ffi:DynamicLibrary');
const { rawmem } = require('../../native.js');
const { isNull, wrapPointer } = require('../../ref-napi/lib/memory.js');
const { types } = require('../../ref-napi/lib/ref.js');
const { RTLD, frames } = require('./bindings.js');
const { Loaded, belongsTo } = require('./loaded.js');

const loaded = new WeakMap();

/** A `void *` as calls return it. */
function voidPointer(address) {
  const pointer = wrapPointer(address, 0);
  pointer.type = types.void;
  return pointer;
}

/**
 * The first library that a GNU ld script names, where the file that the linker could not read is one.
 *
 * @param {string} message of dlerror()
 */
function scripted(message) {
  const file = /^([^ \t()]+\.so[^ \t:()]*):[ \t]*/.exec(message);
  if (!file) return undefined;
  let text;
  try {
    text = readFileSync(file[1], 'latin1');
  } catch {
    return undefined;
  }
  const group = /GROUP *\( *([^ )]+)/.exec(text);
  return group ? group[1] : undefined;
}

/**
 * @param {string | null} path null: the running process
 * @param {number} [mode] RTLD_*
 */
function DynamicLibrary(path, mode) {
  if (!(this instanceof DynamicLibrary)) return new DynamicLibrary(path, mode);
  debug('new DynamicLibrary()', path, mode);
  const flags = mode ?? RTLD.RTLD_LAZY;
  const name = Buffer.isBuffer(path) ? rawmem.readCString(path, 0) : (path ?? null);

  let handle = frames.dlopen(name, flags);
  this._path = path;
  if (!handle) {
    const message = frames.dlerror();
    const library = scripted(message);
    if (library !== undefined) {
      handle = frames.dlopen(library, flags);
      this._path = library;
    }
    if (!handle)
      throw new Error('Dynamic Linking Error: ' + (library === undefined ? message : frames.dlerror()));
  }
  this._handle = voidPointer(handle);
  loaded.set(this, new Loaded(this._path));
}

DynamicLibrary.FLAGS = { ...RTLD };

/** @returns {number} what dlclose(3) returned */
DynamicLibrary.prototype.close = function () {
  debug('dlclose()');
  loaded.get(this).closed = true;
  return frames.dlclose(rawmem.address(this._handle));
};

/**
 * @param {string} symbol
 * @returns {Buffer} a pointer to it, with its name
 */
DynamicLibrary.prototype.get = function (symbol) {
  debug('dlsym()', symbol);
  assert.strictEqual('string', typeof symbol);
  frames.dlerror();
  const pointer = voidPointer(frames.dlsym(rawmem.address(this._handle), symbol));
  if (isNull(pointer)) throw new Error('Dynamic Symbol Retrieval Error: ' + this.error());
  pointer.name = symbol;
  belongsTo(pointer, loaded.get(this));
  return pointer;
};

/** @returns {string | null} what dlerror(3) returned */
DynamicLibrary.prototype.error = function error() {
  return frames.dlerror();
};

/** @returns {string | null} what was opened */
DynamicLibrary.prototype.path = function path() {
  return this._path;
};

module.exports = DynamicLibrary;
