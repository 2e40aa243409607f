/*
 * The conversion table on values where they lie, without Node-API: for values
 * that need neither an error nor JavaScript's help. What these functions accept
 * they convert as convert.h says; what they don't, they leave to it.
 *
 * They never allocate on the JavaScript heap, so they may run inside of a fast
 * call.
 */
#ifndef BF_NODE_V8_QUICK_H
#define BF_NODE_V8_QUICK_H

#include "../call/emit.h"
#include "convert.h"
#include "v8_layout.h"

/* The context of a quick conversion: one argument of one function. */
typedef struct bf_v8_argument {
	const bf_v8_layout *layout;
	bf_scratch *scratch;
	uint64_t need;      /* pointers, structs: bytes that must lie there */
	uint8_t conversion; /* bf_conversion */
	uint8_t element;    /* pointers: takes Arrays, whose elements are converted so; 0 (BF_CONV_VOID): it does not */
	bool strings;       /* pointers: takes strings, as UTF-8 */
	bool values;        /* takes values of lib/ that lie in memory: the wrapper looked at their type */
	bool word;          /* an adapter gets the value itself, not a number that the wrapper checked */
} bf_v8_argument;

/*
 * Fills the context and returns the conversion: of `word`, the address of a
 * tagged value, to `slot`. NULL: there is none for this type, or the layout of
 * what it needs is not known. The slot may be written in whole eightbytes.
 */
bf_emit_convert *bf_v8_quick(const bf_v8_layout *layout, bf_env *env, const bf_converter *c, bf_v8_argument *out);

/*
 * The same for a pointer that takes strings, in a fast call, during which no object moves: a string that already is
 * what C wants (bf_v8_is_c_string) is not copied. Not for a function that may leave its address somewhere.
 */
bool bf_v8_string_in_place(uint64_t word, void *slot, void *context);

/* The address of a value that the wrapper has just made, for a result: in memory of JavaScript's own, surely. */
bool bf_v8_fresh_in(uint64_t word, void *slot, void *context);

#endif
