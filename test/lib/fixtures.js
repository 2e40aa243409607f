'use strict';
/* What the tests share: the built fixtures, and the way to check an error. */
const assert = require('node:assert/strict');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');
const biffi = require(root);

/** The path of a fixture library. */
const fixture = (name) =>
  path.join(process.env.BIFFI_BUILD ?? path.join(root, 'build'), 'fixtures', `${name}.so`);

/** Asserts that `run` throws an error of the code with exactly the message (or matching it). */
function fails(run, code, message) {
  assert.throws(run, (error) => {
    assert.equal(error.code, code, `${error.message} (${error.code})`);
    if (message instanceof RegExp) assert.match(error.message, message);
    else if (message !== undefined) assert.equal(error.message, message);
    const expectedClass = { BF_ETYPE: TypeError, BF_EARGUMENTS: TypeError, BF_ERANGE: RangeError };
    assert.ok(error instanceof (expectedClass[code] ?? Error));
    return true;
  });
}

module.exports = { biffi, fixture, fails, root };
