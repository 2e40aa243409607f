#include "table.h"

#include <stdlib.h>

void *bf_table_find(const bf_table *t, uint32_t hash, bf_table_equal *equal, const void *key)
{
	uint32_t i, mask = t->capacity - 1;

	if (!t->capacity)
		return NULL;
	for (i = hash & mask; t->entries[i].item; i = (i + 1) & mask)
		if (t->entries[i].hash == hash && equal(t->entries[i].item, key))
			return t->entries[i].item;
	return NULL;
}

static void place(bf_entry *entries, uint32_t mask, uint32_t hash, void *item)
{
	uint32_t i = hash & mask;

	while (entries[i].item)
		i = (i + 1) & mask;
	entries[i].item = item;
	entries[i].hash = hash;
}

/* Doubles the table; at most two thirds are ever used, so that a search always meets a free entry. */
static int grow(bf_table *t)
{
	uint32_t capacity = t->capacity ? t->capacity * 2 : 16, i;
	bf_entry *entries;

	if (capacity < t->capacity)
		return -1;
	entries = calloc(capacity, sizeof *entries);
	if (!entries)
		return -1;
	for (i = 0; i < t->capacity; i++)
		if (t->entries[i].item)
			place(entries, capacity - 1, t->entries[i].hash, t->entries[i].item);
	free(t->entries);
	t->entries = entries;
	t->capacity = capacity;
	return 0;
}

int bf_table_add(bf_table *t, uint32_t hash, void *item)
{
	if ((uint64_t)t->count * 3 >= (uint64_t)t->capacity * 2 && grow(t))
		return -1;
	place(t->entries, t->capacity - 1, hash, item);
	t->count++;
	return 0;
}

size_t bf_table_memory(const bf_table *t)
{
	return t->capacity * sizeof *t->entries;
}

void bf_table_free(bf_table *t)
{
	free(t->entries);
	*t = (bf_table){0};
}

static uint32_t stir(uint32_t h)
{
	h ^= h >> 15;
	h *= 0x2c1b3c6dU;
	h ^= h >> 13;
	return h;
}

uint32_t bf_hash(uint32_t seed, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint32_t h = seed ^ 2166136261U;

	while (len--)
		h = (h ^ *p++) * 16777619U;
	return stir(h);
}

uint32_t bf_hash_word(uint32_t seed, uint64_t word)
{
	word = (word ^ seed) * 0x9e3779b97f4a7c15U;
	return stir((uint32_t)(word >> 32) ^ (uint32_t)word);
}
