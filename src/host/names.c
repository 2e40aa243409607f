#define _GNU_SOURCE
#include "names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 64 /* that have a number; the others travel as text */ };

bool bf_names_open(napi_env env, bf_names *names, napi_value *list)
{
	return napi_create_array(env, list) == napi_ok && napi_create_reference(env, *list, 1, &names->list) == napi_ok;
}

bool bf_names_put(napi_env env, bf_names *names, const char *name, double *number, napi_value *text)
{
	uint32_t hash = 5381, at;
	napi_value list;

	if (!name) {
		*number = -1;
		return napi_get_null(env, text) == napi_ok;
	}
	for (const char *c = name; *c; c++) {
		hash = hash * 33 + (unsigned char)*c;
	}
	for (at = hash % BF_NAME_SLOTS; names->slots[at].text; at = (at + 1) % BF_NAME_SLOTS) {
		if (strcmp(names->slots[at].text, name) == 0) {
			*number = names->slots[at].number;
			return true;
		}
	}
	*number = -1;
	if (napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, text) != napi_ok) {
		return false;
	}
	if (names->count < NAMES && napi_get_reference_value(env, names->list, &list) == napi_ok &&
	    napi_set_element(env, list, (uint32_t)names->count, *text) == napi_ok) {
		names->slots[at].text = strdup(name);
		names->slots[at].number = names->count;
		names->count += names->slots[at].text != NULL;
	}
	return true;
}

void bf_names_free(bf_names *names)
{
	for (int i = 0; i < BF_NAME_SLOTS; i++) {
		free(names->slots[i].text);
	}
}
