#include "async.h"

#include <errno.h>
#include <stdlib.h>

#include "callback.h"
#include "function.h"
#include "throw.h"
#include "variadic.h"

enum { SCRATCH = 512, MOST_ARGUMENTS = BF_MAX_ARGUMENTS + 1 };

/* What lib/ holds to cancel a call; NULL when that is over. */
typedef struct token {
	struct async_call *call;
} token;

/*
 * Threads: made and ended by the JavaScript thread; between queueing and
 * completion only the pool's thread touches frame and number.
 */
typedef struct async_call {
	bf_function *function; /* counted */
	const bf_plan *plan;
	napi_async_work work;
	napi_deferred deferred;
	napi_ref keep; /* Array: arguments and what was made of them */
	bf_lent lent;
	bf_scratch scratch;
	token *token;
	int number;  /* errno */
	char *frame; /* aligned, in `memory` */
	char memory[];
} async_call;

static void call_free(napi_env napi, async_call *call)
{
	bf_function *f = call->function;

	bf_lent_return(&call->lent);
	bf_scratch_free(&call->scratch);
	if (call->keep != NULL)
		napi_delete_reference(napi, call->keep);
	if (call->work != NULL)
		napi_delete_async_work(napi, call->work);
	if (call->token != NULL)
		call->token->call = NULL;
	bf_function_unref(f);
	free(call);
}

/* On the pool's thread. */
static void execute(napi_env napi, void *data)
{
	async_call *call = data;

	(void)napi;
	errno = 0;
	bf_plan_call(call->plan, call->function->target, call->frame);
	call->number = errno;
}

static void reject_pending(napi_env napi, napi_deferred deferred)
{
	napi_value error = NULL;

	if (napi_get_and_clear_last_exception(napi, &error) == napi_ok)
		napi_reject_deferred(napi, deferred, error);
}

/* On the JavaScript thread again; when the environment is ending, nothing but freeing works. */
static void complete(napi_env napi, napi_status status, void *data)
{
	async_call *call = data;
	bf_function *f = call->function;
	bf_env *env = f->env;
	bf_context cx = {.env = env, .types = f->types, .owner = f->name, .index = -1, .scratch = &env->scratch};
	napi_value result = NULL;

	if (f->library != NULL)
		f->library->busy--;
	if (status == napi_cancelled) {
		bf_error err = {.code = BF_ECLOSED, .message = "the call was cancelled before it started"};

		napi_reject_deferred(napi, call->deferred, bf_error_value(napi, &err));
	} else {
		bf_env_track_errno(env);
		env->saved_errno = call->number;
		result = bf_convert_out(&cx, &f->result, call->frame);
		if (result != NULL && f->flags & BF_FUNCTION_ERRNO)
			result = bf_function_with_errno(env, result, call->number);
		if (result != NULL)
			napi_resolve_deferred(napi, call->deferred, result);
		else
			reject_pending(napi, call->deferred);
	}
	call_free(napi, call);
}

static async_call *call_new(bf_function *f, const bf_plan *plan)
{
	size_t align = plan->frame_align < 16 ? 16 : plan->frame_align;
	async_call *call = malloc(sizeof(*call) + plan->frame_size + align);

	if (call == NULL)
		return NULL;
	*call = (async_call){.function = bf_function_ref(f), .plan = plan, .scratch = {.unit = SCRATCH}};
	call->frame = call->memory + (-(uintptr_t)call->memory & (align - 1));
	return call;
}

/* Arguments into the frame, kept alive by an Array that the call refers to. */
static int call_convert(async_call *call, bf_variant *variant, size_t argc, const napi_value *argv)
{
	bf_function *f = call->function;
	napi_env napi = f->env->napi;
	napi_value keep = NULL;
	bf_context cx = {.env = f->env,
			 .types = f->types,
			 .owner = f->name,
			 .scratch = &call->scratch,
			 .lent = &call->lent,
			 .async = true};

	if (argc > 0) {
		napi_create_array_with_length(napi, argc, &keep);
		for (size_t i = 0; i < argc; i++)
			napi_set_element(napi, keep, (uint32_t)i, argv[i]);
		if (napi_create_reference(napi, keep, 1, &call->keep) != napi_ok)
			return -1;
	}
	cx.keep = keep;
	return variant != NULL ? bf_variant_arguments(f, variant, &cx, call->frame, argv)
			       : bf_function_arguments(f, &cx, call->frame, argv);
}

