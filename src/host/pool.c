#include "pool.h"

#include <stdint.h>
#include <string.h>

enum {
	SMALL = 4096, /* bytes of a Buffer that shares memory with others */
	SIZE = 65536  /* bytes that they share */
};

void bf_pool_open(napi_env env, bf_pool *pool, napi_value renew)
{
	napi_create_reference(env, renew, 1, &pool->renew);
}

bool bf_pool_takes(const bf_pool *pool, size_t length)
{
	return pool->renew && length <= SMALL;
}

static bool renew(napi_env env, bf_pool *pool, napi_value *memory)
{
	napi_value function, size;
	napi_ref ref;

	if (napi_get_reference_value(env, pool->renew, &function) != napi_ok ||
	    napi_create_uint32(env, SIZE, &size) != napi_ok ||
	    napi_call_function(env, function, function, 1, &size, memory) != napi_ok ||
	    napi_create_reference(env, *memory, 1, &ref) != napi_ok) {
		return false;
	}
	if (pool->memory) {
		napi_delete_reference(env, pool->memory);
	}
	pool->memory = ref;
	pool->used = 0;
	return true;
}

bool bf_pool_put(napi_env env, bf_pool *pool, const void *bytes, size_t length, size_t *offset)
{
	napi_value memory;
	void *data = NULL;
	size_t size = 0;

	/* It can have been detached. */
	if ((!pool->memory || length > SIZE - pool->used ||
	     napi_get_reference_value(env, pool->memory, &memory) != napi_ok ||
	     napi_get_arraybuffer_info(env, memory, &data, &size) != napi_ok || size != SIZE) &&
	    (!renew(env, pool, &memory) || napi_get_arraybuffer_info(env, memory, &data, &size) != napi_ok)) {
		return false;
	}
	memcpy((char *)data + pool->used, bytes, length);
	*offset = pool->used;
	pool->used += (length + 7) & ~(size_t)7;
	return true;
}
