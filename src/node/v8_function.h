/*
 * What is behind a JavaScript function of the V8 tier, and what runs when no fast
 * call is made: the raw callback, and the refusals of an adapter.
 */
#ifndef BF_NODE_V8_FUNCTION_H
#define BF_NODE_V8_FUNCTION_H

#include "function.h"
#include "v8.h"
#include "v8_enter.h"
#include "v8_quick.h"

enum {
	BF_V8_ARGUMENTS = 32,    /* of a fast call at most; raw callbacks take any number */
	BF_V8_SLOW_FRAME = 1024, /* larger frames are the generic call's business */
	BF_V8_ADAPTED = 16,      /* arguments of a callback that has an adapter */
};

/* The tier's part of an environment. */
typedef struct bf_v8_env {
	const bf_v8 *v8;
	bf_v8_layout layout;
	bf_env *env;
	bf_v8_gate gate;
	napi_ref adapt, wrap;         /* lib/wrap.js; the first for callbacks */
	struct bf_v8_script *scripts; /* see v8_tier.c */
	uint32_t nscripts;
	napi_ref words; /* an ArrayBuffer: what follows lies there, for the wrappers to read */
	uint64_t *wide;
	uint8_t *refusal;      /* see bf_v8_refused */
	int *number;           /* errno, after a function that has it in its results */
	double *values;        /* BF_V8_ADAPTED: arguments of the callback that is entered */
	struct bf_v8_run *run; /* the innermost callback under way, see v8_callback.c */
	struct bf_v8_function *functions, *idle;
	struct bf_v8_env *next; /* among the ended ones, see bf_v8_tier_end */
} bf_v8_env;

/* One function's; see v8_tier.h for how long it lives. */
typedef struct bf_v8_function {
	bf_v8_env *ve;
	bf_function *f;              /* NULL: idle */
	struct bf_v8_function *next; /* of all */
	struct bf_v8_function *next_idle;
	void (*target)(void);
	unsigned flags;                 /* of the function */
	uint8_t result, result_flags;   /* conversion and flags of its converter */
	uint64_t result_size, passages; /* a hash of the plan's */
	uint32_t nargs;
	bf_emit_convert **quick;   /* an argument each */
	bf_v8_argument *arguments; /* their contexts */
	bool stores;               /* the wrapper passes, first, a value that the result is stored in */
	bf_v8_argument store;
	bool all_quick; /* the raw callback need not ask Node-API for any argument */
	bool lends;     /* the same but for functions that C is to call during this call */
	bool variadic;  /* the same of the arguments before "..." */
	bf_adapter adapter;
	void *raw; /* the raw callback */
	uint32_t raw_size;
	bf_v8_cfunction *described;
	napi_ref engine_function; /* the engine's function object of both */
	napi_ref slow_function;   /* the same without a fast call; NULL until it was needed */
} bf_v8_function;

/* The raw callback: `info` is a FunctionCallbackInfo, `context` the bf_v8_function. */
void bf_v8_slow_call(void *info, void *context);

/* The generic call; errno, if the function has it in its results, goes where the wrapper reads it. */
napi_value bf_v8_generic(bf_function *f, size_t argc, const napi_value *argv);

/* An adapter's `refused`; `context` is the bf_v8_function. */
void bf_v8_refused(void *context, void *frame, uint64_t *words);

#endif
