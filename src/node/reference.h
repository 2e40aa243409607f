/*
 * The conversion table's larger half: values that stand for memory. Strings,
 * pointers, functions passed as pointers, structs by value. See convert.h for
 * the rules; only the table calls these.
 */
#ifndef BF_NODE_REFERENCE_H
#define BF_NODE_REFERENCE_H

#include "convert.h"

/* As bf_value_address, but freed memory is thrown: -1, an exception is pending. */
int bf_context_address(bf_context *cx, bf_converter *c, napi_value value, void **address, size_t *size);

/* Is a value of this type in memory, or a Pointer to one, right for a pointer's or a struct's or union's converter? */
bool bf_reference_takes(const bf_converter *c, const bf_type *from);

int bf_pointer_in(bf_context *cx, bf_converter *c, napi_value value, void *slot); /* strings too */
int bf_memory_in(bf_context *cx, bf_converter *c, napi_value value, void *slot);
int bf_string_in(bf_context *cx, bf_converter *c, napi_value value, void *slot);

napi_value bf_string_out(bf_context *cx, bf_converter *c, void *address);
napi_value bf_pointer_out(bf_context *cx, bf_converter *c, void *address);
napi_value bf_memory_out(bf_context *cx, bf_converter *c, const void *slot);

#endif
