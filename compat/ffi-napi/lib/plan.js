'use strict';
/**
 * Plans of calls: a result's and the arguments' carriers, where each stands in the frame, and the addon's plan, which
 * functions of the same C signature share.
 */
const { frames } = require('./bindings.js');
const { carrier, promoted } = require('./carry.js');

const made = new Map();

function nativePlan(result, args, nfixed) {
  const specs = args.map((arg) => arg.spec);
  const key = `${typeof result.spec === 'number' ? result.spec : JSON.stringify(result.spec)}|${
    specs.every((spec) => typeof spec === 'number') ? specs.join() : JSON.stringify(specs)
  }|${nfixed}`;
  let plan = made.get(key);
  if (!plan) {
    plan = frames.plan(result.spec, specs, nfixed);
    made.set(key, plan);
  }
  return plan;
}

/**
 * @param {any} returnType coerced
 * @param {any[]} argTypes coerced
 * @param {number} [nfixed] how many are not variadic, when the others are
 */
module.exports = function makePlan(returnType, argTypes, nfixed) {
  const result = carrier(returnType);
  const args = argTypes.map((type, i) =>
    nfixed !== undefined && i >= nfixed ? promoted(type) : carrier(type),
  );
  const [plan, size, resultSize, ...places] = nativePlan(result, args, nfixed);
  return {
    plan,
    size: (Math.max(size, 16) + 15) & ~15,
    result,
    resultSize,
    args,
    offsets: args.map((_, i) => places[2 * i]),
    sizes: args.map((_, i) => places[2 * i + 1]),
    /** Some argument may stand in the slab of strings, which then must live as long as the call. */
    hasPointers: args.some((arg) => arg.isPointer),
  };
};
