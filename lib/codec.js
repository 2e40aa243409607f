'use strict';
/*
 * Reading and writing C values in memory, compiled per type. Each conversion has a
 * line of source that reads and one that writes; struct members get them inlined
 * into their accessors (lib/struct.js), arrays and pointers as functions
 * (readerOf, writerOf).
 *
 * The written source holds only the common case (a Number in range, a boolean);
 * every other value goes to the addon's conversion table, which converts it or
 * throws, so that memory and arguments follow the same rules.
 */
const vm = require('node:vm');
const native = require('./native');
const { HANDLE, MEMORY, OFFSET, TYPE } = require('./keys');
const { KIND, CONVERSION, FLAG } = require('./type');
const { keep, copy, everywhere, readAddress, reserve, room } = require('./memory');
const { failure, expected } = require('./errors');

const TWO32 = 0x100000000;

/** Passed to a constructor instead of an initial value: the two arguments after it are where the value lies. */
const VIEW = Symbol('biffi.view');

/** What an error names: a label is its text, or the index of an element of the type. */
function named(type, label) {
  return typeof label === 'number' ? `${type.spelling}[${label}]` : label;
}

/* What generated code calls. */
const helpers = {
  native,
  everywhere,
  VIEW,

  int64(memory, offset) {
    const high = memory.getInt32(offset + 4, true);
    const low = memory.getUint32(offset, true);
    if (high >= -0x200000 && high < 0x200000 && !(high === -0x200000 && low === 0)) return high * TWO32 + low;
    return (BigInt(high) << 32n) | BigInt(low);
  },

  uint64(memory, offset) {
    const high = memory.getUint32(offset + 4, true);
    const low = memory.getUint32(offset, true);
    if (high < 0x200000) return high * TWO32 + low;
    return (BigInt(high) << 32n) | BigInt(low);
  },

  setSafe(memory, offset, value) {
    memory.setInt32(offset + 4, Math.floor(value / TWO32), true);
    memory.setUint32(offset, value >>> 0, true);
  },

  /** Anything but the common case. */
  store(type, memory, offset, value, label) {
    native.store(type[HANDLE], memory, offset, value, named(type, label));
  },

  load(type, memory, offset) {
    return native.load(type[HANDLE], memory, offset);
  },

  /** The string that a char pointer in memory points to. */
  text(memory, offset, width) {
    const address = readAddress(memory, offset);
    return address === 0 ? null : native.readString(everywhere, address, width, -1);
  },

  pointer(type, memory, offset) {
    const address = readAddress(memory, offset);
    return address === 0 ? null : helpers.makePointer(type, address);
  },

  /** Set by lib/pointer.js and lib/cstring.js. */
  makePointer: undefined,
  Pointer: undefined,
  makeString: undefined,

  setPointer(type, memory, offset, value, label) {
    let target = value;
    if (typeof value === 'string' && memory !== everywhere && type.resolved.base.isConst) {
      /* The characters live as long as the memory that points to them. */
      target = helpers.makeString(value, type.resolved.base, named(type, label));
    }
    native.store(type[HANDLE], memory, offset, target, named(type, label));
    if (memory instanceof DataView)
      keep(memory, offset, typeof target === 'object' ? target : (target ?? null));
  },

  /** A char array's text. */
  chars(memory, offset, width, count) {
    return native.readString(memory, offset, width, count);
  },

  setMemory(type, memory, offset, value, label) {
    const resolved = type.resolved;
    const from = value?.[TYPE];
    if (from !== undefined && value[MEMORY] !== undefined && from.resolved === resolved) {
      copy(memory, offset, value[MEMORY], value[OFFSET], resolved.size);
      return;
    }
    /* Made aside first, so that a value that is refused changes nothing. */
    const made = helpers.construct(resolved, value, named(type, label));
    copy(memory, offset, made[MEMORY], made[OFFSET], resolved.size);
  },

  construct(type, value, label) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'string')) {
      throw expected(label, `a value of ${type.spelling}`, value);
    }
    return new type.valueConstructor(value);
  },

  bits: readBits,
  setBits: writeBits,
  badBits,
};

