'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { Worker } = require('node:worker_threads');
const { pathToFileURL } = require('node:url');
const path = require('node:path');
const { biffi, fixture, fails, root } = require('./fixtures');

test('the properties are exactly the identifiers that the declarations name', () => {
  const lib = biffi.load(
    fixture('structs'),
    `typedef struct Point { double x, y; } Point; Point point_make(double x, double y);
     enum mode { OFF, ON = 4 }; extern int counter; struct node { int v; };`,
  );
  assert.deepEqual(Object.keys(lib).sort(), ['OFF', 'ON', 'Point', 'counter', 'mode', 'node', 'point_make']);
  assert.equal(lib.ON, 4);
  assert.equal(lib.Point.size, 16);
  assert.equal(lib['struct Point'], lib.Point);
  assert.equal(lib['struct node'], lib.node);
  assert.equal(lib.nope, undefined);
});

test('load(null) binds the running process', () => {
  const { abs, strtol } = biffi.load(null, 'int abs(int); long strtol(const char *s, char **end, int base);');
  assert.equal(abs(-3), 3);
  assert.equal(strtol('ff', null, 16), 255);
});

test('Library(path, signatures) binds in the ffi-napi way', () => {
  const lib = biffi.Library(fixture('scalars'), {
    add: ['int', ['int', 'int']],
    plus: ['int', ['int', 'int'], { symbol: 'add' }],
    same_pointer: ['pointer', ['pointer']],
    nothing: ['void', []],
  });
  assert.deepEqual(Object.keys(lib), ['add', 'plus', 'same_pointer', 'nothing']);
  assert.equal(lib.add(1, 2), 3);
  assert.equal(lib.plus(3, 4), 7);
  assert.equal(lib.same_pointer(null), null);
  assert.equal(biffi.Library(null, { strlen: ['size_t', ['string']] }).strlen('four'), 4);
  fails(() => lib.add('x', 1), 'BF_ETYPE', "add(): argument 1 (int): expected a number, got string 'x'");
  fails(() => biffi.Library(null, { abs: 'int' }), 'BF_ETYPE', /abs: expected \[result, \[parameters\]\]/);
  fails(() => biffi.Library(null, { abs: ['integer', ['int']] }), 'BF_ESYNTAX', /abs: .*integer/);
});

test("a missing library: the path and the linker's words", () => {
  fails(
    () => biffi.load('libdoesnotexist.so.7', 'int f(void);'),
    'BF_ELIBRARY',
    /libdoesnotexist\.so\.7.*No such file/,
  );
  fails(() => biffi.load(__filename, 'int f(void);'), 'BF_ELIBRARY', /library\.test\.js/);
  fails(() => biffi.load(7, 'int f(void);'), 'BF_ETYPE', /path of a library or null, got number 7/);
  fails(() => biffi.load('a\0b', 'int f(void);'), 'BF_ETYPE', /NUL/);
});

test('a missing symbol: its name and the library', () => {
  fails(
    () => biffi.load(fixture('scalars'), 'int no_such_thing(void);'),
    'BF_ESYMBOL',
    /no_such_thing.*scalars\.so/,
  );
  const lazy = biffi.load(fixture('scalars'), {
    declarations: 'int no_such_thing(void); int add(int, int);',
    lazy: true,
  });
  assert.equal(lazy.add(1, 1), 2);
  fails(() => lazy.no_such_thing, 'BF_ESYMBOL', /no_such_thing/);
});

test('a malformed declaration: line, column, what was expected', () => {
  assert.throws(
    () => biffi.load(null, 'int abs(int);\nint broken(int'),
    (error) => {
      assert.ok(error instanceof SyntaxError);
      assert.equal(error.code, 'BF_ESYNTAX');
      assert.equal(error.line, 2);
      assert.ok(error.column >= 11, `column ${error.column}`);
      assert.match(error.message, /expected/);
      return true;
    },
  );
  fails(() => biffi.load(null, 'unknown_t f(void);'), 'BF_ESYNTAX', /unknown_t/);
  fails(() => biffi.load(null, 42), 'BF_ETYPE', /declarations/);
  fails(() => biffi.load(null, { declaration: '' }), 'BF_ETYPE', /no option 'declaration'/);
});

