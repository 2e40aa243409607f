#include "convert.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "reference.h"
#include "throw.h"
#include "type.h"

/* --- which conversion a type has --------------------------------------------- */

static uint8_t pointer_conversion(const bf_type *target)
{
	if (target->kind == BF_FUNCTION)
		return BF_CONV_CALLBACK;
	if (target->flags & BF_FLAG_CHAR)
		return target->size == 1 ? BF_CONV_STRING : target->size == 2 ? BF_CONV_STRING16 : BF_CONV_STRING32;
	return BF_CONV_POINTER;
}

void bf_converter_init(bf_converter *c, const bf_type *type, const char *name, uint32_t offset, unsigned flags)
{
	const bf_type *t = bf_type_strip(type);

	*c = (bf_converter){.type = type, .name = name, .offset = offset, .size = t->size, .flags = (uint8_t)flags};
	if (t->kind == BF_ENUM && t->base != NULL) {
		c->flags |= BF_CONV_ENUM;
		t = bf_type_strip(t->base);
	}
	switch (t->kind) {
	case BF_LDOUBLE:
		c->conversion = BF_CONV_LDOUBLE;
		break;
	case BF_CFLOAT:
	case BF_CDOUBLE:
	case BF_CLDOUBLE:
		c->conversion = BF_CONV_COMPLEX;
		break;
	case BF_POINTER:
		c->target = bf_type_strip(t->base);
		c->conversion = pointer_conversion(c->target);
		if (bf_type_qualifiers(t->base) & BF_FLAG_CONST)
			c->flags |= BF_CONV_CONST;
		break;
	case BF_ARRAY:
	case BF_STRUCT:
	case BF_UNION:
		c->conversion = t->flags & BF_FLAG_INCOMPLETE ? BF_CONV_UNSUPPORTED : BF_CONV_MEMORY;
		break;
	default:
		/* bf_conversion follows bf_kind up to BF_DOUBLE. */
		c->conversion = t->kind <= BF_DOUBLE ? t->kind : BF_CONV_UNSUPPORTED;
	}
}

void bf_converter_clear(bf_converter *c, bf_env *env)
{
	if (c->js_type != NULL && env->napi != NULL)
		napi_delete_reference(env->napi, c->js_type);
	c->js_type = NULL;
	bf_signature_unref(c->signature);
	c->signature = NULL;
}

napi_value bf_converter_type(bf_context *cx, bf_converter *c)
{
	napi_env napi = cx->env->napi;
	napi_value type = NULL;

	if (c->js_type != NULL && napi_get_reference_value(napi, c->js_type, &type) == napi_ok && type != NULL)
		return type;

	napi_value handle = bf_type_handle_new(napi, c->type, cx->types);

	if (handle == NULL)
		return NULL;
	type = bf_env_call(cx->env, BF_HOOK_TYPE, 1, &handle);
	if (type != NULL && c->js_type == NULL)
		napi_create_reference(napi, type, 1, &c->js_type);
	return type;
}

/* --- errors -------------------------------------------------------------------- */

/* "cos(): argument 1 'x' (double): ", "callback 'compare': result (int): ", "Point.x (double): " */
static void label(const bf_context *cx, const bf_converter *c, char *buf, size_t size)
{
	char type[160], argument[96] = "", owner[BF_CALLBACK_TITLE];

	bf_type_spell(c->type, NULL, type, sizeof(type));
	if (cx->index > 0 && c->name != NULL)
		snprintf(argument, sizeof(argument), "(): argument %d '%s'", cx->index, c->name);
	else if (cx->index > 0)
		snprintf(argument, sizeof(argument), "(): argument %d", cx->index);
	else if (cx->index < 0)
		snprintf(argument, sizeof(argument), ": result");
	if (cx->argument > 0)
		bf_callback_title(cx->owner, cx->argument, owner, sizeof(owner));
	snprintf(buf, size, "%s%s (%s): ", cx->argument > 0 ? owner : cx->owner, argument, type);
}

int bf_context_throw(bf_context *cx, const bf_converter *c, int code, const char *format, ...)
{
	char where[512], what[1024];
	va_list args;

	label(cx, c, where, sizeof(where));
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	bf_throw(cx->env->napi, code, "%s%s", where, what);
	return -1;
}

