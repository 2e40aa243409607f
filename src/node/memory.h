/*
 * Memory for lib/: reading and writing numbers at an address, values of any type
 * at a place, strings, and memory that biffi allocates.
 */
#ifndef BF_NODE_MEMORY_H
#define BF_NODE_MEMORY_H

#include <node_api.h>

/* peekInt8 ..., pokeInt8 ..., load, store, readString, copy, address, allocate, free for lib/. */
napi_status bf_memory_exports(napi_env napi, napi_value exports);

#endif
