/*
 * Machine code for calls: two pieces, made from a plan by the emitter of the
 * machine (emit_x64.c, emit_arm64.c). The code is position-independent and goes
 * to executable memory (code.h) here.
 *
 * A caller is the libffi tier's bf_plan_call in machine code: it loads the
 * registers from a frame, calls, and stores the result.
 *
 * An adapter is a C function with a signature of its own (what somebody else's
 * machine code calls, with values in registers) that converts and passes its
 * arguments on to the target of a plan.
 *
 * Where the host has no emitter, or may not have code at run time, or for a
 * signature that the emitter does not carry, the functions return NULL.
 */
#ifndef BF_CALL_EMIT_H
#define BF_CALL_EMIT_H

#include "call.h"

/* Loads, calls, stores: errno is as the target left it. */
typedef void bf_caller(void *frame, void (*target)(void));

/* `size` is what bf_code_free wants. */
bf_caller *bf_emit_caller(const bf_plan *plan, uint32_t *size);

/* A function of one argument that calls function(argument, context). Returns its code, or NULL. */
void *bf_emit_bind(void (*function)(void *argument, void *context), void *context, uint32_t *size);

/* --- adapters ------------------------------------------------------------------- */

typedef enum bf_emit_class {
	BF_EMIT_WORD, /* an integer or an address, in a general register */
	BF_EMIT_FLOAT,
	BF_EMIT_DOUBLE,
} bf_emit_class;

/*
 * Turns an incoming word into the C value of an argument at `slot`, in its own
 * width. False: it can't, the call is refused. Zero-initialised rest of the slot
 * is not promised.
 */
typedef bool bf_emit_convert(uint64_t word, void *slot, void *context);

#define BF_EMIT_UNUSED (-1)

typedef struct bf_emit_in {
	uint8_t class;            /* bf_emit_class */
	bool keep;                /* the word is kept for `refused` though no argument is made of it */
	bool result;              /* `convert` gives the address where the result is stored, in whole eightbytes */
	int16_t arg;              /* the plan's argument (from 0) that is made of it, or BF_EMIT_UNUSED */
	bf_emit_convert *convert; /* NULL: the value itself, cut to the argument's width */
	void *context;
} bf_emit_in;

typedef enum bf_emit_guard {
	BF_GUARD_CAREFUL = 1, /* the call saves errno: a little slower */
	BF_GUARD_REFUSE = 2,  /* the call is refused */
} bf_emit_guard;

/* What leaves the adapter. */
typedef enum bf_emit_out {
	BF_EMIT_SAME,             /* the result as C returns it; narrow integers widened to 32 bits */
	BF_EMIT_INT64_AS_DOUBLE,  /* up to 2^53 - 1; beyond: NaN, and the integer in `wide` */
	BF_EMIT_UINT64_AS_DOUBLE, /* addresses too */
	BF_EMIT_INT64_IN_WIDE,    /* nothing; the integer in `wide` */
} bf_emit_out;

typedef struct bf_emit_adapter {
	const bf_emit_in *in;
	uint32_t nin;
	uint8_t out; /* bf_emit_out */

	/*
	 * A byte that every call looks at first: bits of bf_emit_guard. NULL: none.
	 * bf_emit_set_guard puts another one in its place.
	 */
	const uint8_t *guard;

	/*
	 * Called in the target's stead when a conversion refused or the guard says so.
	 * `words` has the incoming words that are converted or kept, in order, and the
	 * plan's frame the other arguments. It leaves the result at the frame's start.
	 */
	void (*refused)(void *context, void *frame, uint64_t *words);
	void *refused_context;

	bool careful; /* every call is, whatever the guard says */

	/* What a careful call does besides; each may be NULL. */
	int *errno_box;  /* holds errno for the call, and gets it afterwards */
	int *errno_copy; /* gets it too; only with errno_box */

	uint64_t *wide;
	void *preserve; /* 16 bytes that are put back at the end as they were at the beginning (a mark) */
} bf_emit_adapter;

typedef struct bf_adapter {
	void *code;
	uint32_t size;
	uint32_t target, guard; /* offsets of literals */
} bf_adapter;

/* `nin` is BF_EMIT_MAX_IN at most. False: not carried. */
#define BF_EMIT_MAX_IN 40
bool bf_emit_adapter_new(const bf_plan *plan, const bf_emit_adapter *how, void (*target)(void), bf_adapter *out);

/* The machine's part of that: what comes in was found to cover the plan's arguments. */
bool bf_emit_machine_adapter(const bf_plan *plan, const bf_emit_adapter *how, void (*target)(void), bf_adapter *out);

/* From the next call on there is another byte to look at; only for adapters that were made with one. */
int bf_emit_set_guard(bf_adapter *a, const uint8_t *guard);

#endif
