#include "v8_callback.h"

#include <string.h>

#include "type.h"
#include "v8_function.h"

enum { SAFE_BITS = 53 };

/* A callback under way, on C's stack. */
typedef struct bf_v8_run {
	bf_js_callback *callback;
	void *frame;
	struct bf_v8_run *outer;
} bf_v8_run;

/* --- adapters ------------------------------------------------------------------------------------ */

/* How an argument travels, see adapterFor in lib/wrap.js; 0: not this way. */
static char argument_code(const bf_converter *c)
{
	switch (c->conversion) {
	case BF_CONV_BOOL:
	case BF_CONV_INT8 ... BF_CONV_INT32:
		return 's';
	case BF_CONV_UINT32:
		return 'u';
	case BF_CONV_INT64:
	case BF_CONV_UINT64:
	case BF_CONV_FLOAT:
	case BF_CONV_DOUBLE:
		return 'd';
	case BF_CONV_POINTER:
	case BF_CONV_CALLBACK:
		return 'p';
	default:
		return 0;
	}
}

static char result_code(const bf_converter *c)
{
	switch (c->conversion) {
	case BF_CONV_VOID:
		return 'v';
	case BF_CONV_BOOL:
		return 'b';
	case BF_CONV_INT8 ... BF_CONV_UINT32:
	case BF_CONV_FLOAT:
	case BF_CONV_DOUBLE:
		return 'n';
	default:
		return 'o';
	}
}

/* adapt(codes, type objects), see lib/wrap.js. */
static napi_value make_adapter(const bf_v8_env *ve, bf_signature *s)
{
	bf_context cx = {.env = s->env, .types = s->types, .owner = "callback"};
	napi_env napi = s->env->napi;
	napi_value argv[2], adapt, global, function = NULL, type;
	char codes[BF_V8_ADAPTED + 2] = "";

	if (napi_create_array_with_length(napi, s->nargs, &argv[1]) != napi_ok)
		return NULL;
	for (uint32_t i = 0; i < s->nargs; i++) {
		codes[i] = argument_code(&s->args[i]);
		if (codes[i] == 0 || (codes[i] == 'p' && ((type = bf_converter_type(&cx, &s->args[i])) == NULL ||
							  napi_set_element(napi, argv[1], i, type) != napi_ok)))
			return NULL;
	}
	codes[s->nargs] = result_code(&s->result);
	if (napi_create_string_utf8(napi, codes, NAPI_AUTO_LENGTH, &argv[0]) != napi_ok ||
	    napi_get_reference_value(napi, ve->adapt, &adapt) != napi_ok || napi_get_global(napi, &global) != napi_ok)
		return NULL;
	napi_call_function(napi, global, adapt, 2, argv, &function);
	return function;
}

static const uint64_t *adapter_of(bf_v8_env *ve, bf_signature *s)
{
	bf_v8_run *outer = ve->run;
	napi_handle_scope scope;
	napi_value function, error;
	bool pending = false;

	if (s->adapted || s->nargs > BF_V8_ADAPTED || napi_open_handle_scope(s->env->napi, &scope) != napi_ok)
		return (const uint64_t *)s->adapter;
	s->adapted = true;
	ve->run = NULL; /* what it does at first has no consequence */
	function = make_adapter(ve, s);
	ve->run = outer;
	if (function != NULL)
		s->adapter = bf_v8_globalize(ve->v8, function);
	/* Without it Node-API's way is taken, which throws if it must. */
	if (napi_is_exception_pending(s->env->napi, &pending) == napi_ok && pending)
		napi_get_and_clear_last_exception(s->env->napi, &error);
	napi_close_handle_scope(s->env->napi, scope);
	return (const uint64_t *)s->adapter;
}

napi_value bf_v8_callback_hold(bf_env *env, napi_value function)
{
	const bf_v8_env *ve = env->tier;

	return ve != NULL && ve->gate.root != 0 ? bf_v8_globalize(ve->v8, function) : NULL;
}

void bf_v8_callback_drop(bf_env *env, napi_value held)
{
	const bf_v8_env *ve = env->tier;

	/* With the environment its handles go. */
	if (ve != NULL)
		bf_v8_global_free(ve->v8, held);
}

/* --- arguments ------------------------------------------------------------------------------- */

