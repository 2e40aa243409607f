#include "rawmem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rawmem_v8.h"
#include "refinstance.h"

#define MAX_SAFE 9007199254740991ull

static napi_value throw_type(napi_env env, const char *message)
{
	napi_throw_type_error(env, NULL, message);
	return NULL;
}

int bf_rawmem_bytes(napi_env env, napi_value value, void **data, size_t *length)
{
	/*
	 * "Buffer" is every ArrayBufferView here; of Node-API's readers it is the one that takes a SharedArrayBuffer
	 * behind it on Node.js 18, which in turn ends the process over anything that is no view.
	 */
	bool is_view;
	if (napi_is_buffer(env, value, &is_view) == napi_ok && is_view)
		return napi_get_buffer_info(env, value, data, length) == napi_ok ? 0 : -1;
	if (napi_get_arraybuffer_info(env, value, data, length) == napi_ok)
		return 0;
	return -1;
}

int bf_rawmem_address(napi_env env, napi_value value, void **out)
{
	double number;
	if (napi_get_value_double(env, value, &number) == napi_ok) {
		if (!(number >= -9007199254740992.0 && number < 18446744073709551616.0))
			return -1;
		*out = (void *)(number < 0 ? (uintptr_t)(int64_t)number : (uintptr_t)number);
		return 0;
	}

	uint64_t bits;
	bool lossless;
	if (napi_get_value_bigint_uint64(env, value, &bits, &lossless) == napi_ok) {
		*out = (void *)(uintptr_t)bits;
		return 0;
	}
	return -1;
}

/* --- arguments ---------------------------------------------------------------- */

/*
 * Most functions take (view, offset = 0, extra): gives the address of view +
 * offset and fills `args`. An exception is pending when it returns false.
 */
static bool take_place(napi_env env, napi_callback_info info, const char *what, size_t nargs, napi_value *args,
		       char **out)
{
	size_t n = nargs;
	if (napi_get_cb_info(env, info, &n, args, NULL, NULL) != napi_ok)
		return false;

	void *data;
	size_t length;
	if (bf_rawmem_bytes(env, args[0], &data, &length) != 0) {
		napi_throw_type_error(env, NULL, "Buffer instance expected");
		return false;
	}
	if (data == NULL && what != NULL) {
		char message[96];
		snprintf(message, sizeof message, "%s nullptr pointer", what);
		/* The integers' readers have always thrown a TypeError here, the others an Error. */
		if (strncmp(what, "readInt64", 9) == 0 || strncmp(what, "readUInt64", 10) == 0)
			napi_throw_type_error(env, NULL, message);
		else
			napi_throw_error(env, NULL, message);
		return false;
	}

	/* As Number(offset) | 0 bits of an int64: undefined, NaN and strings without digits count as 0. */
	int64_t offset = 0;
	if (n > 1 && napi_get_value_int64(env, args[1], &offset) != napi_ok) {
		napi_value number;
		if (napi_coerce_to_number(env, args[1], &number) != napi_ok ||
		    napi_get_value_int64(env, number, &offset) != napi_ok)
			return false;
	}
	*out = (char *)((uintptr_t)data + (uintptr_t)offset);
	return true;
}

napi_value bf_rawmem_number(napi_env env, const void *p)
{
	napi_value result = NULL;
	if ((uintptr_t)p <= MAX_SAFE)
		napi_create_double(env, (double)(uintptr_t)p, &result);
	else
		napi_create_bigint_uint64(env, (uint64_t)(uintptr_t)p, &result);
	return result;
}

/* --- where memory is ---------------------------------------------------------- */

/* address(view, offset) */
static napi_value raw_address(napi_env env, napi_callback_info info)
{
	napi_value args[2];
	char *p;
	if (!take_place(env, info, NULL, 2, args, &p))
		return NULL;
	return bf_rawmem_number(env, p);
}

