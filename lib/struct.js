'use strict';
/*
 * Structs and unions. A type's constructor makes values: live views over memory
 * with an accessor a member, compiled once for the type.
 *
 *   const Point = struct({ x: 'double', y: 'double' });
 *   const p = new Point({ x: 1 });   // y is 0
 *   p.y = 2;
 */
const vm = require('node:vm');
const native = require('./native');
const { HANDLE, MEMORY, OFFSET, TYPE, FRESH } = require('./keys');
const { Type, KIND, CONVERSION, typeOf, typeFromHandle } = require('./type');
const { reserve, sharedRoom, room, copy, viewOf, readAddress, everywhere } = require('./memory');
const { VIEW, AS_INT64, helpers, readSource, writeSource } = require('./codec');
const { failure, expected, optionsOf, inspect } = require('./errors');

/**
 * Members as JavaScript sees them: those of anonymous structs and unions are the outer one's. `shared` are those that
 * lie in a union.
 */
function fieldsOf(type, offset = 0, inUnion = false) {
  const shared = inUnion || type.resolved.kindNumber === KIND.UNION;
  return type.members.flatMap((m) => {
    if (m.name !== undefined) return [{ ...m, offset: offset + m.offset, shared }];
    const { kindNumber } = m.type.resolved;
    if (kindNumber !== KIND.STRUCT && kindNumber !== KIND.UNION) return []; // an unnamed bit-field
    return fieldsOf(m.type, offset + m.offset, shared);
  });
}

/* --- accessors ------------------------------------------------------------------ */

const UNIT = { 1: 'Uint8', 2: 'Uint16', 4: 'Uint32' };

/** [expression, statement] of a bit-field that lies within one unit of up to 32 bits; else byte by byte. */
function bitSource(field, type, o, label) {
  const { bitOffset: bit, bitWidth: width } = field;
  const { size, conversion } = field.type;
  const signed = native.isSigned(field.type[HANDLE]);
  const bool = conversion === 1;
  const unit = UNIT[size];
  if (unit === undefined || bit + width > size * 8 || field.offset + size > type.size) {
    const place = `m, ${o}, ${bit}, ${width}, ${signed}`;
    /* Up to 32 bits are Numbers, whatever the type is. */
    const convert = width > 32 ? (AS_INT64[type.int64] ?? '') : '';
    return [
      bool ? `H.bits(${place}) !== 0` : `${convert}(H.bits(${place}))`,
      `H.setBits(${place}, v, ${label});`,
    ];
  }
  const get = `m.get${unit}(${o}, true)`;
  const mask = width === 32 ? 0xffffffff : 2 ** width - 1;
  const hole = (~(mask << bit) >>> 0).toString();
  const put = `m.set${unit}(${o}, ((${get} & ${hole}) | ((v & ${mask}) << ${bit})) >>> 0, true)`;
  let read = `((${get} >>> ${bit}) & ${mask}) >>> 0`;
  if (signed) read = `(${get} << ${32 - bit - width}) >> ${32 - width}`;
  if (bool) read = `((${get} >>> ${bit}) & 1) !== 0`;
  const min = signed ? -(2 ** (width - 1)) : 0;
  const max = signed ? 2 ** (width - 1) - 1 : mask;
  const fits = bool
    ? `typeof v === 'boolean'`
    : `typeof v === 'number' && v >= ${min} && v <= ${max} && Math.floor(v) === v`;
  const otherwise = bool
    ? `H.store(T${field.index}, m, ${o}, v, ${label});`
    : `H.setBits(m, ${o}, ${bit}, ${width}, ${signed}, v, ${label});`;
  return [read, `if (${fits}) ${put}; else ${otherwise}`];
}

/** The source of a type's constructor; see compile() for the names in it. */
function constructorSource(fields, type, owner) {
  const accessors = [];
  const assignments = [];
  fields.forEach((field, index) => {
    const name = JSON.stringify(field.name);
    const label = JSON.stringify(`${owner}.${field.name}`);
    const o = field.offset === 0 ? 'o' : `o + ${field.offset}`;
    const t = `T${index}`;
    const [read, write] = field.bitWidth
      ? bitSource({ ...field, index }, type, o, label)
      : [readSource(field.type, 'm', o, t, type.int64), writeSource(field.type, 'm', o, t, label)];
    const locals = 'const m = this[MEMORY], o = this[OFFSET];';
    accessors.push(`${name}: { configurable: true, enumerable: true,
      get() { ${locals} return ${read}; },
      set(v) { ${locals} ${write} } }`);
    assignments.push(`{ const v = init[${name}]; if (v !== undefined) { n++; this[${name}] = v; } }`);
  });
  const { last, step } = sharedRoom(type.size, type.align);
  return `'use strict';
    function Value(init, memory, offset) {
      if (new.target === undefined) return new Value(init);
      if (init === VIEW) {
        this[MEMORY] = memory;
        this[OFFSET] = offset;
        return;
      }
      reserve(${type.size}, ${type.align});
      this[MEMORY] = room.memory;
      this[OFFSET] = room.offset;
      if (init !== undefined) assign.call(this, init);
    }
    function assign(init) {
      if (begin(this, init)) return;
      let n = 0;
      ${assignments.join('\n')}
      for (const name in init) n--;
      if (n !== 0) checkNames(init);
    }
    /* Room first: then the engine makes the object in one piece. */
    function fresh() {
      const offset = room.used;
      if (offset > ${last}) {
        reserve(${type.size}, ${type.align});
        return new Value(VIEW, room.memory, room.offset);
      }
      room.used = offset + ${step};
      return new Value(VIEW, room.slab, offset);
    }
    const accessors = { __proto__: null, ${accessors.join(',\n')} };
    return [Value, assign, fresh, accessors];`;
}

