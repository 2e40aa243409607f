'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { biffi, fixture, fails, root } = require('./fixtures');

const DECLARATIONS = `typedef struct handle handle; int handle_open(int number, handle **out);
  int handle_number(const handle *h); void handle_close(handle *h); int handle_count(void);`;
const lib = biffi.load(fixture('structs'), DECLARATIONS);
const Opened = biffi.handle(lib.handle, lib.handle_close);

const open = (number) => {
  const cell = biffi.out();
  lib.handle_open(number, cell);
  return new Opened(cell);
};

test('a handle is passed as the pointer it is, until it is closed', () => {
  const h = open(5);
  assert.equal(lib.handle_number(h), 5);
  assert.equal(lib.handle_count(), 1);
  assert.equal(h.closed, false);
  h.close();
  h.close();
  assert.equal(h.closed, true);
  assert.equal(lib.handle_count(), 0);
  fails(
    () => lib.handle_number(h),
    'BF_ECLOSED',
    /^handle_number\(\): argument 1 'h' \(const handle \*\): .*released/,
  );
});

test('[Symbol.dispose] closes', () => {
  const h = open(6);
  h[Symbol.dispose]();
  assert.equal(lib.handle_count(), 0);
});

test('what is no handle is refused', () => {
  fails(() => new Opened(null), 'BF_ETYPE', /NULL/);
  fails(() => new Opened(biffi.out('void *')), 'BF_ETYPE', /NULL/);
  fails(() => new Opened(biffi.pointerAt(4096, 'int')), 'BF_ETYPE', /got one to int/);
  fails(() => biffi.handle(lib.handle, 'close'), 'BF_ETYPE', /function that closes it/);
});

test('a collected handle is closed', () => {
  const script = `const biffi = require(${JSON.stringify(root)});
    const lib = biffi.load(${JSON.stringify(fixture('structs'))}, ${JSON.stringify(DECLARATIONS)});
    const Opened = biffi.handle(lib.handle, lib.handle_close);
    for (let i = 0; i < 100; i++) { const cell = biffi.out(); lib.handle_open(i, cell); new Opened(cell); }
    console.log(lib.handle_count());
    const wait = () => { gc(); if (lib.handle_count() < 10) console.log('closed'); else setTimeout(wait, 5); };
    setTimeout(wait, 5);`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', '-e', script], {
    encoding: 'utf8',
    timeout: 30000,
  });
  assert.deepEqual([status, stdout, stderr], [0, '100\nclosed\n', '']);
});
