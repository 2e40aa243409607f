/*
 * What JavaScript values are to C: the address behind one that lies in memory,
 * and 64-bit integers.
 */
#ifndef BF_NODE_VALUE_H
#define BF_NODE_VALUE_H

#include "env.h"

enum {
	BF_INT64_BIGINT = 1 << 2, /* always BigInt */
	BF_INT64_NUMBER = 1 << 3, /* always Number, rounded if it must be */
	BF_INT64_MODE = BF_INT64_BIGINT | BF_INT64_NUMBER,
};

/*
 * The address behind a value: Buffer, TypedArray, DataView, ArrayBuffer, or any
 * object with the MEMORY key. 1: found; 0: the value has no memory; -1: it had,
 * but that was freed or detached. `size`: bytes from there to the end of
 * what is known, SIZE_MAX if nothing is.
 */
int bf_value_address(bf_env *env, napi_value value, void **address, size_t *size);

/* The same for a Buffer, TypedArray, DataView or ArrayBuffer only. */
int bf_value_bytes(napi_env napi, napi_value value, void **address, size_t *size);

/* Number when safe, else BigInt; or as the flags say. */
napi_value bf_value_int64(napi_env napi, int64_t v, unsigned flags);
napi_value bf_value_uint64(napi_env napi, uint64_t v, unsigned flags);

/* An address as lib/ holds it: Number when safe, else BigInt. And back; non-zero: it is neither. */
napi_value bf_value_from_address(napi_env napi, const void *address);
int bf_value_to_address(napi_env napi, napi_value value, void **address);

#endif
