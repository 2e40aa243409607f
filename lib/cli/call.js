'use strict';
/* biffi call: a C function from the shell. */
const { load } = require('../library');
const { KIND, CONVERSION } = require('../type');
const { as } = require('../tools');
const { failure } = require('../errors');
const { UsageError } = require('./usage');
const { libraryName } = require('./libraries');

const HELP = `Usage: biffi call LIB DECLARATION [ARGUMENT...]

Calls a C function and prints its result:
  biffi call libm.so.6 'double cos(double)' 0.5
  biffi call c 'char *getenv(const char *name)' HOME
  biffi call c 'int printf(const char *format, ...)' '%d %s\\n' 42 words

LIB is a path, a file name that the dynamic linker finds, what comes after the linker's -l, or - for
Node.js itself. Numbers are read as JavaScript writes them, structs as JSON, null is NULL. Of
variadic arguments, integers become int or long, other numbers double, the rest strings.
`;

function integer(text) {
  try {
    return BigInt(text);
  } catch {
    throw failure('BF_ETYPE', `'${text}' is not an integer`);
  }
}

/** What an argument's text means for its type. */
function convert(text, type, label) {
  const { conversion, kindNumber } = type.resolved;
  if (kindNumber === KIND.ENUM && Number.isNaN(Number(text))) return text;
  if (conversion === CONVERSION.BOOL) {
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    throw failure('BF_ETYPE', `${label}: expected true or false, got '${text}'`);
  }
  if (conversion >= CONVERSION.INT8 && conversion <= CONVERSION.UINT128) return integer(text);
  if (
    conversion === CONVERSION.FLOAT ||
    conversion === CONVERSION.DOUBLE ||
    conversion === CONVERSION.LDOUBLE
  ) {
    const number = Number(text);
    if (text.trim() === '' || (Number.isNaN(number) && text !== 'NaN'))
      throw failure('BF_ETYPE', `${label}: expected a number, got '${text}'`);
    return number;
  }
  if (text === 'null') return null;
  if (conversion === CONVERSION.MEMORY) {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw failure('BF_ETYPE', `${label}: expected JSON for ${type.spelling}: ${error.message}`);
    }
  }
  return text;
}

/** A variadic argument's text, with the type that C's callers would give it. */
function convertVariadic(text) {
  if (/^[+-]?(\d+|0x[0-9a-f]+)$/i.test(text)) {
    const value = BigInt(text.replace(/^\+/, ''));
    return as(value === BigInt.asIntN(32, value) ? 'int' : 'long', value);
  }
  if (text.trim() !== '' && !Number.isNaN(Number(text))) return as('double', Number(text));
  return as('const char *', text === 'null' ? null : text);
}

function show(value) {
  if (value === undefined) return '';
  if (value === null) return 'NULL\n';
  if (typeof value !== 'object') return `${String(value)}\n`;
  return `${typeof value.toJSON === 'function' ? JSON.stringify(value) : require('node:util').inspect(value)}\n`;
}

function run(args) {
  const [lib, declaration, ...texts] = args;
  if (lib === undefined || declaration === undefined)
    throw new UsageError('a library or a declaration is missing');
  const library = load(
    lib === '-' ? null : libraryName(lib),
    /[;}]\s*$/.test(declaration) ? declaration : `${declaration};`,
  );
  const name = Object.keys(library)
    .filter((key) => typeof library[key]?.async === 'function')
    .at(-1);
  if (name === undefined) throw failure('BF_ESYNTAX', `'${declaration}' declares no function`);
  const call = library[name];
  const { params } = call.type;
  const values = texts.map((text, i) =>
    i < params.length ? convert(text, params[i].type, `argument ${i + 1}`) : convertVariadic(text),
  );
  const result = call(...values);
  /* What C has printed comes before what biffi prints. */
  load(null, 'int fflush(void *stream);').fflush(null);
  process.stdout.write(show(result));
}

module.exports = { HELP, run };
