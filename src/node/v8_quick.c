#include "v8_quick.h"

#include <string.h>

#include "v8_utf8.h"

enum { MOST_ELEMENTS = 1 << 16 }; /* of an Array */

/* --- integers ----------------------------------------------------------------------- */

static const struct {
	int64_t min;
	uint64_t max;
} RANGES[] = {
    [BF_CONV_INT8] = {INT8_MIN, INT8_MAX},    [BF_CONV_UINT8] = {0, UINT8_MAX},
    [BF_CONV_INT16] = {INT16_MIN, INT16_MAX}, [BF_CONV_UINT16] = {0, UINT16_MAX},
    [BF_CONV_INT32] = {INT32_MIN, INT32_MAX}, [BF_CONV_UINT32] = {0, UINT32_MAX},
    [BF_CONV_INT64] = {INT64_MIN, INT64_MAX}, [BF_CONV_UINT64] = {0, UINT64_MAX},
};

/* A double that is an integer of this type. */
static bool whole_number(uint8_t conversion, double d, uint64_t *bits)
{
	if (d < 0) {
		if (d < -0x1p63 || (double)(int64_t)d != d || (int64_t)d < RANGES[conversion].min)
			return false;
		*bits = (uint64_t)(int64_t)d;
	} else {
		if (!(d < 0x1p64) || (double)(uint64_t)d != d || (uint64_t)d > RANGES[conversion].max)
			return false;
		*bits = (uint64_t)d;
	}
	return true;
}

/* Anything but a small integer: a HeapNumber that holds an integer, a BigInt. */
static bool large_integer(const bf_v8_argument *a, uint64_t tagged, uint64_t *bits)
{
	int64_t min = RANGES[a->conversion].min;
	uint64_t max = RANGES[a->conversion].max, magnitude;
	bool negative;
	double d;

	if (bf_v8_number(a->layout, tagged, &d))
		return whole_number(a->conversion, d, bits);
	if (!bf_v8_bigint(a->layout, tagged, &negative, &magnitude))
		return false;
	/* -min is computed unsigned: INT64_MIN has no positive twin. */
	if (magnitude > (negative ? 0 - (uint64_t)min : max))
		return false;
	*bits = negative ? 0 - magnitude : magnitude;
	return true;
}

static bool int64_in(uint64_t word, void *slot, void *context)
{
	uint64_t tagged = *(const uint64_t *)word, bits;

	if (bf_v8_is_small(tagged)) {
		*(int64_t *)slot = bf_v8_small(tagged);
		return true;
	}
	if (!large_integer(context, tagged, &bits))
		return false;
	*(uint64_t *)slot = bits;
	return true;
}

/* All others; a slot has room for eight bytes, of which the first ones are the value. */
static bool integer_in(uint64_t word, void *slot, void *context)
{
	const bf_v8_argument *a = context;
	uint64_t tagged = *(const uint64_t *)word, bits;

	if (bf_v8_is_small(tagged)) {
		int64_t v = bf_v8_small(tagged);

		if (v < RANGES[a->conversion].min || (v > 0 && (uint64_t)v > RANGES[a->conversion].max))
			return false;
		bits = (uint64_t)v;
	} else if (!large_integer(a, tagged, &bits)) {
		return false;
	}
	*(uint64_t *)slot = bits; /* little endian */
	return true;
}

/* --- the other scalars ------------------------------------------------------------------ */

static bool bool_in(uint64_t word, void *slot, void *context)
{
	const bf_v8_argument *a = context;
	uint64_t tagged = *(const uint64_t *)word;

	if (tagged != a->layout->true_ && tagged != a->layout->false_)
		return false;
	*(uint64_t *)slot = tagged == a->layout->true_;
	return true;
}

static bool double_in(uint64_t word, void *slot, void *context)
{
	const bf_v8_argument *a = context;

	return bf_v8_number(a->layout, *(const uint64_t *)word, slot);
}

static bool float_in(uint64_t word, void *slot, void *context)
{
	const bf_v8_argument *a = context;
	double d;

	if (!bf_v8_number(a->layout, *(const uint64_t *)word, &d))
		return false;
	*(float *)slot = (float)d;
	return true;
}

