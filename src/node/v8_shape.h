/*
 * The shape of a function: what its wrapper (lib/wrap.js) has to check, and as
 * what types its arguments and result pass through a fast call. Functions of one
 * shape share the wrapper's text.
 */
#ifndef BF_NODE_V8_SHAPE_H
#define BF_NODE_V8_SHAPE_H

#include "v8_function.h"

typedef struct bf_v8_shape {
	char codes[BF_V8_ARGUMENTS + 2]; /* of the arguments and of the result */
	bf_v8_ctype types[BF_V8_ARGUMENTS], result;
	uint8_t classes[BF_V8_ARGUMENTS]; /* bf_emit_class */
	uint8_t out;                      /* bf_emit_out */
	bool raw;                         /* no fast call carries it */
} bf_v8_shape;

/* False: it has none, its wrapper checks nothing. */
bool bf_v8_shape_of(bf_v8_env *ve, const bf_function *f, bf_v8_shape *out);

enum { BF_V8_SHAPE_TEXT = BF_V8_ARGUMENTS + 8 };

/*
 * For lib/wrap.js: the codes, or the number of arguments where there are none; then, behind a colon, 'e' for results
 * with errno.
 */
void bf_v8_shape_text(bf_v8_env *ve, const bf_function *f, char text[BF_V8_SHAPE_TEXT]);

#endif
