'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { fixture } = require('./fixtures');

const root = path.join(__dirname, '../..');
const BIFFI = path.join(root, 'bin/biffi.js');

/** Runs the command; { status, stdout, stderr }. */
function biffi(...args) {
  return spawnSync(process.execPath, [BIFFI, ...args], { encoding: 'utf8' });
}

function ok(...args) {
  const { status, stdout, stderr } = biffi(...args);
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return stdout;
}

/** A folder in which `require('biffi')` finds this one. */
function folder(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'biffi-cli-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  fs.mkdirSync(path.join(dir, 'node_modules'));
  fs.symlinkSync(root, path.join(dir, 'node_modules/biffi'));
  return dir;
}

function evaluate(dir, code) {
  const result = spawnSync(process.execPath, ['-e', code], { cwd: dir, encoding: 'utf8' });
  assert.equal(result.stderr, '');
  return result.stdout;
}

test('call: numbers, strings, structs, variadic functions', () => {
  assert.equal(ok('call', 'libm.so.6', 'double cos(double)', '0'), '1\n');
  assert.equal(ok('call', 'm', 'double pow(double x, double y);', '2', '10'), '1024\n');
  assert.equal(ok('call', '-', 'unsigned long strlen(const char *s)', 'four'), '4\n');
  assert.equal(ok('call', 'c', 'char *getenv(const char *name)', 'BIFFI_NOT_THERE'), 'NULL\n');
  const div = 'typedef struct { int quot, rem; } div_t; div_t div(int a, int b)';
  assert.equal(ok('call', 'c', div, '17', '5'), '{"quot":3,"rem":2}\n');
  assert.equal(
    ok('call', 'c', 'int printf(const char *format, ...)', '%d %.1f %s|', '42', '0.5', 'word'),
    '42 0.5 word|12\n',
  );
  assert.equal(ok('call', 'c', 'long labs(long n)', '-9007199254740993'), '9007199254740993\n');
});

test('call: what is wrong goes to stderr, exit code 1; usage, exit code 2', () => {
  const wrong = biffi('call', 'm', 'double cos(double x)', 'word');
  assert.equal(wrong.status, 1);
  assert.equal(wrong.stdout, '');
  assert.match(wrong.stderr, /^biffi: argument 1: expected a number, got 'word'\n$/);
  assert.match(biffi('call', 'libnope.so.9', 'int f(void)').stderr, /libnope\.so\.9/);
  assert.match(biffi('call', 'm', 'double cos(').stderr, /line 1/);
  assert.match(biffi('call', 'm', 'double cos(double)').stderr, /expected 1 argument, got 0/);
  for (const args of [[], ['frob'], ['call'], ['bind', 'zlib.h'], ['layout'], ['symbols']]) {
    const { status, stdout, stderr } = biffi(...args);
    assert.equal(status, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /^biffi: .*--help\n$/);
  }
});

test('help', () => {
  assert.match(ok('--help'), /bind HEADER/);
  assert.equal(ok('--version').trim(), require('../../package.json').version);
  for (const name of ['bind', 'layout', 'call', 'symbols', 'info'])
    assert.match(ok(name, '--help'), /^Usage: biffi/);
  assert.match(ok('info'), /^v8: \d+/);
});

test('layout: sizes and members as JSON', (t) => {
  const stat = JSON.parse(ok('layout', 'sys/stat.h')).find((type) => type.cname === 'struct stat');
  assert.deepEqual([stat.kind, stat.name, stat.size, stat.align], ['struct', 'stat', 144, 8]);
  assert.deepEqual(
    { ...stat.members.find((m) => m.name === 'st_size') },
    { name: 'st_size', type: '__off_t', offset: 48, size: 8, bitOffset: 0, bitWidth: 0 },
  );
  const dir = folder(t);
  const header = path.join(dir, 'own.h');
  fs.writeFileSync(
    header,
    'struct bits { unsigned a : 3, b : WIDTH; };\nenum e { ONE = 1 };\ntypedef enum e e_t;\n',
  );
  const [bits, e, alias] = JSON.parse(ok('layout', header, '-DWIDTH=7'));
  assert.deepEqual(
    [bits.members[1].bitOffset + bits.members[1].offset * 8, bits.members[1].bitWidth],
    [3, 7],
  );
  assert.deepEqual([e.kind, alias.kind, alias.cname], ['enum', 'typedef', 'e_t']);
  assert.match(biffi('layout', 'no/such.h').stderr, /no\/such\.h/);
});

