#include "v8_function.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "throw.h"
#include "v8_variadic.h"
#include "value.h"

/* Arguments of a generic call that need no memory. */
enum { SLOW_ARGUMENTS = 64 };

/* --- errors ------------------------------------------------------------------------------ */

/* What Node-API keeps as its pending exception becomes the engine's, as at the end of its own callbacks. */
static void pass_on(bf_v8_env *ve)
{
	napi_env napi = ve->env->napi;
	bool pending = false;
	napi_value error;

	if (napi_is_exception_pending(napi, &pending) == napi_ok && pending &&
	    napi_get_and_clear_last_exception(napi, &error) == napi_ok)
		ve->v8->isolate_throw(ve->v8->isolate_current(), (void *)error);
}

/* Where the wrapper of a function with errno in its results reads it. */
static void number_out(bf_v8_env *ve, const bf_function *f)
{
	if (f->flags & BF_FUNCTION_ERRNO)
		*ve->number = ve->env->saved_errno;
}

napi_value bf_v8_generic(bf_function *f, size_t argc, const napi_value *argv)
{
	bf_v8_env *ve = f->env->tier;
	napi_value result;

	bf_function_ref(f);
	result = bf_function_call_value(f, argc, argv);
	if (ve)
		number_out(ve, f);
	bf_function_unref(f);
	return result;
}

/* --- the raw callback ----------------------------------------------------------------------- */

static void slow_generic(bf_v8_function *vf, const bf_v8_call *call)
{
	napi_value few[SLOW_ARGUMENTS], *argv = few, result = NULL;
	bf_function *f = vf->f;

	if (call->nargs > SLOW_ARGUMENTS)
		argv = malloc(call->nargs * sizeof(napi_value));
	if (!argv) {
		bf_throw(f->env->napi, BF_ENOMEM, "out of memory");
	} else {
		for (uint32_t i = 0; i < call->nargs; i++)
			argv[i] = (napi_value)&call->args[i];
		result =
		    call->nargs < vf->stores ? NULL : bf_v8_generic(f, call->nargs - vf->stores, argv + vf->stores);
	}
	if (result)
		*call->result = *(const uint64_t *)result;
	else
		pass_on(vf->ve);
	if (argv != few)
		free(argv);
}

static void double_out(bf_v8_env *ve, void *isolate, uint64_t *result, double d)
{
	*result = *(const uint64_t *)ve->v8->number_new(isolate, d);
}

/* Is it ASCII alone? */
static bool is_ascii(const char *s, size_t n)
{
	uint64_t seen = 0, word;
	size_t i;

	for (i = 0; i + sizeof word <= n; i += sizeof word) {
		memcpy(&word, s + i, sizeof word);
		seen |= word;
	}
	for (; i < n; i++)
		seen |= (uint8_t)s[i];
	return (seen & 0x8080808080808080) == 0;
}

/* A string that needs no decoding. False: left to Node-API, which decodes it or throws. */
static bool ascii_out(bf_v8_env *ve, const bf_v8_call *call, const char *s)
{
	const void *string;
	size_t n;

	if (!s || !ve->v8->string_one_byte || (n = strlen(s)) > INT32_MAX || !is_ascii(s, n))
		return false;
	string = ve->v8->string_one_byte(call->isolate, s, 0, (int)n);
	if (string)
		*call->result = *(const uint64_t *)string;
	return string != NULL;
}

static void result_out(bf_v8_function *vf, const bf_v8_call *call, const void *frame)
{
	bf_v8_env *ve = vf->ve;
	bf_function *f = vf->f;
	int64_t v;

	switch (f->result.conversion) {
	case BF_CONV_VOID:
		return; /* undefined is there already */
	case BF_CONV_BOOL:
		*call->result = *(const uint8_t *)frame ? ve->layout.true_ : ve->layout.false_;
		return;
	case BF_CONV_INT8:
		*call->result = bf_v8_from_small(*(const int8_t *)frame);
		return;
	case BF_CONV_UINT8:
		*call->result = bf_v8_from_small(*(const uint8_t *)frame);
		return;
	case BF_CONV_INT16:
		*call->result = bf_v8_from_small(*(const int16_t *)frame);
		return;
	case BF_CONV_UINT16:
		*call->result = bf_v8_from_small(*(const uint16_t *)frame);
		return;
	case BF_CONV_INT32:
		*call->result = bf_v8_from_small(*(const int32_t *)frame);
		return;
	case BF_CONV_UINT32:
		v = *(const uint32_t *)frame;
		break;
	case BF_CONV_INT64:
		v = *(const int64_t *)frame;
		if (v != (int32_t)v || f->result.flags & BF_INT64_MODE)
			goto generic;
		break;
	case BF_CONV_STRING:
		if (f->result.flags & BF_CONV_OWNED || !ascii_out(ve, call, *(const char *const *)frame))
			goto generic;
		return;
	case BF_CONV_FLOAT:
		double_out(ve, call->isolate, call->result, *(const float *)frame);
		return;
	case BF_CONV_DOUBLE:
		double_out(ve, call->isolate, call->result, *(const double *)frame);
		return;
	default:
	generic : {
		bf_context cx = {
		    .env = f->env, .types = f->types, .owner = f->name, .index = -1, .scratch = &f->env->scratch};
		napi_value value = bf_convert_out(&cx, &f->result, frame);

		if (value)
			*call->result = *(const uint64_t *)value;
		else
			pass_on(ve);
		return;
	}
	}
	if (v == (int32_t)v)
		*call->result = bf_v8_from_small((int32_t)v);
	else
		double_out(ve, call->isolate, call->result, (double)v);
}

