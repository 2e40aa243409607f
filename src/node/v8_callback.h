/*
 * The quick way from C to a JavaScript function: V8's own call instead of
 * Node-API's, small numbers as tagged words on the stack instead of handles, and
 * V8's own handle scope where the engine exports it (until Node.js 24).
 *
 * It is there while the V8 tier is, and only for callbacks that run inside of a
 * biffi call. What it converts, it converts as convert.h says; everything else
 * it leaves to that.
 */
#ifndef BF_NODE_V8_CALLBACK_H
#define BF_NODE_V8_CALLBACK_H

#include "callback.h"
#include "convert.h"

/* NULL: there is no quick way in this environment. */
typedef struct bf_v8_env bf_v8_env;
const bf_v8_env *bf_v8_callbacks(const bf_env *env);

/* Handles that are made from here on live until bf_handles_close. `ve` may be NULL: it is Node-API's scope then. */
typedef struct bf_handles {
	napi_handle_scope scope; /* NULL: `memory` is a v8::HandleScope */
	uint64_t memory[6];
} bf_handles;

bool bf_handles_open(bf_env *env, const bf_v8_env *ve, bf_handles *handles);
void bf_handles_close(bf_env *env, const bf_v8_env *ve, bf_handles *handles);

/*
 * For a signature with pointers: a JavaScript function that takes the callback's
 * function first, and addresses where pointers are passed, which it makes much
 * faster than C could. A handle that stays; NULL: it needs none.
 */
napi_value bf_v8_callback_adapter(const bf_v8_env *ve, bf_signature *s);

/* The number at `slot` as a value, which lies in `*word` or in a handle. NULL: not a number that is quick. `adapted`:
 * a pointer leaves as its address. */
napi_value bf_v8_callback_out(const bf_v8_env *ve, const bf_converter *c, const void *slot, uint64_t *word,
			      bool adapted);

/* The value as a number, at `slot` in its own width. False: it is to be converted with care. */
bool bf_v8_callback_in(const bf_v8_env *ve, const bf_converter *c, napi_value value, void *slot);

/*
 * Calls it, with undefined as `this`. NULL: it threw, and what it threw is
 * pending in Node-API; or, with `*dead` set, JavaScript can't run any more.
 */
napi_value bf_v8_callback_call(const bf_v8_env *ve, napi_value function, size_t argc, const napi_value *argv,
			       bool *dead);

#endif
