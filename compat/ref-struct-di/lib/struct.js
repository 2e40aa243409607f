'use strict';
/**
 * ref-struct-di: C structs as views over Buffers. `require('ref-struct-di')(ref)` gives Struct, which makes struct
 * types out of {name: type}, of [[type, name], ...], or field by field with defineProperty().
 */
const assert = require('node:assert');
const { inspect } = require('node:util');
const once = require('../../once.js');
const { copyKept } = require('../../ref-napi/lib/memory.js');

/** Padding from `offset` to the next multiple of `alignment`. */
function padding(offset, alignment) {
  return (alignment - (offset % alignment)) % alignment;
}

/**
 * @param {typeof import('../../ref-napi/lib/ref.js')} ref
 */
function makeStruct(ref) {
  const pointer = ref.sizeof.pointer;
  const sizeOf = (type) => (type.indirection === 1 ? type.size : pointer);
  const alignmentOf = (type) => (type.indirection === 1 && type.alignment) || ref.alignof.pointer;

  const proto = {
    'ref.buffer': ref.NULL,
    toObject: function toObject() {
      const object = {};
      for (const name of Object.keys(this.constructor.fields)) object[name] = this[name];
      return object;
    },
    toJSON: function toJSON() {
      return this.toObject();
    },
    inspect: function inspect_() {
      return inspect(Object.assign(this.toObject(), this));
    },
    ref: function ref() {
      return this['ref.buffer'];
    },
  };

  /** The store of a new instance, and the values for its fields. */
  function open(type, arg, data) {
    if (!Buffer.isBuffer(arg)) return [Buffer.alloc(type.size), arg];
    assert(
      arg.length >= type.size,
      'Buffer instance must be at least ' + type.size + ' bytes to back this struct type',
    );
    return [arg, data];
  }

  /** An array's elements count one by one, so that it is aligned as its element is. */
  function place(struct, type) {
    const isArray = type.fixedLength !== undefined && type.fixedLength !== null;
    const element = isArray ? type.type : type;
    const alignment = struct.isPacked ? 1 : alignmentOf(element);
    const offset = struct.size + padding(struct.size, alignment);
    struct.size = offset + sizeOf(element) * (isArray ? type.fixedLength : 1);
    struct.alignment = Math.max(struct.alignment, alignment);
    return offset;
  }

  function layOut(struct) {
    struct.size = 0;
    struct.alignment = 0;
    for (const name of Object.keys(struct.fields)) {
      const field = struct.fields[name];
      field.offset = place(struct, field.type);
    }
    if (struct.alignment) struct.size += padding(struct.size, struct.alignment);
  }

  function defineProperty(name, givenType) {
    const type = ref.coerceType(givenType);
    assert(
      !this._instanceCreated,
      'an instance of this Struct type has already been created, cannot add new "fields" anymore',
    );
    assert.equal('string', typeof name, 'expected a "string" field name');
    assert(
      type && /object|function/i.test(typeof type) && 'size' in type && 'indirection' in type,
      'expected a "type" object describing the field type: "' + type + '"',
    );
    assert(type.indirection > 1 || type.size > 0, '"type" object must have a size greater than 0');
    assert(!(name in this.prototype), 'the field "' + name + '" already exists in this Struct type');

    const field = { type };
    this.fields[name] = field;
    layOut(this);
    Object.defineProperty(this.prototype, name, {
      enumerable: true,
      configurable: true,
      get() {
        return ref.get(this['ref.buffer'], field.offset, type);
      },
      set(value) {
        ref.set(this['ref.buffer'], field.offset, value, type);
      },
    });
  }

  function get(buffer, offset) {
    return new this(offset > 0 ? buffer.subarray(offset) : buffer);
  }

  function set(buffer, offset, value) {
    if (value instanceof this) {
      value['ref.buffer'].copy(buffer, offset, 0, this.size);
      copyKept(value['ref.buffer'], buffer, offset || 0, this.size);
    } else new this(offset > 0 ? buffer.subarray(offset) : buffer, value);
  }

  function toString() {
    return '[StructType]';
  }

  /**
   * @param {Record<string, any> | [any, string][]} [fields]
   * @param {{ packed?: boolean }} [options] packed: no padding, alignment 1, as gcc's attribute
   */
  return function Struct(fields, options) {
    function StructType(arg, data) {
      if (!(this instanceof StructType)) return new StructType(arg, data);
      const [store, values] = open(StructType, arg, data);
      store.type = StructType;
      this['ref.buffer'] = store;
      // Unknown names become the instance's own properties.
      if (values) for (const key in values) this[key] = values[key];
      StructType._instanceCreated = true;
    }
    StructType.prototype = Object.create(proto, {
      constructor: {
        value: StructType,
        enumerable: false,
        writable: true,
        configurable: true,
      },
    });
    StructType.defineProperty = defineProperty;
    StructType.toString = toString;
    StructType.fields = {};
    StructType.size = 0;
    StructType.alignment = 0;
    StructType.indirection = 1;
    StructType.isPacked = Boolean(options && options.packed);
    StructType.get = get;
    StructType.set = set;

    if (Array.isArray(fields)) {
      for (const [type, name] of fields) StructType.defineProperty(name, type);
    } else if (fields && typeof fields === 'object') {
      for (const name of Object.keys(fields)) StructType.defineProperty(name, fields[name]);
    }
    return StructType;
  };
}

// One Struct for one ref, however many copies of this package ask.
const made = once('ref-struct-di', () => new WeakMap());

module.exports = function structFor(ref) {
  if (!made.has(ref)) made.set(ref, makeStruct(ref));
  return made.get(ref);
};
