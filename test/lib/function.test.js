'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { biffi, fixture, fails } = require('./fixtures');

const lib = biffi.load(
  fixture('scalars'),
  `typedef signed char int8_t; typedef unsigned char uint8_t; typedef short int16_t; typedef unsigned short uint16_t;
   _Bool same_bool(_Bool v); char same_char(char v);
   int8_t same_i8(int8_t v); uint8_t same_u8(uint8_t v); int16_t same_i16(int16_t v); uint16_t same_u16(uint16_t v);
   int same_i32(int v); unsigned same_u32(unsigned v); long same_i64(long v); unsigned long same_u64(unsigned long v);
   float same_float(float v); double same_double(double v); long double same_ldouble(long double v);
   void *same_pointer(void *v); double _Complex same_complex(double _Complex v);
   long double _Complex same_cldouble(long double _Complex v);
   enum color { RED, GREEN = 5, BLUE }; enum color same_color(enum color v);
   void nothing(void); int calls; int add(int a, int b);
   double mix(int8_t a, double b, uint16_t c, float d, long e, _Bool f);
   long sum20(long, long, long, long, long, long, long, long, long, long,
              long, long, long, long, long, long, long, long, long, long);
   int fail_with(int number); int read_errno(void);`,
);

const INTEGERS = [
  ['same_i8', 'int8_t', -128n, 127n],
  ['same_u8', 'uint8_t', 0n, 255n],
  ['same_i16', 'int16_t', -32768n, 32767n],
  ['same_u16', 'uint16_t', 0n, 65535n],
  ['same_i32', 'int', -(2n ** 31n), 2n ** 31n - 1n],
  ['same_u32', 'unsigned int', 0n, 2n ** 32n - 1n],
  ['same_i64', 'long', -(2n ** 63n), 2n ** 63n - 1n],
  ['same_u64', 'unsigned long', 0n, 2n ** 64n - 1n],
];
const isSafe = (big) => Number.isSafeInteger(Number(big));
const natural = (big) => (isSafe(big) ? Number(big) : big);

for (const [name, type, min, max] of INTEGERS) {
  test(`${type}: every value of its range, as Number and as BigInt, comes back the same`, () => {
    for (const big of [min, min + 1n, min / 2n, 0n, 1n, 42n, max / 2n, max - 1n, max]) {
      assert.equal(lib[name](big), natural(big));
      if (isSafe(big)) assert.equal(lib[name](Number(big)), Number(big));
    }
    assert.equal(Object.is(lib[name](-0), 0), true);
  });

  test(`${type}: what is outside of its range is a RangeError`, () => {
    const label = `${name}(): argument 1 'v' (${type}): expected an integer`;
    fails(() => lib[name](min - 1n), 'BF_ERANGE', `${label} from ${min} to ${max}, got bigint ${min - 1n}n`);
    fails(() => lib[name](max + 1n), 'BF_ERANGE', `${label} from ${min} to ${max}, got bigint ${max + 1n}n`);
    fails(() => lib[name](2n ** 200n), 'BF_ERANGE', /from .* to/);
    fails(() => lib[name](-(2n ** 64n)), 'BF_ERANGE', /from .* to/);
    fails(() => lib[name](1e300), 'BF_ERANGE', /from .* to .*, got number 1e\+300$/);
    fails(() => lib[name](2 ** 64), 'BF_ERANGE', /from .* to/);
    fails(() => lib[name](-(2 ** 64)), 'BF_ERANGE', /from .* to/);
    fails(() => lib[name](1.5), 'BF_ERANGE', `${label}, got number 1.5`);
    fails(() => lib[name](NaN), 'BF_ERANGE', `${label}, got number NaN`);
    fails(() => lib[name](Infinity), 'BF_ERANGE', /got number Infinity$/);
  });

  test(`${type}: what is no number is a TypeError`, () => {
    const label = `${name}(): argument 1 'v' (${type}): expected a number, got`;
    fails(() => lib[name]('abc'), 'BF_ETYPE', `${label} string 'abc'`);
    fails(() => lib[name](true), 'BF_ETYPE', `${label} boolean true`);
    fails(() => lib[name](null), 'BF_ETYPE', `${label} null`);
    fails(() => lib[name](undefined), 'BF_ETYPE', `${label} undefined`);
    fails(() => lib[name]({}), 'BF_ETYPE', `${label} an Object`);
    fails(() => lib[name]([1]), 'BF_ETYPE', `${label} an Array`);
    fails(() => lib[name](Symbol('s')), 'BF_ETYPE', `${label} a symbol`);
    fails(() => lib[name](function foo() {}), 'BF_ETYPE', `${label} function foo`);
    fails(() => lib[name](Object.create(null)), 'BF_ETYPE', `${label} an object`);
  });
}

const { LongDouble } = biffi;

