/*
 * Reading JavaScript values where they lie. A tagged word is a small integer
 * (its low bit is 0, its value the upper half) or the address of an object plus
 * one. What stands where in an object is found out at load by looking for known
 * contents; a kind of value that is not laid out as expected is not read here,
 * and its readers always say false. Whoever gets false asks Node-API.
 *
 * Nothing here allocates or makes handles: the readers may be used inside of a
 * fast call, on the thread of the isolate.
 */
#ifndef BF_NODE_V8_LAYOUT_H
#define BF_NODE_V8_LAYOUT_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct bf_v8_layout {
	uint64_t null, undefined, true_, false_;
	uint64_t number_map; /* of every HeapNumber; 0: numbers are not understood */
	uint16_t view_type;  /* instance types; 0: not understood */
	uint16_t data_view_type;
	uint16_t buffer_type;
	uint16_t bigint_type;
	uint16_t one_byte_type, two_byte_type; /* sequential strings, without BF_V8_INTERNALIZED */
	bool strings;
	uint16_t array_type;                  /* Arrays; 0: not understood */
	uint16_t elements_type, doubles_type; /* of what their elements are in: values, numbers of eight bytes */
	uint16_t object_type;                 /* values in memory, see bf_v8_layout_probe_values; 0: not understood */
	uint16_t properties_type;
	uint64_t no_properties;
	uint16_t function_type; /* of ordinary functions, once an object was understood; 0: not */
	/* indexes of words in their objects */
	uint8_t view_data, view_base, view_buffer, view_offset, view_bytes;
	uint8_t data_view_data;
	uint8_t buffer_data, buffer_bytes;
	uint8_t buffer_flags;   /* index of 32 bits, not of a word */
	uint32_t buffer_shared; /* the flag of a SharedArrayBuffer */
} bf_v8_layout;

/* Words of an ordinary object before its properties: map, properties, elements. */
#define BF_V8_HEADER 3

/* In a string's instance type: whether it is (0) in the table of unique strings. */
#define BF_V8_INTERNALIZED 0x20

/* Returns false where even small integers are not as expected; then nothing may be read. */
bool bf_v8_layout_probe(napi_env env, bf_v8_layout *out);

/*
 * Learns how the values of lib/ that lie in memory look: objects with MEMORY and
 * OFFSET as their first two properties, MEMORY a DataView or an object with BASE
 * and size as its first two. The samples: a value 24 bytes into `view`; one 8 bytes
 * into native memory at 0x14000, 100 bytes long; one like the first with twelve
 * properties more.
 */
void bf_v8_layout_probe_values(napi_env env, bf_v8_layout *l, const napi_value samples[3], napi_value view);

/* The same of functions, after the values: an ordinary one, and one with a symbol as a property. */
void bf_v8_layout_probe_functions(bf_v8_layout *l, napi_value plain, napi_value other);

static inline bool bf_v8_is_small(uint64_t word)
{
	return (word & 1) == 0;
}

static inline int32_t bf_v8_small(uint64_t word)
{
	return (int32_t)(word >> 32);
}

static inline uint64_t bf_v8_from_small(int32_t value)
{
	return (uint64_t)(uint32_t)value << 32;
}

/* The words of an object; [0] is its map. */
static inline const uint64_t *bf_v8_object(uint64_t word)
{
	return (const uint64_t *)(word - 1);
}

static inline uint16_t bf_v8_instance_type(uint64_t word)
{
	return *(const uint16_t *)(bf_v8_object(word)[0] + 11);
}

/* How many words an object has, as its map says. */
static inline uint8_t bf_v8_words(uint64_t word)
{
	return *(const uint8_t *)(bf_v8_object(word)[0] + 7);
}

/* Any Number. */
static inline bool bf_v8_number(const bf_v8_layout *l, uint64_t word, double *out)
{
	if (bf_v8_is_small(word)) {
		*out = bf_v8_small(word);
		return true;
	}
	if (bf_v8_object(word)[0] != l->number_map)
		return false;
	memcpy(out, bf_v8_object(word) + 1, sizeof *out);
	return true;
}

/* A BigInt of at most 64 bits: sign and magnitude. */
static inline bool bf_v8_bigint(const bf_v8_layout *l, uint64_t word, bool *negative, uint64_t *magnitude)
{
	uint32_t bits; /* bit 0: sign, the rest: how many 64-bit digits */

	if (bf_v8_is_small(word) || bf_v8_instance_type(word) != l->bigint_type || !l->bigint_type)
		return false;
	bits = (uint32_t)bf_v8_object(word)[1];
	if (bits >> 1 > 1)
		return false;
	*negative = bits & 1;
	*magnitude = bits >> 1 ? bf_v8_object(word)[2] : 0;
	return true;
}

/*
 * The bytes of a TypedArray, DataView or ArrayBuffer that lie outside of the
 * JavaScript heap. False as well for empty, detached and resizable ones, and for a
 * SharedArrayBuffer itself.
 */
static inline bool bf_v8_bytes(const bf_v8_layout *l, uint64_t word, void **data, uint64_t *size)
{
	const uint64_t *w, *buffer;
	uint16_t type;

	if (bf_v8_is_small(word))
		return false;
	w = bf_v8_object(word);
	type = bf_v8_instance_type(word);
	if (type == 0)
		return false;
	if (type == l->buffer_type) {
		*data = (void *)w[l->buffer_data];
		*size = w[l->buffer_bytes];
		return *size != 0 && !(((const uint32_t *)w)[l->buffer_flags] & l->buffer_shared);
	}
	if (type == l->view_type) {
		if (w[l->view_base] != 0)
			return false;
		*data = (void *)w[l->view_data];
	} else if (type == l->data_view_type) {
		*data = (void *)w[l->data_view_data];
	} else {
		return false;
	}
	buffer = bf_v8_object(w[l->view_buffer]);
	*size = w[l->view_bytes];
	return *size != 0 && w[l->view_offset] + *size <= buffer[l->buffer_bytes];
}

