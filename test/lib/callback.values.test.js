'use strict';
/*
 * The values that callbacks get and give: through C and back, for every scalar type, must be the same whether V8's
 * own call carries them or Node-API's.
 */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const { inspect } = require('node:util');
const { Worker } = require('node:worker_threads');
const { biffi, root } = require('./fixtures');

const TYPES = [
  'bool',
  'int8_t',
  'uint8_t',
  'int16_t',
  'uint16_t',
  'int32_t',
  'uint32_t',
  'int64_t',
  'uint64_t',
];
TYPES.push('float', 'double', 'long double', 'const char *');

const VALUES = [0, -0, 1, -1, 1.5, -1.5, NaN, Infinity, -Infinity, 1e300, 5e-324, 16777217, true, false];
for (const bits of [7, 8, 15, 16, 31, 32, 53, 63, 64]) {
  VALUES.push(
    2 ** bits,
    2 ** bits - 1,
    -(2 ** bits),
    -(2 ** bits) - 1,
    2n ** BigInt(bits),
    2n ** BigInt(bits) - 1n,
  );
}
VALUES.push(undefined, null, 'text', '', 'B', {}, [], Symbol.iterator, 5n, -5n);

const told = (run) => {
  try {
    return inspect(run());
  } catch (error) {
    return `${error.name} ${error.code}: ${error.message}`;
  }
};

/** Every value through an argument of every type, and as the result of every type. */
function journey() {
  const lines = [];
  for (const type of TYPES) {
    let seen = 'nothing';
    let answer;
    const cb = biffi.callback(`${type} (${type}, int)`, (value, one) => {
      assert.equal(one, 1);
      seen = inspect(value);
      return answer === journey ? value : answer;
    });
    const call = biffi.functionAt(cb, `${type} (${type}, int)`);
    const zero = type === 'const char *' ? null : type === 'bool' ? false : 0;
    for (const value of VALUES) {
      seen = 'nothing';
      answer = journey;
      const returned = told(() => call(value, 1));
      answer = value;
      lines.push(
        `${type} ${inspect(value)}: saw ${seen}, returned ${returned}; given ${told(() => call(zero, 1))}`,
      );
    }
    cb.release();
  }
  return lines;
}

if (process.env.BIFFI_JOURNEY) {
  console.log(JSON.stringify(journey()));
} else {
  test('every tier passes the same values to callbacks, and takes the same from them', () => {
    const [v8, napi, ffi] = ['v8', 'napi', 'ffi'].map((tier) =>
      JSON.parse(
        execFileSync(process.execPath, [__filename], {
          encoding: 'utf8',
          env: { ...process.env, BIFFI_JOURNEY: '1', BIFFI_TIER: tier },
        }),
      ),
    );
    assert.equal(v8.length, TYPES.length * VALUES.length);
    assert.deepEqual(v8, ffi);
    assert.deepEqual(napi, ffi);
  });

  test('what they get and give is what C has', () => {
    const line = (type, value) => journey().find((text) => text.startsWith(`${type} ${inspect(value)}:`));
    assert.equal(line('double', -0), 'double -0: saw -0, returned -0; given -0');
    assert.equal(line('float', 16777217), 'float 16777217: saw 16777216, returned 16777216; given 16777216');
    assert.equal(
      line('uint32_t', 2 ** 32 - 1),
      'uint32_t 4294967295: saw 4294967295, returned 4294967295; given 4294967295',
    );
    assert.match(line('int8_t', 128), /given RangeError BF_ERANGE: .*result \(int8_t\)/);
    assert.match(line('int32_t', 1.5), /given RangeError BF_ERANGE: .*expected an integer/);
  });

  test('a pointer need not be one: its 64 bits arrive', () => {
    const type = 'void *(void *, const char *, int *)';
    const seen = [];
    const cb = biffi.callback(type, (p, text, n) => {
      seen.push(p.address, text, n?.address);
      return p;
    });
    const call = biffi.functionAt(cb, type);
    for (const address of [1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n + 1n, 2n ** 64n - 1n]) {
      assert.equal(call(biffi.pointerAt(address), 'text', biffi.pointerAt(address, 'int')).address, address);
      assert.deepEqual(seen.splice(0), [address, 'text', address]);
    }
  });

  test('a chain of callbacks, each inside of the last one, with one error through all of them', () => {
    const type = 'double (double)';
    const thrown = new Error('deep');
    const call = [];
    const cbs = [];
    for (let i = 0; i < 20; i++) {
      cbs.push(biffi.callback(type, (v) => (i === 0 ? v / 2 : call[i - 1](v + 1))));
      call.push(biffi.functionAt(cbs[i], type));
    }
    assert.equal(call[19](1), 10);
    cbs[0] = biffi.callback(type, () => {
      throw thrown;
    });
    call[0] = biffi.functionAt(cbs[0], type);
    assert.throws(
      () => call[19](1),
      (error) => error === thrown,
    );
    call[0] = (v) => -v;
    assert.equal(call[19](1), -20);
  });

  test('a worker can be ended while C runs one of its callbacks', async () => {
    const source = `const { parentPort } = require('node:worker_threads');
      const biffi = require(${JSON.stringify(root)});
      const call = biffi.functionAt(biffi.callback('int (int)', (v) => {
        parentPort.postMessage('inside');
        for (;;);
      }), 'int (int)');
      try { call(1); } finally { call(2); }`;
    const worker = new Worker(source, { eval: true });
    await once(worker, 'message');
    assert.equal(await worker.terminate(), 1);
  });
}
