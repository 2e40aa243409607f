#define _GNU_SOURCE /* sched_getaffinity */
#include "async.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "callback.h"
#include "function.h"
#include "thread.h"
#include "throw.h"
#include "variadic.h"

enum {
	SCRATCH = 512,
	MOST_ARGUMENTS = BF_MAX_ARGUMENTS + 1,
	MOST_RUNNERS = 1024, /* as libuv */
	TURN = 1000 * 1000,  /* nanoseconds after which a work item takes no further call */
	CALLS_A_TURN = 64,   /* of a work item, before others of the pool have theirs */
	PATIENCE = 50 * 1000 /* nanoseconds in which a thread that has nothing to do looks out for the next call */
};

/* What lib/ holds to cancel a call; NULL when that is over. */
typedef struct token {
	struct async_call *call;
} token;

typedef enum call_state { CALL_WAITING, CALL_RUNNING, CALL_DONE } call_state;

/*
 * Threads: the JavaScript thread makes it and ends it; while it is running, the
 * pool's thread has it. `next` and `state` are guarded by the queue's lock.
 */
typedef struct async_call {
	struct async_call *next;
	call_state state;
	bf_function *function; /* counted */
	const bf_plan *plan;
	napi_deferred deferred;
	napi_ref keep; /* Array: arguments that must stay, and what was made of them; NULL: none */
	bf_lent lent;
	bf_scratch scratch;
	token *token;
	int number;  /* errno */
	char *frame; /* aligned, in `memory` */
	char memory[];
} async_call;

typedef struct call_list {
	async_call *first, **end;
} call_list;

/* A work item of libuv's pool that takes calls from the queue. Used by the JavaScript thread but for `queue`. */
typedef struct runner {
	struct bf_async *queue;
	napi_async_work work;
	bool busy;
} runner;

/*
 * An environment's calls. Instead of a work item a call there are at most as many
 * as the pool has threads; each runs one call after the other, and the event loop
 * is woken once for all that are done.
 *
 * To wake a thread of the pool takes longer than most calls do. Where the next call
 * has been coming soon after the last, one thread looks out for it a while.
 */
typedef struct bf_async {
	bf_env *env;
	pthread_mutex_t lock; /* of all down to `idle_since` */
	call_list waiting, done;
	_Atomic unsigned nwaiting; /* looked at without the lock */
	bool looking_out;
	int64_t gap;        /* nanoseconds from the last call's end to the next one's start, of late; at most TURN */
	int64_t idle_since; /* when there was no call left */
	bool parallel;      /* there is another processor for the JavaScript thread */
	unsigned nrunners;
	runner runners[];
} bf_async;

/* --- lists -------------------------------------------------------------------------- */

