#include "v8_enter.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "v8_layout.h"

struct entry_stubs;

static struct {
	void (*set_stack_limit)(void *isolate, uintptr_t limit);
	void (*terminate)(void *isolate);
	void (*cancel_terminate)(void *isolate);
	struct entry_stubs (*stubs)(void *isolate);
	bool usable;
} engine;

/* v8::JSEntryStubs: where three pieces of code begin, and how long they are. */
struct entry_stubs {
	struct {
		const void *start;
		size_t size;
	} call, construct, microtasks;
};

static void find(void)
{
	const char *forced = getenv("BIFFI_TIER");

	if (forced != NULL && (strcmp(forced, "ffi") == 0 || strcmp(forced, "napi") == 0))
		return;
	*(void **)&engine.set_stack_limit = bf_v8_symbol("_ZN2v87Isolate13SetStackLimitEm");
	*(void **)&engine.terminate = bf_v8_symbol("_ZN2v87Isolate18TerminateExecutionEv");
	*(void **)&engine.cancel_terminate = bf_v8_symbol("_ZN2v87Isolate24CancelTerminateExecutionEv");
	*(void **)&engine.stubs = bf_v8_symbol("_ZN2v87Isolate15GetJSEntryStubsEv");
	engine.usable = engine.set_stack_limit != NULL && engine.terminate != NULL && engine.cancel_terminate != NULL &&
			engine.stubs != NULL;
}

/*
 * V8's kIsolateRootBias: the engine's code has the address that many bytes into
 * its isolate in a register, so that more of it is within reach of short offsets.
 * The same in all versions that are on the list in v8.c.
 */
#if defined(__x86_64__)
enum { ROOT_BIAS = 128 };
#else
enum { ROOT_BIAS = 256 };
#endif

/* --- the stack's limit ------------------------------------------------------------------------------ */

/*
 * An isolate holds its limit near its start, more than once: for the code, which
 * an interrupt changes, and as it was set. Setting another one for a moment shows
 * where.
 */
static const uint64_t *find_stack_limit(void *isolate)
{
	enum { WORDS = 256, BELOW = 16 * 1024 };
	const volatile uint64_t *words = isolate;
	uint64_t before[WORDS], canary = ((uint64_t)(uintptr_t)before - BELOW) | 7, limit = 0;
	const uint64_t *place = NULL;

	for (int i = 0; i < WORDS; i++)
		before[i] = words[i];
	engine.set_stack_limit(isolate, canary);
	for (int i = 0; i < WORDS; i++)
		if (words[i] == canary && before[i] != canary && before[i] < canary && (!limit || before[i] == limit)) {
			limit = before[i];
			place = (const uint64_t *)isolate + i;
		}
	if (place != NULL)
		engine.set_stack_limit(isolate, limit);
	return place != NULL && *place == limit ? place : NULL;
}

/* --- the current context ------------------------------------------------------------------------------- */

/*
 * The engine's functions find the current context near the isolate's start, where
 * other words may be equal to it. Without it they say that there is none.
 */
static uint64_t *find_context(const bf_v8 *v8, void *isolate, uint64_t context)
{
	enum { WORDS = 4096 };
	volatile uint64_t *words = isolate;

	for (int i = 0; i < WORDS; i++) {
		bool found;

		if (words[i] != context)
			continue;
		words[i] = 0;
		found = v8->isolate_context(isolate) == NULL;
		words[i] = context;
		if (found)
			return (uint64_t *)isolate + i;
	}
	return NULL;
}

/* --- the gate ------------------------------------------------------------------------------------------- */

/* Three arguments, the first of which says how many arguments there should be. */
static bool works(napi_env napi, const bf_v8_gate *gate)
{
	static const char SCRIPT[] = "(function (n, a, b) {"
				     "'use strict'; return this === undefined && new.target === undefined &&"
				     " arguments.length === n ? a * 1000 + b : -1; })";
	uint64_t words[3] = {bf_v8_from_small(3), bf_v8_from_small(12), bf_v8_from_small(-34)};
	uint64_t *const argv[3] = {&words[0], &words[1], &words[2]};
	napi_value text, function;

	return napi_create_string_utf8(napi, SCRIPT, NAPI_AUTO_LENGTH, &text) == napi_ok &&
	       napi_run_script(napi, text, &function) == napi_ok &&
	       bf_v8_enter(gate, *(const uint64_t *)function, 3, argv) == bf_v8_from_small(11966);
}

void bf_v8_gate_open(napi_env napi, const bf_v8 *v8, bf_v8_gate *gate)
{
	napi_value context;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	napi_value undefined;

	memset(gate, 0, sizeof *gate);
	pthread_once(&once, find);
	if (!engine.usable || napi_get_undefined(napi, &undefined) != napi_ok)
		return;
	gate->isolate = v8->isolate_current();
	*(const void **)&gate->enter = engine.stubs(gate->isolate).call.start;
	gate->undefined = *(const uint64_t *)undefined;
	gate->stack_limit = find_stack_limit(gate->isolate);
	context = v8->isolate_context(gate->isolate);
	gate->context = context != NULL ? (const uint64_t *)bf_v8_globalize(v8, context) : NULL;
	gate->current = gate->context != NULL ? find_context(v8, gate->isolate, *gate->context) : NULL;
	gate->root =
	    gate->current != NULL && gate->stack_limit != NULL ? (uint64_t)(uintptr_t)gate->isolate + ROOT_BIAS : 0;
	if (gate->root != 0 && (!bf_v8_gate_room(gate) || !works(napi, gate)))
		gate->root = 0;
}

void bf_v8_end_again(const bf_v8_gate *gate)
{
	engine.cancel_terminate(gate->isolate); /* it clears the exception that is pending */
	engine.terminate(gate->isolate);
}
