/*
 * A hash table of pointers to records that carry their own keys. The caller
 * hashes and compares; nothing is ever taken out.
 */
#ifndef BF_CTYPE_TABLE_H
#define BF_CTYPE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bf_entry {
	void *item; /* NULL: free */
	uint32_t hash;
} bf_entry;

/* All zero is an empty table. */
typedef struct bf_table {
	bf_entry *entries;
	uint32_t capacity; /* a power of two, or 0 */
	uint32_t count;
} bf_table;

typedef bool bf_table_equal(const void *item, const void *key);

/* The item that equals `key`, or NULL. */
void *bf_table_find(const bf_table *t, uint32_t hash, bf_table_equal *equal, const void *key);

/* Adds an item that is not in the table. 0, or -1: no memory. */
int bf_table_add(bf_table *t, uint32_t hash, void *item);

size_t bf_table_memory(const bf_table *t);
void bf_table_free(bf_table *t);

/* FNV-1a with a last stir; `seed` chains several pieces. */
uint32_t bf_hash(uint32_t seed, const void *bytes, size_t len);

/* One word. */
uint32_t bf_hash_word(uint32_t seed, uint64_t word);

#endif
