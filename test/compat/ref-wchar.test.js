'use strict';
/*
 * ref-wchar-napi beyond its own three cases.
 */
const assert = require('node:assert/strict');
const test = require('node:test');
const ffi = require('../../compat/ffi-napi');
const ref = require('../../compat/ref-napi');
const wchar = require('../../compat/ref-wchar-napi');

test('wchar_t takes whole characters', () => {
  for (const text of ['w', 'é', '€', '😀']) assert.equal(ref.alloc(wchar, text).deref(), text);
  assert.equal(ref.alloc(wchar, 0x1f600).deref(), '😀');
  assert.equal(ref.alloc(wchar, Buffer.from([0x77, 0, 0, 0])).deref(), 'w');
  assert.throws(() => ref.alloc(wchar, null), {
    name: 'TypeError',
    message: /muss pass a String, Number, or Buffer/,
  });
  assert.deepEqual([wchar.name, wchar.size, wchar.string.name], ['wchar_t', 4, 'WCString']);
});

test('strings of wchar_t go to C and come back', () => {
  const { wcslen, wcschr } = ffi.Library(null, {
    wcslen: ['size_t', [wchar.string]],
    wcschr: [wchar.string, [wchar.string, wchar]],
  });
  assert.equal(wcslen('héé😀'), 4);
  assert.equal(wcschr('naïve 😀!', '😀'), '😀!');
  assert.equal(wcschr('x', 'y'), null);
  assert.equal(wchar.toString(Buffer.from([0x68, 0, 0, 0, 0xe9, 0, 0, 0])), 'hé');
  assert.equal(wchar.toString(Buffer.from([0, 0xd8, 0, 0, 0xff, 0xff, 0x11, 0])), '\ufffd\ufffd');
});
