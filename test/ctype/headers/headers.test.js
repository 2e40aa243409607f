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
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const compiler = require('../compiler.js');
// For another machine there are the C library's and the kernel's headers.
const native = !process.env.BIFFI_TEST_CC;
const groups = require('./groups.js').filter((group) => native || group.toolchain);

const { build, cc } = compiler;

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
  const args = ['-E', '-std=gnu11', ...flags, '-x', 'c', input];
  const { stdout: plain } = await compiler.run(cc, args, compiler.plenty);
  // Ours has the comments, those of macros too, and the #define lines besides.
  const { stdout: text } = await compiler.run(cc, ['-CC', '-dD', ...args], compiler.plenty);
  const ours = await compiler.parse(text);
  assert.strictEqual(ours.error, '', 'every declaration of the header is read');

  const questions = compiler.layoutQuestions(ours.types);
  // A type without a name can't be spelled again.
  const declarations = ours.functions.filter((d) => !d.includes('{...}'));
  const program = compiler.layoutProgram(plain, questions, declarations);
  const lines = await compiler.answers(`${group.name}.i`, program, ['-fpreprocessed']);
  const wrong = compiler.layoutDifferences(questions, lines);

  const { source, expected } = constantProgram(includes, ours.constants);
  const values = await compiler.answers(`${group.name}.c`, source, flags);
  expected.forEach(([name, value], i) => {
    if (value !== values[i]) wrong.push(`${name}: ours ${value}, ${cc}'s ${values[i]}`);
  });

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
    assert.ok(groups.length >= (native ? 25 : 5));
    assert.ok(totals.types > (native ? 5000 : 1000), `${totals.types} types`);
  },
);