/** Structs without a name of their own follow the one that they lie in. */
function spreadInt64(type) {
  for (const member of type.members) {
    const inner = member.type.resolved;
    if (inner.kindNumber === KIND.STRUCT || inner.kindNumber === KIND.UNION) inner.int64 ??= type.int64;
  }
}

/** Makes the constructor of a struct or union type. */
function makeStruct(type) {
  if (!type.isComplete) return makeIncomplete(type);
  if (type.int64 !== undefined) spreadInt64(type);
  const owner = type.title;
  const fields = fieldsOf(type);
  const names = new Set(fields.map((f) => f.name));

  /** Copies from a value of the type: true. False: `init` is to be read member by member. */
  function begin(value, init) {
    if (init === null || typeof init !== 'object') throw expected(owner, `an object or a ${owner}`, init);
    if (init[MEMORY] === undefined) {
      if (Array.isArray(init) || ArrayBuffer.isView(init) || init instanceof ArrayBuffer) {
        throw expected(owner, 'an object with its members', init);
      }
      return false;
    }
    if (init[TYPE]?.resolved !== type) throw expected(owner, `an object or a ${owner}`, init);
    copy(value[MEMORY], value[OFFSET], init[MEMORY], init[OFFSET], type.size);
    return true;
  }

  function checkNames(init) {
    for (const name in init) {
      if (!names.has(name)) throw failure('BF_ETYPE', `${owner} has no member '${name}'`);
    }
  }

  const parameters = { VIEW, MEMORY, OFFSET, reserve, room, H: helpers, begin, checkNames };
  const types = fields.map((f) => f.type);
  const compiled = vm.compileFunction(constructorSource(fields, type, owner), [
    ...Object.keys(parameters),
    ...types.map((_, i) => `T${i}`),
  ]);
  const [Value, assign, fresh, accessors] = compiled(...Object.values(parameters), ...types);

  Object.setPrototypeOf(Value.prototype, StructValue.prototype);
  Object.defineProperties(Value.prototype, {
    [TYPE]: { value: type },
    [ASSIGN]: { value: assign },
    [FIELDS]: { value: new Map(fields.map((field) => [field.name, field])) },
  });
  Object.defineProperties(Value.prototype, accessors);
  Object.defineProperty(Value, FRESH, { value: fresh });
  keepOne(Value);
  return describeConstructor(Value, type, owner);
}

const ONE = Symbol('one');

/**
 * The engine watches the first objects of a constructor and then gives all others as much room for properties as those
 * had that are still alive: without any, the addon could not find the properties of a value where it looks for them.
 */
function keepOne(Value) {
  Object.defineProperty(Value, ONE, { value: new Value(VIEW, room.memory, 0) });
}

/** What every constructor of a type says of it. */
function describeConstructor(Value, type, name) {
  const constant = (value) => ({ value, configurable: true });
  Object.defineProperties(Value, {
    name: constant(name),
    [TYPE]: constant(type),
    type: constant(type),
    kind: constant(type.kind),
    size: constant(type.size),
    align: constant(type.align),
    from: constant((bytes, offset = 0) => viewOver(Value, type, bytes, offset)),
    at: constant((pointer) => viewAt(Value, type, pointer)),
    toString: constant(() => type.spelling),
    [inspect.custom]: constant(() => `[${type.spelling}]`),
  });
  return Value;
}

/** A type that is declared only, such as `struct sqlite3`: it can be pointed to. */
function makeIncomplete(type) {
  function Value() {
    throw failure(
      'BF_ETYPE',
      `${type.spelling} is declared but not defined: only pointers to it can be used`,
    );
  }
  Value.prototype[TYPE] = type;
  return describeConstructor(Value, type, type.title);
}

/** A live view over bytes of the caller's. */
function viewOver(Value, type, bytes, offset) {
  const view = viewOf(bytes, `${Value.name}.from()`);
  if (!Number.isInteger(offset)) throw expected(`${Value.name}.from()`, 'an offset in bytes', offset);
  if (offset < 0 || offset + type.size > view.byteLength) {
    throw failure(
      'BF_ERANGE',
      `${Value.name}.from(): ${type.size} bytes at offset ${offset} are more than the ${view.byteLength} there are`,
    );
  }
  return new Value(VIEW, view, offset);
}

