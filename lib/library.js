'use strict';
/*
 * Libraries: the first two of the five steps that bind a function (open the library,
 * find the symbol), and the object that load() returns, with a property for every
 * identifier that the declarations name.
 */
const native = require('./native');
const { KIND, CONVERSION, typeOf, typeFromHandle } = require('./type');
const { everywhere } = require('./memory');
const { readerOf, writerOf } = require('./codec');
const { Pointer } = require('./pointer');
const { makeDeclared, optionFlags } = require('./function');
const { readHeader, fileFilter } = require('./header');
const { failure, expected, inspect } = require('./errors');

const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');

/* bf_symbol_kind */
const SYMBOL = { FUNCTION: 0, VARIABLE: 1, CONSTANT: 2, TYPEDEF: 3, TAG: 4 };

/** Step one: open the library. */
function openLibrary(path, flags = 0) {
  if (path !== null && typeof path !== 'string')
    throw expected('load()', 'the path of a library or null', path);
  if (typeof path === 'string' && path.includes('\0')) {
    throw failure('BF_ETYPE', 'load(): expected a path without NUL characters');
  }
  return native.openLibrary(path, flags);
}

/** Step two: find the symbol. */
function findSymbol(handle, name) {
  return native.librarySymbol(handle, name);
}

/* What belongs to a library object, which has no properties of its own but C's. */
const states = new WeakMap();

/** What library objects inherit. C's identifiers of the same name hide these. */
const prototype = {
  __proto__: null,
  close() {
    close(this);
  },
  [DISPOSE]() {
    close(this);
  },
  [Symbol.toStringTag]: 'Library',
  [inspect.custom](depth, options, print) {
    const { path } = stateOf(this);
    return `Library ${path ?? '(this process)'} ${(print ?? inspect)(Object.keys(this), options)}`;
  },
};

function stateOf(library) {
  const state = states.get(library);
  if (state === undefined) throw expected('library', 'what load() returned', library);
  return state;
}

/**
 * Closes a library: its functions and variables throw from here on. What runs in it
 * at the moment (this call comes from a callback, or an async call is under way)
 * ends first.
 * @param {object} library
 */
function close(library) {
  const { handle } = stateOf(library);
  if (native.closeLibrary(handle)) return;
  const later = () => {
    if (!native.closeLibrary(handle)) setImmediate(later);
  };
  setImmediate(later);
}

/* --- properties ------------------------------------------------------------------ */

/*
 * A library object has properties by the hundred. It starts as a dictionary, where to add one takes the same time
 * however many there are; at the end bind() has the engine lay them out for fast reading.
 */
const defineGetter = Object.prototype.__defineGetter__;

/** A property that is computed when it is first read, and stays. It stays a getter, which optimised code inlines. */
function defineLazily(object, name, compute) {
  let value;
  defineGetter.call(object, name, () => (value ??= compute()));
}

/** The same for a function of C. */
function defineFunction(object, as, binding, name, index) {
  let value;
  defineGetter.call(object, as, () => (value ??= makeDeclared(binding, name, index)));
}

/** What a typedef or tag gives: a constructor where there is one, else the type object. */
function exposed(type) {
  return type.valueConstructor ?? type;
}

/** 64-bit variables follow the option int64, as results do. */
const AS_INT64 = { bigint: BigInt, number: Number };

function isInt64({ conversion }) {
  return conversion === CONVERSION.INT64 || conversion === CONVERSION.UINT64;
}

function defineVariable(object, name, state, type, find) {
  let address;
  const place = () => {
    if (!native.libraryIsOpen(state.handle)) {
      throw failure('BF_ECLOSED', `${name}: its library (${state.path ?? 'the process'}) is closed`);
    }
    address ??= find();
    return address;
  };
  Object.defineProperty(object, name, {
    configurable: true,
    enumerable: true,
    get: () => {
      const value = readerOf(type())(everywhere, place());
      return state.int64 in AS_INT64 && isInt64(type()) ? AS_INT64[state.int64](value) : value;
    },
    set: (value) => {
      if (type().isConst) throw failure('BF_ETYPE', `${name}: ${type().spelling} can't be changed`);
      writerOf(type())(everywhere, place(), value, name);
    },
  });
}

