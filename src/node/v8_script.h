/*
 * The scripts of wrappers (lib/wrap.js): one a shape, compiled and run once in an
 * environment, which keeps them.
 */
#ifndef BF_NODE_V8_SCRIPT_H
#define BF_NODE_V8_SCRIPT_H

#include "v8_function.h"

/*
 * For a record, or a sketch of one: a function that makes its wrapper, see lib/wrap.js. NULL: there is none (nothing is
 * pending).
 */
napi_value bf_v8_wrap(const bf_function *f);

#endif
