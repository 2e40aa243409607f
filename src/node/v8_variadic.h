/*
 * Calls of variadic functions without Node-API: values that bring common types
 * (numbers, strings, bytes ...) are read where they lie, and the plan that the
 * generic call has made for such a list of types is found again.
 */
#ifndef BF_NODE_V8_VARIADIC_H
#define BF_NODE_V8_VARIADIC_H

#include "v8_function.h"
#include "variadic.h"

/*
 * Fills a frame of BF_V8_SLOW_FRAME bytes with all arguments, as
 * bf_variant_arguments would; strings go to scratch memory. NULL: this call is
 * the generic call's business, because a value is unusual or wrong, or because
 * these types come for the first time.
 */
const bf_variant *bf_v8_variant(bf_v8_function *vf, const uint64_t *args, uint32_t nargs, char *frame);

#endif
