/*
 * Tiers: ways to make a JavaScript function of a record, fastest first. The last
 * one, libffi, carries all; BIFFI_TIER names the first one to try.
 */
#ifndef BF_NODE_TIER_H
#define BF_NODE_TIER_H

#include "function.h"

typedef struct bf_tier {
	const char *name; /* as BIFFI_TIER says it */
	/* Non-zero, nothing thrown: this tier can't carry it. `record` is the External of f, which the function gets as
	 * its RECORD. */
	int (*make)(bf_function *f, napi_value record, napi_value *out);
} bf_tier;

extern const bf_tier bf_tier_ffi;

/* Is the V8 tier the one that is tried first in this environment? */
bool bf_tier_is_v8(const bf_env *env);

/* Makes the function with the first tier that can; its name, or NULL: none could. */
const char *bf_tier_make(bf_function *f, napi_value record, napi_value *out);

#endif
