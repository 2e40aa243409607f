/*
 * Methods' names, which JavaScript knows by numbers: a text for each call would cost more. A host may name anything
 * (nginx: what a client sent), so only the first ones have numbers.
 */
#ifndef BF_HOST_NAMES_H
#define BF_HOST_NAMES_H

#include <node_api.h>
#include <stdbool.h>

enum { BF_NAME_SLOTS = 128 /* a power of two, larger than the number of names */ };

/* Zeroed: not open. */
typedef struct bf_names {
	struct {
		char *text; /* NULL: free */
		int number;
	} slots[BF_NAME_SLOTS];
	int count;
	napi_ref list; /* JavaScript's array of them */
} bf_names;

/* `list` is the array, in which JavaScript finds them. */
bool bf_names_open(napi_env env, bf_names *names, napi_value *list);

/*
 * A number that JavaScript has the name for; or -1 and the name itself, null for NULL. `text` stays as it is where
 * there is a number.
 */
bool bf_names_put(napi_env env, bf_names *names, const char *name, double *number, napi_value *text);

void bf_names_free(bf_names *names);

#endif
