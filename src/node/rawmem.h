/*
 * Raw memory for JavaScript that thinks in pointers: the address of a Buffer,
 * an ArrayBuffer over an address, pointers, 64-bit integers and C strings at
 * an address. Nothing here checks bounds: whoever calls has promised that the
 * memory is there, as code in C would. NULL is always refused.
 *
 * Addresses travel as Number while they are safe integers, else as BigInt.
 */
#ifndef BF_NODE_RAWMEM_H
#define BF_NODE_RAWMEM_H

#include <node_api.h>

/* Sets `exports.rawmem`. */
napi_status bf_rawmem_init(napi_env env, napi_value exports);

/*
 * The bytes of a Buffer, TypedArray, DataView, ArrayBuffer; also over a
 * SharedArrayBuffer. 0, or -1 when `value` is none of them.
 */
int bf_rawmem_bytes(napi_env env, napi_value value, void **data, size_t *length);

/* An address out of a Number (also negative: two's complement) or a BigInt. 0, or -1 for anything else. */
int bf_rawmem_address(napi_env env, napi_value value, void **out);

/* The other way round. */
napi_value bf_rawmem_number(napi_env env, const void *address);

#endif
