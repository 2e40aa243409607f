#include "tier.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "napi_tier.h"
#include "v8_tier.h"

static const bf_tier *const tiers[] = {&bf_tier_v8, &bf_tier_napi, &bf_tier_ffi};

enum { TIERS = sizeof(tiers) / sizeof(*tiers) };

static size_t first;
static pthread_once_t first_known = PTHREAD_ONCE_INIT;

/* BIFFI_TIER=napi: neither v8 nor anything before napi. An unknown name forces nothing. */
static void find_first(void)
{
	const char *forced = getenv("BIFFI_TIER");

	for (size_t i = 0; forced != NULL && i < TIERS; i++) {
		if (strcmp(tiers[i]->name, forced) == 0)
			first = i;
	}
}

static size_t first_tier(void)
{
	pthread_once(&first_known, find_first);
	return first;
}

bool bf_tier_is_v8(const bf_env *env)
{
	return env->tier != NULL && tiers[first_tier()] == &bf_tier_v8;
}

const char *bf_tier_make(bf_function *f, napi_value record, napi_value *out)
{
	for (size_t i = first_tier(); i < TIERS; i++) {
		if (tiers[i]->make(f, record, out) == 0)
			return tiers[i]->name;
	}
	return NULL;
}
