/*
 * Native memory, read as fast as a C function is called: functions of the V8 tier
 * that can't call back, so that no guard holds them up.
 */
#ifndef BF_NODE_V8_LEAF_H
#define BF_NODE_V8_LEAF_H

#include <node_api.h>

/* readers for lib/. */
napi_status bf_v8_leaf_exports(napi_env napi, napi_value exports);

#endif
