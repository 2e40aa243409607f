#include "memory.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "convert.h"
#include "throw.h"
#include "type.h"

enum { FIRST_PAGE = 4096 };

/* --- numbers at an address ---------------------------------------------------------- */

/* An address argument; NULL: an exception is pending. */
static void *address_of(napi_env napi, napi_value value)
{
	void *address = NULL;
	double number;

	/* Freed memory has no base: base + offset is NaN. */
	if (napi_get_value_double(napi, value, &number) == napi_ok && isnan(number))
		return bf_throw(napi, BF_ECLOSED, "this memory was freed");
	if (bf_value_to_address(napi, value, &address) != 0)
		return bf_throw(napi, BF_ETYPE, "expected an address");
	if ((uintptr_t)address < FIRST_PAGE)
		return bf_throw(napi, BF_ETYPE, "a NULL pointer has no value");
	return address;
}

static void *peek_address(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1];

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	return address_of(napi, argv[0]);
}

static void *poke_address(napi_env napi, napi_callback_info info, napi_value *value)
{
	size_t argc = 2;
	napi_value argv[2];

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	*value = argv[1];
	return address_of(napi, argv[0]);
}

#define PEEK(name, type, create)                                                                                       \
	static napi_value peek_##name(napi_env napi, napi_callback_info info)                                          \
	{                                                                                                              \
		const void *address = peek_address(napi, info);                                                        \
		napi_value value = NULL;                                                                               \
		type number;                                                                                           \
                                                                                                                       \
		if (address == NULL)                                                                                   \
			return NULL;                                                                                   \
		memcpy(&number, address, sizeof(number));                                                              \
		create(napi, number, &value);                                                                          \
		return value;                                                                                          \
	}

/* lib/ has checked the value; a wrong one leaves the memory alone. */
#define POKE(name, type, read, wide)                                                                                   \
	static napi_value poke_##name(napi_env napi, napi_callback_info info)                                          \
	{                                                                                                              \
		napi_value value = NULL;                                                                               \
		void *address = poke_address(napi, info, &value);                                                      \
		wide given = 0;                                                                                        \
		type number;                                                                                           \
                                                                                                                       \
		if (address == NULL || read(napi, value, &given) != napi_ok)                                           \
			return NULL;                                                                                   \
		number = (type)given;                                                                                  \
		memcpy(address, &number, sizeof(number));                                                              \
		return NULL;                                                                                           \
	}

static napi_status read_int64_bits(napi_env napi, napi_value value, int64_t *out)
{
	bool exact;

	return napi_get_value_bigint_int64(napi, value, out, &exact);
}

static napi_status read_uint64_bits(napi_env napi, napi_value value, uint64_t *out)
{
	bool exact;

	return napi_get_value_bigint_uint64(napi, value, out, &exact);
}

PEEK(int8, int8_t, napi_create_int32)
PEEK(uint8, uint8_t, napi_create_uint32)
PEEK(int16, int16_t, napi_create_int32)
PEEK(uint16, uint16_t, napi_create_uint32)
PEEK(int32, int32_t, napi_create_int32)
PEEK(uint32, uint32_t, napi_create_uint32)
PEEK(int64, int64_t, napi_create_bigint_int64)
PEEK(uint64, uint64_t, napi_create_bigint_uint64)
PEEK(float, float, napi_create_double)
PEEK(double, double, napi_create_double)
POKE(int8, int8_t, napi_get_value_int32, int32_t)
POKE(uint8, uint8_t, napi_get_value_int32, int32_t)
POKE(int16, int16_t, napi_get_value_int32, int32_t)
POKE(uint16, uint16_t, napi_get_value_int32, int32_t)
POKE(int32, int32_t, napi_get_value_int32, int32_t)
POKE(uint32, uint32_t, napi_get_value_uint32, uint32_t)
POKE(int64, int64_t, read_int64_bits, int64_t)
POKE(uint64, uint64_t, read_uint64_bits, uint64_t)
POKE(float, float, napi_get_value_double, double)
POKE(double, double, napi_get_value_double, double)

/* --- values at a place ------------------------------------------------------------------ */

/*
 * A place is a memory (DataView, or object with BASE) and an offset: the address
 * of `size` bytes there. NULL: an exception is pending.
 */
static char *place(bf_env *env, napi_value memory, napi_value offset, size_t size)
{
	void *start = NULL, *distance = NULL;
	size_t known = SIZE_MAX;
	napi_value base;

	if (bf_value_to_address(env->napi, offset, &distance) != 0)
		return (char *)bf_throw(env->napi, BF_ETYPE, "expected an offset");
	if (!bf_value_bytes(env->napi, memory, &start, &known)) {
		base = bf_env_property(env, memory, BF_KEY_BASE);
		if (base == NULL || bf_value_to_address(env->napi, base, &start) != 0)
			return (char *)bf_throw(env->napi, BF_ECLOSED, "this memory was freed");
	}
	if (known != SIZE_MAX && (size > known || (uintptr_t)distance > known - size))
		return (char *)bf_throw(env->napi, BF_ERANGE, "outside of the memory");
	start = (char *)start + (uintptr_t)distance;
	if ((uintptr_t)start < FIRST_PAGE)
		return (char *)bf_throw(env->napi, BF_ETYPE, "a NULL pointer has no value");
	return start;
}

