/*
 * Messages under way in JavaScript or in another process, by the numbers that travel in their stead: the slot, and how
 * often it was used, so that a late or a second answer finds no other message. A double can hold them.
 */
#ifndef BF_HOST_SLOTS_H
#define BF_HOST_SLOTS_H

#include "node.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct bf_slot {
	bf_message *message; /* NULL: free */
	uint32_t generation, next_free;
	int64_t forgotten; /* process.c's: bf_now() when its aborted call is answered without the process; 0: it is not
			      aborted */
} bf_slot;

/* Zeroed: it holds nothing yet. free() its `slots` at the end. */
typedef struct bf_slots {
	bf_slot *slots; /* may move when one is taken */
	uint32_t size, free;
} bf_slots;

/* False: no memory. */
bool bf_slots_take(bf_slots *table, bf_message *message, uint64_t *id);

/* The number of the message in a slot. */
uint64_t bf_slots_id(const bf_slots *table, uint32_t index);

/* NULL: it is not under way (any more). */
bf_message *bf_slots_find(const bf_slots *table, uint64_t id);

/* The same, and its slot is free. */
bf_message *bf_slots_release(bf_slots *table, uint64_t id);

#endif
