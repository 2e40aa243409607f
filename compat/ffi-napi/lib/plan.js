'use strict';
/**
 * Plans of calls: a result's and the arguments' carriers, where each stands in the frame, and the addon's plan, which
 * functions of the same C signature share.
 */
const { frames } = require('./bindings.js');
const { carrier, promoted } = require('./carry.js');

/** C signature -> its plan */
const made = new Map();

function nativePlan(result, args, nfixed) {
  let key = `${nfixed}|${specKey(result.spec)}`;
  for (let i = 0; i < args.length; i++) key += `,${specKey(args[i].spec)}`;
  let shared = made.get(key);
  if (!shared) {
    const specs = args.map((arg) => arg.spec);
    const [plan, size, resultSize, ...places] = frames.plan(result.spec, specs, nfixed);
    shared = {
      plan,
      size: (Math.max(size, 16) + 15) & ~15,
      resultSize,
      offsets: args.map((_, i) => places[2 * i]),
      sizes: args.map((_, i) => places[2 * i + 1]),
    };
    made.set(key, shared);
  }
  return shared;
}

function specKey(spec) {
  return typeof spec === 'number' ? spec : JSON.stringify(spec);
}

/**
 * @param {any} returnType coerced
 * @param {any[]} argTypes coerced
 * @param {number} [nfixed] how many are not variadic, when the others are
 */
module.exports = function makePlan(returnType, argTypes, nfixed = -1) {
  const result = carrier(returnType);
  const args = new Array(argTypes.length);
  let hasPointers = false;
  for (let i = 0; i < args.length; i++) {
    args[i] = nfixed >= 0 && i >= nfixed ? promoted(argTypes[i]) : carrier(argTypes[i]);
    hasPointers ||= args[i].isPointer;
  }
  const { plan, size, resultSize, offsets, sizes } = nativePlan(
    result,
    args,
    nfixed < 0 ? undefined : nfixed,
  );
  // hasPointers: some argument may stand in the slab of strings, which then must live as long as the call.
  return { plan, size, resultSize, offsets, sizes, result, args, hasPointers };
};