test('long double carries what no Number is, both ways, exactly', () => {
  const third = new LongDouble(-((1n << 63n) + 1n), -64);
  const same = lib.same_ldouble(third);
  assert.ok(same instanceof LongDouble);
  assert.deepEqual([same.mantissa, same.exponent], [third.mantissa, third.exponent]);
  assert.equal(same * 2, -1); // rounded
  assert.equal(lib.same_ldouble({ mantissa: 3n, exponent: -1 }), 1.5);
  assert.equal(lib.same_ldouble(2n ** 62n), 2 ** 62);
  assert.equal(String(lib.same_ldouble(2n ** 62n + 1n)), '4611686018427387905');
  assert.equal(JSON.stringify([new LongDouble(5n, -1)]), '["2.5"]');
  assert.equal(String(new LongDouble(5n, -1)), '2.5');
  assert.equal(String(new LongDouble(-3n, -6)), '-0.046875');
  assert.match(String(new LongDouble(1n, 200)), /^1\.6069380442589902755\d*e\+60$/);

  const out = biffi.out('long double', third);
  assert.equal(out.value.mantissa, third.mantissa);
  assert.equal(lib.same_ldouble(out.value).mantissa, third.mantissa);
  const { re, im } = lib.same_cldouble({ re: 2, im: third });
  assert.deepEqual([re, im.mantissa], [2, third.mantissa]);
  assert.equal(lib.same_cldouble(third).re.mantissa, third.mantissa);
});

test('long double refuses what it does not hold', () => {
  const what =
    "same_ldouble(): argument 1 'v' (long double): expected a number that long double holds exactly, got";
  fails(() => lib.same_ldouble(2n ** 120n + 1n), 'BF_ERANGE', `${what} bigint ${2n ** 120n + 1n}n`);
  fails(() => lib.same_ldouble({ mantissa: 1n, exponent: 20000 }), 'BF_ERANGE', `${what} an Object`);
  fails(() => lib.same_ldouble({ mantissa: 1n, exponent: -20000 }), 'BF_ERANGE', `${what} an Object`);
  fails(() => lib.same_ldouble({ mantissa: 1n, exponent: 0.5 }), 'BF_ERANGE', `${what} an Object`);
  fails(
    () => lib.same_ldouble({ mantissa: 1, exponent: 0 }),
    'BF_ETYPE',
    /expected a number, got an Object$/,
  );
  fails(() => new LongDouble(1), 'BF_ETYPE', /mantissa: expected a BigInt/);
  fails(() => new LongDouble(1n, 0.5), 'BF_ETYPE', /exponent: expected an integer/);
});

test('floating point goes through unchanged, float is rounded', () => {
  for (const v of [0, -0, 1.5, -1e300, Infinity, -Infinity, NaN, Number.MIN_VALUE]) {
    assert.ok(Object.is(lib.same_double(v), v));
    assert.ok(Object.is(lib.same_float(v), Math.fround(v)));
    assert.ok(Object.is(lib.same_ldouble(v), v));
  }
  fails(
    () => lib.same_double('abc'),
    'BF_ETYPE',
    "same_double(): argument 1 'v' (double): expected a number, got string 'abc'",
  );
  fails(
    () => lib.same_float(1n),
    'BF_ETYPE',
    "same_float(): argument 1 'v' (float): expected a number, got bigint 1n",
  );
});

test('bool takes true and false only', () => {
  assert.equal(lib.same_bool(true), true);
  assert.equal(lib.same_bool(false), false);
  fails(() => lib.same_bool(1), 'BF_ETYPE', /expected true or false, got number 1$/);
});

test('an enum takes numbers and the names of its members', () => {
  assert.equal(lib.same_color(lib.BLUE), 6);
  assert.equal(lib.same_color('GREEN'), 5);
  assert.deepEqual([lib.RED, lib.GREEN, lib.BLUE], [0, 5, 6]);
  fails(
    () => lib.same_color('PINK'),
    'BF_ETYPE',
    /\(enum color\): expected a number or the name of a member, got string 'PINK'/,
  );
  assert.equal(lib.color.GREEN, 5);
  assert.equal(lib.color.nameOf(6), 'BLUE');
});

test('complex numbers are { re, im }', () => {
  assert.deepEqual(lib.same_complex({ re: 1, im: -2 }), { re: 1, im: -2 });
  assert.deepEqual(lib.same_complex(3), { re: 3, im: 0 });
  fails(() => lib.same_complex({ re: 1 }), 'BF_ETYPE', /expected a number or \{ re, im \}/);
});

test('many arguments of many types', () => {
  assert.equal(lib.mix(-1, 0.5, 65535, 0.25, 2n ** 40n, true), -1 + 0.5 + 65535 + 0.25 + 2 ** 40 + 1);
  const list = Array.from({ length: 20 }, (_, i) => i + 1);
  assert.equal(
    lib.sum20(...list),
    list.reduce((sum, v, i) => sum + v * (i + 1), 0),
  );
});

test('the number of arguments must be right', () => {
  fails(() => lib.add(1), 'BF_EARGUMENTS', 'add(): expected 2 arguments, got 1');
  fails(() => lib.add(1, 2, 3), 'BF_EARGUMENTS', 'add(): expected 2 arguments, got 3');
  fails(() => lib.nothing(1), 'BF_EARGUMENTS', 'nothing(): expected 0 arguments, got 1');
  fails(() => lib.same_i8(), 'BF_EARGUMENTS', 'same_i8(): expected 1 argument, got 0');
  fails(() => lib.add(...new Array(40).fill(1)), 'BF_EARGUMENTS', 'add(): expected 2 arguments, got 40');
});

