'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const util = require('node:util');
const { biffi, fails } = require('./fixtures');
const { type, pointer, fn, constant, enumeration, struct, sizeof, alignof, load } = biffi;

test('C text, type objects and constructors stand for types', () => {
  assert.equal(type('int').size, 4);
  assert.equal(type(type('int')), type('int'));
  const S = struct({ x: 'int' });
  assert.equal(type(S), S.type);
  assert.equal(type('pointer'), type('void *'));
  assert.equal(type('string'), type('const char *'));
  assert.equal(util.inspect(type('const char *')), 'Type <const char *>');
  fails(() => type(5), 'BF_ETYPE', /got number 5/);
  fails(() => type({}), 'BF_ETYPE');
  fails(() => type('unknown_t'), 'BF_ESYNTAX', /unknown_t/);
  fails(() => type('int ('), 'BF_ESYNTAX');
});

test('equal structure is the same type object, structs are their own', () => {
  assert.equal(pointer('int'), type('int *'));
  assert.equal(pointer(pointer('int')), type('int **'));
  assert.equal(pointer(constant('char')), type('const char *'));
  assert.equal(fn('int', ['int', 'double']), type('int (int, double)'));
  assert.equal(fn('int', ['const char *', '...']), type('int (const char *, ...)'));
  assert.notEqual(struct({ x: 'int' }), struct({ x: 'int' }));
  assert.ok(type('unsigned int').equals('uint32_t'));
  assert.ok(!type('int').equals('long'));
});

test('types tell their parts', () => {
  const { S, f } = load(null, {
    declarations:
      'typedef struct S { int a : 3; /* how many */ double b[2]; } S; typedef int (*f)(S *s, const char *name);',
  });
  assert.equal(S.kind, 'struct');
  assert.deepEqual(
    S.type.members.map((m) => [m.name, m.type.spelling, m.offset, m.bitWidth]),
    [
      ['a', 'int', 0, 3],
      ['b', 'double[2]', 8, 0],
    ],
  );
  assert.equal(f.kind, 'pointer');
  assert.deepEqual(
    f.resolved.base.params.map((p) => [p.name, p.type.spelling]),
    [
      ['s', 'S *'],
      ['name', 'const char *'],
    ],
  );
  assert.equal(f.resolved.base.base.spelling, 'int');
  assert.deepEqual([sizeof('long'), alignof('double'), sizeof(S), sizeof(new S())], [8, 8, 24, 24]);
  fails(() => sizeof('void'), 'BF_ETYPE');
});

test('enums made by hand', () => {
  const color = enumeration('color', { RED: 1, GREEN: 2, LAST: -1 });
  assert.equal(color.GREEN, 2);
  assert.equal(color('RED'), 1);
  assert.equal(color.nameOf(-1), 'LAST');
  assert.equal(color.size, 4);
  const S = struct({ c: color });
  assert.equal(new S({ c: 'LAST' }).c, -1);
  fails(
    () => new S({ c: 'PINK' }),
    'BF_ETYPE',
    /expected a number or the name of a member, got string 'PINK'/,
  );
  fails(() => color('PINK'), 'BF_ETYPE');
  fails(() => enumeration('x', { A: 1.5 }), 'BF_ETYPE');
});

test('types live as long as they are used, and no longer than that', async (t) => {
  if (globalThis.gc === undefined) require('node:v8').setFlagsFromString('--expose-gc');
  const gc = globalThis.gc ?? require('node:vm').runInNewContext('gc');
  const collected = new Set();
  const registry = new FinalizationRegistry((name) => collected.add(name));
  const S = (() => {
    const lib = load(null, 'typedef struct { int x; } Kept; typedef struct { int y; } Gone;');
    registry.register(lib.Gone, 'Gone');
    return lib.Kept;
  })();
  for (let i = 0; i < 50 && !collected.has('Gone'); i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.ok(collected.has('Gone'));
  assert.equal(new S({ x: 3 }).x, 3);
  t.diagnostic('collected');
});