static void list_init(call_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void list_add(call_list *list, async_call *call)
{
	call->next = NULL;
	*list->end = call;
	list->end = &call->next;
}

static async_call *list_take(call_list *list)
{
	async_call *call = list->first;

	if (call != NULL) {
		list->first = call->next;
		if (list->first == NULL)
			list->end = &list->first;
	}
	return call;
}

static bool list_remove(call_list *list, async_call *call)
{
	for (async_call **link = &list->first; *link != NULL; link = &(*link)->next) {
		if (*link != call)
			continue;
		*link = call->next;
		if (list->end == &call->next)
			list->end = link;
		return true;
	}
	return false;
}

/* --- the pool's threads ------------------------------------------------------------------ */

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Whether the next call may be there sooner than a thread can be woken for it. */
static bool may_look_out(const bf_async *q)
{
	return q->parallel && q->gap < PATIENCE && !q->looking_out;
}

static void pause_processor(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Returns with the lock again, when a call waits or patience is over. */
static void look_out(bf_async *q)
{
	int64_t until = q->idle_since + PATIENCE;

	q->looking_out = true;
	pthread_mutex_unlock(&q->lock);
	while (atomic_load_explicit(&q->nwaiting, memory_order_relaxed) == 0 && now() < until)
		pause_processor();
	pthread_mutex_lock(&q->lock);
	q->looking_out = false;
}

static async_call *take_waiting(bf_async *q)
{
	async_call *call = list_take(&q->waiting);

	if (call != NULL) {
		q->nwaiting--;
		call->state = CALL_RUNNING;
	}
	return call;
}

/* Takes call after call, and leaves the thread to others soon. */
static void execute(napi_env napi, void *data)
{
	bf_async *q = ((runner *)data)->queue;
	int64_t started = now();
	async_call *call;

	(void)napi;
	pthread_mutex_lock(&q->lock);
	call = take_waiting(q);
	for (int n = 1; call != NULL; n++) {
		bool first;

		pthread_mutex_unlock(&q->lock);
		errno = 0;
		bf_plan_call(call->plan, call->function->target, call->frame);
		call->number = errno;

		pthread_mutex_lock(&q->lock);
		first = q->done.first == NULL;
		call->state = CALL_DONE;
		list_add(&q->done, call);
		q->idle_since = now();
		/* The end of this work item wakes the loop as well. */
		if (n == CALLS_A_TURN || q->idle_since - started > TURN ||
		    (q->waiting.first == NULL && !may_look_out(q)))
			break;
		if (first) {
			pthread_mutex_unlock(&q->lock);
			bf_threads_wake(q->env);
			pthread_mutex_lock(&q->lock);
		}
		if (q->waiting.first == NULL && !q->looking_out)
			look_out(q);
		call = take_waiting(q);
	}
	pthread_mutex_unlock(&q->lock);
}

/* --- the JavaScript thread ------------------------------------------------------------------ */

static void call_free(napi_env napi, async_call *call)
{
	bf_function *f = call->function;

	bf_lent_return(&call->lent);
	bf_scratch_free(&call->scratch);
	if (call->keep != NULL)
		napi_delete_reference(napi, call->keep);
	if (call->token != NULL)
		call->token->call = NULL;
	bf_function_unref(f);
	free(call);
}

static void reject_pending(napi_env napi, napi_deferred deferred)
{
	napi_value error = NULL;

	if (napi_get_and_clear_last_exception(napi, &error) == napi_ok)
		napi_reject_deferred(napi, deferred, error);
}

/* Settles the promise and frees the call; when the environment is ending, nothing but freeing works. */
static void call_finish(async_call *call)
{
	bf_function *f = call->function;
	bf_env *env = f->env;
	bf_context cx = {.env = env, .types = f->types, .owner = f->name, .index = -1, .scratch = &env->scratch};
	napi_value result = NULL;

	if (f->library != NULL)
		f->library->busy--;
	if (call->state != CALL_DONE) {
		bf_error err = {.code = BF_ECLOSED, .message = "the call was cancelled before it started"};

		napi_reject_deferred(env->napi, call->deferred, bf_error_value(env->napi, &err));
	} else {
		bf_env_track_errno(env);
		env->saved_errno = call->number;
		result = bf_convert_out(&cx, &f->result, call->frame);
		if (result != NULL && f->flags & BF_FUNCTION_ERRNO)
			result = bf_function_with_errno(env, result, call->number);
		if (result != NULL && napi_resolve_deferred(env->napi, call->deferred, result) != napi_ok)
			env->ending = true;
		else if (result == NULL)
			reject_pending(env->napi, call->deferred);
	}
	call_free(env->napi, call);
}

void bf_async_drain(bf_env *env)
{
	bf_async *q = env->async;
	async_call *call, *next;
	napi_handle_scope scope;

	if (q == NULL)
		return;
	pthread_mutex_lock(&q->lock);
	call = q->done.first;
	list_init(&q->done);
	pthread_mutex_unlock(&q->lock);
	for (; call != NULL; call = next) {
		next = call->next;
		if (napi_open_handle_scope(env->napi, &scope) != napi_ok)
			continue;
		call_finish(call);
		napi_close_handle_scope(env->napi, scope);
	}
}

static void runner_start(runner *r)
{
	r->busy = napi_queue_async_work(r->queue->env->napi, r->work) == napi_ok;
}

/* A work item has ended. */
static void complete(napi_env napi, napi_status status, void *data)
{
	runner *r = data;
	bf_async *q = r->queue;
	bool more;

	(void)napi;
	(void)status;
	r->busy = false;
	bf_async_drain(q->env);
	pthread_mutex_lock(&q->lock);
	more = q->waiting.first != NULL;
	pthread_mutex_unlock(&q->lock);
	if (more && !q->env->ending)
		runner_start(r);
}

/* As many as libuv has threads: what it makes of UV_THREADPOOL_SIZE. */
static unsigned pool_size(void)
{
	const char *given = getenv("UV_THREADPOOL_SIZE");
	long n = given != NULL ? strtol(given, NULL, 10) : 4;

	return n < 1 ? 1 : n > MOST_RUNNERS ? MOST_RUNNERS : (unsigned)n;
}

/* The environment ends, and with it all work items: what has not started never will. */
void bf_async_end(bf_env *env)
{
	bf_async *q = env->async;
	async_call *call;

	if (q == NULL)
		return;
	while ((call = list_take(&q->waiting)) != NULL)
		call_free(env->napi, call);
	while ((call = list_take(&q->done)) != NULL)
		call_free(env->napi, call);
	for (unsigned i = 0; i < q->nrunners; i++) {
		if (q->runners[i].work != NULL)
			napi_delete_async_work(env->napi, q->runners[i].work);
	}
	pthread_mutex_destroy(&q->lock);
	free(q);
	env->async = NULL;
}

static bf_async *queue_get(bf_env *env)
{
	unsigned n = pool_size();
	cpu_set_t processors;
	bf_async *q;

	if (env->async != NULL)
		return env->async;
	if (bf_threads_start(env) != 0)
		return NULL;
	q = calloc(1, sizeof(*q) + n * sizeof(q->runners[0]));
	if (q == NULL) {
		bf_throw(env->napi, BF_ENOMEM, "out of memory");
		return NULL;
	}
	q->env = env;
	q->nrunners = n;
	q->gap = TURN;
	q->parallel = sched_getaffinity(0, sizeof(processors), &processors) == 0 && CPU_COUNT(&processors) > 1;
	pthread_mutex_init(&q->lock, NULL);
	list_init(&q->waiting);
	list_init(&q->done);
	env->async = q;
	return q;
}

/* A runner that is free, made on first use; NULL: all are busy, and one of them will take the call. */
static runner *runner_idle(bf_async *q)
{
	napi_env napi = q->env->napi;
	napi_value name = NULL;

	for (unsigned i = 0; i < q->nrunners; i++) {
		runner *r = &q->runners[i];

		if (r->busy)
			continue;
		r->queue = q;
		if (r->work == NULL) {
			napi_create_string_utf8(napi, "biffi", NAPI_AUTO_LENGTH, &name);
			if (napi_create_async_work(napi, NULL, name, execute, complete, r, &r->work) != napi_ok)
				return NULL;
		}
		return r;
	}
	return NULL;
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

/* An Array of the arguments, if any of them is something that must stay alive: numbers and strings are copied. */
static int call_keep(async_call *call, size_t argc, const napi_value *argv, napi_value *keep)
{
	napi_env napi = call->function->env->napi;
	bool needed = false;

	for (size_t i = 0; i < argc && !needed; i++) {
		napi_valuetype type = napi_undefined;

		napi_typeof(napi, argv[i], &type);
		needed = type == napi_object || type == napi_function || type == napi_external;
	}
	if (!needed)
		return 0;
	napi_create_array_with_length(napi, argc, keep);
	for (size_t i = 0; i < argc; i++)
		napi_set_element(napi, *keep, (uint32_t)i, argv[i]);
	return napi_create_reference(napi, *keep, 1, &call->keep) == napi_ok ? 0 : -1;
}

/* Arguments into the frame. */
static int call_convert(async_call *call, bf_variant *variant, size_t argc, const napi_value *argv)
{
	bf_function *f = call->function;
	bf_context cx = {.env = f->env,
			 .types = f->types,
			 .owner = f->name,
			 .scratch = &call->scratch,
			 .lent = &call->lent,
			 .async = true};

	if (call_keep(call, argc, argv, &cx.keep) != 0)
		return -1;
	return variant != NULL ? bf_variant_arguments(f, variant, &cx, call->frame, argv)
			       : bf_function_arguments(f, &cx, call->frame, argv);
}

static int call_start(async_call *call)
{
	bf_async *q = queue_get(call->function->env);
	runner *r;
	bool needed;

	if (q == NULL)
		return -1;
	if (call->function->library != NULL)
		call->function->library->busy++;
	pthread_mutex_lock(&q->lock);
	if (q->waiting.first == NULL) {
		int64_t gap = now() - q->idle_since;

		q->gap = (q->gap + (gap < TURN ? gap : TURN)) / 2;
	}
	list_add(&q->waiting, call);
	q->nwaiting++;
	needed = q->nwaiting > q->looking_out;
	pthread_mutex_unlock(&q->lock);
	r = needed ? runner_idle(q) : NULL;
	if (r != NULL)
		runner_start(r);
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
	call->deferred = deferred;
	if (call_convert(call, variant, argc, argv) != 0 || call_start(call) != 0)
		goto failed;
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
	if (t->call != NULL) {
		async_call *call = t->call;
		bf_async *q = call->function->env->async;

		pthread_mutex_lock(&q->lock);
		cancelled = list_remove(&q->waiting, call);
		q->nwaiting -= cancelled;
		pthread_mutex_unlock(&q->lock);
		if (cancelled)
			call_finish(call);
	}
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