test('void results are undefined, variables are live', () => {
  lib.calls = 0;
  assert.equal(lib.nothing(), undefined);
  lib.nothing();
  assert.equal(lib.calls, 2);
  lib.calls = 40;
  lib.nothing();
  assert.equal(lib.calls, 41);
  fails(() => (lib.calls = 'many'), 'BF_ETYPE', "calls (int): expected a number, got string 'many'");
});

test('functions that a call cannot tell apart keep their own types', () => {
  const libc = biffi.load(
    null,
    `long first(long one) __asm__("labs"); long second(const long two) __asm__("labs");
     unsigned long measure(const char *text) __asm__("strlen"); unsigned long count(const unsigned char *bytes) __asm__("strlen");
     unsigned long weigh(const int *ints) __asm__("strlen");`,
  );
  assert.equal(libc.first(-1), 1);
  assert.equal(libc.second(-2), 2);
  assert.equal(libc.measure('four'), 4);
  assert.equal(libc.count(Buffer.from('five\0')), 4);
  fails(() => libc.first('a'), 'BF_ETYPE', /^first\(\): argument 1 'one' \(long\)/);
  fails(() => libc.second('a'), 'BF_ETYPE', /^second\(\): argument 1 'two' \(const long\)/);
  fails(() => libc.measure(5), 'BF_ETYPE', /^measure\(\): argument 1 'text' \(const char \*\)/);
  fails(() => libc.weigh('text'), 'BF_ETYPE', /^weigh\(\): argument 1 'ints' \(const int \*\)/);
  assert.equal(libc.weigh.type.spelling, 'unsigned long (const int *ints)');
});

test('errno is that of the last call', () => {
  assert.equal(lib.fail_with(34), -1);
  assert.equal(biffi.errno(), 34);
  biffi.errno(7);
  assert.equal(lib.read_errno(), 7);
  const { fail_with } = biffi.load(fixture('scalars'), {
    declarations: 'int fail_with(int number);',
    errno: true,
  });
  assert.deepEqual(fail_with(12), { value: -1, errno: 12 });
});

test('option int64 says what 64-bit results are', () => {
  const declarations = 'long same_i64(long v); unsigned long same_u64(unsigned long v);';
  const big = biffi.load(fixture('scalars'), { declarations, int64: 'bigint' });
  assert.equal(big.same_i64(5), 5n);
  const number = biffi.load(fixture('scalars'), { declarations, int64: 'number' });
  assert.equal(number.same_u64(2n ** 64n - 1n), 2 ** 64);
  const variables = { declarations: 'extern long long large; extern int counter;' };
  assert.equal(biffi.load(fixture('structs'), { ...variables, int64: 'number' }).large, 2 ** 63);
  const bigints = biffi.load(fixture('structs'), { ...variables, int64: 'bigint' });
  assert.deepEqual([bigints.large, bigints.counter], [2n ** 63n - 1n, 7]);
  fails(() => biffi.load(fixture('scalars'), { declarations, int64: 'long' }), 'BF_ETYPE', /option int64/);
});

test('functions say what they are', () => {
  assert.equal(lib.add.name, 'add');
  assert.equal(String(lib.add), 'int (int a, int b)');
  assert.equal(typeof lib.add.address, 'bigint');
  assert.equal(lib.add.type.params[1].name, 'b');
  assert.ok(lib.add instanceof Function);
});

test('functionAt calls an address by a type', () => {
  const add = biffi.functionAt(lib.add.address, 'int (int, int)');
  assert.equal(add(2, 3), 5);
  assert.equal(biffi.functionAt(lib.add, biffi.fn('int', ['int', 'int']))(4, 5), 9);
  assert.equal(biffi.functionAt(biffi.pointerAt(lib.add.address), 'int (*)(int, int)')(4, 5), 9);
  fails(() => biffi.functionAt(0, 'int (int)'), 'BF_ETYPE', /an address or a pointer/);
  fails(() => biffi.functionAt(lib.add, 'int'), 'BF_ETYPE', /expected a function type, got int/);
});

test('a function that was never called has all that one has', async () => {
  const fresh = () => biffi.load(fixture('scalars'), 'int add(int a, int b); void *same_pointer(void *v);');
  const { address } = biffi.symbol(fresh(), 'add');
  assert.equal(fresh().add.address, address);
  assert.equal(fresh().add.type.spelling, 'int (int a, int b)');
  assert.equal(fresh().same_pointer(fresh().add).address, address);
  assert.equal(biffi.functionAt(fresh().add, 'int (int, int)')(1, 2), 3);
  assert.equal(await fresh().add.async(1, 2), 3);
  assert.equal(biffi.info(fresh().add).tier, biffi.info().tier);

  const library = fresh();
  const { add } = library;
  library.close();
  assert.equal(add.address, address);
  fails(() => add(1, 2), 'BF_ECLOSED', /^add\(\): its library \(.*scalars\.so\) is closed$/);
});