/** A live view of the memory that a pointer points to. */
function viewAt(Value, type, pointer) {
  if (pointer === null || pointer?.[MEMORY] === undefined)
    throw expected(`${Value.name}.at()`, 'a pointer', pointer);
  return new Value(VIEW, pointer[MEMORY], pointer[OFFSET]);
}

/* --- values -------------------------------------------------------------------------- */

const ASSIGN = Symbol('assign');
const FIELDS = Symbol('fields');

const TEXTS = [CONVERSION.STRING, CONVERSION.STRING16, CONVERSION.STRING32];

/**
 * What is shown of a place whose memory members of a union share. Nobody knows which of them was written: what is read
 * as a string's address may be anything, so it is shown, but not followed.
 * @param {() => unknown} read gives the value that is there
 */
function shownOfUnion(type, memory, offset, read) {
  if (TEXTS.includes(type.conversion)) {
    const address = readAddress(memory, offset);
    return address === 0 ? null : new helpers.Pointer(type.resolved.base, everywhere, address);
  }
  const value = read();
  if (type.conversion !== CONVERSION.MEMORY || typeof value === 'string') return value;
  return { [inspect.custom]: (...args) => value[inspect.custom](...args, true) };
}

/** BigInts have no JSON; their digits do. */
function plain(value) {
  if (typeof value === 'bigint') return value.toString();
  return value !== null && typeof value === 'object' && typeof value.toJSON === 'function'
    ? value.toJSON()
    : value;
}

/** What all struct and union values share. A member of the same name hides a method. */
class StructValue {
  toJSON() {
    return Object.fromEntries(Array.from(this[FIELDS].keys(), (name) => [name, plain(this[name])]));
  }

  /** `shared`: it lies in a union. */
  [inspect.custom](depth, options, print, shared = false) {
    const name = this[TYPE].title;
    if (depth < 0) return `[${name}]`;
    const nested = { ...options, depth: options.depth === null ? null : options.depth - 1 };
    const members = Object.fromEntries(
      Array.from(this[FIELDS], ([key, field]) => {
        try {
          const read = () => this[key];
          if (!shared && !field.shared) return [key, read()];
          return [key, shownOfUnion(field.type, this[MEMORY], this[OFFSET] + field.offset, read)];
        } catch (error) {
          return [key, `<${error.message}>`];
        }
      }),
    );
    return `${name} ${(print ?? inspect)(members, nested)}`;
  }
}

/** Sets members of a value from an object; those it does not name stay. */
function assign(value, members) {
  if (typeof value?.[ASSIGN] !== 'function') throw expected('assign()', 'a struct or union value', value);
  value[ASSIGN](members);
  return value;
}

/* --- making types without C text --------------------------------------------------------- */

/** name, handle, bit width, align, packed: the addon's form of a member. */
function flatMember(name, member) {
  const spec =
    member !== null && typeof member === 'object' && !(member instanceof Type) ? member : { type: member };
  return [
    name === '' ? undefined : name,
    typeOf(spec.type)[HANDLE],
    spec.bits ?? -1,
    spec.align ?? 0,
    spec.packed ? 1 : 0,
  ];
}

function makeType(kind, label, args) {
  const tag = typeof args[0] === 'string' ? args[0] : undefined;
  const [members, given] = tag === undefined ? args : args.slice(1);
  const options = optionsOf(`${label}()`, given);
  let flat;
  if (members !== undefined) {
    if (members === null || typeof members !== 'object')
      throw expected(`${label}()`, 'an object of members', members);
    const list = Array.isArray(members) ? members : Object.entries(members);
    flat = list.flatMap((pair) => {
      if (!Array.isArray(pair) || typeof pair[0] !== 'string')
        throw expected(`${label}()`, 'members as [name, type]', pair);
      return flatMember(...pair);
    });
  }
  const handle = native.structType(kind, tag, flat, [
    options.packed ? 1 : 0,
    options.pack ?? 0,
    options.align ?? 0,
  ]);
  return typeFromHandle(handle).valueConstructor;
}

/**
 * Makes a struct type: `struct({ x: 'double', flags: { type: 'unsigned', bits: 3 } })`.
 * @param {string} [tag]
 * @param {object | [string, unknown][]} [members] in order; without them the struct is declared only
 * @param {{ packed?: boolean, pack?: number, align?: number }} [options]
 */
function struct(...args) {
  return makeType(KIND.STRUCT, 'struct', args);
}

/** Makes a union type; as struct. */
function union(...args) {
  return makeType(KIND.UNION, 'union', args);
}

module.exports = {
  makeStruct,
  keepOne,
  struct,
  union,
  assign,
  StructValue,
  describeConstructor,
  plain,
  fieldsOf,
  shownOfUnion,
};
