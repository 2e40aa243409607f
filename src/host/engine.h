/*
 * The steps that each call of JavaScript takes, made by Node-API or, where libnode is linked, by V8's own interface:
 * Node-API keeps its scopes in memory and checks before each step what is known here. A napi_value is what V8's
 * interface calls a Local.
 *
 * On the environment's thread, inside of its isolate and its context.
 */
#ifndef BF_HOST_ENGINE_H
#define BF_HOST_ENGINE_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bf_taken {
	BF_TAKEN,  /* malloc'ed bytes with a NUL behind them; NULL for null without room before it */
	BF_NONE,   /* undefined */
	BF_UNTAKEN /* neither a string nor bytes, or out of memory */
};

typedef struct bf_engine {
	/* Calls `run`. The values that are made in it live until it returns. False: out of memory, and not called. */
	bool (*scoped)(napi_env env, void (*run)(void *data), void *data);
	/* A function that is there as long as its environment. NULL: out of memory. */
	void *(*keep)(napi_env env, napi_value function);
	/* Calls one that was kept, which throws nothing. False: it was interrupted. */
	bool (*call)(napi_env env, void *kept, size_t argc, const napi_value *argv, napi_value *result);
	/* NULL: it is too long. */
	napi_value (*latin1)(napi_env env, const char *bytes, size_t length);
	/* Room for `front` other bytes, if any, is before those of the value; `*length` does not count it. */
	enum bf_taken (*take)(napi_env env, napi_value value, size_t front, char **bytes, size_t *length);
} bf_engine;

extern const bf_engine bf_engine_napi;

/* In libbiffi alone. */
extern const bf_engine bf_engine_v8;

#ifdef __cplusplus
}
#endif

#endif
