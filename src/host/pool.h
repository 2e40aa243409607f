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
	napi_ref renew;  /* JavaScript's: size -> a new ArrayBuffer, which it keeps as well */
	napi_ref memory; /* that of now; none of it is given out twice */
	size_t used;
} bf_pool;

void bf_pool_open(napi_env env, bf_pool *pool, napi_value renew);

/* Are so many bytes for it? */
bool bf_pool_takes(const bf_pool *pool, size_t length);

/* Copies bytes to `*offset` of the ArrayBuffer of now. False: no memory; an exception may be pending. */
bool bf_pool_put(napi_env env, bf_pool *pool, const void *bytes, size_t length, size_t *offset);

#endif