/* isNull(view, offset) */
static napi_value raw_is_null(napi_env env, napi_callback_info info)
{
	napi_value args[2], result = NULL;
	char *p;
	if (!take_place(env, info, NULL, 2, args, &p))
		return NULL;
	napi_get_boolean(env, p == NULL, &result);
	return result;
}

/*
 * wrap(address, length): an ArrayBuffer over foreign memory, exactly as long as
 * asked. Its memory is never freed from here.
 */
static napi_value raw_wrap(napi_env env, napi_callback_info info)
{
	napi_value args[2], result = NULL;
	size_t n = 2;
	void *address;
	int64_t length;

	napi_get_cb_info(env, info, &n, args, NULL, NULL);
	if (bf_rawmem_address(env, args[0], &address) != 0 || address == NULL)
		return throw_type(env, "wrap: an address other than NULL is required");
	/* V8 of Node.js 18 and 20 forgets the address of an empty ArrayBuffer: callers view 0 bytes of 1. */
	if (napi_get_value_int64(env, args[1], &length) != napi_ok || length < 1)
		return throw_type(env, "wrap: a length of at least 1 is required");

	/* V8 ends the process over a length that it can't have; Node-API refuses it. */
	if (length <= INT32_MAX && (result = bf_rawmem_v8_wrap(address, (size_t)length)) != NULL)
		return result;
	napi_status status = napi_create_external_arraybuffer(env, address, (size_t)length, NULL, NULL, &result);
	if (status == napi_no_external_buffers_allowed)
		napi_throw_error(env, NULL, "this JavaScript engine cannot view memory outside of its own heap");
	else if (status != napi_ok)
		napi_throw_range_error(env, NULL, "wrap: a Buffer of this length cannot be made");
	return status == napi_ok ? result : NULL;
}

/* --- values at an address ----------------------------------------------------- */

/* readPointer(view, offset) -> address */
static napi_value raw_read_pointer(napi_env env, napi_callback_info info)
{
	napi_value args[2];
	char *p;
	void *value;
	if (!take_place(env, info, "readPointer: Cannot read from", 2, args, &p))
		return NULL;
	memcpy(&value, p, sizeof value);
	return bf_rawmem_number(env, value);
}

/* writePointer(view, offset, view | null) */
static napi_value raw_write_pointer(napi_env env, napi_callback_info info)
{
	napi_value args[3];
	char *p;
	void *value = NULL;
	size_t length;
	napi_valuetype type;

	if (!take_place(env, info, "writePointer: Cannot write to", 3, args, &p))
		return NULL;
	napi_typeof(env, args[2], &type);
	if (type != napi_null && bf_rawmem_bytes(env, args[2], &value, &length) != 0)
		return throw_type(env, "writePointer: Buffer instance expected as third argument");
	memcpy(p, &value, sizeof value);
	return NULL;
}

/* readBigInt64(view, offset), readBigUInt64(view, offset) */
static napi_value read_integer(napi_env env, napi_callback_info info, bool is_signed)
{
	napi_value args[2], result = NULL;
	char *p;
	uint64_t bits;
	if (!take_place(env, info, is_signed ? "readInt64: Cannot read from" : "readUInt64: Cannot read from", 2, args,
			&p))
		return NULL;
	memcpy(&bits, p, sizeof bits);
	if (is_signed)
		napi_create_bigint_int64(env, (int64_t)bits, &result);
	else
		napi_create_bigint_uint64(env, bits, &result);
	return result;
}

static napi_value raw_read_int64(napi_env env, napi_callback_info info)
{
	return read_integer(env, info, true);
}

static napi_value raw_read_uint64(napi_env env, napi_callback_info info)
{
	return read_integer(env, info, false);
}

/* writeBigInt64(view, offset, bigint): the low 64 bits */
static napi_value raw_write_int64(napi_env env, napi_callback_info info)
{
	napi_value args[3];
	char *p;
	uint64_t bits;
	bool lossless;
	if (!take_place(env, info, "writeInt64: Cannot write to", 3, args, &p))
		return NULL;
	if (napi_get_value_bigint_uint64(env, args[2], &bits, &lossless) != napi_ok)
		return throw_type(env, "writeBigInt64: a BigInt is required");
	memcpy(p, &bits, sizeof bits);
	return NULL;
}

