#include "slots.h"

#include <stdlib.h>

enum {
	FIRST = 64,            /* slots; twice as many each time */
	GENERATIONS = 0x1fffff /* with which a number is below 2^53 */
};

/* The free ones are a list, which ends with a number that is no slot's. */
static bool grow(bf_slots *table)
{
	uint32_t size = table->size ? table->size * 2 : FIRST;
	bf_slot *slots = realloc(table->slots, size * sizeof(*slots));

	if (!slots) {
		return false;
	}
	for (uint32_t i = table->size; i < size; i++) {
		slots[i] = (bf_slot){.next_free = i + 1 < size ? i + 1 : UINT32_MAX};
	}
	table->free = table->size;
	table->slots = slots;
	table->size = size;
	return true;
}

bool bf_slots_take(bf_slots *table, bf_message *message, uint64_t *id)
{
	if (table->free >= table->size && !grow(table)) {
		return false;
	}
	bf_slot *slot = &table->slots[table->free];

	slot->generation = (slot->generation + 1) & GENERATIONS;
	slot->message = message;
	slot->forgotten = 0;
	*id = bf_slots_id(table, table->free);
	table->free = slot->next_free;
	return true;
}

uint64_t bf_slots_id(const bf_slots *table, uint32_t index)
{
	return (uint64_t)table->slots[index].generation << 32 | index;
}

bf_message *bf_slots_find(const bf_slots *table, uint64_t id)
{
	uint32_t index = (uint32_t)id;

	return index < table->size && bf_slots_id(table, index) == id ? table->slots[index].message : NULL;
}

bf_message *bf_slots_release(bf_slots *table, uint64_t id)
{
	uint32_t index = (uint32_t)id;
	bf_message *message = bf_slots_find(table, id);

	if (message) {
		table->slots[index].message = NULL;
		table->slots[index].next_free = table->free;
		table->free = index;
	}
	return message;
}
