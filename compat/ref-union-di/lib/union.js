'use strict';
/**
 * ref-union-di: C unions as views over Buffers. `require('ref-union-di')(ref)` gives Union.
 */
const assert = require('node:assert');
const once = require('../../once.js');
const { copyKept } = require('../../ref-napi/lib/memory.js');

/**
 * @param {typeof import('../../ref-napi/lib/ref.js')} ref
 */
function makeUnion(ref) {
  const proto = {
    'ref.buffer': ref.NULL,
    ref: function ref() {
      return this['ref.buffer'];
    },
  };

  function layOut(union) {
    union.size = 0;
    union.alignment = 0;
    for (const name of Object.keys(union.fields)) {
      const { type } = union.fields[name];
      const scalar = type.indirection === 1;
      union.alignment = Math.max(union.alignment, (scalar && type.alignment) || ref.alignof.pointer);
      union.size = Math.max(union.size, scalar ? type.size : ref.sizeof.pointer);
    }
    union.size = Math.ceil(union.size / union.alignment) * union.alignment;
  }

  function defineProperty(name, givenType) {
    const type = ref.coerceType(givenType);
    assert(
      !this._instanceCreated,
      'an instance of this Union type has already been created, cannot add new data members anymore',
    );
    assert.equal('string', typeof name, 'expected a "string" field name');
    assert(
      type && /object|function/i.test(typeof type) && 'size' in type && 'indirection' in type,
      'expected a "type" object describing the field type: "' + type + '"',
    );
    assert(!(name in this.prototype), 'the field "' + name + '" already exists in this Union type');

    Object.defineProperty(this.prototype, name, {
      enumerable: true,
      configurable: true,
      get() {
        return ref.get(this['ref.buffer'], 0, type);
      },
      set(value) {
        ref.set(this['ref.buffer'], 0, value, type);
      },
    });
    this.fields[name] = { type };
    layOut(this);
  }

  function get(buffer, offset) {
    return new this(offset > 0 ? buffer.subarray(offset) : buffer);
  }

  function set(buffer, offset, value) {
    if (value instanceof this) {
      value['ref.buffer'].copy(buffer, offset || 0, 0, this.size);
      copyKept(value['ref.buffer'], buffer, offset || 0, this.size);
    } else new this(offset > 0 ? buffer.subarray(offset) : buffer, value);
  }

  function toString() {
    return '[UnionType]';
  }

  /**
   * @param {Record<string, any>} [fields]
   */
  return function Union(fields) {
    function UnionType(arg, data) {
      if (!(this instanceof UnionType)) return new UnionType(arg, data);
      let store = arg;
      let values = data;
      if (Buffer.isBuffer(arg)) {
        assert(
          arg.length >= UnionType.size,
          'Buffer instance must be at least ' + UnionType.size + ' bytes to back this untion type',
        );
      } else {
        store = Buffer.alloc(UnionType.size);
        values = arg;
      }
      store.type = UnionType;
      this['ref.buffer'] = store;
      if (values) for (const key in values) this[key] = values[key];
      UnionType._instanceCreated = true;
    }
    UnionType.prototype = Object.create(proto, {
      constructor: {
        value: UnionType,
        enumerable: false,
        writable: true,
        configurable: true,
      },
    });
    UnionType.defineProperty = defineProperty;
    UnionType.toString = toString;
    UnionType.fields = {};
    UnionType.size = 0;
    UnionType.alignment = 0;
    UnionType.indirection = 1;
    UnionType.isUnion = true;
    UnionType.get = get;
    UnionType.set = set;
    if (fields && typeof fields === 'object') {
      for (const name of Object.keys(fields)) UnionType.defineProperty(name, fields[name]);
    }
    return UnionType;
  };
}

const made = once('ref-union-di', () => new WeakMap());

module.exports = function unionFor(ref) {
  if (!made.has(ref)) made.set(ref, makeUnion(ref));
  return made.get(ref);
};