typedef struct bf_v8_chars {
	const void *at;
	uint32_t length; /* in units */
	bool two_byte;   /* UTF-16, else Latin-1 */
} bf_v8_chars;

/* A string whose characters lie in one piece in the JavaScript heap. */
static inline bool bf_v8_string(const bf_v8_layout *l, uint64_t word, bf_v8_chars *out)
{
	uint16_t type;

	if (!l->strings || bf_v8_is_small(word))
		return false;
	type = bf_v8_instance_type(word) & (uint16_t)~BF_V8_INTERNALIZED;
	if (type != l->one_byte_type && type != l->two_byte_type)
		return false;
	out->two_byte = type == l->two_byte_type;
	out->length = (uint32_t)(bf_v8_object(word)[1] >> 32); /* word 1: hash, length */
	out->at = bf_v8_object(word) + 2;
	return true;
}

typedef struct bf_v8_elements {
	const uint64_t *at; /* values, or with `doubles` C's double, see bf_v8_is_missing */
	uint32_t length;
	bool doubles;
} bf_v8_elements;

/* Of doubles: not there, or undefined. The engine keeps signalling NaNs for that, and makes all others quiet. */
static inline bool bf_v8_is_missing(uint64_t bits)
{
	return (bits & 0x7FF8000000000000) == 0x7FF0000000000000 && (bits & 0x0007FFFFFFFFFFFF) != 0;
}

/* The elements of an Array that has them side by side. What is missing in between is among the values, no Number. */
static inline bool bf_v8_array(const bf_v8_layout *l, uint64_t word, bf_v8_elements *out)
{
	const uint64_t *w;
	uint16_t type;

	if (!l->array_type || bf_v8_is_small(word) || bf_v8_instance_type(word) != l->array_type)
		return false;
	w = bf_v8_object(word); /* map, properties, elements, length */
	type = bf_v8_instance_type(w[2]);
	if (!bf_v8_is_small(w[3]) || (type != l->elements_type && type != l->doubles_type))
		return false;
	out->doubles = type == l->doubles_type;
	out->length = (uint32_t)bf_v8_small(w[3]);
	out->at = bf_v8_object(w[2]) + 2;
	return true;
}

/*
 * The first two properties of an ordinary object that keeps them in itself: not one with a dictionary, nor one of a
 * constructor whose first objects were all collected so soon that the engine took room for properties to be wasted.
 */
static inline const uint64_t *bf_v8_properties(const bf_v8_layout *l, uint64_t word)
{
	const uint64_t *w;

	if (bf_v8_is_small(word) || bf_v8_instance_type(word) != l->object_type || !l->object_type ||
	    bf_v8_words(word) < BF_V8_HEADER + 2)
		return NULL;
	w = bf_v8_object(word);
	/* Word 1: its hash, or where further properties are. */
	if (!bf_v8_is_small(w[1]) && w[1] != l->no_properties && bf_v8_instance_type(w[1]) != l->properties_type)
		return NULL;
	return w + BF_V8_HEADER;
}

/* An ordinary function, to which no property was added: none of biffi's own, which carry RECORD. */
static inline bool bf_v8_plain_function(const bf_v8_layout *l, uint64_t word)
{
	return l->function_type && !bf_v8_is_small(word) && bf_v8_instance_type(word) == l->function_type &&
	       bf_v8_object(word)[1] == l->no_properties;
}

/* Of MEMORY and OFFSET, whichever kinds they are: what bf_v8_value says. */
bool bf_v8_value_at(const bf_v8_layout *l, const uint64_t *value, void **address, uint64_t *size);

/*
 * MEMORY and OFFSET of most values in memory: a DataView over memory of JavaScript's own, read as bf_v8_bytes does, and
 * a whole number. False: they are of other kinds, or there is nothing.
 */
static inline __attribute__((always_inline)) bool bf_v8_own_value(const bf_v8_layout *l, const uint64_t *value,
								  void **address, uint64_t *size)
{
	const uint64_t *view;
	uint64_t offset, bytes;

	if (bf_v8_is_small(value[0]) || !bf_v8_is_small(value[1]) || bf_v8_instance_type(value[0]) != l->data_view_type)
		return false;
	view = bf_v8_object(value[0]);
	bytes = view[l->view_bytes];
	offset = (uint64_t)(int64_t)bf_v8_small(value[1]); /* negative: beyond any size */
	*address = (char *)view[l->data_view_data] + offset;
	*size = bytes - offset;
	return bytes != 0 && offset <= bytes &&
	       view[l->view_offset] + bytes <= bf_v8_object(view[l->view_buffer])[l->buffer_bytes];
}

/* The address behind a value of lib/ that lies in memory, and the bytes from there on (SIZE_MAX: not known). */
static inline bool bf_v8_value(const bf_v8_layout *l, uint64_t word, void **address, uint64_t *size)
{
	const uint64_t *value = bf_v8_properties(l, word);

	return value && (bf_v8_own_value(l, value, address, size) || bf_v8_value_at(l, value, address, size));
}

#endif
