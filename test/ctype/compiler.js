'use strict';
/*
 * Asking the C compiler: what it lays out where, beside what the parser says. Used
 * by the proof on real headers and by the one on random declarations.
 */
const { execFile, spawn } = require('node:child_process');
const { promisify } = require('node:util');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '../..');
const output = process.env.BIFFI_BUILD || path.join(root, 'build');
const build = path.join(output, 'headers');
const dump = path.join(output, 'test/ctype/dump');
// For another machine: its compiler, and what runs its programs here.
const cc = process.env.BIFFI_TEST_CC || 'gcc';
const emulator = (process.env.BIFFI_EMULATOR || '').split(' ').filter(Boolean);
const run = promisify(execFile);
const plenty = { maxBuffer: 256 << 20, encoding: 'latin1' };

/** Runs a program with `input` on its stdin. */
function feed(program, args, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const parts = [];
    child.stdout.on('data', (part) => parts.push(part));
    child.on('error', reject);
    child.on('close', (code) =>
      code
        ? reject(new Error(`${program}: exit code ${code}`))
        : resolve(Buffer.concat(parts).toString('utf8')),
    );
    child.stdin.on('error', () => {}); // its exit code tells more
    child.stdin.end(input, 'latin1');
  });
}

/** The members as C reaches them, those of nameless members' types as well. */
function* reach(members, prefix = '', base = 0) {
  for (const m of members) {
    yield { ...m, path: prefix + m.name, offset: base + m.offset };
    const dimensions = (m.type.match(/\[\d*\]/g) || []).length;
    if (m.members) yield* reach(m.members, `${prefix}${m.name}${'[0]'.repeat(dimensions)}.`, base + m.offset);
  }
}

/** What to ask gcc about types, and what ours said. */
function layoutQuestions(types) {
  const table = []; // [C expression, our number, what it is]
  const bits = []; // [C type, path, our first bit, our width]
  for (const t of types) {
    table.push([`sizeof(${t.cname})`, t.size, `${t.cname}: size`]);
    table.push([`_Alignof(${t.cname})`, t.align, `${t.cname}: alignment`]);
    for (const m of reach(t.members)) {
      if (m.bitWidth) {
        bits.push([t.cname, m.path, m.offset * 8 + m.bitOffset, m.bitWidth]);
        continue;
      }
      table.push([`__builtin_offsetof(${t.cname}, ${m.path})`, m.offset, `${t.cname}.${m.path}: offset`]);
      if (!m.type.includes('[]')) {
        table.push([`sizeof(((${t.cname} *)0)->${m.path})`, m.size, `${t.cname}.${m.path}: size`]);
      }
    }
    for (const v of t.values || []) {
      table.push([v.name, BigInt.asUintN(64, BigInt(v.value)), `${t.cname}: ${v.name}`]);
    }
    if (t.values && t.values.length) {
      // Its integer type's sign shows in the smallest number there is room for.
      const negative = t.values.some((v) => BigInt(v.value) < 0n);
      table.push([`(${t.cname})-1 < 0`, negative ? 1 : 0, `${t.cname}: sign`]);
    }
  }
  return { table, bits };
}

function layoutProgram(text, { table, bits }, declarations) {
  return `${text}
# 1 "questions"
${declarations.map((d) => `extern ${d};`).join('\n')}
static const unsigned long long biffi_table[] = {
${table.map(([expression]) => `(unsigned long long)(${expression}),`).join('\n')}
0};
static void biffi_scan(const unsigned char *b, unsigned long size)
{
	long first = -1, n = 0;
	unsigned long i;
	for (i = 0; i < size * 8; i++)
		if (b[i / 8] >> i % 8 & 1)
			first = first < 0 ? (long)i : first, n++;
	__builtin_printf("%ld\\n%ld\\n", first, n);
}
${bits
  .map(
    ([type, member], i) =>
      `static void biffi_bits${i}(void)\n{\n\tstatic ${type} v;\n\t__builtin_memset(&v, 0, sizeof v);\n\tv.${member} = -1;\n\tbiffi_scan((const unsigned char *)&v, sizeof v);\n}`,
  )
  .join('\n')}
int main(void)
{
	unsigned long i;
	for (i = 0; i + 1 < sizeof biffi_table / sizeof *biffi_table; i++)
		__builtin_printf("%llu\\n", biffi_table[i]);
${bits.map((_, i) => `\tbiffi_bits${i}();`).join('\n')}
	return 0;
}
`;
}

/** Compiles and runs a program; its lines. */
async function answers(name, source, flags) {
  const file = path.join(build, name);
  fs.writeFileSync(file, source, 'latin1');
  // Inline functions of the headers may name what no library here has: nobody calls them.
  const args = [
    ...flags,
    '-w',
    '-std=gnu11',
    '-O0',
    '-Wl,--unresolved-symbols=ignore-all',
    '-o',
    `${file}.out`,
    file,
  ];
  await run(cc, args, plenty).catch((error) => {
    throw new Error(
      String(error.stderr)
        .split('\n')
        .filter((line) => line.includes('error'))
        .slice(0, 20)
        .join('\n'),
    );
  });
  const [program, ...rest] = [...emulator, `${file}.out`];
  const { stdout } = await run(program, rest, plenty);
  return stdout.split('\n').slice(0, -1);
}

/** What the parser makes of a text, as dump.c writes it. */
async function parse(text) {
  const [program, ...rest] = [...emulator, dump];
  return JSON.parse(await feed(program, rest, text));
}

/** Where gcc's answers differ from ours. `questions` of layoutQuestions, `lines` of its program. */
function layoutDifferences({ table, bits }, lines) {
  const wrong = [];
  let i = 0;
  const check = (what, expected) => {
    if (String(expected) !== lines[i]) wrong.push(`${what}: ours ${expected}, ${cc}'s ${lines[i]}`);
    i++;
  };
  for (const [, expected, what] of table) check(what, expected);
  for (const [type, member, first, width] of bits) {
    check(`${type}.${member}: first bit`, first);
    check(`${type}.${member}: bits`, width);
  }
  return wrong;
}

module.exports = {
  answers,
  build,
  cc,
  layoutDifferences,
  layoutProgram,
  layoutQuestions,
  parse,
  plenty,
  run,
};
