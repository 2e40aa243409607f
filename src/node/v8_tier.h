/*
 * The V8 tier: functions that optimised JavaScript calls directly.
 *
 * Behind every function stand two pieces of machine code. An adapter (emit.h) is
 * V8's fast call: TurboFan passes checked integers and doubles in registers, and
 * values by the address where they lie. A raw V8 callback is the slow path of the
 * same function, for code that is not optimised. In front of both stands a
 * wrapper of the function's own (lib/wrap.js), which checks integers exactly and
 * passes whatever is unusual to the generic call: bf_function_call, the
 * reference, whose values and errors are the same on every tier.
 *
 * A function's machine code is never freed while its environment lives, since
 * optimised code may hold its address: it is taken over by the next function
 * with the same target and signature.
 *
 * No JavaScript may run inside of a fast call: V8 up to 12.4 ends the process then,
 * and later versions do when it makes them throw away the optimised code that made
 * the call. So the guard refuses fast calls as long as C could call a callback, and
 * the wrapper calls again by the raw callback.
 */
#ifndef BF_NODE_V8_TIER_H
#define BF_NODE_V8_TIER_H

#include "tier.h"

extern const bf_tier bf_tier_v8;

/* The environment ends. */
void bf_v8_tier_end(bf_env *env);

/* setupTier, functionFast, engine ... for lib/. */
napi_status bf_v8_tier_exports(napi_env napi, napi_value exports);

#endif
