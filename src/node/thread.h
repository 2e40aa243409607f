/*
 * Callbacks from other threads: the call is queued to the environment's own
 * thread, its event loop runs it, and the other thread waits for the result (or,
 * for a callback made so, goes on at once).
 *
 * Threads: everything in a bf_threads is guarded by its lock, but `keepers`,
 * which the JavaScript thread alone uses. The record lives as long as the bf_env.
 * `ended` is set before Node-API takes the queue's handle away, so a thread that
 * finds it false under the lock may use the handle.
 */
#ifndef BF_NODE_THREAD_H
#define BF_NODE_THREAD_H

#include "callback.h"

typedef struct bf_request {
	struct bf_request *next;
	bf_js_callback *callback;
	void *frame;   /* in the plan's layout; the waiting thread's, or the request's own */
	bool detached; /* nobody waits: whoever takes the request frees it */
	bool done;
	pthread_cond_t finished;
} bf_request;

typedef struct bf_threads {
	pthread_mutex_t lock;
	napi_threadsafe_function wake;
	bool ended;
	bf_request *first, **last;
	bf_request *current; /* being run, while its thread waits */
	unsigned keepers;    /* callbacks that keep the event loop alive */
} bf_threads;

/* Makes the queue if there is none yet. JavaScript thread. Non-zero: an exception is pending. */
int bf_threads_start(bf_env *env);

/*
 * Runs a callback on its own thread with this frame, and returns when the result
 * is in it. Other threads only. Zeros it when the environment ends first.
 */
void bf_threads_call(bf_js_callback *cb, void *frame);

/* Wakes the event loop, to serve this queue and that of async.h. Any thread. */
void bf_threads_wake(bf_env *env);

/* No call is queued from here on; threads that wait get zero. JavaScript thread. */
void bf_threads_end(bf_env *env);

/* One callback more, or less, that keeps the event loop alive. JavaScript thread. */
void bf_threads_keep(bf_env *env);
void bf_threads_release(bf_env *env);

/* Frees the record, with the environment's. Any thread. */
void bf_threads_free(bf_threads *t);

#endif
