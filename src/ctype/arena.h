/*
 * An arena: memory that is taken in small pieces and given back all at once.
 * Nothing taken from it moves.
 */
#ifndef BF_CTYPE_ARENA_H
#define BF_CTYPE_ARENA_H

#include <stddef.h>

typedef struct bf_chunk bf_chunk;

/* All zero is an empty arena. */
typedef struct bf_arena {
	bf_chunk *chunks;
	char *next, *end; /* what is free in the newest chunk */
	size_t total;     /* bytes taken from malloc */
} bf_arena;

/* `size` bytes, zeroed, aligned for any type; NULL: no memory. A size of 0 gives a pointer that must not be read. */
void *bf_arena_alloc(bf_arena *a, size_t size);

/* A NUL-terminated copy of `len` bytes. */
char *bf_arena_strdup(bf_arena *a, const char *s, size_t len);

/* Frees everything and leaves an empty arena. */
void bf_arena_free(bf_arena *a);

#endif
