'use strict';
// Digests by OpenSSL's libcrypto, from openssl/evp.h; Node.js says the same.

const assert = require('node:assert');
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { load, handle, out, flags } = require('biffi');

// Node.js has an OpenSSL of its own inside, whose functions must not take the place of this one's.
const own = flags.RTLD_NOW | flags.RTLD_DEEPBIND;
const ssl = load('libcrypto.so.3', {
  header: 'openssl/evp.h',
  files: ['openssl/evp.h', 'openssl/types.h'],
  flags: own,
});
const { ERR_get_error, ERR_error_string_n } = load('libcrypto.so.3', {
  declarations: `unsigned long ERR_get_error(void);
                 void ERR_error_string_n(unsigned long error, char *to, size_t room);`,
  int64: 'bigint',
  flags: own,
});
const Context = handle(ssl.EVP_MD_CTX, ssl.EVP_MD_CTX_free);

function check(ok) {
  if (ok === 1) return;
  const text = Buffer.alloc(256);
  ERR_error_string_n(ERR_get_error(), text, text.length);
  throw new Error(text.toString('latin1', 0, text.indexOf(0)));
}

function digest(algorithm, ...pieces) {
  const md = ssl.EVP_get_digestbyname(algorithm);
  if (md === null) throw new Error(`libcrypto has no ${algorithm}`);
  const context = new Context(ssl.EVP_MD_CTX_new());
  try {
    check(ssl.EVP_DigestInit_ex(context, md, null));
    for (const piece of pieces) check(ssl.EVP_DigestUpdate(context, piece, Buffer.byteLength(piece)));
    const result = Buffer.alloc(ssl.EVP_MAX_MD_SIZE);
    const length = out();
    check(ssl.EVP_DigestFinal_ex(context, result, length));
    return result.toString('hex', 0, length.value);
  } finally {
    context.close();
  }
}

console.log('sha256("abc") =', digest('sha256', 'a', Buffer.from('bc')));
const text = readFileSync(__filename);
for (const algorithm of ['sha1', 'sha512', 'blake2b512', 'sha3-256']) {
  const hex = digest(algorithm, text.subarray(0, 100), text.subarray(100));
  assert.strictEqual(hex, createHash(algorithm).update(text).digest('hex'));
  console.log(`${algorithm.padEnd(10)} ${hex.slice(0, 40)}${hex.length > 40 ? '...' : ''}`);
}