int bf_context_expected(bf_context *cx, const bf_converter *c, int code, const char *expected, napi_value value)
{
	char got[160];

	bf_describe(cx->env->napi, value, got, sizeof(got));
	return bf_context_throw(cx, c, code, "expected %s, got %s", expected, got);
}

/* --- integers --------------------------------------------------------------------- */

static const struct {
	int64_t min;
	uint64_t max;
} ranges[] = {
    [BF_CONV_INT8] = {INT8_MIN, INT8_MAX},    [BF_CONV_UINT8] = {0, UINT8_MAX},
    [BF_CONV_INT16] = {INT16_MIN, INT16_MAX}, [BF_CONV_UINT16] = {0, UINT16_MAX},
    [BF_CONV_INT32] = {INT32_MIN, INT32_MAX}, [BF_CONV_UINT32] = {0, UINT32_MAX},
    [BF_CONV_INT64] = {INT64_MIN, INT64_MAX}, [BF_CONV_UINT64] = {0, UINT64_MAX},
};

static int out_of_range(bf_context *cx, bf_converter *c, napi_value value)
{
	char expected[80];

	snprintf(expected, sizeof(expected), "an integer from %lld to %llu", (long long)ranges[c->conversion].min,
		 (unsigned long long)ranges[c->conversion].max);
	return bf_context_expected(cx, c, BF_ERANGE, expected, value);
}

/* The bits of an integer as two's complement of 64. */
static int integer_from_number(bf_context *cx, bf_converter *c, napi_value value, double d, uint64_t *bits)
{
	if (d != trunc(d)) /* NaN too */
		return bf_context_expected(cx, c, BF_ERANGE, "an integer", value);
	/* -2^63 is a double; 2^63 and 2^64 are the first ones that are too large. */
	if (d < 0) {
		if (d < -0x1p63 || (int64_t)d < ranges[c->conversion].min)
			return out_of_range(cx, c, value);
		*bits = (uint64_t)(int64_t)d;
	} else {
		if (d >= 0x1p64 || (uint64_t)d > ranges[c->conversion].max)
			return out_of_range(cx, c, value);
		*bits = (uint64_t)d;
	}
	return 0;
}

static int integer_from_bigint(bf_context *cx, bf_converter *c, napi_value value, uint64_t *bits)
{
	int sign = 0;
	size_t words = 1;
	uint64_t magnitude = 0;

	/* `words` comes back as what the value needs; a zero has none. */
	napi_get_value_bigint_words(cx->env->napi, value, &sign, &words, &magnitude);
	if (words > 1)
		return out_of_range(cx, c, value);
	if (sign != 0) {
		/* -min is computed unsigned: INT64_MIN has no positive twin. */
		if (magnitude > 0 - (uint64_t)ranges[c->conversion].min)
			return out_of_range(cx, c, value);
		*bits = 0 - magnitude;
	} else {
		if (magnitude > ranges[c->conversion].max)
			return out_of_range(cx, c, value);
		*bits = magnitude;
	}
	return 0;
}

static int integer_from_name(bf_context *cx, bf_converter *c, napi_value value, uint64_t *bits)
{
	const bf_type *t = bf_type_strip(c->type);
	char name[256];
	size_t length = 0;

	napi_get_value_string_utf8(cx->env->napi, value, name, sizeof(name), &length);
	for (uint32_t i = 0; i < t->nenumerators; i++) {
		if (strcmp(t->enumerators[i].name, name) == 0) {
			*bits = (uint64_t)t->enumerators[i].value;
			return 0;
		}
	}
	return bf_context_expected(cx, c, BF_ETYPE, "a number or the name of a member", value);
}

static int integer_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	napi_valuetype type = napi_undefined;
	uint64_t bits = 0;
	double d;
	int failed;

	if (napi_get_value_double(cx->env->napi, value, &d) == napi_ok) {
		failed = integer_from_number(cx, c, value, d, &bits);
	} else {
		napi_typeof(cx->env->napi, value, &type);
		if (type == napi_bigint)
			failed = integer_from_bigint(cx, c, value, &bits);
		else if (type == napi_string && c->flags & BF_CONV_ENUM)
			failed = integer_from_name(cx, c, value, &bits);
		else
			failed = bf_context_expected(
			    cx, c, BF_ETYPE, c->flags & BF_CONV_ENUM ? "a number or the name of a member" : "a number",
			    value);
	}
	if (!failed)
		memcpy(slot, &bits, c->size); /* little endian */
	return failed;
}

