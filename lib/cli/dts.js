'use strict';
/*
 * TypeScript's declarations of a bound header: every function, variable, constant and
 * type with its exact type and its comment.
 */
const { SYMBOL } = require('../library');
const { KIND, CONVERSION, FLAG } = require('../type');

const HEAD = `/* Written by biffi bind; changes will be lost. */
import type { ArrayValue, BoundFunction, Bytes, Callback, ConstPointerTo, EnumObject, Floating, Integer64, Pointer, PointerLike, PointerTo, StructValue, Type, ValueConstructor } from 'biffi';
`;

/* What can't name a declaration. */
const RESERVED = new Set(
  (
    'break case catch class const continue debugger default delete do else enum export extends false finally for function ' +
    'if import in instanceof new null return super switch this throw true try typeof var void while with yield let static ' +
    'implements interface package private protected public await arguments eval'
  ).split(' '),
);
/* What a type of the file can't be called, since the file uses it. */
const TAKEN = new Set([
  ...HEAD.match(/\{ (.*) \}/)[1].split(', '),
  ...[
    'Partial',
    'Iterable',
    'string',
    'number',
    'boolean',
    'bigint',
    'any',
    'unknown',
    'never',
    'object',
    'symbol',
    'undefined',
  ],
]);

const isIdentifier = (name) => /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) && !RESERVED.has(name);
const key = (name) => (isIdentifier(name) || RESERVED.has(name) ? name : JSON.stringify(name));

