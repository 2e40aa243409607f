/*
 * The `instance` that ref-napi exports for native addons: they expect an
 * External that holds a C++ object with three virtual functions (wrap a
 * pointer, bytes of a Buffer, register an ArrayBuffer). The original's own
 * ffi-napi is such an addon, and works with ours.
 */
#ifndef BF_NODE_REFINSTANCE_H
#define BF_NODE_REFINSTANCE_H

#include <node_api.h>

/* Sets `exports.instance`: a function that takes (address, length) => Buffer and returns the External. */
napi_status bf_refinstance_init(napi_env env, napi_value exports);

#endif