/* --- Arrays -------------------------------------------------------------------------------- */

/* The conversion of an Array's elements for this pointer; BF_CONV_VOID: it takes none, or ones that are not read here.
 */
static uint8_t element_of(const bf_converter *c)
{
	const bf_kind kind = c->target->kind;

	if (!(c->flags & BF_CONV_CONST))
		return BF_CONV_VOID;
	if (kind >= BF_INT8 && kind <= BF_UINT64)
		return (uint8_t)(BF_CONV_INT8 + (kind - BF_INT8));
	return kind == BF_FLOAT ? BF_CONV_FLOAT : kind == BF_DOUBLE ? BF_CONV_DOUBLE : BF_CONV_VOID;
}

static bool floating_elements(const bf_v8_argument *a, bf_v8_elements e, void *to)
{
	for (uint32_t i = 0; i < e.length; i++) {
		double d;

		if (e.doubles ? bf_v8_is_missing(e.at[i]) : !bf_v8_number(a->layout, e.at[i], &d))
			return false;
		if (e.doubles)
			memcpy(&d, &e.at[i], sizeof d);
		if (a->element == BF_CONV_DOUBLE)
			((double *)to)[i] = d;
		else
			((float *)to)[i] = (float)d;
	}
	return true;
}

static bool integer_elements(const bf_v8_argument *a, bf_v8_elements e, char *to)
{
	bf_v8_argument element = {.layout = a->layout, .conversion = a->element};

	for (uint32_t i = 0; i < e.length; i++, to += a->need) {
		uint64_t bits;
		double d;

		if (e.doubles) {
			memcpy(&d, &e.at[i], sizeof d);
			if (!whole_number(a->element, d, &bits))
				return false;
		} else if (!integer_in((uint64_t)(uintptr_t)&e.at[i], &bits, &element)) {
			return false;
		}
		/* little endian; one size without a call */
		memcpy(to, &bits, a->need == 4 ? 4 : a->need);
	}
	return true;
}

/* An Array, as C has one, in memory for the length of the call. Not inline: strings and Buffers are not to wait for it.
 */
static __attribute__((noinline)) bool array_in(const bf_v8_argument *a, uint64_t tagged, void **slot)
{
	bf_v8_elements e;

	if (a->element == BF_CONV_VOID || !bf_v8_array(a->layout, tagged, &e) || e.length > MOST_ELEMENTS)
		return false;
	/* Behind them is a zero, as in memory of JavaScript's own. */
	*slot = bf_scratch_alloc(a->scratch, (e.length + 1) * (size_t)a->need);
	if (!*slot)
		return false;
	memset((char *)*slot + e.length * (size_t)a->need, 0, (size_t)a->need);
	return a->element == BF_CONV_FLOAT || a->element == BF_CONV_DOUBLE ? floating_elements(a, e, *slot)
									   : integer_elements(a, e, *slot);
}

/* --- pointers ------------------------------------------------------------------------------ */

/* A value in any other memory than JavaScript's own, or null. Not inline, as array_in. */
static __attribute__((noinline)) bool foreign_in(const bf_v8_argument *a, uint64_t tagged, const uint64_t *value,
						 void **slot)
{
	uint64_t size;

	if (value)
		return bf_v8_value_at(a->layout, value, slot, &size) && size >= a->need;
	*slot = NULL;
	return tagged == a->layout->null;
}

/* Anything that has bytes, or null. */
static inline __attribute__((always_inline)) bool memory_in(const bf_v8_argument *a, uint64_t tagged, void *slot)
{
	const uint64_t *value = NULL;
	uint64_t size;
	void *data;

	if (!bf_v8_bytes(a->layout, tagged, &data, &size)) {
		if (a->values)
			value = bf_v8_properties(a->layout, tagged);
		if (!value || !bf_v8_own_value(a->layout, value, &data, &size))
			return foreign_in(a, tagged, value, slot);
	}
	*(void **)slot = data;
	return size >= a->need;
}

static bool pointer_in(uint64_t word, void *slot, void *context)
{
	return memory_in(context, *(const uint64_t *)word, slot);
}

