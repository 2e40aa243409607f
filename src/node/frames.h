/*
 * Calls in frames: JavaScript writes a call's arguments into a block of shared
 * memory itself, in the layout of the call's plan, and reads the result out of
 * it. This room only runs the plan, so that the packages of compat/, which have
 * rules of their own for every value, pay one crossing a call.
 *
 * The block is one ArrayBuffer for each environment, used as a stack: its first
 * 4 bytes hold the offset of the first free byte. Who uses a frame takes it from
 * there and puts the old value back. Callbacks take their frames the same way.
 *
 * Threads: a bf_frames belongs to its JavaScript thread; `guard` guards what
 * other threads touch, which is marked.
 */
#ifndef BF_NODE_FRAMES_H
#define BF_NODE_FRAMES_H

#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../call/call.h"

typedef struct bf_frames {
	napi_env env;
	pthread_t thread;
	pid_t tid;
	uint8_t *base;     /* of the shared block */
	uint32_t size;     /* of the shared block */
	napi_ref block;    /* keeps it alive */
	napi_ref dispatch; /* (id, offset) => undefined: runs a callback on the frame at `offset` */
	int saved_errno;   /* of the last call */
	bool failed;       /* a callback of the innermost call has thrown: */
	napi_ref error;    /* an Array with what it threw */

	_Atomic uint32_t depth;     /* calls on the JavaScript thread's stack; any thread may read it */
	_Atomic uint64_t serial;    /* counts calls; any thread may read it */
	_Atomic uint32_t deadlocks; /* calls that other threads have given up, for the next error; any thread */

	pthread_mutex_t guard;
	bool alive;                          /* guarded: the environment still runs JavaScript */
	struct bf_frame_request *first;      /* guarded: other threads' calls, oldest first */
	struct bf_frame_request *last;       /* guarded */
	napi_threadsafe_function wake;       /* guarded: NULL until there is a callback */
	struct bf_frame_callback *dead;      /* callbacks let go, oldest first */
	struct bf_frame_callback *dead_last; /* they are freed when there are many */
	uint32_t ndead;
} bf_frames;

/*
 * A plan together with the types it was made of. Counted, because calls on the
 * thread pool and callbacks hold it too; all counting is on the JavaScript thread.
 */
typedef struct bf_frame_plan {
	bf_types *types;
	bf_plan *plan;
	uint32_t refs;
	uint32_t npointers;
	uint32_t pointers[]; /* offsets of the pointer arguments in the frame, in order */
} bf_frame_plan;

void bf_frame_plan_unref(bf_frame_plan *p);

/* Out of a JavaScript value; NULL: it is none, and an exception is pending. */
bf_frame_plan *bf_frame_plan_of(napi_env env, napi_value value);

/* Keeps what is pending as the error of the innermost call. */
void bf_frames_catch(bf_frames *f);

/* Throws it, if there is one. True: it did. */
bool bf_frames_rethrow(bf_frames *f);

/* Throws what `err` describes, with its code. Returns NULL. */
napi_value bf_frames_throw(napi_env env, const bf_error *err);

/* Sets `exports.frames`. */
napi_status bf_frames_init(napi_env env, napi_value exports);

#endif
