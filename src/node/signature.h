/*
 * Signatures: a function type ready to be called from C, with its plan and its
 * converters, shared by all callbacks of that type. It also keeps their entries
 * when they are not in use, since C may still call one by mistake.
 */
#ifndef BF_NODE_SIGNATURE_H
#define BF_NODE_SIGNATURE_H

#include "../call/call.h"
#include "convert.h"

typedef struct bf_signature {
	bf_env *env;
	uint32_t refs;
	bf_types *types;     /* counted; NULL: builtin parts only */
	const bf_type *type; /* stripped BF_FUNCTION */
	bf_plan *plan;
	uint32_t nargs;
	bf_converter *args;
	bf_converter result;
	struct bf_js_callback *idle, **idle_end;       /* lent before, oldest first */
	struct bf_js_callback *retired, **retired_end; /* held before, oldest first */
	unsigned nretired;
	size_t kept;               /* entries, when nothing refers to it any more */
	struct bf_signature *next; /* of the environment's */
	napi_value adapter;        /* what v8_callback.h enters, a v8::Global; NULL: Node-API's way */
	bool adapted;              /* that was looked for */
} bf_signature;

/* The signature of a function type. Counted once more for the caller. NULL: an exception is pending. */
bf_signature *bf_signature_get(bf_context *cx, const bf_type *function);
void bf_signature_unref(bf_signature *s); /* NULL: nothing happens */

/* The environment ends: entries stay callable and say so. */
void bf_signatures_end(bf_env *env);

#endif
