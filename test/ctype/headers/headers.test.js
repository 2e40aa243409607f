'use strict';
/*
 * The proof of layout: what biffi says of real headers against what gcc says.
 *
 * Both get the same preprocessed text. To ours, a C program is appended that
 * holds every size, alignment and offset as gcc computes it, and that finds
 * bit-fields by writing ones into them. A function's or variable's declaration,
 * spelled again from our type, is put behind the header's: gcc complains where the
 * two don't agree. Constants are compared in a second program, that includes the header.
 */
const { test, before } = require('node:test');
const assert = require('node:assert');
const { execFile, execFileSync, spawn } = require('node:child_process');
const { promisify } = require('node:util');
const fs = require('node:fs');
const path = require('node:path');

const groups = require('./groups.js');

const root = path.join(__dirname, '../../..');
const build = path.join(root, 'build/headers');
const dump = path.join(root, 'build/test/ctype/dump');
const cc = process.env.CC || 'gcc';
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
  const preprocessed = text.replace(/^#\s*(define|undef)\b.*$/gm, '');
  return `${preprocessed}
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

function constantProgram(includes, constants) {
  const integers = constants.filter((c) => c.kind < 2);
  const floats = constants.filter((c) => c.kind === 2);
  const strings = constants.filter((c) => c.kind === 3);
  const source = `${includes}
static const unsigned long long biffi_integers[] = {
${integers.map((c) => (c.pointer ? '0,' : `(unsigned long long)(${c.name}),`)).join('\n')}
0};
static const double biffi_floats[] = {
${floats.map((c) => `(double)(${c.name}),`).join('\n')}
0};
static void biffi_string(const char *s, unsigned long n)
{
	while (n--)
		__builtin_printf("%02x", (unsigned char)*s++);
	__builtin_printf("\\n");
}
#undef main
int main(void)
{
	unsigned long i;
	for (i = 0; i + 1 < sizeof biffi_integers / sizeof *biffi_integers; i++)
		__builtin_printf("%llu\\n", biffi_integers[i]);
	for (i = 0; i + 1 < sizeof biffi_floats / sizeof *biffi_floats; i++)
		__builtin_printf("%a\\n", biffi_floats[i]);
${strings.map((c) => `\tbiffi_string((const char *)(${c.name}), ${c.value.length + 1});`).join('\n')}
	return 0;
}
`;
  const expected = [
    ...integers.map((c) => [c.name, c.pointer ? '0' : String(BigInt.asUintN(64, BigInt(c.value)))]),
    ...floats.map((c) => [c.name, c.value]),
    ...strings.map((c) => [c.name, `${Buffer.from(c.value, 'latin1').toString('hex')}00`]),
  ];
  return { source, expected };
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
  const { stdout } = await run(`${file}.out`, [], plenty);
  return stdout.split('\n').slice(0, -1);
}

function flagsOf(group) {
  const flags = [...(group.flags || [])];
  if (group.config) {
    flags.push(
      ...execFileSync('pkg-config', ['--cflags', group.config], { encoding: 'utf8' }).trim().split(/\s+/),
    );
  }
  return flags;
}

async function compare(group) {
  const flags = flagsOf(group).filter(Boolean);
  const includes = group.headers.map((header) => `#include <${header}>\n`).join('');
  const input = path.join(build, `${group.name}.h`);
  fs.writeFileSync(input, includes);
  const { stdout: text } = await run(
    cc,
    ['-E', '-C', '-dD', '-std=gnu11', ...flags, '-x', 'c', input],
    plenty,
  );
  const ours = JSON.parse(await feed(dump, [], text));
  assert.strictEqual(ours.error, '', 'every declaration of the header is read');

  const questions = layoutQuestions(ours.types);
  // A type without a name can't be spelled again.
  const declarations = ours.functions.filter((d) => !d.includes('{...}'));
  const lines = await answers(`${group.name}.i`, layoutProgram(text, questions, declarations), [
    '-fpreprocessed',
  ]);
  const wrong = [];
  const check = (what, expected, got) => {
    if (String(expected) !== got) wrong.push(`${what}: ours ${expected}, ${cc}'s ${got}`);
  };
  for (const [, expected, what] of questions.table) check(what, expected, lines.shift());
  for (const [type, member, first, width] of questions.bits) {
    check(`${type}.${member}: first bit`, first, lines.shift());
    check(`${type}.${member}: bits`, width, lines.shift());
  }

  const { source, expected } = constantProgram(includes, ours.constants);
  const values = await answers(`${group.name}.c`, source, flags);
  for (const [name, value] of expected) check(name, value, values.shift());

  assert.deepStrictEqual(wrong, []);
  return {
    types: ours.types.length,
    members: questions.table.length - 2 * ours.types.length,
    bits: questions.bits.length,
    functions: declarations.length,
    constants: expected.length,
    bytes: ours.bytes,
    milliseconds: ours.milliseconds,
  };
}

before(() => fs.mkdirSync(build, { recursive: true }));

test(
  'layouts, declarations and constants of real headers are the compiler’s',
  { concurrency: 2 },
  async (t) => {
    const totals = {};
    await Promise.all(
      groups.map((group) =>
        t.test(group.name, async (t) => {
          const counts = await compare(group);
          for (const [key, n] of Object.entries(counts)) totals[key] = (totals[key] || 0) + n;
          t.diagnostic(JSON.stringify(counts));
        }),
      ),
    );
    t.diagnostic(`${groups.length} libraries: ${JSON.stringify(totals)}`);
    assert.ok(groups.length >= 25);
    assert.ok(totals.types > 5000, `${totals.types} types`);
  },
);
