#include "v8_leaf.h"

#include <string.h>

#include "function.h"
#include "throw.h"
#include "tier.h"

/* Reads a C value at an address that is a Number. */
#define READER(name, type)                                                                                             \
	static type read_##name(double address)                                                                        \
	{                                                                                                              \
		type value;                                                                                            \
                                                                                                                       \
		memcpy(&value, (const void *)(uintptr_t)address, sizeof(value));                                       \
		return value;                                                                                          \
	}
READER(int8, int8_t)
READER(uint8, uint8_t)
READER(int16, int16_t)
READER(uint16, uint16_t)
READER(int32, int32_t)
READER(uint32, uint32_t)
READER(int64, int64_t)
READER(uint64, uint64_t)
READER(float, float)
READER(double, double)

static const struct {
	const char *name;
	bf_kind kind;
	void *reader;
} READERS[] = {
    {"Int8", BF_INT8, read_int8},        {"Uint8", BF_UINT8, read_uint8},       {"Int16", BF_INT16, read_int16},
    {"Uint16", BF_UINT16, read_uint16},  {"Int32", BF_INT32, read_int32},       {"Uint32", BF_UINT32, read_uint32},
    {"BigInt64", BF_INT64, read_int64},  {"BigUint64", BF_UINT64, read_uint64}, {"Float32", BF_FLOAT, read_float},
    {"Float64", BF_DOUBLE, read_double},
};

static napi_value make_reader(bf_env *env, bf_types *types, size_t i)
{
	const bf_param address = {"address", bf_type_builtin(BF_DOUBLE)};
	unsigned flags = BF_FUNCTION_LEAF,
		 result = READERS[i].kind == BF_INT64 || READERS[i].kind == BF_UINT64 ? BF_INT64_BIGINT : 0;
	const bf_type *type;
	bf_function *f = NULL;

	if (bf_type_function(types, bf_type_builtin(READERS[i].kind), &address, 1, 0, &type, NULL) != 0 ||
	    bf_function_new(env, READERS[i].name, READERS[i].reader, NULL, types, type, flags, result, &f, NULL) != 0)
		return bf_throw(env->napi, BF_ENOMEM, "out of memory");
	return bf_function_value(f);
}

/* readers(): { Int8: (address) => ... } where the V8 tier carries them, else undefined. */
static napi_value readers(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	napi_value object = NULL;
	bf_types *types;

	(void)info;
	if (!bf_tier_is_v8(env))
		return NULL;
	if (bf_types_new(&types) != 0)
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	napi_create_object(napi, &object);
	for (size_t i = 0; object && i < sizeof READERS / sizeof *READERS; i++) {
		napi_value reader = make_reader(env, types, i);

		if (!reader || napi_set_named_property(napi, object, READERS[i].name, reader) != napi_ok)
			object = NULL;
	}
	bf_types_unref(types);
	return object;
}

napi_status bf_v8_leaf_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"readers", NULL, readers, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof list / sizeof *list, list);
}
