/*
 * Calls: from a function type to a call. A bf_plan says where every argument
 * travels under the machine's ABI; the libffi tier, the machine-code emitters
 * and the callback entries all read the same plan.
 *
 * Frame: a plan describes one flat block of memory for a call's values. The
 * result comes first, at offset 0, then the arguments, each at its own
 * `offset`, each as C stores it (an int8_t takes one byte, a struct its size),
 * aligned as its type and to 8 at least. The caller provides the block, of
 * frame_size bytes and frame_align alignment, and fills the arguments in. Every
 * value's room ends at a multiple of 8, the result has 16 bytes at least: what
 * lies between a value and the end of its room means nothing and may change.
 * Integer results narrower than 8 bytes stand at offset 0 in their own width.
 *
 * Threads: a plan is immutable, any thread may call through it.
 */
#ifndef BF_CALL_H
#define BF_CALL_H

#include "../ctype/ctype.h"

#define BF_MAX_ARGUMENTS 255

typedef struct bf_slot {
	const bf_type *type; /* stripped; what is passed (after default promotion, for variadic ones) */
	uint32_t offset;     /* in the frame */
	uint32_t size;
} bf_slot;

typedef struct bf_plan {
	const bf_type *function; /* stripped */
	uint32_t nargs;
	uint32_t nfixed; /* arguments before "..." */
	uint32_t frame_size, frame_align;
	bf_slot result; /* offset 0; size 0 for void */
	const bf_slot *args;
	struct bf_abi *abi;                                /* registers and stack, see abi.h */
	struct bf_cif *cif;                                /* private to the libffi tier */
	struct bf_plan_entry *entry;                       /* the code of its callbacks, private to callback.c */
	void (*caller)(void *frame, void (*target)(void)); /* what bf_plan_emit made, or NULL */
	uint32_t caller_size;
	uint32_t refs;
} bf_plan;

/*
 * Makes the plan for a function type. `extra` are the types of this call's
 * variadic arguments (promoted here as C does). The plan borrows the types:
 * their bf_types must outlive it. Errors: BF_EUNSUPPORTED with the argument's
 * index (from 1) and C type for what a call can't carry (vector, incomplete
 * struct, __int128 where the ABI tier can't); BF_ETYPE if `fn` is no function.
 */
int bf_plan_new(const bf_type *fn, const bf_type *const *extra, uint32_t nextra, bf_plan **out, bf_error *err);
bf_plan *bf_plan_ref(bf_plan *plan); /* counted once more: bf_plan_free only takes that back */
void bf_plan_free(bf_plan *plan);

/*
 * Makes machine code for bf_plan_call of this plan, where there can be any.
 * On one thread; others may call through the plan meanwhile.
 */
void bf_plan_emit(bf_plan *plan);

/* Calls `target`: by that code, or through libffi. errno of the calling thread is left as the callee left it. */
void bf_plan_call(const bf_plan *plan, void (*target)(void), void *frame);

/*
 * The same with the C library's errno on both sides: errno is set to *error just
 * before `target` runs, and *error to errno just after. A caller that wants to
 * know whether this call failed stores 0 in it first.
 */
void bf_plan_call_errno(const bf_plan *plan, void (*target)(void), void *frame, int *error);

/*
 * Callbacks. `handler` gets a frame in the plan's layout with the arguments
 * filled in, and leaves the result at offset 0. It runs on whatever thread C
 * calls from, and errno is left as the handler leaves it. The plan must outlive
 * its callbacks. Any thread may make and free callbacks; making one costs tens
 * of nanoseconds once the plan has made its first.
 *
 * C must not call a freed callback; if it does, the next callbacks that are made
 * will not be the ones it reaches, but some later one may.
 */
typedef void bf_callback_handler(void *data, void *frame);
typedef struct bf_callback bf_callback;

int bf_callback_new(const bf_plan *plan, bf_callback_handler *handler, void *data, bf_callback **out, bf_error *err);
void *bf_callback_code(const bf_callback *cb); /* the function pointer for C */
void bf_callback_free(bf_callback *cb);        /* NULL: nothing happens */

/* From now on callbacks are libffi closures, not machine code; for tests, and for whoever chooses tiers. */
void bf_callback_use_libffi(bool always);
bool bf_callback_is_machine_code(const bf_callback *cb);

#endif