/** Reads headers and text: the addon's handle, and which symbols are wanted as properties, by index. */
function declareFiles(options, text) {
  if (options.header === undefined) {
    const declared = native.declare(undefined, text);
    const filter = fileFilter([], options.files);
    const files = native.declaredFiles(declared);
    return { declared, wanted: (index) => filter(files[index]) };
  }
  const read = readHeader(options);
  const declared = native.declare(undefined, read.text);
  const files = native.declaredFiles(declared);
  native.declare(declared, text);
  return { declared, wanted: (index) => index >= files.length || read.wanted(files[index]) };
}

/** What an option of load() may be called. */
const OPTIONS = [
  'declarations',
  'header',
  'prefix',
  'int64',
  'errno',
  'owned',
  'lazy',
  'flags',
  'include',
  'files',
  'cc',
  'preprocess',
];

function checked(options) {
  if (options === null || typeof options !== 'object')
    throw expected('load()', 'declarations as C text, or options', options);
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) throw failure('BF_ETYPE', `load(): there is no option '${name}'`);
  }
  return options;
}

/**
 * Opens a library and binds what the declarations name.
 *
 *   const { cos } = load('libm.so.6', 'double cos(double x);');
 *
 * @param {string | null} path as dlopen(3) finds it; null: the running process
 * @param {string | object} declarations C text, or options:
 *   - declarations: C text
 *   - header: a header or several, read by the C preprocessor; its own declarations become properties, and
 *     with files ('all', a RegExp, path endings) those of other files (with line markers in
 *     the text, files chooses among its declarations too); include: directories, preprocess: other
 *     flags, cc: the compiler
 *   - prefix: 'sqlite3_' makes sqlite3_open available as open
 *   - int64: what 64-bit results, variables and struct members are: 'auto' (Number when safe), 'bigint',
 *     'number'; elements of arrays are always as by 'auto'
 *   - errno: results are { value, errno }
 *   - owned: names of functions whose string results are freed after reading
 *   - lazy: symbols are looked up on first use; the default with a header, which may name what the library lacks
 *   - flags: of dlopen(3), see flags
 * @returns {object} its properties are C's identifiers
 */
function load(path, declarations) {
  const options = typeof declarations === 'string' ? { declarations } : checked(declarations);
  const { declarations: text = '', header, lazy = header !== undefined } = options;
  if (typeof text !== 'string') throw expected('load()', 'declarations as C text', text);
  const { declared, wanted } =
    header === undefined && options.files === undefined
      ? { declared: native.declare(undefined, text) }
      : declareFiles(options, text);

  const state = { handle: openLibrary(path, options.flags), path, declared, int64: options.int64 };
  const library = { __proto__: null };
  states.set(library, state);
  bind(library, state, options, lazy, wanted);
  return library;
}

/** What declarations name, in their order: kinds (SYMBOL), and names. */
function symbolsOf(declared) {
  const { kinds, text } = native.declared(declared);
  return { kinds, names: text.split(' ') };
}

/**
 * Members of the structs that a library declares follow its option int64.
 * @returns {object[]} their types, to be held: a type that nobody holds is made anew when it is met again
 */
function markInt64(declared, kinds, int64) {
  return Array.from(kinds.keys())
    .filter((index) => kinds[index] === SYMBOL.TYPEDEF || kinds[index] === SYMBOL.TAG)
    .map((index) => typeFromHandle(native.declaredType(declared, index)).resolved)
    .filter(({ kindNumber }) => kindNumber === KIND.STRUCT || kindNumber === KIND.UNION)
    .map((type) => {
      type.int64 = int64;
      return type;
    });
}

