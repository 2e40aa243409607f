/*
 * Declarations for lib/: a handle to a bf_decls, what it declares as flat
 * arrays, and the handles of its types.
 */
#ifndef BF_NODE_DECLARATIONS_H
#define BF_NODE_DECLARATIONS_H

#include <node_api.h>

/* declare, declared, declaredType, declaredSource, declaredFiles, declaredLayout, parseType for lib/. */
napi_status bf_declarations_exports(napi_env napi, napi_value exports);

#endif
