'use strict';
/*
 * biffi bind: a header as a module. The module holds the declarations as C text, which
 * load() reads in a moment and without a compiler, and has its types beside it.
 */
const fs = require('node:fs');
const path = require('node:path');
const native = require('../native');
const { preprocess, fileFilter } = require('../header');
const { SYMBOL, symbolsOf } = require('../library');
const { KIND, typeFromHandle } = require('../type');
const { failure } = require('../errors');
const { UsageError } = require('./usage');
const { headerArguments } = require('./arguments');
const { libraryName } = require('./libraries');
const { CText, sameLayout } = require('./ctext');
const { declarationsOf } = require('./dts');

const HELP = `Usage: biffi bind HEADER... -l LIB [-o FILE] [options] [-I DIR] [-D NAME[=VALUE]] [preprocessor options]

Writes a CommonJS module (FILE ending in .mjs: an ES module) that binds LIB with what the headers
declare: functions, variables, types, constants, and their comments. It needs no compiler when it is
loaded. Beside it, FILE with .d.ts (.d.mts) has TypeScript's declarations. Without -o, the module
goes to stdout.

  -l LIB          a path, a file name that the dynamic linker finds, or what comes after the linker's -l
  -o FILE         where to write
  --prefix NAME   leave this prefix out of the names: --prefix sqlite3_ gives open for sqlite3_open
  --files LIST    bind what these files declare too (path endings, with commas), or all
  --cc COMMAND    the C compiler (cc)

A HEADER is a file, or a name as in #include <HEADER>.
`;

const OWN = { '-l': 'value', '-o': 'value', '--prefix': 'value', '--files': 'value', '--cc': 'value' };

/** Everything that is bound: [{ kind, name, third, type, doc }]. */
function wantedSymbols(declared, wanted) {
  const { kinds, names } = symbolsOf(declared);
  const files = native.declaredFiles(declared);
  const symbols = [];
  for (const [index, kind] of kinds.entries()) {
    if (!wanted(files[index])) continue;
    const name = names[index];
    const third = native.declaredThing(declared, index);
    const handle = native.declaredType(declared, index);
    const type = handle && typeFromHandle(handle);
    symbols.push({ kind, name, third, type, doc: native.declaredSource(declared, index).doc });
  }
  return symbols;
}

/** Has a type a vector in it, which no declaration in plain C can make? */
function usesVector(type, seen = new Set()) {
  if (type === undefined || seen.has(type.serial)) return false;
  seen.add(type.serial);
  switch (type.kindNumber) {
    case KIND.VECTOR:
      return true;
    case KIND.STRUCT:
    case KIND.UNION:
      return type.members.some((m) => usesVector(m.type, seen));
    case KIND.FUNCTION:
      return usesVector(type.base, seen) || type.params.some((p) => usesVector(p.type, seen));
    default:
      return type.kindNumber !== KIND.ENUM && usesVector(type.base, seen);
  }
}

/** The C text of symbols; `exact` says which structs need every member placed. */
function writeText(symbols, exact) {
  const types = symbols.filter((s) => s.kind === SYMBOL.TYPEDEF || s.kind === SYMBOL.TAG).map((s) => s.type);
  const own = new Set(types.flatMap((type) => [type.serial, type.resolved.serial]));
  const text = new CText(own, exact);
  for (const { kind, name, third, type, doc } of symbols) {
    if (kind === SYMBOL.TAG) text.tag(type, doc);
    else if (kind === SYMBOL.TYPEDEF) text.typedef(type, doc);
    else if (kind !== SYMBOL.CONSTANT) text.object(name, type, third, doc);
    /* An enum's members come with the enum, if something names it. */
    else if (type === undefined || type.resolved.kindNumber !== KIND.ENUM || !isNamed(type, own))
      text.constant(name, third, doc);
    else text.need(type, 'now');
  }
  return text.text;
}

const isNamed = (type, own) => type.resolved.name !== undefined || own.has(type.resolved.serial);

/** Structs and unions by the name that C text gives them. */
function structsOf(declared) {
  const map = new Map();
  const { kinds, names } = symbolsOf(declared);
  for (const [index, kind] of kinds.entries()) {
    if (kind !== SYMBOL.TAG && kind !== SYMBOL.TYPEDEF) continue;
    const type = typeFromHandle(native.declaredType(declared, index)).resolved;
    if ((type.kindNumber === KIND.STRUCT || type.kindNumber === KIND.UNION) && type.isComplete)
      map.set(`${kind} ${names[index]}`, type);
  }
  return map;
}

/**
 * C text that means what the symbols mean: written, read again and compared; what is
 * laid out otherwise is written member by member.
 */
function verifiedText(symbols, declared) {
  const original = structsOf(declared);
  const exact = new Set();
  for (;;) {
    const text = writeText(symbols, exact);
    const again = structsOf(native.declare(undefined, text));
    const differing = [...again].filter(
      ([name, type]) => original.has(name) && !sameLayout(type, original.get(name)),
    );
    if (differing.length === 0) return text;
    const fresh = differing.map(([name]) => original.get(name)).filter((type) => !exact.has(type.serial));
    if (fresh.length === 0) {
      throw failure(
        'BF_EUNSUPPORTED',
        `bind: the layout of ${differing[0][1].spelling} can't be written in C`,
      );
    }
    for (const type of fresh) exact.add(type.serial);
  }
}

/** C text inside of a template literal. */
const template = (text) => text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');

function moduleText({ library, headers, text, prefix, isModule }) {
  const options = [`declarations`, `files: ['own']`, 'lazy: true'];
  if (prefix) options.push(`prefix: ${JSON.stringify(prefix)}`);
  return `${isModule ? '' : `'use strict';\n`}/* Written by biffi bind from ${headers.map((h) => path.basename(h)).join(', ')}; changes will be lost. */
${isModule ? `import { load } from 'biffi';` : `const { load } = require('biffi');`}

const declarations = \`
${template(text)}\`;

${isModule ? 'export default' : 'module.exports ='} load(${JSON.stringify(library)}, { ${options.join(', ')} });
`;
}

function run(args) {
  const { headers, preprocess: flags, options } = headerArguments(args, OWN);
  if (options['-l'] === undefined) throw new UsageError('bind needs -l LIB');
  const given = options['--files'];
  const files = given === undefined || given === 'all' ? given : [...headers, ...given.split(',')];
  const declared = native.declare(
    undefined,
    preprocess(headers, { preprocess: ['-CC', ...flags], cc: options['--cc'] }),
  );
  const all = wantedSymbols(declared, fileFilter(headers, files));
  const symbols = all.filter(({ type }) => !usesVector(type));
  const left = all.length - symbols.length;
  if (left > 0) process.stderr.write(`biffi: left out ${left} declarations with vector types\n`);
  const file = options['-o'];
  const isModule = file?.endsWith('.mjs') ?? false;
  const prefix = options['--prefix'];
  const text = moduleText({
    library: libraryName(options['-l']),
    headers,
    text: verifiedText(symbols, declared),
    prefix,
    isModule,
  });
  if (file === undefined) {
    process.stdout.write(text);
    return;
  }
  fs.writeFileSync(file, text);
  const types = declarationsOf(symbols, { prefix, isModule });
  fs.writeFileSync(
    file.replace(/\.(mjs|cjs|js)$|$/, (end) => ({ '.mjs': '.d.mts', '.cjs': '.d.cts' })[end] ?? '.d.ts'),
    types,
  );
}

module.exports = { HELP, run };
