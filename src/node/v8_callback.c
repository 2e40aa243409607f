#include "v8_callback.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "v8_function.h"

/* A v8::TryCatch takes six words in every version; it gets some more. */
typedef struct try_catch {
	void *memory[16];
} try_catch;

static struct {
	void (*try_catch_open)(void *block, void *isolate);
	void (*try_catch_close)(void *block);
	void *(*try_catch_exception)(const void *block); /* a Local */
	bool (*try_catch_can_continue)(const void *block);
	bool usable;
} engine;

static void find(void)
{
	const char *forced = getenv("BIFFI_TIER");

	if (forced != NULL && (strcmp(forced, "ffi") == 0 || strcmp(forced, "napi") == 0))
		return;
	*(void **)&engine.try_catch_open = bf_v8_symbol("_ZN2v88TryCatchC1EPNS_7IsolateE");
	*(void **)&engine.try_catch_close = bf_v8_symbol("_ZN2v88TryCatchD1Ev");
	*(void **)&engine.try_catch_exception = bf_v8_symbol("_ZNK2v88TryCatch9ExceptionEv");
	*(void **)&engine.try_catch_can_continue = bf_v8_symbol("_ZNK2v88TryCatch11CanContinueEv");
	engine.usable = engine.try_catch_open != NULL && engine.try_catch_close != NULL &&
			engine.try_catch_exception != NULL && engine.try_catch_can_continue != NULL;
}

const bf_v8_env *bf_v8_callbacks(const bf_env *env)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (env->tier == NULL || env->depth == 0)
		return NULL;
	pthread_once(&once, find);
	return engine.usable ? env->tier : NULL;
}

bool bf_handles_open(bf_env *env, const bf_v8_env *ve, bf_handles *handles)
{
	handles->scope = NULL;
	if (ve != NULL && bf_v8_scope_open(ve->v8, ve->v8->isolate_current(), (bf_v8_scope *)handles->memory))
		return true;
	return napi_open_handle_scope(env->napi, &handles->scope) == napi_ok;
}

void bf_handles_close(bf_env *env, const bf_v8_env *ve, bf_handles *handles)
{
	if (handles->scope != NULL)
		napi_close_handle_scope(env->napi, handles->scope);
	else
		bf_v8_scope_close(ve->v8, ve->v8->isolate_current(), (bf_v8_scope *)handles->memory);
}

_Static_assert(sizeof(bf_v8_scope) == sizeof(((bf_handles *)NULL)->memory), "handles lie in one of ours");

/* --- pointers -------------------------------------------------------------------------------- */

enum { ADAPTED = 16 };

/* adapt(codes, type objects), see lib/wrap.js. */
static napi_value make_adapter(const bf_v8_env *ve, bf_signature *s)
{
	bf_context cx = {.env = s->env, .types = s->types, .owner = "callback"};
	napi_env napi = s->env->napi;
	napi_value argv[2], adapt, global, function = NULL, type;
	char codes[ADAPTED + 1] = "";

	if (napi_create_array_with_length(napi, s->nargs, &argv[1]) != napi_ok)
		return NULL;
	for (uint32_t i = 0; i < s->nargs; i++) {
		codes[i] = s->args[i].conversion == BF_CONV_POINTER ? 'p' : '.';
		if (codes[i] == 'p' && ((type = bf_converter_type(&cx, &s->args[i])) == NULL ||
					napi_set_element(napi, argv[1], i, type) != napi_ok))
			return NULL;
	}
	if (strchr(codes, 'p') == NULL || napi_create_string_utf8(napi, codes, NAPI_AUTO_LENGTH, &argv[0]) != napi_ok ||
	    napi_get_reference_value(napi, ve->adapt, &adapt) != napi_ok || napi_get_global(napi, &global) != napi_ok)
		return NULL;
	napi_call_function(napi, global, adapt, 2, argv, &function);
	return function;
}

napi_value bf_v8_callback_adapter(const bf_v8_env *ve, bf_signature *s)
{
	napi_value function, error;
	bool pending = false;

	if (s->adapted || s->nargs > ADAPTED)
		return s->adapt;
	s->adapted = true;
	function = make_adapter(ve, s);
	if (function != NULL)
		s->adapt = bf_v8_globalize(ve->v8, function);
	/* Without it the table makes the pointers, and throws if it must. */
	if (napi_is_exception_pending(s->env->napi, &pending) == napi_ok && pending)
		napi_get_and_clear_last_exception(s->env->napi, &error);
	return s->adapt;
}

/* --- numbers ------------------------------------------------------------------------------- */