test('functions and variables of a closed library throw', () => {
  const lib = biffi.load(
    fixture('structs'),
    'extern int counter; int ints_sum(const int *v, unsigned long n);',
  );
  const { ints_sum } = lib;
  assert.equal(ints_sum([1, 2], 2), 3);
  lib.close();
  lib.close();
  fails(() => ints_sum([1, 2], 2), 'BF_ECLOSED', /ints_sum\(\): its library \(.*structs\.so\) is closed/);
  fails(() => lib.counter, 'BF_ECLOSED', /counter.*closed/);
  fails(() => (lib.counter = 1), 'BF_ECLOSED', /counter.*closed/);
});

test('[Symbol.dispose] closes; close() helps where C has a close of its own', () => {
  const lib = biffi.load(null, 'int close(int fd); int abs(int);');
  const { abs } = lib;
  assert.equal(lib.close(-1), -1);
  lib[Symbol.dispose]();
  fails(() => abs(1), 'BF_ECLOSED', /its library \(the process\) is closed/);
  const other = biffi.load(null, 'int close(int fd);');
  biffi.close(other);
  fails(() => other.close(1), 'BF_ECLOSED');
});

test('a library closed by its own callback ends after the call', async () => {
  const lib = biffi.load(fixture('callbacks'), 'int apply_twice(int (*f)(int, int), int a, int b);');
  const { apply_twice } = lib;
  const sum = apply_twice(
    (a, b) => {
      lib.close();
      return a + b;
    },
    1,
    2,
  );
  assert.equal(sum, 5);
  fails(() => apply_twice(() => 0, 1, 2), 'BF_ECLOSED');
  await new Promise((resolve) => setImmediate(resolve));
  fails(() => apply_twice(() => 0, 1, 2), 'BF_ECLOSED');
});

test('option prefix shortens names', () => {
  const lib = biffi.load(fixture('structs'), {
    declarations: 'typedef struct { double x, y; } point_t; point_t point_make(double x, double y);',
    prefix: 'point_',
  });
  assert.deepEqual(Object.keys(lib).sort(), ['make', 't']);
  assert.equal(lib.make(1, 2).y, 2);
});

test('ES modules import the same things', async () => {
  const esm = await import(pathToFileURL(path.join(root, 'lib', 'index.mjs')).href);
  assert.equal(esm.load, biffi.load);
  assert.deepEqual(
    Object.keys(esm)
      .filter((name) => name !== 'default' && name !== 'module.exports')
      .sort(),
    Object.keys(biffi).sort(),
  );
});

test('workers have their own', async () => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { load } = require(workerData.root);
    const lib = load(workerData.file, 'int apply(int (*f)(int a, int b), int a, int b);');
    let sum = 0;
    for (let i = 0; i < 1000; i++) sum += lib.apply((a, b) => a * b, i, 2);
    parentPort.postMessage(sum);`;
  const run = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(source, { eval: true, workerData: { root, file: fixture('callbacks') } });
      let answer;
      worker.on('message', (message) => (answer = message));
      worker.on('error', reject);
      worker.on('exit', (code) => resolve([code, answer]));
    });
  for (const result of await Promise.all([run(), run(), run()])) assert.deepEqual(result, [0, 999000]);
});

test('symbol() finds what is not declared', () => {
  const lib = biffi.load(fixture('structs'), '');
  assert.equal(biffi.symbol(lib, 'answer').cast('int').value, 42);
  const norm = biffi.functionAt(biffi.symbol(lib, 'point_norm1'), 'double (const double *)');
  assert.equal(norm([1, 2]), 3);
  fails(() => biffi.symbol(lib, 'nothing_here'), 'BF_ESYMBOL', /nothing_here/);
  fails(() => biffi.symbol({}, 'answer'), 'BF_ETYPE', /what load\(\) returned/);
});
