/*
 * The quick way from C to a JavaScript function, for callbacks that run inside of
 * a biffi call while the V8 tier is open: through the engine's gate (v8_enter.h)
 * into an adapter, a function that lib/wrap.js makes for each signature. No handle
 * is made on the way, and no scope.
 *
 * The adapter takes the callback's function first, then words on C's stack: small
 * integers, addresses as two of them; a double lies in an array that both know. It
 * makes Pointers, calls the function, and returns its number or boolean. All other
 * results, and what the function throws, it hands over through callbackResult()
 * and callbackThrew(), so that nothing but the end of JavaScript gets past it.
 *
 * Signatures with anything else (strings, structs by value) go through Node-API.
 */
#ifndef BF_NODE_V8_CALLBACK_H
#define BF_NODE_V8_CALLBACK_H

#include "callback.h"

/*
 * Runs the callback: frame in, result (zero, if it failed) into the frame. False:
 * not one for this way, and nothing has happened.
 */
bool bf_v8_callback_run(bf_js_callback *cb, void *frame);

/* The function of a callback that is held, to be found without Node-API; NULL: there is no quick way. */
napi_value bf_v8_callback_hold(bf_env *env, napi_value function);
void bf_v8_callback_drop(bf_env *env, napi_value held); /* NULL: nothing happens */

/* callbackResult, callbackThrew for lib/. */
napi_status bf_v8_callback_exports(napi_env napi, napi_value exports);

#endif