/* Bytes of the largest value that is not copied as memory: a complex long double. */
enum { SLOT = 32 };

/* Whether a value may be converted where it lies: members of packed structs lie anywhere. */
static bool aligned(const bf_converter *c, const char *address)
{
	return c->conversion == BF_CONV_MEMORY || c->size > SLOT || (uintptr_t)address % 16 == 0 ||
	       (c->size <= 8 && (uintptr_t)address % 8 == 0);
}

/* load(type handle, memory, offset): the value there, by the conversion table. */
static napi_value memory_load(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	size_t argc = 3;
	napi_value argv[3], value = NULL;
	bf_type_handle *h;
	bf_context cx = {.env = env, .owner = "value"};
	_Alignas(16) char slot[SLOT] = {0};
	bf_converter c;
	char *address;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	h = bf_type_handle_get(napi, argv[0]);
	if (h == NULL)
		return NULL;
	cx.types = h->types;
	bf_converter_init(&c, h->type, NULL, 0, 0);
	address = place(env, argv[1], argv[2], c.size);
	if (address != NULL && aligned(&c, address))
		value = bf_convert_out(&cx, &c, address);
	else if (address != NULL)
		value = bf_convert_out(&cx, &c, memcpy(slot, address, c.size));
	bf_converter_clear(&c, env);
	return value;
}

/* store(type handle, memory, offset, value, label): by the conversion table; label is what errors name. */
static napi_value memory_store(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	size_t argc = 5;
	napi_value argv[5];
	char label[128] = "value";
	bf_type_handle *h;
	bf_context cx = {.env = env, .owner = label};
	_Alignas(16) char slot[SLOT] = {0};
	bf_converter c;
	char *address;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	h = bf_type_handle_get(napi, argv[0]);
	if (h == NULL)
		return NULL;
	napi_get_value_string_utf8(napi, argv[4], label, sizeof(label), NULL);
	cx.types = h->types;
	bf_converter_init(&c, h->type, NULL, 0, 0);
	address = place(env, argv[1], argv[2], c.size);
	if (address != NULL && aligned(&c, address))
		bf_convert_in(&cx, &c, argv[3], address);
	else if (address != NULL && bf_convert_in(&cx, &c, argv[3], slot) == 0)
		memcpy(address, slot, c.size);
	bf_converter_clear(&c, env);
	return NULL;
}

/* address(value): where its memory lies; undefined if it has none. */
static napi_value memory_address(napi_env napi, napi_callback_info info)
{
	size_t argc = 1, size;
	napi_value argv[1];
	void *address = NULL;
	int found;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	found = bf_value_address(bf_env_get(napi), argv[0], &address, &size);
	if (found < 0)
		return bf_throw(napi, BF_ECLOSED, "this memory was freed");
	if (found == 0)
		return NULL;
	return bf_value_from_address(napi, address);
}

/* copy(memory, offset, from memory, from offset, size) */
static napi_value memory_copy(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	size_t argc = 5;
	napi_value argv[5];
	double size = 0;
	char *to, *from;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_get_value_double(napi, argv[4], &size);
	to = place(env, argv[0], argv[1], (size_t)size);
	from = to != NULL ? place(env, argv[2], argv[3], (size_t)size) : NULL;
	if (from != NULL)
		memmove(to, from, (size_t)size);
	return NULL;
}

/* fill(memory, offset, byte, size) */
static napi_value memory_fill(napi_env napi, napi_callback_info info)
{
	size_t argc = 4;
	napi_value argv[4];
	double size = 0;
	int32_t byte = 0;
	char *to;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_get_value_int32(napi, argv[2], &byte);
	napi_get_value_double(napi, argv[3], &size);
	to = place(bf_env_get(napi), argv[0], argv[1], (size_t)size);
	if (to != NULL)
		memset(to, byte, (size_t)size);
	return NULL;
}

/* --- strings ---------------------------------------------------------------------------- */

static size_t units_until_nul(const char *text, unsigned width, size_t limit)
{
	static const char nul[4];
	size_t n = 0;

	while (n < limit && memcmp(text + n * width, nul, width) != 0)
		n++;
	return n;
}

