/*
 * The native half of boot.js: messages become JavaScript values, answers become
 * bytes. One binding belongs to one environment and is used on its thread only.
 */
#ifndef BF_HOST_BINDING_H
#define BF_HOST_BINDING_H

#include "engine.h"
#include "node.h"
#include <node_api.h>

#define BF_BINDING_NAME "biffi_host"

typedef struct bf_binding bf_binding;

/* `node` gets the log and the flush. NULL: out of memory. */
bf_binding *bf_binding_new(bf_node *node, const bf_engine *engine);

/*
 * Node.js opens a callback scope for each call, which costs as much as all the rest of it. Between these two calls
 * share one, and boot.js does itself what Node.js does after each: ticks and microtasks. Only while no JavaScript is
 * below, and none runs but what the binding calls. Closed: whether it was open and no JavaScript is below.
 */
void bf_binding_open(bf_binding *binding);
bool bf_binding_close(bf_binding *binding);

/* The environment that is being made on this thread will get this binding. */
void bf_binding_offer(bf_binding *binding);
napi_value bf_binding_init(napi_env env, napi_value exports);

/*
 * Hands a list of messages to JavaScript, in order. NULL: all of them. Otherwise
 * JavaScript was interrupted in between (that call is answered), and this is the rest
 * of the list, or bf_nothing when nothing is left.
 */
bf_link *bf_binding_deliver(bf_binding *binding, bf_link *messages);
extern bf_link bf_nothing;

/* Any thread: JavaScript is being interrupted because its heap is full. `data` is the binding. */
void bf_binding_exhausted(void *data);

/* The environment's thread: JavaScript is about to be interrupted. `data` is the binding. */
void bf_binding_interrupting(void *data);

/* Answers everything that is not answered yet. */
void bf_binding_fail(bf_binding *binding, int code, const char *why);

void bf_binding_free(bf_binding *binding);

/* `done` with a copy of a text as its bytes. */
void bf_message_fail(bf_message *message, int code, const char *why);

#endif
