#include "thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "async.h"
#include "throw.h"

enum {
	BATCH = 256,  /* requests in one turn of the event loop */
	PATIENCE = 3, /* seconds until a waiting thread says that it waits */
};

/* --- the JavaScript thread -------------------------------------------------------- */

static bf_request *request_take(bf_threads *t)
{
	bf_request *r;

	pthread_mutex_lock(&t->lock);
	r = t->first;
	if (r != NULL) {
		t->first = r->next;
		if (t->first == NULL)
			t->last = &t->first;
		if (!r->detached)
			t->current = r;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* Lets the waiting thread go on; `r` is gone once it has seen `done`. */
static void finish_locked(bf_request *r)
{
	r->done = true;
	pthread_cond_signal(&r->finished);
}

static void wake_locked(bf_threads *t)
{
	napi_call_threadsafe_function(t->wake, NULL, napi_tsfn_nonblocking);
}

/*
 * Runs a request on a copy of its frame: should the environment end meanwhile
 * (the callback calls process.exit()), the waiting thread is let go, and its
 * frame with it.
 */
static void request_serve(bf_threads *t, bf_request *r)
{
	const bf_plan *plan = r->callback->signature->plan;
	size_t align = plan->frame_align < 16 ? 16 : plan->frame_align;
	char room[plan->frame_size + align], *frame = room + (-(uintptr_t)room & (align - 1));

	memcpy(frame, r->frame, plan->frame_size);
	bf_callback_enter(r->callback, frame);
	if (r->detached) {
		free(r);
		return;
	}
	pthread_mutex_lock(&t->lock);
	if (t->current == r) {
		memcpy(r->frame, frame, plan->result.size);
		finish_locked(r);
		t->current = NULL;
	}
	pthread_mutex_unlock(&t->lock);
}

/* The event loop was woken. `napi` is NULL when the environment is ending. */
static void serve(napi_env napi, napi_value function, void *context, void *data)
{
	bf_env *env = context;
	bf_threads *t = env->threads;
	bf_request *r;

	(void)function;
	(void)data;
	if (napi == NULL)
		return; /* end() answers who still waits */
	env->serving = true;
	for (int n = 0; n < BATCH && !env->ending && (r = request_take(t)) != NULL; n++)
		request_serve(t, r);
	env->serving = false;
	bf_async_drain(env);
	if (env->ending)
		bf_threads_end(env);
	pthread_mutex_lock(&t->lock);
	if (t->first != NULL && !t->ended)
		wake_locked(t);
	pthread_mutex_unlock(&t->lock);
}

void bf_threads_end(bf_env *env)
{
	bf_threads *t = env->threads;
	bf_request *r;

	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->ended = true;
	if (t->current != NULL) {
		bf_callback_zero(t->current->callback, t->current->frame);
		finish_locked(t->current);
		t->current = NULL;
	}
	while ((r = t->first) != NULL) {
		t->first = r->next;
		if (r->detached) {
			free(r);
		} else {
			bf_callback_zero(r->callback, r->frame);
			finish_locked(r);
		}
	}
	t->last = &t->first;
	pthread_mutex_unlock(&t->lock);
}

static void end_hook(void *data)
{
	bf_threads_end(data);
}

void bf_threads_wake(bf_env *env)
{
	bf_threads *t = env->threads;

	pthread_mutex_lock(&t->lock);
	if (!t->ended)
		wake_locked(t);
	pthread_mutex_unlock(&t->lock);
}

int bf_threads_start(bf_env *env)
{
	bf_threads *t;
	napi_value name = NULL;

	if (env->threads != NULL)
		return 0;
	t = calloc(1, sizeof(*t));
	if (t == NULL) {
		bf_throw(env->napi, BF_ENOMEM, "out of memory");
		return -1;
	}
	pthread_mutex_init(&t->lock, NULL);
	t->last = &t->first;
	napi_create_string_utf8(env->napi, "biffi", NAPI_AUTO_LENGTH, &name);
	if (napi_create_threadsafe_function(env->napi, NULL, NULL, name, 0, 1, NULL, NULL, env, serve, &t->wake) !=
	    napi_ok) {
		bf_threads_free(t);
		bf_throw(env->napi, BF_ENOMEM, "the event loop takes no calls from other threads");
		return -1;
	}
	napi_unref_threadsafe_function(env->napi, t->wake);
	env->threads = t;
	/* Hooks run last in, first out: this one before that of `wake`. */
	napi_add_env_cleanup_hook(env->napi, end_hook, env);
	return 0;
}

void bf_threads_keep(bf_env *env)
{
	if (env->threads->keepers++ == 0)
		napi_ref_threadsafe_function(env->napi, env->threads->wake);
}

void bf_threads_release(bf_env *env)
{
	if (--env->threads->keepers == 0 && !env->threads->ended)
		napi_unref_threadsafe_function(env->napi, env->threads->wake);
}

void bf_threads_free(bf_threads *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* --- the other threads -------------------------------------------------------------- */

static void request_add_locked(bf_threads *t, bf_request *r)
{
	bool idle = t->first == NULL;

	r->next = NULL;
	*t->last = r;
	t->last = &r->next;
	if (idle)
		wake_locked(t);
}

/*
 * A function that waits for a thread that calls back, called on the JavaScript
 * thread itself, waits forever: that thread waits for the JavaScript thread. It
 * can't be helped here, but it can be said.
 */
static void say_once(const bf_js_callback *cb)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	char title[BF_CALLBACK_TITLE];

	bf_callback_title(cb->name, cb->argument, title, sizeof(title));
	if (!atomic_flag_test_and_set(&said))
		fprintf(stderr,
			"biffi: callback '%s', called by C from another thread, has been waiting for the JavaScript "
			"thread for %d seconds; if that one is in a C function which waits for the other thread, call "
			"the function with .async()\n",
			title, PATIENCE);
}

static void wait_locked(bf_threads *t, bf_request *r)
{
	struct timespec until;
	bool patient = true;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	while (!r->done) {
		if (!patient) {
			pthread_cond_wait(&r->finished, &t->lock);
		} else if (pthread_cond_timedwait(&r->finished, &t->lock, &until) != 0) {
			patient = false;
			if (!r->done)
				say_once(r->callback);
		}
	}
}

/* Nobody waits: the request takes a copy of the frame along. */
static int call_detached(bf_threads *t, bf_js_callback *cb, void *frame)
{
	const bf_plan *plan = cb->signature->plan;
	size_t start = (sizeof(bf_request) + 63) & ~(size_t)63;
	bf_request *r = aligned_alloc(64, (start + plan->frame_size + 63) & ~(size_t)63);
	bool ended;

	if (r == NULL)
		return -1;
	*r = (bf_request){.callback = cb, .detached = true, .frame = (char *)r + start};
	memcpy(r->frame, frame, plan->frame_size);
	pthread_mutex_lock(&t->lock);
	ended = t->ended;
	if (!ended)
		request_add_locked(t, r);
	pthread_mutex_unlock(&t->lock);
	if (ended)
		free(r);
	return ended ? -1 : 0;
}

void bf_threads_call(bf_js_callback *cb, void *frame)
{
	bf_threads *t = cb->signature->env->threads;
	bf_request r = {.callback = cb, .frame = frame, .finished = PTHREAD_COND_INITIALIZER};

	if (cb->detached) {
		if (call_detached(t, cb, frame) != 0)
			bf_callback_late(cb);
		return;
	}
	pthread_mutex_lock(&t->lock);
	if (t->ended) {
		pthread_mutex_unlock(&t->lock);
		bf_callback_late(cb);
		bf_callback_zero(cb, frame);
		return;
	}
	request_add_locked(t, &r);
	wait_locked(t, &r);
	pthread_mutex_unlock(&t->lock);
	pthread_cond_destroy(&r.finished);
}
