'use strict';
// The tests of nginx under sanitizers would notice: a worker with a bug does not end as it should.
const assert = require('node:assert');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { Nginx, compile } = require('../nginx/nginx.js');

describe('what sanitizers find in a worker', () => {
  const bug = async (request) => {
    const file = compile('../sanitize/overflow.c', 'liboverflow.so', ['-fsanitize=address']);
    const nginx = await Nginx.start();
    await nginx.lua(`ngx.load_ffi("${file}"):call("${request}")`).catch(() => {});
    return nginx.stop().finally(() => fs.rmSync(nginx.prefix, { recursive: true, force: true }));
  };

  it('is an error of the test: memory that is not there', () =>
    assert.rejects(bug('overflow'), /AddressSanitizer: heap-buffer-overflow[^]*liboverflow\.so/));

  it('is an error of the test: memory that is forgotten', () =>
    assert.rejects(bug('forget'), /4321 byte\(s\) in 1 object\(s\)[^]*liboverflow\.so/));
});
