'use strict';
/**
 * JavaScript functions that call C functions.
 */
const assert = require('node:assert');
const ref = require('../../ref-napi/lib/ref.js');
const { rawmem } = require('../../native.js');
const { frames, libffi } = require('./bindings.js');
const { bytes, take, top } = require('./block.js');
const { currentSlab } = require('./carry.js');
const { checkLoaded } = require('./loaded.js');
const makePlan = require('./plan.js');

const { call, callAsync } = frames;

function badCount(expected, got) {
  return new TypeError('Expected ' + expected + ' arguments, got ' + got);
}

function badArgument(error, index) {
  // What a type's set() throws need not be an Error.
  if (error !== null && typeof error === 'object') {
    error.message = 'error setting argument ' + index + ' - ' + error.message;
  }
  return error;
}

/** What both kinds of call check of an asynchronous one. */
function takeCallback(args, count) {
  if (args.length !== count + 1) throw badCount(count + 1, args.length);
  const callback = args[count];
  if (typeof callback !== 'function') {
    throw new TypeError('Expected a callback function as argument number: ' + count);
  }
  return callback;
}

/**
 * The function for a plan: arguments go into a frame, the addon runs the plan on it, the result is read out of it.
 *
 * @param {ReturnType<typeof makePlan>} p
 * @param {Buffer} funcPtr
 */
function fromPlan(p, funcPtr) {
  const { plan, size, result, resultSize, args: carriers, offsets, sizes } = p;
  const count = carriers.length;
  const target = rawmem.address(funcPtr);
  const loaded = checkLoaded(funcPtr);

  /** Writes all arguments; pointers are returned, for the addon to write and to keep. */
  function writeAll(at, args, base) {
    const pointers = [];
    const keep = [];
    let i = 0;
    try {
      for (; i < count; i++) {
        const c = carriers[i];
        if (c.isPointer) pointers.push(c.toPointer(args[i]));
        else c.write(at + offsets[i], args[i], sizes[i], keep);
      }
    } catch (error) {
      throw badArgument(error, i + base);
    }
    if (p.hasPointers) pointers.push(currentSlab());
    if (keep.length) pointers.push(keep);
    return pointers;
  }

  const proxy = function proxy(...args) {
    if (args.length !== count) throw badCount(count, args.length);
    if (loaded.closed) loaded.check(target);
    const at = take(size);
    try {
      const q = writeAll(at, args, 1);
      switch (q.length) {
        case 0:
          call(plan, target, at);
          break;
        case 1:
          call(plan, target, at, q[0]);
          break;
        case 2:
          call(plan, target, at, q[0], q[1]);
          break;
        case 3:
          call(plan, target, at, q[0], q[1], q[2]);
          break;
        default:
          call(plan, target, at, ...q);
      }
      return result.read(at, resultSize);
    } finally {
      top[0] = at;
    }
  };

  proxy.async = function (...args) {
    const callback = takeCallback(args, count);
    if (loaded.closed) loaded.check(target);
    const at = take(size);
    try {
      let pointers;
      try {
        pointers = writeAll(at, args, 0);
      } catch (error) {
        process.nextTick(callback, error);
        return;
      }
      const frame = Buffer.alloc(size);
      bytes.copy(frame, 0, at, at + size);
      // The function's own memory, a callback's code for example, is kept as well.
      pointers.push(funcPtr);
      callAsync(plan, target, frame, pointers, (cancelled) => {
        if (!cancelled) callback(null, readFrom(frame));
      });
    } finally {
      top[0] = at;
    }
  };

  function readFrom(frame) {
    const at = take(size);
    try {
      frame.copy(bytes, at, 0, resultSize);
      return result.read(at, resultSize);
    } finally {
      top[0] = at;
    }
  }

  // A callback's Buffer must outlive the function that calls it.
  kept.set(proxy, funcPtr);
  return proxy;
}

const kept = new WeakMap();

/**
 * The function for a cif with an ABI of its own: libffi gets a value's memory for each argument.
 *
 * @param {Buffer} cif
 * @param {Buffer} funcPtr
 * @param {any} returnType coerced
 * @param {any[]} argTypes coerced
 */
function fromCif(cif, funcPtr, returnType, argTypes) {
  const count = argTypes.length;
  const pointer = ref.sizeof.pointer;
  const resultSize = Math.max(returnType.indirection === 1 ? returnType.size : pointer, pointer);
  assert(resultSize > 0);

  function run(args, base) {
    const list = Buffer.alloc(Math.max(count, 1) * pointer);
    let i = 0;
    try {
      for (; i < count; i++) ref.writePointer(list, i * pointer, ref.alloc(argTypes[i], args[i]));
    } catch (error) {
      throw badArgument(error, i + base);
    }
    const result = Buffer.alloc(resultSize);
    libffi.callCif(cif, funcPtr, result, list);
    result.type = returnType;
    return ref.deref(result);
  }

  const proxy = function proxy(...args) {
    if (args.length !== count) throw badCount(count, args.length);
    return run(args, 1);
  };
  proxy.async = function (...args) {
    takeCallback(args, count);
    throw new Error('asynchronous calls have the default ABI only');
  };
  return proxy;
}

/**
 * As the original's internal function.
 *
 * @param {Buffer} cif of CIF() or CIF_var()
 * @param {Buffer} funcPtr
 * @param {any} returnType coerced
 * @param {any[]} argTypes coerced
 */
module.exports = function _ForeignFunction(cif, funcPtr, returnType, argTypes) {
  return fromCif(cif, funcPtr, returnType, argTypes);
};
module.exports.fromCif = fromCif;

/**
 * @param {Buffer} funcPtr
 * @param {any} returnType coerced
 * @param {any[]} argTypes coerced
 * @param {number} [nfixed] for variadic functions
 */
module.exports.make = function make(funcPtr, returnType, argTypes, nfixed) {
  return fromPlan(makePlan(returnType, argTypes, nfixed), funcPtr);
};
