/*
 * Bytes out of JavaScript values, and text into JSON.
 */
#ifndef BF_HOST_BYTES_H
#define BF_HOST_BYTES_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * A malloc'ed copy of a string (as UTF-8), a Buffer, a typed array, a DataView or
 * an ArrayBuffer, with a NUL behind it that `*length` does not count. NULL for null
 * and undefined. False: another kind of value, or out of memory.
 */
bool bf_bytes_of(napi_env env, napi_value value, char **bytes, size_t *length);

/* The same of a string; NULL when it is none. */
char *bf_bytes_of_string(napi_env env, napi_value value, size_t *length);

/* Writes text (UTF-8) as a JSON string, NULL as null. */
void bf_json_put(FILE *out, const char *text);

#endif