static napi_value utf32_string(napi_env napi, const char *text, size_t length)
{
	char16_t *units = malloc((length * 2 + 1) * sizeof(*units));
	napi_value value = NULL;
	size_t n = 0;

	if (units == NULL)
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	for (size_t i = 0; i < length; i++) {
		uint32_t c;

		memcpy(&c, text + i * sizeof(c), sizeof(c));
		if (c > 0x10ffff)
			c = 0xfffd;
		if (c > 0xffff) {
			units[n++] = (char16_t)(0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		units[n++] = (char16_t)c;
	}
	napi_create_string_utf16(napi, units, n, &value);
	free(units);
	return value;
}

/*
 * readString(memory, offset, width, limit): characters of 1, 2 or 4 bytes up to
 * the first NUL, at most `limit` of them; a negative limit: no end is known.
 */
static napi_value memory_read_string(napi_env napi, napi_callback_info info)
{
	size_t argc = 4, length, limit;
	napi_value argv[4], value = NULL;
	uint32_t width = 1;
	double given = -1;
	char *text;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_get_value_uint32(napi, argv[2], &width);
	napi_get_value_double(napi, argv[3], &given);
	text = place(bf_env_get(napi), argv[0], argv[1], given < 0 ? 1 : (size_t)given * width);
	if (text == NULL)
		return NULL;
	limit = given < 0 ? SIZE_MAX : (size_t)given;
	length = width == 1 ? strnlen(text, limit) : units_until_nul(text, width, limit);
	if (width == 1)
		napi_create_string_utf8(napi, text, length, &value);
	else if (width == 2)
		napi_create_string_utf16(napi, (const char16_t *)text, length, &value);
	else
		value = utf32_string(napi, text, length);
	if (value == NULL)
		bf_throw(napi, BF_ERANGE, "the string is too long for JavaScript");
	return value;
}

/* --- memory of biffi's own ----------------------------------------------------------------- */

/* allocate(size): zeroed, from malloc(3); its address. */
static napi_value memory_allocate(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1];
	double size = 0;
	void *memory;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_get_value_double(napi, argv[0], &size);
	memory = calloc(1, size > 0 ? (size_t)size : 1);
	if (memory == NULL)
		return bf_throw(napi, BF_ENOMEM, "out of memory: %.0f bytes", size);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): JavaScript has the address now */
	return bf_value_from_address(napi, memory);
}

/* free(address): of allocate, or of C's malloc. */
static napi_value memory_free(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1];
	void *address = NULL;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	if (bf_value_to_address(napi, argv[0], &address) == 0)
		free(address);
	return NULL;
}

/* copyOut(address, size): an ArrayBuffer with a copy of the bytes. */
static napi_value memory_copy_out(napi_env napi, napi_callback_info info)
{
	size_t argc = 2;
	napi_value argv[2], buffer = NULL;
	double size = 0;
	void *from, *to = NULL;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	from = address_of(napi, argv[0]);
	napi_get_value_double(napi, argv[1], &size);
	if (from == NULL)
		return NULL;
	if (napi_create_arraybuffer(napi, (size_t)size, &to, &buffer) != napi_ok)
		return bf_throw(napi, BF_ENOMEM, "out of memory: %.0f bytes", size);
	memcpy(to, from, (size_t)size);
	return buffer;
}

#define METHOD(name, function)                                                                                         \
	{                                                                                                              \
		name, NULL, function, NULL, NULL, NULL, napi_default, NULL                                             \
	}

napi_status bf_memory_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    METHOD("peekInt8", peek_int8),       METHOD("peekUint8", peek_uint8),
	    METHOD("peekInt16", peek_int16),     METHOD("peekUint16", peek_uint16),
	    METHOD("peekInt32", peek_int32),     METHOD("peekUint32", peek_uint32),
	    METHOD("peekBigInt64", peek_int64),  METHOD("peekBigUint64", peek_uint64),
	    METHOD("peekFloat32", peek_float),   METHOD("peekFloat64", peek_double),
	    METHOD("pokeInt8", poke_int8),       METHOD("pokeUint8", poke_uint8),
	    METHOD("pokeInt16", poke_int16),     METHOD("pokeUint16", poke_uint16),
	    METHOD("pokeInt32", poke_int32),     METHOD("pokeUint32", poke_uint32),
	    METHOD("pokeBigInt64", poke_int64),  METHOD("pokeBigUint64", poke_uint64),
	    METHOD("pokeFloat32", poke_float),   METHOD("pokeFloat64", poke_double),
	    METHOD("load", memory_load),         METHOD("store", memory_store),
	    METHOD("address", memory_address),   METHOD("copy", memory_copy),
	    METHOD("fill", memory_fill),         METHOD("readString", memory_read_string),
	    METHOD("allocate", memory_allocate), METHOD("free", memory_free),
	    METHOD("copyOut", memory_copy_out),
	};

	return napi_define_properties(napi, exports, sizeof(list) / sizeof(*list), list);
}
