/*
 * JavaScript's text of wrappers: the small functions of the V8 tier, one a C function,
 * that check what a fast call would silently truncate, and give all that it does not
 * know to the generic call, which converts it or throws. Written here, not by
 * JavaScript, as that would have to be compiled first.
 */
#ifndef BF_NODE_V8_TEXT_H
#define BF_NODE_V8_TEXT_H

#include <stddef.h>

/*
 * The script of a shape (bf_v8_shape_text): it gives a function that makes wrappers, with the
 * parameters of wrapperOf() in lib/wrap.js. The caller's to free; NULL: out of memory.
 */
char *bf_v8_text(const char *shape, size_t *length);

#endif
