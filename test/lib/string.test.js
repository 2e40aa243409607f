'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { biffi, fixture, fails } = require('./fixtures');

const lib = biffi.load(fixture('strings'), {
  declarations: `typedef unsigned short char16_t; typedef unsigned int char32_t; typedef unsigned long size_t;
    size_t length(const char *s); const char *same(const char *s); const char *greeting(void); const char *none(void);
    char *owned(const char *s); void upper(char *s); unsigned sum_bytes(const unsigned char *bytes, size_t n);`,
  owned: ['owned'],
});
const wide = biffi.load(
  fixture('strings'),
  `size_t length16(const char16_t *s); size_t length32(const char32_t *s); size_t length_wide(const wchar_t *s);
   const char16_t *greeting16(void); const char32_t *greeting32(void); const wchar_t *greeting_wide(void);`,
);
const GREETING = 'grüße, 世界 🎉';

test('UTF-8 in and out, of every length', () => {
  assert.equal(lib.greeting(), GREETING);
  for (const s of ['', 'a', 'grüße', GREETING, '\u{10ffff}', 'x'.repeat(70000), 'ü🎉'.repeat(50000)]) {
    assert.equal(lib.length(s), Buffer.byteLength(s));
    assert.equal(lib.same(s), s);
  }
  for (let n = 0; n < 200; n++) assert.equal(lib.same('é'.repeat(n)), 'é'.repeat(n));
  for (let n = 0; n < 40; n++) {
    assert.equal(lib.same('a'.repeat(n)), 'a'.repeat(n));
    for (let i = 0; i < n; i++) {
      const odd = 'a'.repeat(i) + 'é' + 'a'.repeat(n - i - 1);
      assert.equal(lib.same(odd), odd);
    }
  }
  assert.equal(lib.same('a\ud800b'), 'a\ufffdb');
});

test('NULL is null', () => {
  assert.equal(lib.none(), null);
  assert.equal(lib.same(null), null);
  assert.equal(lib.length(null), 2n ** 64n - 1n);
});

test('a string with an inner NUL is refused', () => {
  fails(
    () => lib.length('a\0b'),
    'BF_ETYPE',
    "length(): argument 1 's' (const char *): expected a string without NUL characters, got one that has them",
  );
  fails(() => wide.length16('a\0b'), 'BF_ETYPE', /NUL/);
});

test('Buffers are passed as they are', () => {
  assert.equal(lib.length(Buffer.from('bytes\0after')), 5);
  const text = Buffer.from('shout\0');
  lib.upper(text);
  assert.equal(text.toString('latin1'), 'SHOUT\0');
  assert.equal(lib.sum_bytes(Buffer.from([1, 2, 250]), 3), 253);
  assert.equal(lib.sum_bytes('abc', 3), 97 + 98 + 99);
});

test('only a pointer to const takes a string', () => {
  fails(() => lib.upper('shout'), 'BF_ETYPE', /only a pointer to const/);
  fails(() => lib.length(5), 'BF_ETYPE', /expected a pointer, a buffer or null, got number 5/);
  fails(() => lib.length(undefined), 'BF_ETYPE', /got undefined/);
});

test('owned results are strings, and freed', () => {
  for (let i = 0; i < 1000; i++) assert.equal(lib.owned('x'.repeat(1000)).length, 1000);
  assert.equal(lib.owned(GREETING), GREETING);
});

test('char16_t, char32_t and wchar_t strings', () => {
  assert.equal(wide.length16(GREETING), GREETING.length);
  assert.equal(wide.length32(GREETING), [...GREETING].length);
  assert.equal(wide.length_wide(GREETING), [...GREETING].length);
  assert.equal(wide.greeting16(), GREETING);
  assert.equal(wide.greeting32(), GREETING);
  assert.equal(wide.greeting_wide(), GREETING);
});

test('cstring() makes a string that stays', () => {
  const s = biffi.cstring(GREETING);
  assert.equal(lib.same(s), GREETING);
  assert.equal(s.toText(), GREETING);
  lib.upper(biffi.cstring('ok'));
  assert.equal(wide.length_wide(biffi.cstring('four', 'wchar_t')), 4);
  fails(() => biffi.cstring('a\0b'), 'BF_ETYPE', /NUL/);
  fails(() => biffi.cstring(5), 'BF_ETYPE');
});
