/*
 * Async calls: the C function runs on libuv's thread pool, a Promise has its
 * result. Arguments are converted when the call is made, and what they refer to
 * stays alive until it is over; callbacks that C calls meanwhile are queued to
 * the JavaScript thread (thread.h).
 */
#ifndef BF_NODE_ASYNC_H
#define BF_NODE_ASYNC_H

#include "env.h"

/* Settles the promises of the calls that are over. JavaScript thread. */
void bf_async_drain(bf_env *env);

/* The environment ends. */
void bf_async_end(bf_env *env);

/* callAsync, callCancellable, cancel for lib/. */
napi_status bf_async_exports(napi_env napi, napi_value exports);

#endif
