#include "v8_variadic.h"

#include <math.h>
#include <string.h>

#include "v8_utf8.h"

/* The rules of variadic.h for numbers: which type they bring, and the bits of it. */
static const bf_type *number_in(double d, uint64_t *bits)
{
	if (d != trunc(d) || fabs(d) > 0x1p53) {
		memcpy(bits, &d, sizeof d);
		return bf_type_builtin(BF_DOUBLE);
	}
	*bits = (uint64_t)(int64_t)d;
	return bf_type_builtin(d >= INT32_MIN && d <= INT32_MAX ? BF_INT32 : BF_INT64);
}

/* NULL: beyond 64 bits, which is an error. */
static const bf_type *bigint_in(bool negative, uint64_t magnitude, uint64_t *bits)
{
	*bits = negative ? 0 - magnitude : magnitude;
	if (magnitude <= INT64_MAX)
		return bf_type_builtin(BF_INT64);
	return negative ? NULL : bf_type_builtin(BF_UINT64);
}

/* One value's type, and what its slot holds. NULL: left to the generic call. */
static const bf_type *value_in(const bf_v8_layout *l, bf_env *env, uint64_t word, uint64_t *bits)
{
	uint64_t magnitude, size;
	bool negative;
	bf_v8_chars chars;
	double d;
	void *at;

	if (bf_v8_is_small(word)) {
		*bits = (uint64_t)(int64_t)bf_v8_small(word);
		return bf_type_builtin(BF_INT32);
	}
	if (bf_v8_number(l, word, &d))
		return number_in(d, bits);
	if (bf_v8_string(l, word, &chars)) {
		at = bf_v8_utf8(&env->scratch, chars);
		*bits = (uint64_t)(uintptr_t)at;
		return at != NULL ? env->const_char_pointer : NULL;
	}
	if (word == l->true_ || word == l->false_) {
		*bits = word == l->true_;
		return bf_type_builtin(BF_BOOL);
	}
	if (word == l->null) {
		*bits = 0;
		return env->void_pointer;
	}
	if (bf_v8_bigint(l, word, &negative, &magnitude))
		return bigint_in(negative, magnitude, bits);
	if (bf_v8_bytes(l, word, &at, &size)) {
		*bits = (uint64_t)(uintptr_t)at;
		return env->void_pointer;
	}
	return NULL;
}

const bf_variant *bf_v8_variant(bf_v8_function *vf, const uint64_t *args, uint32_t nargs, char *frame)
{
	bf_function *f = vf->f;
	const bf_type *given[BF_V8_ARGUMENTS];
	uint64_t bits[BF_V8_ARGUMENTS];
	uint32_t nextra = nargs - f->nargs;
	const bf_variant *v;

	if (f->variants == NULL || nargs <= f->nargs || nargs > BF_V8_ARGUMENTS)
		return NULL;
	for (uint32_t i = 0; i < nextra; i++) {
		given[i] = value_in(&vf->ve->layout, f->env, args[f->nargs + i], &bits[i]);
		if (given[i] == NULL)
			return NULL;
	}
	v = bf_variant_find(f, nextra, given);
	if (v == NULL || v->plan->frame_size > BF_V8_SLOW_FRAME || v->plan->frame_align > 16)
		return NULL;
	for (uint32_t i = 0; i < f->nargs; i++) {
		if (!vf->quick[i]((uint64_t)(uintptr_t)&args[i], frame + v->plan->args[i].offset, &vf->arguments[i]))
			return NULL;
	}
	for (uint32_t i = 0; i < nextra; i++)
		memcpy(frame + v->plan->args[f->nargs + i].offset, &bits[i], sizeof bits[i]);
	return v;
}
