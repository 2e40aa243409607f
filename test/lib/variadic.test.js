'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { biffi, fixture, fails } = require('./fixtures');

const { sum_of } = biffi.load(fixture('callbacks'), 'double sum_of(const char *kinds, ...);');
const { snprintf } = biffi.load(null, 'int snprintf(char *to, unsigned long size, const char *format, ...);');
const { as } = biffi;

test('values bring their types', () => {
  assert.equal(sum_of(''), 0);
  assert.equal(sum_of('iii', 1, -2, 40), 39);
  assert.equal(sum_of('dd', 1.5, 2.25), 3.75);
  assert.equal(sum_of('ll', 2 ** 40, 5n), 2 ** 40 + 5);
  assert.equal(sum_of('sii', 'four', true, false), 5);
  assert.equal(sum_of('pp', null, Buffer.alloc(4)), 1000);
  assert.equal(
    sum_of('idsidlsd', 1, 0.5, 'ab', 3, 0.25, 2n, 'abc', 10.5),
    1 + 0.5 + 2 + 3 + 0.25 + 2 + 3 + 10.5,
  );
});

test("as(type, value) says the type, with C's promotions", () => {
  assert.equal(sum_of('d', as('double', 3)), 3);
  assert.equal(sum_of('d', as('float', 0.5)), 0.5);
  assert.equal(sum_of('l', as('long long', 7)), 7);
  assert.equal(sum_of('ii', as('int8_t', -5), as('_Bool', true)), -4);
  assert.equal(
    sum_of('d', as('float', 0.1)),
    Math.fround(0.1),
    'a float first, then what "..." carries of it',
  );
  fails(
    () => sum_of('i', as('int8_t', 200)),
    'BF_ERANGE',
    /^sum_of\(\): argument 2 \(int8_t\): .*-128 to 127/,
  );
  fails(() => sum_of('i', as('uint16_t', -1)), 'BF_ERANGE');
  fails(
    () => sum_of('d', as('double', 'x')),
    'BF_ETYPE',
    /^sum_of\(\): argument 2 \(double\): expected a number/,
  );
});

test('printf works', () => {
  const text = Buffer.alloc(100);
  const n = snprintf(text, 100, '%d %s %.2f %lld %c', -7, 'grüße', 1.5, 2n ** 40n, as('char', 65));
  assert.equal(text.toString('utf8', 0, n), '-7 grüße 1.50 1099511627776 A');
});

test('wrong arguments', () => {
  fails(() => sum_of(), 'BF_EARGUMENTS', 'sum_of(): expected at least 1 argument, got 0');
  fails(
    () => sum_of('i', undefined),
    'BF_ETYPE',
    /^sum_of\(\): argument 2 \(\.\.\.\): expected a number.*got undefined$/,
  );
  fails(() => sum_of('i', () => 1), 'BF_ETYPE', /got a function$/);
  fails(() => sum_of('i', {}), 'BF_ETYPE', /^sum_of\(\): argument 2 \(void \*\)/);
});