function jsdoc(doc, indent = '') {
  if (!doc) return '';
  const lines = doc.replaceAll('*/', '* /').split('\n');
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

class Declarations {
  /* Interfaces of structs and unions, aliases of enums, by the type's serial. */
  #names = new Map();
  #used;
  #interfaces = [];

  constructor(symbols, rename) {
    this.rename = rename;
    this.#used = new Set(TAKEN);
    /* A type goes by its typedef, else by its tag. */
    for (const { kind, name, type } of symbols) {
      if (kind === SYMBOL.TYPEDEF) this.#claim(type.resolved, rename(name));
    }
    for (const { kind, name, type } of symbols) {
      if (kind === SYMBOL.TAG) this.#claim(type, rename(name));
    }
  }

  #claim(type, wish) {
    if (![KIND.STRUCT, KIND.UNION, KIND.ENUM].includes(type.kindNumber) || this.#names.has(type.serial))
      return;
    let name = isIdentifier(wish) ? wish : `_${wish.replace(/[^\w$]/g, '_')}`;
    while (this.#used.has(name)) name = `${name}_`;
    this.#used.add(name);
    this.#names.set(type.serial, name);
  }

  /** The TypeScript name of a struct, union or enum; its declaration is written the first time. */
  nameOf(type) {
    const resolved = type.resolved;
    if (!this.#names.has(resolved.serial)) this.#claim(resolved, resolved.name ?? type.name ?? 'Unnamed');
    const name = this.#names.get(resolved.serial);
    if (!this.#written.has(name)) {
      this.#written.add(name);
      const place = this.#interfaces.push('') - 1;
      this.#interfaces[place] = this.#declare(resolved, name);
    }
    return name;
  }
  #written = new Set();

  #declare(type, name) {
    if (type.kindNumber === KIND.ENUM) {
      const names = [...type.enumerators.keys()].map((n) => JSON.stringify(n)).join(' | ');
      return `/** Members of \`${type.spelling}\`. */\nexport type ${name} = ${names || 'never'};\n`;
    }
    if (!type.isComplete)
      return `/** \`${type.spelling}\`, which only its library knows. */\nexport interface ${name} { readonly __opaque: '${name}' }\n`;
    return `export interface ${name} extends StructValue {\n${this.#members(type)}}\n`;
  }

  #members(type) {
    return type.members
      .map((m) => {
        if (m.name !== undefined) return `${jsdoc(m.doc, '  ')}  ${key(m.name)}: ${this.value(m.type)};\n`;
        /* Members of an anonymous struct or union stand among those around it. */
        return m.bitWidth > 0 ? '' : this.#members(m.type.resolved);
      })
      .join('');
  }

  /** What JavaScript gets: a result, a member, what a pointer points to. */
  value(type) {
    const { kindNumber, conversion, base } = type.resolved;
    switch (conversion) {
      case CONVERSION.VOID:
        return 'void';
      case CONVERSION.BOOL:
        return 'boolean';
      case CONVERSION.INT64:
      case CONVERSION.UINT64:
        return 'Integer64';
      case CONVERSION.LDOUBLE:
        return 'Floating';
      case CONVERSION.COMPLEX:
        return kindNumber === KIND.CLDOUBLE ? '{ re: Floating; im: Floating }' : '{ re: number; im: number }';
      case CONVERSION.INT128:
      case CONVERSION.UINT128:
        return 'bigint';
      case CONVERSION.STRING:
      case CONVERSION.STRING16:
      case CONVERSION.STRING32:
        return 'string | null';
      case CONVERSION.CALLBACK:
        return `${this.bound(base.resolved)} | null`;
      case CONVERSION.POINTER:
        return `Pointer<${this.value(base)}> | null`;
      case CONVERSION.MEMORY:
        if (kindNumber !== KIND.ARRAY) return this.nameOf(type);
        return base.resolved.flags & FLAG.CHAR ? 'string' : `ArrayValue<${this.value(base)}>`;
      default:
        if (kindNumber === KIND.FUNCTION) return this.bound(type.resolved);
        if (kindNumber === KIND.STRUCT || kindNumber === KIND.UNION) return this.nameOf(type);
        if (conversion >= CONVERSION.INT8 && conversion <= CONVERSION.DOUBLE) return 'number';
        return 'unknown';
    }
  }

  /** What JavaScript may pass. */
  input(type) {
    const { kindNumber, conversion, base } = type.resolved;
    switch (conversion) {
      case CONVERSION.STRING:
      case CONVERSION.STRING16:
      case CONVERSION.STRING32:
        return base.isConst ? 'string | Bytes | Pointer<any> | null' : 'Bytes | Pointer<any> | null';
      case CONVERSION.CALLBACK: {
        return `(${this.signature(base.resolved)}) | Callback | Pointer<any> | null`;
      }
      case CONVERSION.POINTER: {
        const target = this.value(base);
        if (target === 'void' || target === 'unknown')
          return base.isConst ? 'ConstPointerTo<any>' : 'PointerTo<any>';
        return `${base.isConst ? 'ConstPointerTo' : 'PointerTo'}<${target}>`;
      }
      case CONVERSION.LDOUBLE:
        return 'Floating | bigint';
      case CONVERSION.COMPLEX:
        return `number | ${this.value(type)}`;
      case CONVERSION.MEMORY:
        return kindNumber === KIND.ARRAY ? this.value(type) : `Partial<${this.nameOf(type)}>`;
      default:
        return kindNumber === KIND.ENUM ? `number | ${this.nameOf(type)}` : this.value(type);
    }
  }

  /** A function that is called from JavaScript. */
  bound(type) {
    return `BoundFunction<[${this.#params(type)}], ${this.value(type.base)}>`;
  }

  /** A function that is called from C. */
  signature(type) {
    return `(${this.#params(type)}) => ${this.value(type.base)}`;
  }

  #params(type) {
    const taken = new Set();
    const params = type.params.map((p, i) => {
      let name = p.name !== undefined && isIdentifier(p.name) ? p.name : `arg${i + 1}`;
      while (taken.has(name)) name += '_';
      taken.add(name);
      return `${name}: ${this.input(p.type)}`;
    });
    if (type.flags & FLAG.VARIADIC) params.push('...more: unknown[]');
    return params.join(', ');
  }

  /** A symbol's own declaration. */
  symbol({ kind, name, third, type, doc }) {
    const exported = this.rename(name);
    switch (kind) {
      case SYMBOL.FUNCTION:
        return this.#constant(exported, this.bound(type.resolved), doc);
      case SYMBOL.VARIABLE:
        return this.#constant(exported, this.value(type), doc, type.isConst ? 'const' : 'let');
      case SYMBOL.CONSTANT:
        return this.#constant(
          exported,
          typeof third === 'bigint' ? `${third}n` : (JSON.stringify(third) ?? 'number'),
          doc,
        );
      default: {
        const { kindNumber, isComplete } = type.resolved;
        if (kindNumber === KIND.ENUM)
          return this.#constant(
            exported,
            `EnumObject & { readonly [name in ${this.nameOf(type)}]: number }`,
            doc,
          );
        if ((kindNumber === KIND.STRUCT || kindNumber === KIND.UNION) && isComplete)
          return this.#constant(
            exported,
            `ValueConstructor<${this.nameOf(type)}, Partial<${this.nameOf(type)}>>`,
            doc,
          );
        if (kindNumber === KIND.STRUCT || kindNumber === KIND.UNION) this.nameOf(type);
        return this.#constant(exported, 'Type', doc);
      }
    }
  }

  #seen = new Set();
  #constant(name, type, doc, keyword = 'const') {
    if (this.#seen.has(name)) return '';
    this.#seen.add(name);
    if (isIdentifier(name)) return `${jsdoc(doc)}export ${keyword} ${name}: ${type};\n`;
    const inner = `_${name.replace(/[^\w$]/g, '_')}_`;
    return `${jsdoc(doc)}declare ${keyword} ${inner}: ${type};\nexport { ${inner} as ${key(name)} };\n`;
  }

  get interfaces() {
    return this.#interfaces.join('');
  }
}

/**
 * @param {{ kind: number, name: string, third: unknown, type: object, doc: string | null }[]} symbols
 * @param {{ prefix?: string, isModule?: boolean }} options isModule: all of it as the default export too
 */
function declarationsOf(symbols, { prefix, isModule }) {
  const rename = (name) => (prefix && name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const out = new Declarations(symbols, rename);
  /* Types last: an identifier hides a tag of the same name. */
  const order = [...symbols].sort((a, b) => Number(a.kind === SYMBOL.TAG) - Number(b.kind === SYMBOL.TAG));
  const text = order.map((symbol) => out.symbol(symbol)).join('');
  if (!isModule) return `${HEAD}\n${out.interfaces}\n${text}`;
  const values = text.replaceAll(/^export (const|let) /gm, 'const ').replaceAll(/^declare /gm, '');
  const names = [...values.matchAll(/^const ([\w$]+):/gm)]
    .map((m) => `  ${m[1]}: typeof ${m[1]};\n`)
    .join('');
  return `${HEAD}\n${out.interfaces}\n${values.replaceAll(/^const /gm, 'declare const ').replaceAll(/^export \{.*\n/gm, '')}\ndeclare const library: {\n${names}};\nexport default library;\n`;
}

module.exports = { declarationsOf };
