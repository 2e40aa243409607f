/*
 * Errors for JavaScript: one Error object with a code ('BF_E...'), made from a
 * bf_error or from a format; and words for what a wrong value is.
 */
#ifndef BF_NODE_THROW_H
#define BF_NODE_THROW_H

#include <node_api.h>

#include "../ctype/error.h"

/*
 * Throws: TypeError for BF_ETYPE and BF_EARGUMENTS, RangeError for BF_ERANGE,
 * SyntaxError for BF_ESYNTAX, Error else. Always returns NULL, so that a
 * Node-API function can end with it. An exception that is pending stays.
 */
napi_value bf_throw(napi_env napi, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with a bf_error: its code, message, and line and column if it has them. */
napi_value bf_throw_error(napi_env napi, const bf_error *err);

/* The error object alone, for a Promise to reject with. NULL: none could be made. */
napi_value bf_error_value(napi_env napi, const bf_error *err);

/*
 * Writes what `value` is: "string 'abc'", "number 1.5", "bigint 3n", "null",
 * "an Array", "a Date", "function foo". Never throws; returns `buf`.
 */
const char *bf_describe(napi_env napi, napi_value value, char *buf, size_t size);

#endif
