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
char *bf_v8_utf8(bf_scratch *scratch, const bf_v8_chars *chars);

#endif