/* Pointers to const numbers, which take Arrays too. */
static bool numbers_in(uint64_t word, void *slot, void *context)
{
	const uint64_t tagged = *(const uint64_t *)word;

	return memory_in(context, tagged, slot) || array_in(context, tagged, slot);
}

/* Pointers to const bytes, which take strings too. */
static inline __attribute__((always_inline)) bool text_in(uint64_t word, void *slot, const bf_v8_argument *a,
							  bool in_place)
{
	uint64_t tagged = *(const uint64_t *)word;
	bf_v8_chars chars;

	if (!bf_v8_string(a->layout, tagged, &chars))
		return memory_in(a, tagged, slot) || array_in(a, tagged, slot);
	*(const void **)slot = in_place && bf_v8_is_c_string(chars) ? chars.at : bf_v8_utf8(a->scratch, chars);
	return *(void **)slot != NULL;
}

static bool string_in(uint64_t word, void *slot, void *context)
{
	return text_in(word, slot, context, false);
}

bool bf_v8_string_in_place(uint64_t word, void *slot, void *context)
{
	return text_in(word, slot, context, true);
}

/* --- values in memory -------------------------------------------------------------------------- */

bool bf_v8_fresh_in(uint64_t word, void *slot, void *context)
{
	const bf_v8_argument *a = context;
	const uint64_t tagged = *(const uint64_t *)word, *value = bf_v8_object(tagged) + BF_V8_HEADER;

	if (bf_v8_words(tagged) < BF_V8_HEADER + 2)
		return false;
	*(char **)slot = (char *)bf_v8_object(value[0])[a->layout->data_view_data] + bf_v8_small(value[1]);
	return true;
}

/* Of values in any other memory. Not inline: those in JavaScript's own are not to wait for its frame. */
static __attribute__((noinline)) bool foreign_struct_in(const bf_v8_argument *a, const uint64_t *value, void *slot)
{
	uint64_t size;
	void *address;

	if (!bf_v8_value_at(a->layout, value, &address, &size) || size < a->need)
		return false;
	memcpy(slot, address, a->need);
	return true;
}

/* A struct or union by value. */
static bool struct_in(uint64_t word, void *slot, void *context)
{
	const bf_v8_argument *a = context;
	const uint64_t *value;
	uint64_t size;
	void *address;

	if (!a->values || !(value = bf_v8_properties(a->layout, *(const uint64_t *)word)))
		return false;
	if (a->need != 16 || !bf_v8_own_value(a->layout, value, &address, &size) || size < 16)
		return foreign_struct_in(a, value, slot);
	memcpy(slot, address, 16);
	return true;
}

/* --- which one ------------------------------------------------------------------------------- */

bf_emit_convert *bf_v8_quick(const bf_v8_layout *layout, bf_env *env, const bf_converter *c, bf_v8_argument *out)
{
	*out = (bf_v8_argument){.layout = layout, .scratch = &env->scratch, .conversion = c->conversion};
	if (!layout->number_map)
		return NULL;
	switch (c->conversion) {
	case BF_CONV_BOOL:
		return bool_in;
	case BF_CONV_INT8 ... BF_CONV_UINT32:
	case BF_CONV_UINT64:
		return integer_in;
	case BF_CONV_INT64:
		return int64_in;
	case BF_CONV_FLOAT:
		return float_in;
	case BF_CONV_DOUBLE:
		return double_in;
	case BF_CONV_STRING:
	case BF_CONV_POINTER:
		out->need = c->target->size;
		out->strings =
		    c->flags & BF_CONV_CONST && (c->conversion == BF_CONV_STRING || c->target->kind == BF_VOID ||
						 c->target->kind == BF_INT8 || c->target->kind == BF_UINT8);
		out->element = layout->array_type ? element_of(c) : BF_CONV_VOID;
		return out->strings ? string_in : out->element != BF_CONV_VOID ? numbers_in : pointer_in;
	case BF_CONV_STRING16:
	case BF_CONV_STRING32:
		out->need = c->target->size;
		return pointer_in;
	case BF_CONV_MEMORY:
		out->need = c->size;
		return layout->object_type ? struct_in : NULL;
	default:
		return NULL;
	}
}