test('symbols: what a library exports', () => {
  const list = JSON.parse(ok('symbols', fixture('structs'), '--json'));
  assert.ok(list.some((s) => s.name === 'point_add' && s.kind === 'function' && s.size > 0));
  assert.match(ok('symbols', 'libz.so.1'), /^function +\d+ crc32$/m);
  assert.match(biffi('symbols', __filename).stderr, /not an ELF file/);
});

test('bind: a module that loads without a compiler, with constants and comments', (t) => {
  const dir = folder(t);
  const file = path.join(dir, 'z.js');
  ok('bind', 'zlib.h', '-l', 'z', '-o', file);
  assert.equal(
    evaluate(
      dir,
      `process.env.PATH = ''; process.env.CC = '/nowhere';
       const z = require('./z'); console.log(z.Z_BEST_COMPRESSION, z.crc32(0, Buffer.from('hello'), 5), z.z_stream.size)`,
    ),
    '9 907060870 112\n',
  );
  assert.match(fs.readFileSync(file, 'utf8'), /\/\*\*/);
  assert.match(
    fs.readFileSync(path.join(dir, 'z.d.ts'), 'utf8'),
    /export const crc32: BoundFunction<\[crc: Integer64, buf: /,
  );
});

test('bind: an ES module; a prefix that is left out', (t) => {
  const dir = folder(t);
  ok('bind', 'zlib.h', '-lz', '--prefix', 'zlib', '-o', path.join(dir, 'z.mjs'));
  assert.equal(evaluate(dir, `import('./z.mjs').then((z) => console.log(z.default.Version()[0]))`), '1\n');
  assert.ok(fs.existsSync(path.join(dir, 'z.d.mts')));
});

test('bind: any layout is the same again', (t) => {
  const dir = folder(t);
  fs.writeFileSync(
    path.join(dir, 'odd.h'),
    `/** A \`quoted\` \${comment} with \\ in it. */
struct __attribute__((packed)) packed { char c; long l; short s : 5; int i : 20; };
struct holey { char c; int i __attribute__((aligned(32))); struct { char x, y; union { float f; int n; }; }; };
#pragma pack(push, 2)
typedef struct { char c; double d; struct holey *next; } Two;
#pragma pack(pop)
struct flexible { int n; unsigned a : 1, : 3, b : 4; struct packed tail[]; };
typedef struct list list; struct list { list *next; int (*compare)(const list *, const list *); Two two; };
enum color { RED = -1, GREEN = 5 }; enum { LONE = 77 };
#define TEXT "say \\"hi\\"\\n"
#define HALF (-0.5)
#define BIG 0xffffffffffffffffULL
extern int renamed(struct list by_value, enum color) __asm__("labs");
`,
  );
  ok('bind', path.join(dir, 'odd.h'), '-l', 'c', '-o', path.join(dir, 'odd.js'));
  const show = `const show = (l) => JSON.stringify(['packed', 'holey', 'Two', 'flexible', 'list'].map((n) => [l[n].size, l[n].type.align,
    l[n].type.members.filter((m) => m.name).map((m) => [m.name, m.offset * 8 + (m.bitWidth && m.bitOffset), m.bitWidth])]).concat(
    [l.RED, l.GREEN, l.LONE, l.TEXT, l.HALF, String(l.BIG), Object.keys(l).sort()]));`;
  const bound = evaluate(dir, `${show} console.log(show(require('./odd')))`);
  const direct = evaluate(
    dir,
    `${show} console.log(show(require('biffi').load('libc.so.6', { header: ${JSON.stringify(path.join(dir, 'odd.h'))} })))`,
  );
  assert.equal(bound, direct);
  assert.match(bound, /77,"say \\"hi\\"\\n",-0.5,"18446744073709551615"/);
});

test('bind: comments of functions, members, enumerators and #defines become documentation', (t) => {
  const dir = folder(t);
  fs.writeFileSync(
    path.join(dir, 'told.h'),
    `#define FEW 3 /* only few */
/* how many */
#define MANY 42
enum colour { RED, /* as blood */ GREEN /* as grass */ };
struct point { int x; /* to the right */ int y; // up
};
/* Adds. */
int add(struct point *p);
`,
  );
  ok('bind', path.join(dir, 'told.h'), '-l', 'c', '-o', path.join(dir, 'told.js'));
  const types = fs.readFileSync(path.join(dir, 'told.d.ts'), 'utf8').replaceAll(/\s+/g, ' ');
  for (const text of [
    '/** only few */ export const FEW: 3;',
    '/** how many */ export const MANY: 42;',
    '/** as blood */ export const RED: 0;',
    '/** as grass */ export const GREEN: 1;',
    '/** to the right */ x: number;',
    '/** up */ y: number;',
    '/** Adds. */ export const add:',
  ])
    assert.ok(types.includes(text), `${text} in ${types}`);
});