static int integer128_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	napi_valuetype type = napi_undefined;
	bool is_signed = c->conversion == BF_CONV_INT128;
	uint64_t word[2] = {0, 0};
	size_t words = 2;
	int sign = 0;
	double d;

	napi_typeof(cx->env->napi, value, &type);
	if (type == napi_number) {
		napi_get_value_double(cx->env->napi, value, &d);
		if (d != trunc(d) || fabs(d) > 0x1p53)
			return bf_context_expected(cx, c, BF_ERANGE, "a safe integer or a BigInt", value);
		sign = d < 0;
		word[0] = (uint64_t)fabs(d);
	} else if (type == napi_bigint) {
		napi_get_value_bigint_words(cx->env->napi, value, &sign, &words, word);
	} else {
		return bf_context_expected(cx, c, BF_ETYPE, "a BigInt", value);
	}

	unsigned __int128 magnitude = (unsigned __int128)word[1] << 64 | word[0];
	unsigned __int128 limit =
	    is_signed ? ((unsigned __int128)1 << 127) - (sign ? 0 : 1) : (sign ? 0 : ~(unsigned __int128)0);

	if (words > 2 || magnitude > limit)
		return bf_context_expected(cx, c, BF_ERANGE, "an integer of 128 bits", value);
	if (sign)
		magnitude = -magnitude;
	memcpy(slot, &magnitude, sizeof(magnitude));
	return 0;
}

static napi_value integer128_out(bf_context *cx, bf_converter *c, const void *slot)
{
	unsigned __int128 v;
	napi_value value = NULL;
	int sign;

	memcpy(&v, slot, sizeof(v));
	sign = c->conversion == BF_CONV_INT128 && v >> 127;
	if (sign)
		v = -v;
	if (v >> 53 == 0 && !(c->flags & BF_INT64_BIGINT))
		napi_create_double(cx->env->napi, sign ? -(double)v : (double)v, &value);
	else
		napi_create_bigint_words(cx->env->napi, sign, 2, (uint64_t[]){(uint64_t)v, (uint64_t)(v >> 64)},
					 &value);
	return value;
}

/* --- floating point ------------------------------------------------------------------ */

static int floating_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	double d;

	if (napi_get_value_double(cx->env->napi, value, &d) != napi_ok)
		return bf_context_expected(cx, c, BF_ETYPE, "a number", value);
	if (c->conversion == BF_CONV_DOUBLE)
		*(double *)slot = d;
	else
		*(float *)slot = (float)d;
	return 0;
}

/* mantissa * 2 ** exponent, as long as nothing of it is lost. */
static int long_double_scaled(napi_env napi, napi_value mantissa, double exponent, long double *out)
{
	uint64_t word[2] = {0, 0};
	size_t words = 2;
	int sign = 0;

	if (napi_get_value_bigint_words(napi, mantissa, &sign, &words, word) != napi_ok || words > 2 ||
	    exponent != trunc(exponent) || fabs(exponent) > 32768)
		return -1;

	unsigned __int128 bits = (unsigned __int128)word[1] << 64 | word[0];

	/* The conversion below must be exact, whatever the number of zeros behind. */
	for (; bits != 0 && (bits & 1) == 0; bits >>= 1)
		exponent++;
	if (LDBL_MANT_DIG < 128 && bits >> LDBL_MANT_DIG != 0)
		return -1;

	long double v = ldexpl((long double)bits, (int)exponent);

	if (isinf(v) || ldexpl(v, -(int)exponent) != (long double)bits)
		return -1;
	*out = sign ? -v : v;
	return 0;
}

