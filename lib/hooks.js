'use strict';
/*
 * What the addon's conversions ask of JavaScript, in the order of bf_hook in
 * src/node/env.h. A value that can't be converted is answered with an Error, which
 * the addon throws with the function and the argument in front.
 */
const native = require('./native');
const keys = require('./keys');
const { Type, KIND, typeFromHandle } = require('./type');
const { everywhere, openWindow } = require('./memory');
const { helpers } = require('./codec');
const { makeStruct } = require('./struct');
const { makeArray } = require('./array');
const { makeEnum } = require('./enum');
const { Pointer, Out, pointerToAll } = require('./pointer');
const { functionOfPointer } = require('./function');
const { LongDouble } = require('./longdouble');
const { failure, describe } = require('./errors');

Type.makeConstructor = (type) => {
  switch (type.kindNumber) {
    case KIND.STRUCT:
    case KIND.UNION:
      return makeStruct(type);
    case KIND.ARRAY:
      return makeArray(type);
    case KIND.ENUM:
      return makeEnum(type);
    default:
      return undefined;
  }
};

/** A pointer that came from C. */
function pointer(type, address) {
  const target = type.resolved.base;
  if (target.resolved.kindNumber === KIND.FUNCTION) return functionOfPointer(target.resolved, address);
  return new Pointer(target, everywhere, address);
}
helpers.makePointer = pointer;

/** A new zeroed value. */
function make(type) {
  return new type.valueConstructor();
}

/** Why a value was refused, for the addon to say; what a getter threw, or that there is no memory, is as it is. */
function reason(error) {
  if (typeof error?.code === 'string' && error.code.startsWith('BF_') && error.code !== 'BF_ENOMEM')
    return error;
  throw error;
}

/** For an object that has no address of its own: something that has, for the length of the call. */
function toPointer(type, value) {
  const target = type.resolved.base;
  if (value instanceof Out) {
    if (value[keys.TYPE] === undefined) value.adopt(target);
    return value;
  }
  if (value instanceof SharedArrayBuffer) return new Uint8Array(value); // Node-API knows it by its views only
  const { kindNumber } = target.resolved;
  if (!target.isConst || kindNumber === KIND.VOID || !target.isComplete) {
    const why = target.isConst
      ? ''
      : ' (an object is only for a pointer to const: C would write into a copy)';
    return failure('BF_ETYPE', `expected a pointer, a buffer or null, got ${describe(value)}${why}`);
  }
  try {
    if (Array.isArray(value)) return pointerToAll(target, value);
    if (kindNumber === KIND.STRUCT || kindNumber === KIND.UNION) return new target.valueConstructor(value);
  } catch (error) {
    return reason(error);
  }
  return failure('BF_ETYPE', `expected a pointer, a buffer or null, got ${describe(value)}`);
}

/** A value of a struct, union or array type. */
function toMemory(type, value) {
  try {
    return helpers.construct(type.resolved, value, type.spelling);
  } catch (error) {
    return reason(error);
  }
}

/** A long double that no Number is. */
function floating(mantissa, exponent) {
  return new LongDouble(mantissa, exponent);
}

native.setup(keys.list, [typeFromHandle, pointer, make, toPointer, toMemory, floating]);
if (require('./wrap').setup({ pointer, toPointer, toMemory })) openWindow();

/* Threads that wait for a callback would keep the process from ending. */
process.once('exit', native.exiting);