static napi_value small(uint64_t *word, int32_t value)
{
	*word = bf_v8_from_small(value);
	return (napi_value)word;
}

static napi_value number(const bf_v8_env *ve, uint64_t *word, double d)
{
	/* -0 is no small integer, and neither is what does not fit: that comparison is false for NaN. */
	if (d >= INT32_MIN && d <= INT32_MAX && d == (int32_t)d && !(d == 0 && signbit(d)))
		return small(word, (int32_t)d);
	return ve->v8->number_new(ve->v8->isolate_current(), d);
}

/* What C passes as a pointer need not be one: of 64 bits none may get lost. */
static napi_value address(const bf_v8_env *ve, uint64_t *word, uintptr_t at)
{
	if (at <= (uintptr_t)1 << 53)
		return number(ve, word, (double)at);
	return bf_value_from_address(ve->env->napi, (const void *)at);
}

napi_value bf_v8_callback_out(const bf_v8_env *ve, const bf_converter *c, const void *slot, uint64_t *word,
			      bool adapted)
{
	switch ((bf_conversion)c->conversion) {
	case BF_CONV_BOOL:
		*word = *(const uint8_t *)slot ? ve->layout.true_ : ve->layout.false_;
		return (napi_value)word;
	case BF_CONV_INT8:
		return small(word, *(const int8_t *)slot);
	case BF_CONV_UINT8:
		return small(word, *(const uint8_t *)slot);
	case BF_CONV_INT16:
		return small(word, *(const int16_t *)slot);
	case BF_CONV_UINT16:
		return small(word, *(const uint16_t *)slot);
	case BF_CONV_INT32:
		return small(word, *(const int32_t *)slot);
	case BF_CONV_UINT32:
		return number(ve, word, *(const uint32_t *)slot);
	case BF_CONV_FLOAT:
		return number(ve, word, (double)*(const float *)slot);
	case BF_CONV_DOUBLE:
		return number(ve, word, *(const double *)slot);
	case BF_CONV_POINTER:
		return adapted ? address(ve, word, *(const uintptr_t *)slot) : NULL;
	default:
		return NULL;
	}
}

bool bf_v8_callback_in(const bf_v8_env *ve, const bf_converter *c, napi_value value, void *slot)
{
	static const struct {
		int32_t low, high;
	} ranges[] = {{INT8_MIN, INT8_MAX}, {0, UINT8_MAX},         {INT16_MIN, INT16_MAX},
		      {0, UINT16_MAX},      {INT32_MIN, INT32_MAX}, {0, INT32_MAX}};
	uint64_t word = *(const uint64_t *)value;
	double d;

	switch ((bf_conversion)c->conversion) {
	case BF_CONV_VOID:
		return true;
	case BF_CONV_BOOL:
		*(uint8_t *)slot = word == ve->layout.true_;
		return word == ve->layout.true_ || word == ve->layout.false_;
	case BF_CONV_INT8:
	case BF_CONV_UINT8:
	case BF_CONV_INT16:
	case BF_CONV_UINT16:
	case BF_CONV_INT32:
	case BF_CONV_UINT32: {
		int kind = c->conversion - BF_CONV_INT8;
		int32_t n = bf_v8_small(word);

		if (!bf_v8_is_small(word) || n < ranges[kind].low || n > ranges[kind].high)
			return false;
		memcpy(slot, &n, c->size); /* little-endian: its low bytes */
		return true;
	}
	case BF_CONV_FLOAT:
		if (!bf_v8_number(&ve->layout, word, &d))
			return false;
		*(float *)slot = (float)d;
		return true;
	case BF_CONV_DOUBLE:
		return bf_v8_number(&ve->layout, word, slot);
	default:
		return false;
	}
}

/* --- the call -------------------------------------------------------------------------------- */

napi_value bf_v8_callback_call(const bf_v8_env *ve, napi_value function, size_t argc, const napi_value *argv,
			       bool *dead)
{
	const bf_v8 *v8 = ve->v8;
	void *isolate = v8->isolate_current(), *thrown = NULL;
	uint64_t undefined = ve->layout.undefined;
	try_catch block;

	*dead = false;
	engine.try_catch_open(&block, isolate);
	void *result = v8->function_call(function, v8->isolate_context(isolate), &undefined, (int)argc, (void **)argv);
	if (result == NULL) {
		*dead = !engine.try_catch_can_continue(&block);
		if (!*dead)
			thrown = engine.try_catch_exception(&block);
	}
	engine.try_catch_close(&block);

	if (result == NULL && thrown != NULL)
		napi_throw(ve->env->napi, thrown);
	else if (result == NULL)
		*dead = true;
	return result;
}
