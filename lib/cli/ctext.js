'use strict';
/*
 * C text for declarations that were read from a header, with everything they need
 * and nothing else: what `biffi bind` writes, and what load() reads again where no
 * compiler is installed.
 *
 * Structs come out as C lays them out by itself wherever that gives the same
 * layout; the others are written packed, with unnamed bit-fields as padding, which
 * gives any layout (see `exact`).
 */
const native = require('../native');
const { HANDLE } = require('../keys');
const { KIND, FLAG } = require('../type');

const KEYWORDS = { [KIND.STRUCT]: 'struct', [KIND.UNION]: 'union', [KIND.ENUM]: 'enum' };

/** A name that load() knows without a declaration. */
function isKnown(alias) {
  const handle = native.namedType(alias.name);
  if (handle === undefined) return false;
  /* A va_list is the compiler's own, under each of its names. */
  for (let type = alias; type.kindNumber === KIND.ALIAS; type = type.base)
    if (type.flags & FLAG.VLIST) return true;
  return native.sameType(handle, alias[HANDLE]);
}

const unnamed = (type) => type.kindNumber in KEYWORDS && type.name === undefined;

/** A comment's text as a C comment; nothing in it can end it early. */
function comment(doc, indent = '') {
  if (!doc) return '';
  const lines = doc.replaceAll('*/', '* /').split('\n');
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

class CText {
  /** [text, own], in an order in which each declaration has what it needs before it. */
  #parts = [];
  /* Serials of the structs, unions and enums that are written, or are being written. */
  #defined = new Set();
  #forward = new Set();
  #later = [];
  #typedefs = new Set();
  /* Unnamed structs and enums by the typedef that named them. */
  #names = new Map();

  /**
   * @param {Set<number>} own serials of the types that are bound themselves, not only needed by others
   * @param {Set<number>} exact serials of the types that C's own layout rules don't give
   */
  constructor(own, exact) {
    this.own = own;
    this.exact = exact;
  }

  /** The text; line markers tell what is bound ("own") from what that needs ("needed"). */
  get text() {
    let last;
    return this.#parts
      .map(([text, own]) => {
        const marker = own === last ? '' : `# 1 "${own ? 'own' : 'needed'}"\n`;
        last = own;
        return marker + text;
      })
      .join('');
  }

  #push(text, own) {
    this.#parts.push([text, own]);
  }

  /** C's declaration of `name` with a type; without a name the type alone. */
  spell(type, name = '') {
    const known = this.#names.get(type.serial);
    if (known !== undefined) return join(known, name);
    switch (type.kindNumber) {
      case KIND.ALIAS: {
        if (type.name !== undefined) return join(type.name, name);
        const words = [type.flags & FLAG.CONST && 'const', type.flags & FLAG.VOLATILE && 'volatile'].filter(
          Boolean,
        );
        const isPointer = type.base.kindNumber === KIND.POINTER;
        return isPointer
          ? this.spell(type.base.base, group(`* ${join(words.join(' '), name)}`, type.base.base))
          : `${words.join(' ')} ${this.spell(type.base, name)}`;
      }
      case KIND.POINTER:
        return this.spell(type.base, group(`*${name}`, type.base));
      case KIND.ARRAY:
        return this.spell(
          type.base,
          `${name}[${type.flags & (FLAG.FLEXIBLE | FLAG.INCOMPLETE) ? '' : type.count}]`,
        );
      case KIND.FUNCTION: {
        const params = type.params.map((p) => this.spell(p.type, p.name ?? ''));
        if (type.flags & FLAG.VARIADIC) params.push('...');
        return this.spell(type.base, `${name}(${params.join(', ') || 'void'})`);
      }
      case KIND.STRUCT:
      case KIND.UNION:
      case KIND.ENUM:
        return join(unnamed(type) ? this.#body(type) : `${KEYWORDS[type.kindNumber]} ${type.name}`, name);
      default:
        return join(type.name, name);
    }
  }

  /**
   * Writes what a declaration with this type needs before it.
   * @param {'now' | 'later' | 'name'} when where the type is a struct: its definition must come before, after
   *   (a function may name it first), or only if it is bound itself
   */
  need(type, when) {
    switch (type.kindNumber) {
      case KIND.ALIAS:
        if (type.name !== undefined && !isKnown(type)) this.#typedef(type, when);
        else this.need(type.base, when);
        break;
      case KIND.POINTER:
        this.need(type.base, 'name');
        break;
      case KIND.ARRAY:
        this.need(type.base, 'now');
        break;
      case KIND.FUNCTION:
        this.need(type.base, 'later');
        for (const p of type.params) this.need(p.type, 'later');
        break;
      case KIND.STRUCT:
      case KIND.UNION:
      case KIND.ENUM:
        this.#tagged(type, when);
        break;
    }
  }

  #tagged(type, when) {
    if (this.#names.has(type.serial) || this.#defined.has(type.serial)) return;
    if (unnamed(type)) {
      this.#needMembers(type);
      return;
    }
    const own = this.own.has(type.serial);
    const isEnum = type.kindNumber === KIND.ENUM;
    if (!isEnum && !this.#forward.has(type.serial)) {
      this.#forward.add(type.serial);
      this.#push(`${KEYWORDS[type.kindNumber]} ${type.name};\n`, own);
    }
    if (!type.isComplete) return;
    if (when === 'now' || isEnum) {
      this.#needMembers(type);
      this.#push(`${this.#body(type)};\n`, own);
    } else if (when === 'later' || own) {
      this.#later.push(type);
    }
  }

  /** Defines what declarations so far have only named. */
  #settle() {
    for (let type; (type = this.#later.shift()) !== undefined;) this.need(type, 'now');
  }

  #needMembers(type) {
    this.#defined.add(type.serial);
    if (type.kindNumber !== KIND.ENUM) for (const m of type.members) this.need(m.type, 'now');
  }

  /** The definition of a struct, union or enum. */
  #body(type) {
    const head = (attributes) => [KEYWORDS[type.kindNumber], attributes, type.name].filter(Boolean).join(' ');
    if (type.kindNumber === KIND.ENUM) {
      const list = [...type.enumerators].map(([name, value]) => `\t${name} = ${integer(value)},\n`).join('');
      const packed = type.flags & FLAG.PACKED ? '__attribute__((packed))' : '';
      return `${head(packed)} {\n${list}}`;
    }
    if (!this.exact.has(type.serial)) {
      const list = type.members.map((m) => this.#member(m)).join('');
      return `${head(type.flags & FLAG.PACKED ? '__attribute__((packed))' : '')} {\n${list}}`;
    }
    return `${head(`__attribute__((packed, aligned(${type.align})))`)} {\n${this.#exactMembers(type)}}`;
  }

  #member(m) {
    const width = m.bitWidth > 0 ? ` : ${m.bitWidth}` : '';
    return `${comment(m.doc, '\t')}\t${this.spell(m.type, m.name ?? '')}${width};\n`;
  }

  /** Members at their very places, with unnamed bit-fields between them. */
  #exactMembers(type) {
    const isUnion = type.kindNumber === KIND.UNION;
    let at = 0;
    let text = '';
    const pad = (to) => {
      for (; at < to; at += Math.min(64, to - at))
        text += `\tunsigned long long : ${Math.min(64, to - at)};\n`;
    };
    for (const m of type.members) {
      const start = m.offset * 8 + (m.bitWidth > 0 ? m.bitOffset : 0);
      if (!isUnion) pad(start);
      text += this.#member(m);
      at = start + (m.bitWidth > 0 ? m.bitWidth : m.type.size * 8);
    }
    if (!isUnion && !(type.flags & FLAG.FLEXIBLE)) pad(type.size * 8);
    return text;
  }

  /** A typedef, once. */
  #typedef(type, when, doc) {
    const base = type.base;
    /* By name: a parameter of an array type has a pointer type of the same typedef's name. */
    if (!this.#typedefs.has(type.name)) {
      this.#typedefs.add(type.name);
      const names = unnamed(base) && !this.#names.has(base.serial);
      this.need(base, base.kindNumber in KEYWORDS ? 'name' : when);
      const text = `${comment(doc)}typedef ${this.spell(base, type.name)};\n`;
      if (names) this.#names.set(base.serial, type.name);
      this.#push(text, this.own.has(type.serial));
    }
    if (when === 'now') this.need(base, 'now');
  }

  typedef(type, doc) {
    if (isKnown(type)) return;
    this.#typedef(type, 'name', doc);
    this.#settle();
  }

  tag(type, doc) {
    const before = this.#parts.length;
    this.need(type, 'now');
    /* The comment goes before the definition, which comes last. */
    if (doc && this.#parts.length > before) this.#parts.at(-1)[0] = comment(doc) + this.#parts.at(-1)[0];
    this.#settle();
  }

  /** A function or variable. `link` is its name in the library. */
  object(name, type, link, doc) {
    this.need(type, 'later');
    const label = link !== name ? ` __asm__(${JSON.stringify(link)})` : '';
    const storage = type.resolved.kindNumber === KIND.FUNCTION ? '' : 'extern ';
    this.#push(`${comment(doc)}${storage}${this.spell(type, name)}${label};\n`, true);
    this.#settle();
  }

  constant(name, value, doc) {
    this.#push(`${comment(doc)}#define ${name} ${constantText(value)}\n`, true);
  }
}

