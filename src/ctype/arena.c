#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNK = 2048, LARGEST_CHUNK = 256 * 1024, ALIGNMENT = alignof(max_align_t) };

struct bf_chunk {
	bf_chunk *older;
	alignas(max_align_t) char bytes[];
};

void *bf_arena_alloc(bf_arena *a, size_t size)
{
	bf_chunk *chunk;
	size_t room;
	char *p;

	if (size > PTRDIFF_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (size <= (size_t)(a->end - a->next)) {
		p = a->next;
		a->next += size;
		return p;
	}

	/* Chunks double with the arena, so that a small one stays small and a large one asks seldom. */
	room = a->total < FIRST_CHUNK ? FIRST_CHUNK : a->total > LARGEST_CHUNK ? LARGEST_CHUNK : a->total;
	if (room < size)
		room = size;
	chunk = calloc(1, sizeof *chunk + room);
	if (!chunk)
		return NULL;
	a->total += sizeof *chunk + room;
	chunk->older = a->chunks;
	a->chunks = chunk;

	/* A large piece gets a chunk of its own when the current one has more left than the new one would. */
	if (room - size >= (size_t)(a->end - a->next)) {
		a->next = chunk->bytes + size;
		a->end = chunk->bytes + room;
	}
	return chunk->bytes;
}

char *bf_arena_strdup(bf_arena *a, const char *s, size_t len)
{
	char *copy = len == SIZE_MAX ? NULL : bf_arena_alloc(a, len + 1);

	if (copy && len)
		memcpy(copy, s, len);
	return copy;
}

void bf_arena_free(bf_arena *a)
{
	bf_chunk *chunk, *older;

	for (chunk = a->chunks; chunk; chunk = older) {
		older = chunk->older;
		free(chunk);
	}
	*a = (bf_arena){0};
}
