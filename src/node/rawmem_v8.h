/*
 * ArrayBuffers over foreign memory, made by V8 itself. Node-API's way costs a
 * finaliser for each, which only runs when the event loop does; this one leaves
 * nothing behind but the ArrayBuffer, and is several times as fast.
 *
 * V8's entry points are looked up by their C++ names, and the result is checked
 * once at load. Where either fails, BIFFI_TIER forbids it or the V8 tier's gate (v8.h) is closed,
 * bf_rawmem_v8_wrap says so and the caller goes through Node-API.
 */
#ifndef BF_NODE_RAWMEM_V8_H
#define BF_NODE_RAWMEM_V8_H

#include <node_api.h>

/* Finds and tries V8's functions; once for the process, on a JavaScript thread. */
void bf_rawmem_v8_init(napi_env env);

/* NULL: not possible here. Memory at `address` is never freed. */
napi_value bf_rawmem_v8_wrap(void *address, size_t length);

#endif
