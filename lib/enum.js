'use strict';
/*
 * Enums: an object with the members' values, which stands for the type. Where C
 * expects one, a member's name or a number may be passed.
 */
const native = require('./native');
const { TYPE } = require('./keys');
const { typeFromHandle } = require('./type');
const { expected } = require('./errors');

/**
 * The object of an enum type: `color.RED`, and `color.nameOf(2)`.
 * @param {import('./type').Type} type
 */
function makeEnum(type) {
  /* A function, as every constructor of a type is one: types are told from values so. */
  const object = (value) => {
    if (typeof value === 'string' && type.enumerators.has(value)) return type.enumerators.get(value);
    throw expected(type.spelling, 'the name of a member', value);
  };
  Object.defineProperties(object, {
    name: { value: type.name ?? 'enum', configurable: true },
    length: { value: 0, configurable: true, writable: true },
    [TYPE]: { value: type },
    type: { value: type },
    size: { value: type.size },
    nameOf: { value: (value) => [...type.enumerators].find(([, v]) => v === value)?.[0] },
  });
  for (const [name, value] of type.enumerators) {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true });
  }
  return object;
}

/**
 * Makes an enum type: `enumeration('color', { RED: 0, GREEN: 1 })`.
 * @param {string | undefined} tag
 * @param {Record<string, number | bigint>} members
 */
function enumeration(tag, members) {
  if (members === null || typeof members !== 'object')
    throw expected('enumeration()', 'an object of members', members);
  for (const value of Object.values(members)) {
    if (!Number.isSafeInteger(value) && typeof value !== 'bigint') {
      throw expected('enumeration()', 'integers as values', value);
    }
  }
  return makeEnum(typeFromHandle(native.enumType(tag, Object.entries(members).flat())));
}

module.exports = { makeEnum, enumeration };