static int call_start(async_call *call)
{
	napi_env napi = call->function->env->napi;
	napi_value name = NULL;

	napi_create_string_utf8(napi, call->function->name, NAPI_AUTO_LENGTH, &name);
	if (napi_create_async_work(napi, NULL, name, execute, complete, call, &call->work) != napi_ok ||
	    napi_queue_async_work(napi, call->work) != napi_ok) {
		bf_throw(napi, BF_ENOMEM, "%s(): the call can't be queued", call->function->name);
		return -1;
	}
	if (call->function->library != NULL)
		call->function->library->busy++;
	return 0;
}

/* A Promise; what is wrong with the arguments rejects it. */
static napi_value call_promise(bf_function *f, size_t argc, const napi_value *argv, async_call **out)
{
	napi_env napi = f->env->napi;
	napi_value promise = NULL;
	napi_deferred deferred;
	bf_variant *variant = NULL;
	async_call *call = NULL;

	*out = NULL;
	if (napi_create_promise(napi, &deferred, &promise) != napi_ok)
		return NULL;
	if (bf_function_check(f, argc) != 0)
		goto failed;
	if (argc > f->nargs && (variant = bf_variant_get(f, argc, argv)) == NULL)
		goto failed;
	call = call_new(f, variant != NULL ? variant->plan : f->plan);
	if (call == NULL) {
		bf_throw(napi, BF_ENOMEM, "%s(): out of memory", f->name);
		goto failed;
	}
	if (call_convert(call, variant, argc, argv) != 0 || call_start(call) != 0)
		goto failed;
	call->deferred = deferred;
	*out = call;
	return promise;
failed:
	reject_pending(napi, deferred);
	if (call != NULL)
		call_free(napi, call);
	return promise;
}

/* The function and its arguments of callAsync(function, ...arguments). NULL: an exception is pending. */
static bf_function *call_arguments(napi_env napi, napi_callback_info info, size_t *argc, napi_value *argv)
{
	bf_function *f = NULL;
	napi_valuetype type = napi_undefined;

	*argc = MOST_ARGUMENTS;
	napi_get_cb_info(napi, info, argc, argv, NULL, NULL);
	napi_typeof(napi, argv[0], &type);
	if (type == napi_function)
		f = bf_function_of(bf_env_get(napi), argv[0]);
	if (f == NULL)
		bf_throw(napi, BF_ETYPE, "async(): expected a function of a library");
	else if (*argc > MOST_ARGUMENTS)
		bf_throw(napi, BF_EARGUMENTS, "%s(): expected at most %d arguments", f->name, BF_MAX_ARGUMENTS);
	(*argc)--;
	return *argc < MOST_ARGUMENTS ? f : NULL;
}

static napi_value call_async(napi_env napi, napi_callback_info info)
{
	size_t argc;
	napi_value argv[MOST_ARGUMENTS];
	async_call *call;
	bf_function *f = call_arguments(napi, info, &argc, argv);

	return f != NULL ? call_promise(f, argc, argv + 1, &call) : NULL;
}

static void token_free(napi_env napi, void *data, void *hint)
{
	token *t = data;

	(void)napi;
	(void)hint;
	if (t->call != NULL)
		t->call->token = NULL;
	free(t);
}

/* callCancellable(function, ...arguments): [promise, what cancel() takes]. */
static napi_value call_cancellable(napi_env napi, napi_callback_info info)
{
	size_t argc;
	napi_value argv[MOST_ARGUMENTS], pair = NULL, promise, external = NULL;
	async_call *call = NULL;
	bf_function *f = call_arguments(napi, info, &argc, argv);
	token *t;

	if (f == NULL)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (t == NULL || napi_create_external(napi, t, token_free, NULL, &external) != napi_ok) {
		free(t);
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	}
	promise = call_promise(f, argc, argv + 1, &call);
	t->call = call;
	if (call != NULL)
		call->token = t;
	napi_create_array_with_length(napi, 2, &pair);
	napi_set_element(napi, pair, 0, promise);
	napi_set_element(napi, pair, 1, external);
	return pair;
}

/* cancel(token): true if the call had not started; its promise is rejected then. */
static napi_value cancel(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1], value = NULL;
	void *data = NULL;
	token *t;
	bool cancelled = false;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	if (napi_get_value_external(napi, argv[0], &data) != napi_ok)
		return bf_throw(napi, BF_ETYPE, "not a call");
	t = data;
	if (t->call != NULL)
		cancelled = napi_cancel_async_work(napi, t->call->work) == napi_ok;
	napi_get_boolean(napi, cancelled, &value);
	return value;
}

napi_status bf_async_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"callAsync", NULL, call_async, NULL, NULL, NULL, napi_default, NULL},
	    {"callCancellable", NULL, call_cancellable, NULL, NULL, NULL, napi_default, NULL},
	    {"cancel", NULL, cancel, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof(list) / sizeof(*list), list);
}