/* A number as the adapter finds it in `values`. False: 64 bits that no Number holds. */
static bool number_out(const bf_converter *c, const void *slot, double *out)
{
	int64_t i;
	uint64_t u;

	switch (c->conversion) {
	case BF_CONV_FLOAT:
		*out = (double)*(const float *)slot;
		return true;
	case BF_CONV_DOUBLE:
		*out = *(const double *)slot;
		return true;
	case BF_CONV_INT64:
		i = *(const int64_t *)slot;
		*out = (double)i;
		return i > -(INT64_C(1) << SAFE_BITS) && i < INT64_C(1) << SAFE_BITS;
	default:
		u = *(const uint64_t *)slot;
		*out = (double)u;
		return u < UINT64_C(1) << SAFE_BITS;
	}
}

static uint64_t small_out(const bf_v8_layout *layout, const bf_converter *c, const void *slot)
{
	switch (c->conversion) {
	case BF_CONV_BOOL:
		return *(const uint8_t *)slot ? layout->true_ : layout->false_;
	case BF_CONV_INT8:
		return bf_v8_from_small(*(const int8_t *)slot);
	case BF_CONV_UINT8:
		return bf_v8_from_small(*(const uint8_t *)slot);
	case BF_CONV_INT16:
		return bf_v8_from_small(*(const int16_t *)slot);
	case BF_CONV_UINT16:
		return bf_v8_from_small(*(const uint16_t *)slot);
	default: /* 32 bits; the adapter knows whether they are signed */
		return bf_v8_from_small(*(const int32_t *)slot);
	}
}

/* The words of the arguments, and how many; -1: not all of them can go this way. Doubles go to `values`. */
static int arguments_out(const bf_v8_layout *layout, const bf_signature *s, const char *frame, uint64_t *words,
			 double *values)
{
	int n = 0;

	for (uint32_t i = 0; i < s->nargs; i++) {
		const bf_converter *c = &s->args[i];
		const char *slot = frame + c->offset;
		uint64_t address;

		switch (c->conversion) {
		case BF_CONV_INT64:
		case BF_CONV_UINT64:
		case BF_CONV_FLOAT:
		case BF_CONV_DOUBLE:
			if (!number_out(c, slot, &values[i]))
				return -1;
			break;
		case BF_CONV_POINTER:
		case BF_CONV_CALLBACK:
			address = *(const uintptr_t *)slot;
			if (address >> SAFE_BITS)
				return -1;
			words[n++] = bf_v8_from_small((int32_t)(address >> 32));
			words[n++] = bf_v8_from_small((int32_t)address);
			break;
		default:
			words[n++] = small_out(layout, c, slot);
		}
	}
	return n;
}

/* --- results ------------------------------------------------------------------------------------- */

/* The number or boolean at `slot` in its own width. False: it is to be converted with care. */
static bool result_in(const bf_v8_layout *layout, const bf_converter *c, uint64_t word, void *slot)
{
	static const struct {
		int32_t low, high;
	} ranges[] = {{INT8_MIN, INT8_MAX}, {0, UINT8_MAX},         {INT16_MIN, INT16_MAX},
		      {0, UINT16_MAX},      {INT32_MIN, INT32_MAX}, {0, INT32_MAX}};
	double d;

	switch (c->conversion) {
	case BF_CONV_VOID:
		return true;
	case BF_CONV_BOOL:
		*(uint8_t *)slot = word == layout->true_;
		return word == layout->true_ || word == layout->false_;
	case BF_CONV_INT8 ... BF_CONV_UINT32: {
		int kind = c->conversion - BF_CONV_INT8;
		int32_t n = bf_v8_small(word);

		if (!bf_v8_is_small(word) || n < ranges[kind].low || n > ranges[kind].high)
			return false;
		memcpy(slot, &n, c->size); /* little-endian: its low bytes */
		return true;
	}
	case BF_CONV_FLOAT:
		if (!bf_v8_number(layout, word, &d))
			return false;
		*(float *)slot = (float)d;
		return true;
	case BF_CONV_DOUBLE:
		return bf_v8_number(layout, word, slot);
	default:
		return false;
	}
}

/* By the table of conversions. False: an exception is pending. */
static bool convert(const bf_v8_run *run, napi_value value)
{
	bf_js_callback *cb = run->callback;
	bf_signature *s = cb->signature;
	bf_env *env = s->env;
	bf_context cx = {.env = env,
			 .types = s->types,
			 .owner = cb->name,
			 .argument = cb->argument,
			 .index = -1,
			 .scratch = &env->scratch};
	_Alignas(16) char bytes[s->plan->result.size + 16];

	memset(bytes, 0, sizeof(bytes));
	if (s->result.conversion == BF_CONV_VOID)
		return true;
	if (bf_convert_in(&cx, &s->result, value, bytes) != 0)
		return false;
	memcpy(run->frame, bytes, s->plan->result.size);
	return true;
}

