/*
 * One JavaScript environment on the calling thread: an isolate, its context and
 * its event loop, made through Node.js's embedder interface. That interface is
 * C++ only, so embed.cc, as engine_v8.cc for V8, is C++ and this its C face.
 *
 * An environment belongs to the thread that started it. Only bf_embed_stop and
 * bf_embed_interrupt may be called from another.
 *
 * Node.js is told to leave the process alone: it sets no signal handler, no
 * resource limit and touches no standard stream; an environment does not own the
 * process, so chdir, umask, setuid and abort are refused to its JavaScript.
 */
#ifndef BF_HOST_EMBED_H
#define BF_HOST_EMBED_H

#include <node_api.h>
#include <stddef.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_embed bf_embed;

typedef struct bf_embed_options {
	const char *source;            /* the script that runs first, NUL-terminated UTF-8 */
	const char *binding;           /* name it finds `init` under: process._linkedBinding(name) */
	napi_addon_register_func init; /* runs on this thread before bf_embed_start returns */
	void (*exhausted)(void *data); /* the heap is nearly full; its JavaScript is being interrupted */
	/*
	 * The JavaScript that runs is about to be interrupted, on this thread. This may call some more: Node.js counts
	 * on JavaScript to tell it when what is nested has ended, and gives up the process when it finds that it did
	 * not.
	 */
	void (*interrupting)(void *data);
	void *data;
} bf_embed_options;

/*
 * Starts Node.js in the process (the first time) and an environment on this
 * thread. Returns 0, or -1 and the reason in `message`.
 */
int bf_embed_start(bf_embed **out, const bf_embed_options *options, char *message, size_t size);

/* Runs the environment's loop until bf_embed_stop, or until nothing keeps it alive. */
void bf_embed_spin(bf_embed *embed);

/*
 * From now on the calling thread is inside of the environment: Node-API calls are
 * allowed there until bf_embed_free, and cost no lock. Not with bf_embed_spin.
 */
void bf_embed_hold(bf_embed *embed);

/* One turn of the loop of an environment that is held. It never blocks. */
void bf_embed_turn(bf_embed *embed);

uv_loop_t *bf_embed_loop(const bf_embed *embed);

/* What an outer loop waits for: a descriptor, and milliseconds (-1: nothing is due). */
int bf_embed_descriptor(const bf_embed *embed);
int bf_embed_timeout(const bf_embed *embed);

/* Any thread: no JavaScript runs any more, even an endless loop ends; spin returns. */
void bf_embed_stop(bf_embed *embed);

/* Any thread: the JavaScript that runs now, or next, ends with an uncatchable exception. */
void bf_embed_interrupt(bf_embed *embed);

/* Owner, after an interrupt has reached C again: JavaScript may run once more. */
void bf_embed_resume(bf_embed *embed);

/* Bytes: used heap, total heap, and what is outside of it. Owner only. */
void bf_embed_heap(bf_embed *embed, size_t *used, size_t *total, size_t *external);

/* Owner: stops, runs the environment's cleanup hooks, frees. */
void bf_embed_free(bf_embed *embed);

#ifdef __cplusplus
}
#endif

#endif