function defineSymbolVariable(library, name, state, index, lazy) {
  const find = () => findSymbol(state.handle, native.declaredThing(state.declared, index));
  const address = lazy ? undefined : find();
  let object;
  const typeObject = () => (object ??= typeFromHandle(native.declaredType(state.declared, index)));
  defineVariable(library, name, state, typeObject, lazy ? find : () => address);
}

function defineType(library, name, declared, index) {
  defineLazily(library, name, () => exposed(typeFromHandle(native.declaredType(declared, index))));
}

/** What is neither a function nor a tag. */
function defineOther(library, name, state, kind, index, lazy) {
  const { declared } = state;
  if (kind === SYMBOL.VARIABLE) defineSymbolVariable(library, name, state, index, lazy);
  else if (kind === SYMBOL.TYPEDEF) defineType(library, name, declared, index);
  else {
    const value = native.declaredThing(declared, index);
    Object.defineProperty(library, name, { value, enumerable: true, configurable: true });
  }
}

/** Tags are properties under 'struct name', and under their name alone where nothing else has it. */
function defineTags(library, tags, declared) {
  for (const [name, index] of tags) {
    const kind = native.declaredThing(declared, index);
    const keyword = { [KIND.STRUCT]: 'struct', [KIND.UNION]: 'union' }[kind] ?? 'enum';
    const full = `${keyword} ${name}`;
    defineType(library, full, declared, index);
    Object.defineProperty(library, full, { enumerable: false });
    if (!Object.hasOwn(library, name)) defineType(library, name, declared, index);
  }
}

/** Gives a library object its properties. `wanted` says which symbols, by index; undefined: all. */
function bind(library, state, options, lazy, wanted) {
  const { declared, handle } = state;
  const { kinds, names } = symbolsOf(declared);
  /* Of functions, once they were looked up. */
  const addresses = new Float64Array(kinds.length);
  const { prefix } = options;
  const owned = options.owned && new Set(options.owned);
  state.structs = options.int64 in AS_INT64 ? markInt64(declared, kinds, options.int64) : undefined;
  /* How the functions are made: those of the option owned, and the others. */
  const owning = { declared, handle, addresses, structs: state.structs, flags: optionFlags(options) };
  const plain = owned ? { ...owning, flags: optionFlags({ ...options, owned: false }) } : owning;
  const tags = [];

  /* Symbols are looked for now, so that a missing one is said by load(); functions are made when they are read. */
  if (!lazy) {
    if (wanted !== undefined) addresses.forEach((_, i) => (addresses[i] = wanted(i) ? 0 : NaN));
    native.findDeclared(declared, handle, addresses);
  }
  for (let index = 0; index < kinds.length; index++) {
    if (wanted !== undefined && !wanted(index)) continue;
    const kind = kinds[index];
    const name = names[index];
    const as = prefix && name.startsWith(prefix) ? name.slice(prefix.length) : name;
    if (kind === SYMBOL.FUNCTION) defineFunction(library, as, owned?.has(name) ? owning : plain, name, index);
    else if (kind === SYMBOL.TAG) tags.push([name, index]);
    else defineOther(library, as, state, kind, index, lazy);
  }
  if (tags.length > 0) defineTags(library, tags, declared);
  Object.setPrototypeOf(library, prototype);
  Object.create(library); // what objects inherit from is laid out for fast reading as soon as code reads it
}

/**
 * Where a symbol lies that the declarations do not name: for functionAt(), or cast() and value.
 * @param {object} library what load() returned
 * @param {string} name
 * @returns {Pointer} to void
 */
function symbol(library, name) {
  const { handle } = stateOf(library);
  if (typeof name !== 'string') throw expected('symbol()', 'a name', name);
  return new Pointer(typeOf('void'), everywhere, findSymbol(handle, name));
}

/**
 * The type that C text means where a library's names are known: typeIn(lib, 'sqlite3 *').
 */
function typeIn(library, text) {
  return typeOf(text, stateOf(library).declared);
}

module.exports = {
  SYMBOL,
  symbolsOf,
  load,
  close,
  symbol,
  typeIn,
  openLibrary,
  findSymbol,
  bind,
  stateOf,
  states,
  prototype,
};
