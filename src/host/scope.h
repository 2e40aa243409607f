/*
 * A callback scope of Node.js: JavaScript that is called in it sees that it runs in a callback. It has a resource, in
 * which Node.js up to 22 keeps what AsyncLocalStorage.enterWith() was given, and the same one each time it is opened.
 */
#ifndef BF_HOST_SCOPE_H
#define BF_HOST_SCOPE_H

#include <node_api.h>
#include <stdbool.h>

/* Zeroed: closed. */
typedef struct bf_scope {
	bool open;
	napi_callback_scope callback;
	napi_handle_scope handles;
	napi_async_context context; /* NULL: it has no resource yet */
} bf_scope;

/* Only while no JavaScript is below. It stays closed when there is no memory. */
void bf_scope_open(napi_env env, bf_scope *scope);

/* Ticks and microtasks that are left run. */
void bf_scope_close(napi_env env, bf_scope *scope);

/* Closed: the next time it has another resource. */
void bf_scope_forget(napi_env env, bf_scope *scope);

#endif
