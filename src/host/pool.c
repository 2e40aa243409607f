#include "pool.h"

#include <stdint.h>
#include <string.h>

enum {
	SMALL = 4096, /* bytes of a Buffer that shares memory with others */
	SIZE = 65536  /* bytes that they share */
};

void bf_pool_open(napi_env env, bf_pool *pool, napi_value make, napi_value slice)
{
	if (napi_create_reference(env, make, 1, &pool->make) == napi_ok) {
		napi_create_reference(env, slice, 1, &pool->slice);
	}
}

bool bf_pool_takes(const bf_pool *pool, size_t length)
{
	return pool->slice && length <= SMALL;
}

static bool renew(napi_env env, bf_pool *pool, napi_value *memory)
{
	napi_value make, size;
	napi_ref ref;

	if (napi_get_reference_value(env, pool->make, &make) != napi_ok ||
	    napi_create_uint32(env, SIZE, &size) != napi_ok ||
	    napi_call_function(env, make, make, 1, &size, memory) != napi_ok ||
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

napi_value bf_pool_buffer(napi_env env, bf_pool *pool, const void *bytes, size_t length)
{
	napi_value slice, argv[3], value;
	void *data = NULL;
	size_t size = 0;

	/* It can have been detached. */
	if ((!pool->memory || length > SIZE - pool->used ||
	     napi_get_reference_value(env, pool->memory, &argv[0]) != napi_ok ||
	     napi_get_arraybuffer_info(env, argv[0], &data, &size) != napi_ok || size != SIZE) &&
	    (!renew(env, pool, &argv[0]) || napi_get_arraybuffer_info(env, argv[0], &data, &size) != napi_ok)) {
		return NULL;
	}
	memcpy((char *)data + pool->used, bytes, length);
	if (napi_get_reference_value(env, pool->slice, &slice) != napi_ok ||
	    napi_create_uint32(env, (uint32_t)pool->used, &argv[1]) != napi_ok ||
	    napi_create_uint32(env, (uint32_t)length, &argv[2]) != napi_ok ||
	    napi_call_function(env, slice, slice, 3, argv, &value) != napi_ok) {
		return NULL;
	}
	pool->used += (length + 7) & ~(size_t)7;
	return value;
}
