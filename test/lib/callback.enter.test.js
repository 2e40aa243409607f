'use strict';
/*
 * Callbacks that JavaScript is entered for without the engine's own API: under a collector that moves all it can, at
 * the stack's end, when a script is ended, and nested.
 */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const vm = require('node:vm');
const { biffi } = require('./fixtures');

const bound = (type, fn) => biffi.functionAt(biffi.callback(type, fn), type);

/** Calls of every kind of argument, with collections in the middle of callbacks. */
function collected() {
  const { gc } = globalThis;
  const { qsort } = biffi.load(
    null,
    'void qsort(void *base, size_t n, size_t size, int (*compare)(const int *a, const int *b));',
  );
  const garbage = [];
  const turn = (i) => {
    garbage.push({ i, text: `${i}` });
    if (garbage.length > 500) garbage.length = 0;
    if (i % 97 === 0) gc({ type: i % 5 ? 'minor' : 'major' });
  };

  let turns = 0;
  for (let round = 0; round < 20; round++) {
    const numbers = Int32Array.from({ length: 100 }, (_, i) => (i * 7919 * (round + 1)) % 1009);
    const sorted = numbers.slice().sort();
    qsort(numbers, numbers.length, 4, (a, b) => {
      turn(turns++);
      return a.value - b.value;
    });
    assert.deepEqual(numbers, sorted);
  }

  const type = 'double (double, int64_t, void *, uint32_t, bool, float)';
  const sum = bound(type, (d, i, p, u, b, f) => {
    turn(turns++);
    return d + i + Number(p?.address ?? 0) + u + (b ? 1 : 0) + f;
  });
  for (let i = 0; i < 5000; i++) {
    const p = i % 3 ? biffi.pointerAt(4096 + i) : null;
    const want = i * 0.25 + i * 2 ** 32 + (p ? 4096 + i : 0) + 2 ** 31 + i + (i & 1) + 0.5;
    assert.equal(sum(i * 0.25, i * 2 ** 32, p, 2 ** 31 + i, (i & 1) === 1, 0.5), want);
  }
}

if (process.env.BIFFI_COLLECTED) {
  collected();
} else {
  for (const flags of [
    ['--stress-compaction'],
    ['--max-semi-space-size=1'],
    ['--jitless'],
    ['--no-lazy-feedback-allocation'],
  ]) {
    test(`collections inside of callbacks, with ${flags}`, () => {
      execFileSync(process.execPath, ['--expose-gc', ...flags, __filename], {
        env: { ...process.env, BIFFI_COLLECTED: '1' },
        timeout: 120000,
      });
    });
  }

  test('a recursion through C ends with an error, as often as it is tried', () => {
    const call = bound('int (int)', (n) => call(n + 1));
    for (let i = 0; i < 3; i++) assert.throws(() => call(0), RangeError);
    const fine = bound('int (int)', (n) => n + 1);
    assert.equal(fine(1), 2);
  });

  test('a script that is ended in a callback ends there, and callbacks go on working', () => {
    let turns = 0;
    const spin = bound('int (int)', () => {
      turns++;
      for (;;);
    });
    globalThis.spinInCallback = spin;
    try {
      for (let i = 1; i <= 3; i++) {
        assert.throws(() => vm.runInThisContext('spinInCallback(1)', { timeout: 20 }), /timed out/);
        assert.equal(turns, i);
      }
    } finally {
      delete globalThis.spinInCallback;
    }
    assert.equal(bound('int (int)', (n) => n * 2)(21), 42);
  });

  test('numbers of an outer callback are its own, whatever nested ones are called with', () => {
    const type = 'double (double, double)';
    const inner = bound(type, (a, b) => a * b);
    const outer = bound(type, (a, b) => inner(a + 1, b + 1) + a + b);
    for (let i = 0; i < 20000; i++) assert.equal(outer(i, 0.5), (i + 1) * 1.5 + i + 0.5);
  });

  test('functions that are no ordinary ones are taken too', () => {
    const { bsearch } = biffi.load(
      null,
      'void *bsearch(const void *key, const void *base, size_t n, size_t size, int (*compare)(const int *, const int *));',
    );
    const found = Int32Array.of(7);
    let calls = 0;
    const compare = (a, b) => {
      calls++;
      return a.value - b.value;
    };
    const kinds = {
      arrow: (a, b) => compare(a, b),
      method: { f: (a, b) => compare(a, b) }.f,
      bound: ((c, a, b) => c(a, b)).bind(null, compare),
      proxy: new Proxy(compare, {}),
      property: Object.assign((a, b) => compare(a, b), { extra: 1 }),
      classic: function (a, b) {
        return compare(a, b);
      },
    };
    for (const [name, f] of Object.entries(kinds)) {
      calls = 0;
      for (let i = 0; i < 3000; i++) assert.ok(bsearch(found, found, 1, 4, f), name);
      assert.equal(calls, 3000, name);
    }
  });
}
