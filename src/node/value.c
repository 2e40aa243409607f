#include "value.h"

#define SAFE 9007199254740991 /* 2^53 - 1 */

int bf_value_bytes(napi_env napi, napi_value value, void **address, size_t *size)
{
	bool is = false;

	/* Buffers and typed arrays first: the common case. */
	if (napi_is_typedarray(napi, value, &is) == napi_ok && is) {
		static const uint8_t width[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
		napi_typedarray_type type;
		size_t length = 0;

		if (napi_get_typedarray_info(napi, value, &type, &length, address, NULL, NULL) != napi_ok)
			return 0;
		/* Float16Array (Node-API of Node 24 on) is 2 bytes wide and after all the others. */
		*size = length * (type < sizeof(width) ? width[type] : 2);
		return 1;
	}
	if (napi_is_dataview(napi, value, &is) == napi_ok && is)
		return napi_get_dataview_info(napi, value, size, address, NULL, NULL) == napi_ok;
	if (napi_is_arraybuffer(napi, value, &is) == napi_ok && is)
		return napi_get_arraybuffer_info(napi, value, address, size) == napi_ok;
	return 0;
}

int bf_value_to_address(napi_env napi, napi_value value, void **address)
{
	double number;
	uint64_t bits;
	bool exact;

	if (napi_get_value_double(napi, value, &number) == napi_ok) {
		*address = (void *)(uintptr_t)(int64_t)number;
		return 0;
	}
	if (napi_get_value_bigint_uint64(napi, value, &bits, &exact) == napi_ok) {
		*address = (void *)(uintptr_t)bits;
		return 0;
	}
	return -1;
}

napi_value bf_value_from_address(napi_env napi, const void *address)
{
	return bf_value_uint64(napi, (uintptr_t)address, 0);
}

int bf_value_address(bf_env *env, napi_value value, void **address, size_t *size)
{
	napi_value memory, offset, base;
	void *start = NULL, *distance = NULL;
	size_t known = SIZE_MAX;

	if (bf_value_bytes(env->napi, value, address, size))
		return 1;
	memory = bf_env_property(env, value, BF_KEY_MEMORY);
	if (memory == NULL)
		return 0;
	offset = bf_env_property(env, value, BF_KEY_OFFSET);
	if (offset == NULL || bf_value_to_address(env->napi, offset, &distance) != 0)
		return 0;
	if (!bf_value_bytes(env->napi, memory, &start, &known)) {
		base = bf_env_property(env, memory, BF_KEY_BASE);
		if (base == NULL || bf_value_to_address(env->napi, base, &start) != 0)
			return -1;
	} else if (start == NULL || (uintptr_t)distance > known) {
		return -1; /* its ArrayBuffer was detached or has shrunk */
	}
	/* Integers, because an address need not be an object of C, which pointer arithmetic asks for. */
	*address = (void *)((uintptr_t)start + (uintptr_t)distance);
	*size = known == SIZE_MAX ? SIZE_MAX : known - (uintptr_t)distance;
	return 1;
}

napi_value bf_value_int64(napi_env napi, int64_t v, unsigned flags)
{
	napi_value value = NULL;

	if ((v > SAFE || v < -SAFE || flags & BF_INT64_BIGINT) && !(flags & BF_INT64_NUMBER))
		napi_create_bigint_int64(napi, v, &value);
	else if (v == (int32_t)v)
		napi_create_int32(napi, (int32_t)v, &value);
	else
		napi_create_double(napi, (double)v, &value);
	return value;
}

napi_value bf_value_uint64(napi_env napi, uint64_t v, unsigned flags)
{
	napi_value value = NULL;

	if ((v > SAFE || flags & BF_INT64_BIGINT) && !(flags & BF_INT64_NUMBER))
		napi_create_bigint_uint64(napi, v, &value);
	else if (v <= INT32_MAX)
		napi_create_int32(napi, (int32_t)v, &value);
	else
		napi_create_double(napi, (double)v, &value);
	return value;
}