/* Also the parts of a complex one; -1: it is none, -2: none that long double holds. */
static int long_double_value(napi_env napi, napi_value value, long double *out)
{
	napi_valuetype type = napi_undefined;
	napi_value mantissa, exponent, ignored;
	double d;

	napi_typeof(napi, value, &type);
	if (type == napi_number) {
		napi_get_value_double(napi, value, &d);
		*out = d;
		return 0;
	}
	if (type == napi_bigint)
		return long_double_scaled(napi, value, 0, out) == 0 ? 0 : -2;
	if (type != napi_object)
		return -1;
	if (napi_get_named_property(napi, value, "mantissa", &mantissa) != napi_ok ||
	    napi_get_named_property(napi, value, "exponent", &exponent) != napi_ok) {
		napi_get_and_clear_last_exception(napi, &ignored);
		return -1;
	}
	napi_typeof(napi, mantissa, &type);
	if (type != napi_bigint || napi_get_value_double(napi, exponent, &d) != napi_ok)
		return -1;
	return long_double_scaled(napi, mantissa, d, out) == 0 ? 0 : -2;
}

static int long_double_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	long double v = 0;
	int failed = long_double_value(cx->env->napi, value, &v);

	if (failed == -2)
		return bf_context_expected(cx, c, BF_ERANGE, "a number that long double holds exactly", value);
	if (failed)
		return bf_context_expected(cx, c, BF_ETYPE, "a number", value);
	memcpy(slot, &v, sizeof(v));
	return 0;
}

static napi_value long_double_out(bf_context *cx, long double v)
{
	napi_env napi = cx->env->napi;
	napi_value parts[2] = {NULL, NULL}, value = NULL;

	if ((long double)(double)v == v || isnan(v)) {
		napi_create_double(napi, (double)v, &value);
		return value;
	}

	int exponent = 0;
	unsigned __int128 bits = (unsigned __int128)ldexpl(frexpl(fabsl(v), &exponent), LDBL_MANT_DIG);

	exponent -= LDBL_MANT_DIG;
	for (; (bits & 1) == 0; bits >>= 1)
		exponent++;
	napi_create_bigint_words(napi, v < 0, 2, (uint64_t[]){(uint64_t)bits, (uint64_t)(bits >> 64)}, &parts[0]);
	napi_create_int32(napi, exponent, &parts[1]);
	return bf_env_call(cx->env, BF_HOOK_FLOATING, 2, parts);
}

/* The parts of a complex number of type `t`, one after the other. */
static void complex_store(const bf_type *t, void *slot, long double re, long double im)
{
	if (t->kind == BF_CFLOAT)
		memcpy(slot, (float[]){(float)re, (float)im}, sizeof(float[2]));
	else if (t->kind == BF_CDOUBLE)
		memcpy(slot, (double[]){(double)re, (double)im}, sizeof(double[2]));
	else
		memcpy(slot, (long double[]){re, im}, sizeof(long double[2]));
}

/* A part of a complex number; the same answers as long_double_value(). */
static int complex_part(const bf_type *t, napi_env napi, napi_value value, long double *out)
{
	double d;

	if (t->kind == BF_CLDOUBLE)
		return long_double_value(napi, value, out);
	if (napi_get_value_double(napi, value, &d) != napi_ok)
		return -1;
	*out = d;
	return 0;
}

static int complex_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	napi_env napi = cx->env->napi;
	const bf_type *t = bf_type_strip(c->type);
	napi_value re, im, ignored;
	long double r = 0, i = 0;
	/* A number is one without an imaginary part; so is what long double takes besides. */
	int failed = complex_part(t, napi, value, &r);

	if (failed == -1 && napi_get_named_property(napi, value, "re", &re) == napi_ok &&
	    napi_get_named_property(napi, value, "im", &im) == napi_ok) {
		failed = complex_part(t, napi, re, &r);
		if (failed == 0)
			failed = complex_part(t, napi, im, &i);
	}
	if (failed == -1) {
		napi_get_and_clear_last_exception(napi, &ignored);
		return bf_context_expected(cx, c, BF_ETYPE, "a number or { re, im }", value);
	}
	if (failed)
		return bf_context_expected(cx, c, BF_ERANGE, "numbers that long double holds exactly", value);
	complex_store(t, slot, r, i);
	return 0;
}

static napi_value complex_out(bf_context *cx, bf_converter *c, const void *slot)
{
	const bf_type *t = bf_type_strip(c->type);
	napi_value object = NULL, part[2] = {NULL, NULL};

	for (int i = 0; i < 2; i++) {
		long double d = t->kind == BF_CFLOAT    ? (long double)((const float *)slot)[i]
				: t->kind == BF_CDOUBLE ? (long double)((const double *)slot)[i]
							: ((const long double *)slot)[i];

		part[i] = long_double_out(cx, d);
		if (part[i] == NULL)
			return NULL;
	}
	napi_create_object(cx->env->napi, &object);
	napi_set_named_property(cx->env->napi, object, "re", part[0]);
	napi_set_named_property(cx->env->napi, object, "im", part[1]);
	return object;
}

