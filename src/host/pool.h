/*
 * Buffers of a few bytes that share memory, since memory of its own would cost each
 * more than a call does. Node.js's own small Buffers do the same.
 */
#ifndef BF_HOST_POOL_H
#define BF_HOST_POOL_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>

/* Zeroed: it takes nothing yet. */
typedef struct bf_pool {
	napi_ref make, slice; /* JavaScript's: an ArrayBuffer of a size; a Buffer over a part of one */
	napi_ref memory;      /* the ArrayBuffer of now; none of it is given out twice */
	size_t used;
} bf_pool;

/* `make`: size -> ArrayBuffer; `slice`: (ArrayBuffer, offset, length) -> Buffer. */
void bf_pool_open(napi_env env, bf_pool *pool, napi_value make, napi_value slice);

/* Are so many bytes for it? */
bool bf_pool_takes(const bf_pool *pool, size_t length);

/* A Buffer with a copy of the bytes. NULL: no memory; an exception may be pending. */
napi_value bf_pool_buffer(napi_env env, bf_pool *pool, const void *bytes, size_t length);

#endif
