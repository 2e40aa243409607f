'use strict';
/*
 * Layouts of random structs and unions against gcc's: bit-fields of all integer
 * types, packed, aligned, #pragma pack, nested and anonymous ones, flexible arrays.
 * The same numbers come with every run, unless BIFFI_SEED says otherwise.
 */
const { test, before } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');

const compiler = require('./compiler.js');

const seed = Number(process.env.BIFFI_SEED) || 1;
const rounds = process.env.BIFFI_LONG === '1' ? 40 : 4;
const each = 400;

/** Marsaglia's xorshift32: a number below n. */
function generator(state) {
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

const integers = {
  _Bool: 1,
  char: 8,
  'signed char': 8,
  'unsigned char': 8,
  short: 16,
  'unsigned short': 16,
  int: 32,
  'unsigned int': 32,
  long: 64,
  'unsigned long': 64,
  'long long': 64,
  'enum e': 32,
  'enum small': 8,
  loose: 32,
  tight: 32,
  wide: 16,
};
const plain = [
  'float',
  'double',
  'long double',
  'void *',
  '__int128',
  '_Complex float',
  'loose8',
  'int (*%)(void)',
];

const prelude = `
enum e { E_A, E_B = 1000000 };
enum small { S_A, S_B = 100 } __attribute__((packed));
typedef int loose __attribute__((aligned(1)));
typedef int tight __attribute__((aligned(8)));
typedef short wide __attribute__((aligned(4)));
typedef double loose8 __attribute__((aligned(2)));
struct empty {};
`;

/** One text with `each` types; later ones have earlier ones as members. */
function declarations(random) {
  const pick = (list) => list[random(list.length)];
  const one = (n) => random(n) === 0;
  const known = ['struct empty'];
  let names = 0;

  const attributes = () => {
    const parts = [];
    if (one(12)) parts.push('packed');
    if (one(14)) parts.push(`aligned(${1 << random(6)})`);
    return parts.length ? ` __attribute__((${parts.join(', ')}))` : '';
  };
  const member = (depth) => {
    const name = `m${names++}`;
    const kind = random(20);
    if (kind < 9) {
      const type = pick(Object.keys(integers));
      const width = 1 + random(integers[type]);
      if (one(10)) return `${type} : ${one(2) ? 0 : width};`;
      return `${type} ${name} : ${one(3) ? integers[type] : width}${attributes()};`;
    }
    if (kind < 13) {
      const type = pick(Object.keys(integers));
      // An array's elements can't be aligned to more than their size.
      const count = one(4) && type !== 'tight' && type !== 'wide' ? `[${random(4)}]` : '';
      return `${type} ${name}${count}${attributes()};`;
    }
    if (kind < 15) {
      const type = pick(plain);
      return `${type.includes('%') ? type.replace('%', name) : `${type} ${name}`}${attributes()};`;
    }
    if (kind < 17) return `${pick(known)} ${name}${one(4) ? `[${random(3)}]` : ''}${attributes()};`;
    if (kind < 18) return `_Alignas(${1 << (4 + random(3))}) char ${name};`;
    if (depth > 3) return `char ${name};`;
    return `${one(2) ? 'struct' : 'union'} { ${members(depth + 1)} }${attributes()} ${one(2) ? '' : name};`;
  };
  const members = (depth) => Array.from({ length: 1 + random(depth ? 4 : 9) }, () => member(depth)).join(' ');

  const lines = [prelude];
  for (let i = 0; i < each; i++) {
    const word = one(4) ? 'union' : 'struct';
    const pack = one(6) ? 1 << random(5) : 0;
    const flexible = word === 'struct' && one(12);
    if (pack) lines.push(`#pragma pack(push, ${pack})`);
    const tail = flexible ? `char head; ${pick(['char', 'long', 'double', 'tight *'])} tail[];` : '';
    lines.push(`${word} t${i} { ${members(0)} ${tail} }${attributes()};`);
    if (pack) lines.push('#pragma pack(pop)');
    if (!flexible && !one(3)) known.push(`${word} t${i}`);
  }
  return lines.join('\n');
}

before(() => fs.mkdirSync(compiler.build, { recursive: true }));

for (let round = 0; round < rounds; round++) {
  test(`random layouts are the compiler's (seed ${seed + round})`, async (t) => {
    const random = generator((seed + round) * 2654435761);
    for (let i = 0; i < 10; i++) random(2);
    const text = declarations(random);
    const ours = await compiler.parse(text);
    assert.strictEqual(ours.error, '');
    const questions = compiler.layoutQuestions(ours.types);
    const lines = await compiler.answers(`random${round}.c`, compiler.layoutProgram(text, questions, []), []);
    assert.deepStrictEqual(compiler.layoutDifferences(questions, lines), []);
    t.diagnostic(
      `${ours.types.length} types, ${questions.table.length} numbers, ${questions.bits.length} bit-fields`,
    );
  });
}
