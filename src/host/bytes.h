/*
 * Bytes out of JavaScript values, and text into JSON.
 */
#ifndef BF_HOST_BYTES_H
#define BF_HOST_BYTES_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A malloc'ed copy of a string (as UTF-8), a Buffer, a typed array, a DataView or
 * an ArrayBuffer, with a NUL behind it that `*length` does not count. NULL for null
 * and undefined. False: another kind of value, or out of memory.
 */
bool bf_bytes_of(napi_env env, napi_value value, char **bytes, size_t *length);

/* The same behind room for `front` other bytes, which `*length` does not count. Never NULL if there is any. */
bool bf_bytes_behind(napi_env env, napi_value value, size_t front, char **bytes, size_t *length);

/*
 * The same behind a head, which is a string of one byte a character; undefined: no
 * head. Never NULL behind one that has any.
 */
bool bf_bytes_join(napi_env env, napi_value head, napi_value value, char **bytes, size_t *length);

/* Whether no byte is above 127: such bytes are the same in UTF-8 and in Latin-1. */
bool bf_bytes_ascii(const void *bytes, size_t length);

/* The bytes of a string alone; NULL when it is none. */
char *bf_bytes_of_string(napi_env env, napi_value value, size_t *length);

/*
 * Large bodies come and go: their memory is to stay. glibc returns 128 KB and more to
 * the system, and gets it again page by page, until it has seen a larger block freed.
 */
void bf_bytes_keep_memory(void);

/* Writes text (UTF-8) as a JSON string, NULL as null. */
void bf_json_put(FILE *out, const char *text);

#ifdef __cplusplus
}
#endif

#endif
