/*
 * Strings of the JavaScript heap as UTF-8 for C: bf_v8_utf8 of v8_quick.h. Most
 * strings that C gets are ASCII, which is copied as it is.
 */
#ifndef BF_NODE_V8_UTF8_H
#define BF_NODE_V8_UTF8_H

#include "env.h"
#include "v8_layout.h"

/*
 * Copies a string to scratch memory as UTF-8 with a NUL behind it, a lone
 * surrogate as U+FFFD. NULL: it has a NUL inside, or no memory.
 */
char *bf_v8_utf8(bf_scratch *scratch, bf_v8_chars chars);

/* What is longer is faster to copy by vectors than to look through by words. */
#define BF_V8_IN_PLACE 64

/*
 * Whether a short string is what C wants where it lies: ASCII, and a NUL behind it. The engine fills strings up to
 * whole words, with zeros so that equal heaps are equal bytes; a length of whole words has something else behind it.
 */
static inline bool bf_v8_is_c_string(bf_v8_chars chars)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	const uint64_t *words = chars.at;
	uint32_t n = chars.length, rest = 8 * (n % 8);
	uint64_t marks = 0, last;

	if (chars.two_byte || rest == 0 || n > BF_V8_IN_PLACE)
		return false;
	last = words[n / 8];
	for (uint32_t i = 0; i < n / 8; i++)
		marks |= (words[i] - ones) | words[i];
	/* ones instead of the bytes behind */
	marks |= ((last | ones << rest) - ones) | last;
	return !(marks & highs) && last >> rest == 0;
}

#endif