/* --- the table ------------------------------------------------------------------------- */

int bf_convert_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	switch (c->conversion) {
	case BF_CONV_BOOL: {
		bool b;

		if (napi_get_value_bool(cx->env->napi, value, &b) != napi_ok)
			return bf_context_expected(cx, c, BF_ETYPE, "true or false", value);
		*(uint8_t *)slot = b;
		return 0;
	}
	case BF_CONV_INT8 ... BF_CONV_UINT64:
		return integer_in(cx, c, value, slot);
	case BF_CONV_INT128:
	case BF_CONV_UINT128:
		return integer128_in(cx, c, value, slot);
	case BF_CONV_FLOAT:
	case BF_CONV_DOUBLE:
		return floating_in(cx, c, value, slot);
	case BF_CONV_LDOUBLE:
		return long_double_in(cx, c, value, slot);
	case BF_CONV_COMPLEX:
		return complex_in(cx, c, value, slot);
	case BF_CONV_STRING:
	case BF_CONV_STRING16:
	case BF_CONV_STRING32:
	case BF_CONV_POINTER:
		return bf_pointer_in(cx, c, value, slot);
	case BF_CONV_CALLBACK:
		return bf_callback_in(cx, c, value, slot);
	case BF_CONV_MEMORY:
		return bf_memory_in(cx, c, value, slot);
	default:
		return bf_context_throw(cx, c, BF_EUNSUPPORTED, "no value of this type can be passed");
	}
}

napi_value bf_convert_out(bf_context *cx, bf_converter *c, const void *slot)
{
	napi_env napi = cx->env->napi;
	napi_value value = NULL;

	switch (c->conversion) {
	case BF_CONV_VOID:
		napi_get_undefined(napi, &value);
		break;
	case BF_CONV_BOOL:
		napi_get_boolean(napi, *(const uint8_t *)slot != 0, &value);
		break;
	case BF_CONV_INT8:
		napi_create_int32(napi, *(const int8_t *)slot, &value);
		break;
	case BF_CONV_UINT8:
		napi_create_uint32(napi, *(const uint8_t *)slot, &value);
		break;
	case BF_CONV_INT16:
		napi_create_int32(napi, *(const int16_t *)slot, &value);
		break;
	case BF_CONV_UINT16:
		napi_create_uint32(napi, *(const uint16_t *)slot, &value);
		break;
	case BF_CONV_INT32:
		napi_create_int32(napi, *(const int32_t *)slot, &value);
		break;
	case BF_CONV_UINT32:
		napi_create_uint32(napi, *(const uint32_t *)slot, &value);
		break;
	case BF_CONV_INT64:
		return bf_value_int64(napi, *(const int64_t *)slot, c->flags);
	case BF_CONV_UINT64:
		return bf_value_uint64(napi, *(const uint64_t *)slot, c->flags);
	case BF_CONV_INT128:
	case BF_CONV_UINT128:
		return integer128_out(cx, c, slot);
	case BF_CONV_FLOAT:
		napi_create_double(napi, *(const float *)slot, &value);
		break;
	case BF_CONV_DOUBLE:
		napi_create_double(napi, *(const double *)slot, &value);
		break;
	case BF_CONV_LDOUBLE:
		return long_double_out(cx, *(const long double *)slot);
	case BF_CONV_COMPLEX:
		return complex_out(cx, c, slot);
	case BF_CONV_STRING:
	case BF_CONV_STRING16:
	case BF_CONV_STRING32:
		return bf_string_out(cx, c, *(void *const *)slot);
	case BF_CONV_POINTER:
	case BF_CONV_CALLBACK:
		return bf_pointer_out(cx, c, *(void *const *)slot);
	case BF_CONV_MEMORY:
		return bf_memory_out(cx, c, slot);
	default:
		bf_context_throw(cx, c, BF_EUNSUPPORTED, "no value of this type can be returned");
	}
	return value;
}