/** A bit-field of any width at any place, byte by byte. */
function readBits(memory, offset, bit, width, signed) {
  let value = 0n;
  const first = bit >> 3;
  const last = (bit + width - 1) >> 3;
  for (let i = last; i >= first; i--) value = (value << 8n) | BigInt(memory.getUint8(offset + i));
  value >>= BigInt(bit & 7);
  value = signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function writeBits(memory, offset, bit, width, signed, value, label) {
  const big = typeof value === 'boolean' || Number.isInteger(value) ? BigInt(value) : value;
  if (typeof big !== 'bigint' || big !== (signed ? BigInt.asIntN(width, big) : BigInt.asUintN(width, big))) {
    badBits(width, signed, value, label);
  }
  let bits = BigInt.asUintN(width, big);
  for (let done = 0, at = bit; done < width;) {
    const shift = at & 7;
    const n = Math.min(8 - shift, width - done);
    const mask = ((1 << n) - 1) << shift;
    const byte = memory.getUint8(offset + (at >> 3));
    memory.setUint8(offset + (at >> 3), (byte & ~mask) | ((Number(bits & 0xffn) << shift) & mask));
    bits >>= BigInt(n);
    done += n;
    at += n;
  }
}

function badBits(width, signed, value, label) {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw expected(label, 'a number', value);
  const min = signed ? -(1n << BigInt(width - 1)) : 0n;
  const max = signed ? (1n << BigInt(width - 1)) - 1n : (1n << BigInt(width)) - 1n;
  const came = typeof value === 'bigint' ? `bigint ${value}n` : `number ${value}`;
  throw failure('BF_ERANGE', `${label}: expected an integer from ${min} to ${max}, got ${came}`);
}

/* [DataView's name, test of the common case] by conversion */
const SCALARS = {
  [CONVERSION.INT8]: ['Int8', "typeof v === 'number' && (v << 24) >> 24 === v"],
  [CONVERSION.UINT8]: ['Uint8', "typeof v === 'number' && (v & 0xff) === v"],
  [CONVERSION.INT16]: ['Int16', "typeof v === 'number' && (v << 16) >> 16 === v"],
  [CONVERSION.UINT16]: ['Uint16', "typeof v === 'number' && (v & 0xffff) === v"],
  [CONVERSION.INT32]: ['Int32', "typeof v === 'number' && (v | 0) === v"],
  [CONVERSION.UINT32]: ['Uint32', "typeof v === 'number' && v >>> 0 === v"],
  [CONVERSION.FLOAT]: ['Float32', "typeof v === 'number'"],
  [CONVERSION.DOUBLE]: ['Float64', "typeof v === 'number'"],
};

const CHARACTER_WIDTH = { [CONVERSION.STRING]: 1, [CONVERSION.STRING16]: 2, [CONVERSION.STRING32]: 4 };

/** Is it an array of characters, which reads as a string? */
function isText(type) {
  const { kindNumber, base } = type.resolved;
  return kindNumber === KIND.ARRAY && (base.resolved.flags & FLAG.CHAR) !== 0 && type.count > 0;
}

/** What 64-bit members are by the option int64 of the library whose struct it is. */
const AS_INT64 = { bigint: 'BigInt', number: 'Number' };

/**
 * The expression that reads a value of `type` at offset `o` of memory `m`. `t` is
 * the name under which generated code finds the type.
 */
function readSource(type, m, o, t, int64) {
  const { conversion, resolved } = type;
  if (resolved.kindNumber === KIND.ARRAY && resolved.flags & FLAG.FLEXIBLE) {
    return `new H.Pointer(${t}.resolved.base, ${m}, ${o})`;
  }
  if (conversion in SCALARS) return `${m}.get${SCALARS[conversion][0]}(${o}, true)`;
  switch (conversion) {
    case CONVERSION.BOOL:
      return `${m}.getUint8(${o}) !== 0`;
    case CONVERSION.INT64:
      return `${AS_INT64[int64] ?? ''}(H.int64(${m}, ${o}))`;
    case CONVERSION.UINT64:
      return `${AS_INT64[int64] ?? ''}(H.uint64(${m}, ${o}))`;
    case CONVERSION.STRING:
    case CONVERSION.STRING16:
    case CONVERSION.STRING32:
      return `H.text(${m}, ${o}, ${CHARACTER_WIDTH[conversion]})`;
    case CONVERSION.POINTER:
    case CONVERSION.CALLBACK:
      return `H.pointer(${t}, ${m}, ${o})`;
    case CONVERSION.MEMORY:
      if (isText(type)) return `H.chars(${m}, ${o}, ${resolved.base.size}, ${type.count})`;
      return `new ${t}.valueConstructor(H.VIEW, ${m}, ${o})`;
    default:
      return `H.load(${t}, ${m}, ${o})`;
  }
}

/** The statement that writes `v`; `label` is a JavaScript expression for what errors name. */
function writeSource(type, m, o, t, label) {
  const { conversion } = type;
  const otherwise = `H.store(${t}, ${m}, ${o}, v, ${label});`;
  if (conversion in SCALARS) {
    const [name, test] = SCALARS[conversion];
    return `if (${test}) ${m}.set${name}(${o}, v, true); else ${otherwise}`;
  }
  switch (conversion) {
    case CONVERSION.BOOL:
      return `if (typeof v === 'boolean') ${m}.setUint8(${o}, v ? 1 : 0); else ${otherwise}`;
    case CONVERSION.INT64:
      return `if (Number.isSafeInteger(v)) H.setSafe(${m}, ${o}, v); else ${otherwise}`;
    case CONVERSION.UINT64:
      return `if (Number.isSafeInteger(v) && v >= 0) H.setSafe(${m}, ${o}, v); else ${otherwise}`;
    case CONVERSION.STRING:
    case CONVERSION.STRING16:
    case CONVERSION.STRING32:
    case CONVERSION.POINTER:
    case CONVERSION.CALLBACK:
      return `H.setPointer(${t}, ${m}, ${o}, v, ${label});`;
    case CONVERSION.MEMORY:
      return `H.setMemory(${t}, ${m}, ${o}, v, ${label});`;
    default:
      return otherwise;
  }
}

/** @returns {(memory: object, offset: number) => unknown} */
function readerOf(type) {
  if (type.reader === undefined) {
    const body = `return (m, o) => ${readSource(type, 'm', 'o', 'T')};`;
    type.reader = vm.compileFunction(body, ['H', 'T'])(helpers, type);
    type.scalar = type.conversion in SCALARS ? type.conversion : 0;
  }
  return type.reader;
}

/** @returns {(memory: object, offset: number, value: unknown, label: string | number) => void} see named() */
function writerOf(type) {
  if (type.writer === undefined) {
    const body = `return (m, o, v, label) => { ${writeSource(type, 'm', 'o', 'T', 'label')} };`;
    type.writer = vm.compileFunction(body, ['H', 'T'])(helpers, type);
  }
  return type.writer;
}

/** @returns {(memory: object, offset: number, values: unknown[], n: number) => void} writes elements, in a row */
function fillerOf(type) {
  if (type.filler === undefined) {
    const body = `return (m, o, values, n) => {
      for (let i = 0; i < n; i++, o += ${type.size}) { const v = values[i]; ${writeSource(type, 'm', 'o', 'T', 'i')} }
    };`;
    type.filler = vm.compileFunction(body, ['H', 'T'])(helpers, type);
  }
  return type.filler;
}

module.exports = {
  VIEW,
  AS_INT64,
  helpers,
  readSource,
  writeSource,
  readerOf,
  writerOf,
  fillerOf,
  isText,
  reserve,
  room,
};
