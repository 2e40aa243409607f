/*
 * Entering JavaScript by the engine's own gate. v8::Function::Call opens scopes,
 * saves contexts and counts depths, and then calls a piece of code named JSEntry,
 * which does all that the machine needs. Inside of a biffi call, which JavaScript
 * itself has made, those scopes are open already, and JSEntry is enough.
 *
 * What is given up in exchange is exceptions: JSEntry leaves them pending in the
 * engine, where nothing exported can fetch them. So only functions that catch
 * everything are entered this way (see adapterFor in lib/wrap.js), only with room
 * left on the stack, and what still comes out, the end of the script or of its
 * worker, is handed back to the engine (bf_v8_end_again).
 *
 * JSEntry's address is part of V8's public interface for profilers; its arguments
 * have been the same from V8 10.2 to 14.6. The gate is closed (`root` 0) where
 * something is not as expected.
 */
#ifndef BF_NODE_V8_ENTER_H
#define BF_NODE_V8_ENTER_H

#include "v8.h"

/* One isolate's. */
typedef struct bf_v8_gate {
	uint64_t root;               /* what the engine's code keeps in its root register */
	const uint64_t *stack_limit; /* lower, a function throws; a huge number when an interrupt is wanted */
	const uint64_t *context;     /* the environment's, a v8::Global */
	uint64_t *current;           /* the current context */
	uint64_t undefined;
	uint64_t (*enter)(uint64_t root, uint64_t new_target, uint64_t function, uint64_t receiver, intptr_t argc,
			  uint64_t *const *argv);
	void *isolate;
} bf_v8_gate;

/* Tries the gate of the running isolate. An exception may not be pending. */
void bf_v8_gate_open(napi_env napi, const bf_v8 *v8, bf_v8_gate *gate);

/* Is there room on the stack for a function that then does its own checks? */
static inline bool bf_v8_gate_room(const bf_v8_gate *gate)
{
	enum { ROOM = 32 * 1024 };
	uint64_t here = (uint64_t)(uintptr_t)__builtin_frame_address(0), limit = *gate->stack_limit;

	return here > limit && here - limit > ROOM;
}

/*
 * Calls a function, a tagged word, with undefined as `this`. `argv` are places of
 * tagged words. Returns one, or the engine's mark of an exception, which is a word
 * of no use to anybody.
 */
static inline uint64_t bf_v8_enter(const bf_v8_gate *gate, uint64_t function, intptr_t argc, uint64_t *const *argv)
{
	uint64_t result = gate->enter(gate->root, gate->undefined, function, gate->undefined, argc + 1, argv);

	/* JavaScript leaves any, or none: it has no use for it, but the engine's functions have. */
	*gate->current = *gate->context;
	return result;
}

/* After the end of the script was caught: it is on its way again, at the next function's start or loop's turn. */
void bf_v8_end_again(const bf_v8_gate *gate);

#endif