/* The arguments in the frame, and the plan of that frame. NULL: it is for the generic call to convert them, or throw.
 */
static const bf_plan *quick_arguments(bf_v8_function *vf, const bf_v8_call *call, char *frame, void **place)
{
	const uint64_t *args = call->args + vf->stores;
	bf_function *f = vf->f;

	if (f->library && !bf_library_handle_open(f->library))
		return NULL;
	if (vf->variadic) {
		const bf_variant *variant = bf_v8_variant(vf, args, call->nargs, frame);

		return variant ? variant->plan : NULL;
	}
	if (!vf->all_quick || call->nargs != vf->nargs + vf->stores ||
	    (vf->stores && !bf_v8_fresh_in((uint64_t)(uintptr_t)call->args, place, &vf->store)))
		return NULL;
	for (uint32_t i = 0; i < vf->nargs; i++) {
		if (!vf->quick[i]((uint64_t)(uintptr_t)&args[i], frame + f->args[i].offset, &vf->arguments[i]))
			return NULL;
	}
	return f->plan;
}

/*
 * The same for a function that takes functions: these are lent to the call as the
 * generic one does. NULL with *failed set: an exception is pending.
 */
static const bf_plan *lending_arguments(bf_v8_function *vf, const bf_v8_call *call, char *frame, bf_lent *lent,
					bool *failed)
{
	bf_function *f = vf->f;
	bf_context cx = {.env = f->env, .types = f->types, .owner = f->name, .scratch = &f->env->scratch, .lent = lent};

	if (call->nargs != vf->nargs || (f->library && !bf_library_handle_open(f->library)))
		return NULL;
	for (uint32_t i = 0; i < vf->nargs; i++) {
		void *slot = frame + f->args[i].offset;

		if (vf->quick[i]) {
			if (!vf->quick[i]((uint64_t)(uintptr_t)&call->args[i], slot, &vf->arguments[i]))
				return NULL;
			continue;
		}
		cx.index = (int)i + 1;
		if (bf_v8_plain_function(&vf->ve->layout, call->args[i]))
			*failed = bf_callback_lend(&cx, &f->args[i], (napi_value)&call->args[i], slot) != 0;
		else
			*failed = bf_convert_in(&cx, &f->args[i], (napi_value)&call->args[i], slot) != 0;
		if (*failed)
			return NULL;
	}
	return f->plan;
}

/* What the engine calls when it does not make a fast call: `info` is a FunctionCallbackInfo. */
void bf_v8_slow_call(void *info, void *context)
{
	bf_v8_function *vf = context;
	bf_v8_call call = bf_v8_read_call(vf->ve->v8, info);
	bf_function *f = vf->f;
	bf_env *env = vf->ve->env;
	const bf_plan *plan;
	_Alignas(16) char frame[BF_V8_SLOW_FRAME];
	void *place = NULL;
	bf_lent lent = {NULL};
	bool failed = false;
	bf_mark mark;

	if (!f)
		return;
	bf_function_ref(f);
	mark = bf_scratch_mark(&env->scratch);
	plan =
	    vf->lends ? lending_arguments(vf, &call, frame, &lent, &failed) : quick_arguments(vf, &call, frame, &place);
	if (!plan) {
		bf_lent_return(&lent);
		bf_scratch_release(&env->scratch, mark);
		if (failed)
			pass_on(vf->ve);
		else
			slow_generic(vf, &call);
		goto done;
	}
	env->depth++;
	errno = env->saved_errno;
	bf_plan_call(plan, f->target, frame);
	env->saved_errno = errno;
	env->depth--;
	number_out(vf->ve, f);
	if (__builtin_expect(env->failed, 0)) {
		bf_env_rethrow(env);
		pass_on(vf->ve);
	} else if (place) {
		memcpy(place, frame, f->result.size);
	} else {
		result_out(vf, &call, frame);
	}
	if (vf->lends)
		bf_lent_return(&lent);
	bf_scratch_release(&env->scratch, mark);
	errno = env->saved_errno;
done:
	bf_function_unref(f);
}

/* --- what a fast call can't do ----------------------------------------------------------------- */

/*
 * A value that a quick conversion does not understand, a closed library, or a
 * callback alive. Nothing can be done about it in here, not even throw: an engine
 * until V8 12.4 ends the process when JavaScript runs inside of a fast call, later
 * ones when what it does makes them throw the caller's optimised code away. So a
 * byte tells the wrapper to call once more without the fast call.
 */
void bf_v8_refused(void *context, void *frame, uint64_t *words)
{
	bf_v8_function *vf = context;

	(void)words;
	*vf->ve->refusal = 1;
	memset(frame, 0, 16);
}
