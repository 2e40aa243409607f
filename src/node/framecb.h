/*
 * Callbacks in frames: C function pointers that run JavaScript's `dispatch(id,
 * offset)` on a frame, from whatever thread C calls.
 *
 * The JavaScript thread runs it at once. Another thread's call waits in a queue
 * for the JavaScript thread's event loop, which it does not keep alive. It
 * stops waiting, with a zero result, when the environment ends, and when the
 * JavaScript thread itself is blocked on a lock inside a C call: nobody else
 * could wake it.
 *
 * A callback that JavaScript lets go stays callable for a while, as one that
 * reports that it is gone.
 */
#ifndef BF_NODE_FRAMECB_H
#define BF_NODE_FRAMECB_H

#include "frames.h"

typedef struct bf_frame_callback {
	bf_frames *frames;
	bf_frame_plan *plan;
	bf_callback *entry; /* NULL: made by libffi_raw, for another ABI */
	void *closure;      /* libffi_raw's */
	uint32_t id;
	_Atomic bool gone;
	struct bf_frame_callback *next; /* among the dead */
} bf_frame_callback;

/* What a callback's entry runs: `data` is the bf_frame_callback. */
void bf_frame_callback_run(void *data, void *frame);

/* Makes what all callbacks of the environment need. False: an exception is pending. */
bool bf_framecb_prepare(bf_frames *f);

/* Wraps it for JavaScript: [External, address]. */
napi_value bf_framecb_give(napi_env env, bf_frame_callback *cb, void *code);

/* callback(plan, id) -> [handle, address], release(handle) */
napi_status bf_framecb_init(napi_env env, napi_value room, bf_frames *f);

#endif
