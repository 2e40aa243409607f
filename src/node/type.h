/*
 * C types as lib/ holds them: a handle is an External that keeps a bf_type and
 * the bf_types that owns it.
 */
#ifndef BF_NODE_TYPE_H
#define BF_NODE_TYPE_H

#include "env.h"

typedef struct bf_type_handle {
	const bf_type *type;
	bf_types *types; /* counted; NULL for builtin types */
} bf_type_handle;

/* A new handle. `types` is counted once more. NULL: an exception is pending. */
napi_value bf_type_handle_new(napi_env napi, const bf_type *type, bf_types *types);

/* What is in a handle; NULL: it is none (an exception is pending). */
bf_type_handle *bf_type_handle_get(napi_env napi, napi_value value);

/* The bf_type of a type object of lib/ (anything with the HANDLE key); NULL: it has none, nothing is thrown. */
const bf_type *bf_type_of(bf_env *env, napi_value type_object);

/* describe, builtin, pointer, array, struct, function ... for lib/. */
napi_status bf_type_exports(napi_env napi, napi_value exports);

#endif