function join(left, right) {
  if (left === '' || right === '') return left + right;
  return /^[[(]/.test(right) && !right.startsWith('(*') ? `${left}${right}` : `${left} ${right}`;
}

/** Parentheses around a declarator whose `*` an array or function would take first. */
function group(declarator, target) {
  const inside = target.kindNumber === KIND.ARRAY || target.kindNumber === KIND.FUNCTION;
  return inside ? `(${declarator})` : declarator;
}

function integer(value) {
  const big = BigInt(value);
  if (big > 0x7fffffffffffffffn) return `${big}ULL`;
  if (big === -0x8000000000000000n) return '(-0x7fffffffffffffffLL - 1)';
  return big > 0x7fffffffn || big < -0x80000000n ? `${big}LL` : String(big);
}

function constantText(value) {
  if (typeof value === 'string') return cString(value);
  if (typeof value === 'bigint' || Number.isInteger(value)) {
    const text = integer(value);
    return text.startsWith('-') ? `(${text})` : text;
  }
  if (Number.isNaN(value)) return '(0.0 / 0.0)';
  if (!Number.isFinite(value)) return value > 0 ? '1e999' : '(-1e999)';
  const text = String(value);
  const number = /[.e]/.test(text) ? text : `${text}.0`;
  return value < 0 ? `(${number})` : number;
}

/** A string literal; bytes beyond ASCII as octal escapes. */
function cString(text) {
  const body = [...Buffer.from(text)]
    .map((byte) => {
      if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
      if (byte >= 0x20 && byte < 0x7f && byte !== 0x3f) return String.fromCharCode(byte);
      return `\\${byte.toString(8).padStart(3, '0')}`;
    })
    .join('');
  return `"${body}"`;
}

/** Is a type laid out as another one of the same name? */
function sameLayout(a, b) {
  if (a.size !== b.size || a.align !== b.align) return false;
  const named = (type) => type.members.filter((m) => m.name !== undefined || m.bitWidth === 0);
  const [left, right] = [named(a), named(b)];
  if (left.length !== right.length) return false;
  return left.every((m, i) => {
    const other = right[i];
    const start = (x) => x.offset * 8 + (x.bitWidth > 0 ? x.bitOffset : 0);
    return m.name === other.name && start(m) === start(other) && m.bitWidth === other.bitWidth;
  });
}

module.exports = { CText, sameLayout };
