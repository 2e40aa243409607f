/*
 * Callbacks: JavaScript functions that C calls through a function pointer.
 *
 * A js_callback is one machine code entry of a signature; it is lent to a call that passes a function (and waits in its
 * signature's line for the next one afterwards) or held by a callback object of
 * lib/ until that is released.
 *
 * C may keep a function pointer longer than it should. So an entry is never
 * unmapped while it could still be called by mistake: a released one stays in
 * the line, says on stderr who was called too late, and returns zero.
 *
 * Exceptions: what the function throws waits in the environment and is thrown,
 * the same object, by the biffi call that C was called from; until C returns
 * there, callbacks return zero without running. With no such call on the stack
 * (C was called by an event loop, or the call comes from another thread, see
 * thread.h) it goes to 'uncaughtException'.
 */
#ifndef BF_NODE_CALLBACK_H
#define BF_NODE_CALLBACK_H

#include "signature.h"

typedef enum bf_callback_state {
	BF_CALLBACK_IDLE, /* nobody may call it */
	BF_CALLBACK_LENT, /* for the length of a call; `function` is a handle of that call */
	BF_CALLBACK_HELD, /* until released; `held` */
} bf_callback_state;

typedef struct bf_js_callback {
	bf_signature *signature; /* counted while not idle */
	bf_callback *entry;
	bf_callback_state state;
	bool detached; /* another thread's call does not wait; written before C knows the entry */
	atomic_bool reported;
	bool keeps;          /* the event loop stays alive for it */
	char name[64];       /* for messages, stays after the release: its own, or that of the function it is lent to */
	int argument;        /* from 1: which argument of that function; 0: held */
	napi_value function; /* lent: the handle; held: a v8::Global, or NULL where there is no quick way */
	napi_ref held;
	struct bf_js_callback *next; /* idle, or lent to the same call */
} bf_js_callback;

enum { BF_CALLBACK_TITLE = 96 };

/* What messages call it: "compare", "qsort() argument 4". */
void bf_callback_title(const char *name, int argument, char *buf, size_t size);

/* The callbacks lent to one call. */
typedef struct bf_lent {
	bf_js_callback *first;
} bf_lent;

void bf_lent_return(bf_lent *lent);

/* Runs the function unless it was released; the JavaScript thread. */
void bf_callback_enter(bf_js_callback *cb, void *frame);

/* C called it after the environment's end: says so on stderr, once. Any thread. */
void bf_callback_late(bf_js_callback *cb);

/* Zeros the result. Any thread. */
void bf_callback_zero(const bf_js_callback *cb, void *frame);

/* Runs the function on its own thread: frame in, result into the frame. */
void bf_callback_run(bf_js_callback *cb, void *frame);

/* Lends a JavaScript function to a call as a function pointer. Non-zero: an exception is pending. */
int bf_callback_lend(bf_context *cx, bf_converter *c, napi_value function, void *slot);

/* The conversion of a value to a function pointer, for convert.c. */
int bf_callback_in(bf_context *cx, bf_converter *c, napi_value value, void *slot);

/* makeCallback, releaseCallback for lib/. */
napi_status bf_callback_exports(napi_env napi, napi_value exports);

#endif
