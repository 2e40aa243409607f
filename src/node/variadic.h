/*
 * Variadic calls: what stands for "..." has no declared type, so each value
 * brings one, and a plan is made for every list of types met (and kept).
 *
 *   Number, integral, in the range of int   int
 *   Number, integral, safe, beyond int      long long
 *   Number, any other                       double
 *   BigInt                                  long long, or unsigned long long beyond it
 *   true, false                             int
 *   string                                  const char *
 *   null, anything with an address          void *
 *   as(type, value)                         the type, with C's default promotions
 */
#ifndef BF_NODE_VARIADIC_H
#define BF_NODE_VARIADIC_H

#include "function.h"

typedef struct bf_variant {
	struct bf_variant *next;
	bf_plan *plan;
	bf_types *types; /* counted, of as(type, v)'s types */
	uint32_t nextra;
	struct {
		const bf_type *given; /* before promotion */
		bf_converter converter;
	} extra[];
} bf_variant;

/* The plan for these arguments; owned by the function. NULL: an exception is pending. */
bf_variant *bf_variant_get(bf_function *f, size_t argc, const napi_value *argv);

/* The plan for this list of types, if there is one already; else NULL. */
bf_variant *bf_variant_find(bf_function *f, uint32_t nextra, const bf_type *const *given);

/* Converts all arguments into a frame of the variant's plan. Non-zero: an exception is pending. */
int bf_variant_arguments(bf_function *f, bf_variant *variant, bf_context *cx, char *frame, const napi_value *argv);

void bf_variants_free(bf_function *f);

#endif