/* A number that does not fit: the table knows why. */
static void convert_number(const bf_v8_run *run, uint64_t word)
{
	bf_env *env = run->callback->signature->env;
	napi_handle_scope scope;
	napi_value value;

	/* A handle of a small integer takes no memory of the JavaScript heap; its slot takes any value. */
	if (napi_open_handle_scope(env->napi, &scope) != napi_ok)
		return;
	if (napi_create_int32(env->napi, 0, &value) == napi_ok) {
		*(uint64_t *)value = word;
		if (!convert(run, value))
			bf_env_catch(env);
	}
	napi_close_handle_scope(env->napi, scope);
}

/* What the adapter returned. */
static void finish(bf_v8_env *ve, const bf_v8_run *run, uint64_t word)
{
	const bf_v8_layout *layout = &ve->layout;
	const bf_signature *s = run->callback->signature;
	double d;

	if (ve->env->failed || word == layout->undefined)
		return; /* callbackThrew() or callbackResult() was called */
	if (result_in(layout, &s->result, word, run->frame))
		return;
	if (bf_v8_number(layout, word, &d)) {
		convert_number(run, word);
	} else {
		/* The script, or its worker, was ended. No callback runs any more until C returns. */
		ve->env->failed = true;
		bf_v8_end_again(&ve->gate);
	}
}

/* --- the call ---------------------------------------------------------------------------------------- */

bool bf_v8_callback_run(bf_js_callback *cb, void *frame)
{
	bf_signature *s = cb->signature;
	bf_env *env = s->env;
	bf_v8_env *ve = env->tier;
	uint64_t words[BF_V8_ADAPTED * 2], *argv[BF_V8_ADAPTED * 2 + 1], result;
	double *values, kept[BF_V8_ADAPTED];
	const uint64_t *adapter;
	int n;

	if (ve == NULL || env->depth == 0 || ve->gate.root == 0 || cb->function == NULL ||
	    !bf_v8_gate_room(&ve->gate) || (adapter = adapter_of(ve, s)) == NULL)
		return false;

	/* Nested callbacks leave the values of the outer ones as they were. */
	values = ve->values;
	memcpy(kept, values, s->nargs * sizeof(*kept));
	n = arguments_out(&ve->layout, s, frame, words, values);
	if (n >= 0) {
		bf_v8_run run = {cb, frame, ve->run};

		argv[0] = (uint64_t *)cb->function;
		for (int i = 0; i < n; i++)
			argv[i + 1] = &words[i];
		memset(frame, 0, s->plan->result.size);
		ve->run = &run;
		env->callbacks++;
		result = bf_v8_enter(&ve->gate, *adapter, n + 1, argv);
		env->callbacks--;
		ve->run = run.outer;
		finish(ve, &run, result);
		if (env->failed)
			memset(frame, 0, s->plan->result.size);
	}
	memcpy(values, kept, s->nargs * sizeof(*kept));
	return n >= 0;
}

/* --- for lib/ ----------------------------------------------------------------------------------------- */

static const bf_v8_run *running(napi_env napi, napi_callback_info info, napi_value *argument)
{
	const bf_v8_env *ve = bf_env_get(napi)->tier;
	size_t argc = 1;

	napi_get_cb_info(napi, info, &argc, argument, NULL, NULL);
	return ve != NULL ? ve->run : NULL;
}

/* callbackResult(value): what the callback that runs returns. */
static napi_value callback_result(napi_env napi, napi_callback_info info)
{
	napi_value value;
	const bf_v8_run *run = running(napi, info, &value);

	if (run != NULL)
		convert(run, value);
	return NULL;
}

/* callbackThrew(error): the callback that runs throws it, in the call that C was called from. */
static napi_value callback_threw(napi_env napi, napi_callback_info info)
{
	napi_value error;

	if (running(napi, info, &error) != NULL)
		bf_env_keep(bf_env_get(napi), error);
	return NULL;
}

napi_status bf_v8_callback_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"callbackResult", NULL, callback_result, NULL, NULL, NULL, napi_default, NULL},
	    {"callbackThrew", NULL, callback_threw, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof(list) / sizeof(*list), list);
}