/* --- strings ------------------------------------------------------------------ */

static napi_value make_string(napi_env env, const char *s)
{
	napi_value result = NULL;
	if (napi_create_string_utf8(env, s, NAPI_AUTO_LENGTH, &result) != napi_ok)
		napi_throw_range_error(env, NULL, "the C string is longer than a JavaScript string can be");
	return result;
}

/* readCString(view, offset): UTF-8 up to the NUL */
static napi_value raw_read_cstring(napi_env env, napi_callback_info info)
{
	napi_value args[2];
	char *p;
	if (!take_place(env, info, "readCString: Cannot read from", 2, args, &p))
		return NULL;
	return make_string(env, p);
}

/* cstring(address): the same from an address; null for NULL */
static napi_value raw_cstring(napi_env env, napi_callback_info info)
{
	napi_value arg, result = NULL;
	size_t n = 1;
	void *p;

	napi_get_cb_info(env, info, &n, &arg, NULL, NULL);
	if (bf_rawmem_address(env, arg, &p) != 0)
		return throw_type(env, "cstring: an address is required");
	if (p != NULL)
		return make_string(env, p);
	napi_get_null(env, &result);
	return result;
}

/*
 * lengthUntilZeros(view, n, offset): bytes before the first group of n zero
 * bytes, looking at groups of n from the start.
 */
static napi_value raw_length_until_zeros(napi_env env, napi_callback_info info)
{
	napi_value args[3], result = NULL;
	size_t n = 3, length;
	void *data;
	int64_t offset = 0;
	uint32_t zeros = 0;

	napi_get_cb_info(env, info, &n, args, NULL, NULL);
	if (bf_rawmem_bytes(env, args[0], &data, &length) != 0)
		return throw_type(env, "Buffer instance expected");
	if (data == NULL) {
		napi_throw_error(env, NULL, "reinterpretUntilZeros: Cannot reinterpret from nullptr pointer");
		return NULL;
	}
	if (napi_get_value_uint32(env, args[1], &zeros) != napi_ok || zeros == 0)
		return throw_type(env, "reinterpretUntilZeros: the number of zero bytes must be at least 1");
	napi_get_value_int64(env, args[2], &offset);

	const char *p = (const char *)((uintptr_t)data + (uintptr_t)offset);
	size_t size = 0;
	for (uint32_t run = 0; run < zeros;) {
		if (p[size + run] == 0) {
			run++;
		} else {
			size += zeros;
			run = 0;
		}
	}
	napi_create_double(env, (double)size, &result);
	return result;
}

napi_status bf_rawmem_init(napi_env env, napi_value exports)
{
	static const napi_property_descriptor functions[] = {
	    {"address", NULL, raw_address, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"isNull", NULL, raw_is_null, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"wrap", NULL, raw_wrap, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"readPointer", NULL, raw_read_pointer, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"writePointer", NULL, raw_write_pointer, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"readBigInt64", NULL, raw_read_int64, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"readBigUInt64", NULL, raw_read_uint64, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"writeBigInt64", NULL, raw_write_int64, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"readCString", NULL, raw_read_cstring, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"cstring", NULL, raw_cstring, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"lengthUntilZeros", NULL, raw_length_until_zeros, NULL, NULL, NULL, napi_enumerable, NULL},
	};
	napi_value room;
	bf_rawmem_v8_init(env);
	napi_status status = napi_create_object(env, &room);
	if (status == napi_ok)
		status = napi_define_properties(env, room, sizeof functions / sizeof functions[0], functions);
	if (status == napi_ok)
		status = bf_refinstance_init(env, room);
	if (status == napi_ok)
		status = napi_set_named_property(env, exports, "rawmem", room);
	return status;
}
