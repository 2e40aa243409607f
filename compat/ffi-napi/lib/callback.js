'use strict';
/**
 * Callback(returnType, argTypes, [abi], fn): a C function pointer, as a Buffer, that calls a JavaScript function. It is
 * good until the Buffer is collected: whoever hands it to C keeps the Buffer as long as C may call.
 */
const assert = require('node:assert');
const debug = require('../../debug.js')('ffi:Callback');
const ref = require('../../ref-napi/lib/ref.js');
const { wrapPointer } = require('../../ref-napi/lib/memory.js');
const { FFI_DEFAULT_ABI, frames, libffi } = require('./bindings.js');
const { callbacks } = require('./block.js');
const { currentSlab, writeAddress } = require('./carry.js');
const CIF = require('./cif.js');
const makePlan = require('./plan.js');

let last = 0;
const collected = new FinalizationRegistry(({ id, handle }) => {
  callbacks.delete(id);
  frames.release(handle);
});

const cifs = new WeakMap();

/** One for all callbacks of a C signature. */
function cifOf(plan, result, args) {
  let cif = cifs.get(plan);
  if (!cif) cifs.set(plan, (cif = CIF(result, args)));
  return cif;
}

/** What runs the function on a frame. */
function runner(p, func) {
  const { result, resultSize, args: carriers, offsets, sizes } = p;
  const count = carriers.length;
  // What C got from the last call stays alive until the next.
  let given;

  return (at) => {
    const args = new Array(count);
    for (let i = 0; i < count; i++) args[i] = carriers[i].read(at + offsets[i], sizes[i]);
    const value = func.apply(null, args);
    try {
      if (result.isPointer) {
        const pointer = result.toPointer(value);
        writeAddress(at, pointer);
        given = typeof pointer === 'number' ? currentSlab() : pointer;
      } else {
        const keep = [];
        result.write(at, value, resultSize, keep);
        given = keep;
      }
    } catch (error) {
      error.message = 'error setting return value - ' + error.message;
      throw error;
    }
    return given;
  };
}

/**
 * @param {any} retType type or its name
 * @param {any[]} argTypes
 * @param {number | Function} [abi]
 * @param {Function} [func]
 * @returns {Buffer}
 */
module.exports = function Callback(retType, argTypes, abi, func) {
  if (typeof abi === 'function') {
    func = abi;
    abi = undefined;
  }
  debug('creating new Callback');
  assert(!!retType, 'expected a return "type" object as the first argument');
  assert(Array.isArray(argTypes), 'expected Array of arg "type" objects as the second argument');
  assert.equal(typeof func, 'function', 'expected a function as the third argument');
  const result = ref.coerceType(retType);
  const args = argTypes.map((type) => ref.coerceType(type));

  const ordinary = abi === undefined || abi === FFI_DEFAULT_ABI;
  const cif = ordinary ? undefined : CIF(result, args, abi);
  const p = makePlan(result, args);
  const id = ++last;
  const [handle, address] = ordinary ? frames.callback(p.plan, id) : libffi.closure(p.plan, id, cif);
  callbacks.set(id, runner(p, func));

  const callback = wrapPointer(address, ref.sizeof.pointer);
  // libffi's view of it, as the original leaves there.
  callback._cif = cif || cifOf(p.plan, result, args);
  collected.register(callback, { id, handle, cif });
  return callback;
};
