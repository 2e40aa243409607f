/*
 * A set of declarations as JSON: what `biffi layout` prints. An array with one
 * object for each complete struct, union, enum and typedef:
 *
 *	{ "name": "stat", "kind": "struct" | "union" | "enum" | "typedef", "cname": "struct stat",
 *	  "size": 144, "align": 8,
 *	  "members": [ { "name", "type", "offset", "size", "bitOffset", "bitWidth" } ],
 *	  "values": [ { "name", "value" } ] }
 *
 * Sizes, alignments and offsets in bytes. A bit-field (bitWidth not 0) starts at
 * bit offset * 8 + bitOffset. Members of anonymous structs and unions stand
 * among those of the whole. A member whose struct or union has no name of its
 * own brings "members" along, with offsets from its start. "values" is there for
 * enums; numbers beyond 2^53 are strings.
 */
#ifndef BF_CTYPE_DESCRIBE_H
#define BF_CTYPE_DESCRIBE_H

#include "decls.h"

/* Whether a symbol is wanted. */
typedef bool bf_describe_filter(const bf_symbol *symbol, void *context);

/*
 * `filter` NULL: all. The result is NUL-terminated and the caller's to free(3).
 * BF_ENOMEM; BF_ERANGE when it would be larger than 256 MiB.
 */
int bf_describe_json(const bf_decls *d, bf_describe_filter *filter, void *context, char **out, size_t *len,
		     bf_error *err);

#endif
