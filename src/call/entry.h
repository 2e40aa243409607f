/*
 * Callback entries in machine code, by architecture (entry_x64.c, entry_arm64.c).
 * A callback's function pointer is a stub: it loads the address of the callback's
 * record and jumps to the body that the record names. Stubs are all alike; a
 * body belongs to a plan: it puts the arguments into a frame, calls the handler,
 * and returns what the handler left there.
 */
#ifndef BF_CALL_ENTRY_H
#define BF_CALL_ENTRY_H

#include <stddef.h>

#include "call.h"

/* What stub and body know of a callback; bf_callback begins with it. */
typedef struct bf_entry_record {
	void *body;
	bf_callback_handler *handler;
	void *data;
} bf_entry_record;

_Static_assert(offsetof(bf_entry_record, body) == 0 && offsetof(bf_entry_record, handler) == 8 &&
		   offsetof(bf_entry_record, data) == 16,
	       "the machine code knows these offsets");

#define BF_ENTRY_STUB_SIZE 32

/* Writes the stub for `record` at `out`, to be copied to executable memory. Returns false if the host has none. */
bool bf_entry_stub(unsigned char out[BF_ENTRY_STUB_SIZE], const bf_entry_record *record);

/*
 * Makes the body for a plan, in executable memory; `*size` is for bf_code_free.
 * NULL: the host has no emitter or may not have code, or the plan has what the
 * emitter does not carry (frames of more than a page, alignment beyond 16).
 */
void *bf_entry_body(const bf_plan *plan, uint32_t *size);

/* What a plan keeps of its callbacks' code; guarded by callback.c's lock. */
typedef struct bf_plan_entry {
	bool tried; /* to make a body */
	void *body; /* NULL: not carried */
	uint32_t size;
} bf_plan_entry;

void bf_plan_entry_free(bf_plan_entry *entry); /* NULL: nothing happens */

/* Frames beyond this would skip the guard page at a stack's end. */
#define BF_ENTRY_FRAME_MAX 4096

#endif
