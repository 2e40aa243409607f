/*
 * Inside the type room: what its files share and nobody else needs.
 */
#ifndef BF_CTYPE_TYPES_H
#define BF_CTYPE_TYPES_H

#include "arena.h"
#include "ctype.h"
#include "table.h"
#include "target.h"

/* An alias of an incomplete type, waiting for its definition. */
typedef struct bf_dependent {
	struct bf_dependent *next;
	bf_type *alias;
} bf_dependent;

/* Every struct, union and enum is one of these; the type is its first member. */
typedef struct bf_tagged {
	bf_type type;
	bf_types *owner;
	bf_dependent *dependents; /* while it is incomplete */
} bf_tagged;

struct bf_types {
	bf_arena arena;
	bf_table derived; /* pointers, arrays, vectors, aliases: equal requests give the same record */
	bf_types **adopted;
	uint32_t nadopted, room;
	uint32_t refs;
};

/* A zeroed record with its kind, and an id that no other type of the process has. */
bf_type *bf_type_record(bf_types *ts, size_t size, bf_kind kind);

/* Room for a type's spelling in a message. */
typedef struct bf_spelling {
	char text[160];
} bf_spelling;

/* Spells into `room`, cut with "..." where it is too long, and returns its text. */
const char *bf_type_words(const bf_type *t, bf_spelling *room);

/* After a definition: gives the waiting aliases their size and alignment. */
void bf_tagged_complete(bf_tagged *tagged);

int bf_no_memory(bf_error *err);

/*
 * The words that arithmetic types are made of, counted: two bits each, so that
 * their sum says what was written in whatever order.
 */
enum {
	BF_WORD_VOID = 1 << 0,
	BF_WORD_BOOL = 1 << 2,
	BF_WORD_CHAR = 1 << 4,
	BF_WORD_SHORT = 1 << 6,
	BF_WORD_INT = 1 << 8,
	BF_WORD_LONG = 1 << 10,
	BF_WORD_FLOAT = 1 << 12,
	BF_WORD_DOUBLE = 1 << 14,
	BF_WORD_SIGNED = 1 << 16,
	BF_WORD_UNSIGNED = 1 << 18,
	BF_WORD_INT128 = 1 << 20,
	BF_WORD_COMPLEX = 1 << 22,
	BF_WORD_FLOAT128 = 1 << 24,
	BF_WORD_FLOAT32 = 1 << 26,
	BF_WORD_FLOAT64 = 1 << 28,
	BF_WORD_EXTENDED = 1 << 30, /* the x of _Float32x and _Float64x */
};

/* Adds one word; a fourth `long` stays three, which no type has. */
static inline uint32_t bf_words_add(uint32_t words, uint32_t word)
{
	return (words & word * 3) == word * 3 ? words : words + word;
}

/* NULL: these words together are no type. */
const bf_type *bf_type_of_words(uint32_t words);

/* _Complex beside a type that is no sum of words; NULL: it has no complex form. */
const bf_type *bf_type_complex_of(const bf_type *t);

/* 0: not one of the words above. */
uint32_t bf_word(const char *text, size_t len);

static inline bool bf_is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

#endif
