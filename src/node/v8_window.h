/*
 * A window on the process's memory: a DataView whose offsets are addresses, which
 * optimised JavaScript reads and writes as it does its own memory, by one machine
 * instruction each.
 *
 * It is an ordinary DataView whose start and length were changed where they lie:
 * the engine looks at no other limits when it reads. One made in any other way is
 * over an ArrayBuffer of that length, which memory tools would count as used.
 */
#ifndef BF_NODE_V8_WINDOW_H
#define BF_NODE_V8_WINDOW_H

#include <node_api.h>

/* window, for lib/. */
napi_status bf_v8_window_exports(napi_env napi, napi_value exports);

#endif
