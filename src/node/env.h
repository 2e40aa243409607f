/*
 * What the addon keeps for one JavaScript environment (the main thread, or one
 * worker): the keys and functions that lib/ hands over, scratch memory for a
 * call's temporaries, and what callbacks leave behind for their caller.
 *
 * Threads: a bf_env belongs to its JavaScript thread; others touch only `refs`
 * and what `threads` points to, which is made before they can know of the
 * environment. A callback that outlives its environment finds `napi` NULL there.
 */
#ifndef BF_NODE_ENV_H
#define BF_NODE_ENV_H

#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "../ctype/ctype.h"

/* Property keys (symbols) that lib/ puts on its objects, in the order of lib/keys.js. */
typedef enum bf_key {
	BF_KEY_MEMORY, /* on values that lie in memory: a DataView, or an object with BASE */
	BF_KEY_OFFSET, /* on the same: bytes from there, Number or BigInt */
	BF_KEY_BASE,   /* native memory: its address; undefined once freed */
	BF_KEY_TYPE,   /* on values: the JavaScript type object */
	BF_KEY_HANDLE, /* on type objects: the External with the bf_type */
	BF_KEY_RECORD, /* on functions made here: the External with the bf_function */
	BF_KEY_VALUE,  /* on what as(type, value) returns: an Array with the value */
	BF_KEYS
} bf_key;

/* Functions of lib/ that the conversions call for what only JavaScript knows, in the order of lib/hooks.js. */
typedef enum bf_hook {
	BF_HOOK_TYPE,       /* (handle) -> type object of a bf_type */
	BF_HOOK_POINTER,    /* (type, address) -> Pointer, or a function for a function pointer */
	BF_HOOK_MAKE,       /* (type) -> new zeroed value of a struct, union or array type */
	BF_HOOK_TO_POINTER, /* (type, value) -> something with an address, null, or an Error: why not */
	BF_HOOK_TO_MEMORY,  /* (type, value) -> a value of the type, or an Error: why not */
	BF_HOOK_FLOATING,   /* (mantissa, exponent) -> a number that no Number is: mantissa * 2 ** exponent */
	BF_HOOKS
} bf_hook;

/*
 * Memory of a stack discipline: take a mark, allocate, release to the mark.
 * Chunks stay for the next call; they are freed with the environment.
 */
typedef struct bf_chunk {
	struct bf_chunk *next;
	size_t size;
	_Alignas(16) char bytes[];
} bf_chunk;

typedef struct bf_scratch {
	bf_chunk *first, *current;
	size_t used; /* of current */
	size_t unit; /* smallest chunk; 0: 64 KiB */
} bf_scratch;

typedef struct bf_mark {
	bf_chunk *chunk;
	size_t used;
} bf_mark;

typedef struct bf_env {
	napi_env napi; /* NULL once the environment has ended */
	atomic_int refs;
	pthread_t thread;
	napi_ref keys[BF_KEYS];
	napi_ref hooks[BF_HOOKS];
	bf_scratch scratch;
	int saved_errno;                 /* of the last call, for errno() */
	unsigned depth;                  /* biffi calls on this thread's stack that rethrow */
	unsigned callbacks;              /* callbacks on this thread's stack */
	bool failed;                     /* a callback threw `error` during the innermost call */
	napi_ref error;                  /* an Array of one: what it threw; NULL: JavaScript was ended in it */
	bool ending;                     /* JavaScript could not be called any more */
	atomic_bool exiting;             /* the process is */
	bool serving;                    /* callbacks of other threads are being run */
	struct bf_threads *threads;      /* calls from other threads, see thread.h; NULL until there is a callback */
	struct bf_async *async;          /* calls on the thread pool, see async.h; NULL until there is one */
	struct bf_signature *signatures; /* of callbacks, see callback.h */
	struct bf_plans *plans;          /* see plans.h */
	bf_types *common;                /* owns the next two, see variadic.c; NULL until then */
	const bf_type *const_char_pointer, *void_pointer;
	void *tier;      /* the machine-code tiers' own */
	unsigned alive;  /* callbacks that C may call */
	uint8_t guard;   /* bf_emit_guard, what fast calls look at; see bf_env_alive */
	bool errno_used; /* errno() was called: calls save it for it */
} bf_env;

/* The environment's record; it exists from the addon's start to the environment's end. */
bf_env *bf_env_get(napi_env napi);

/* Makes the record and ties it to the environment. Non-zero: an exception is pending. */
int bf_env_new(napi_env napi, bf_env **out);
bf_env *bf_env_ref(bf_env *env);
void bf_env_unref(bf_env *env); /* any thread */

/* `change` more callbacks (or fewer) may be called by C from now on. */
void bf_env_alive(bf_env *env, int change);

/* A handle to a key or a hook. */
napi_value bf_env_key(bf_env *env, bf_key key);

/* Calls a hook. NULL: it threw (the exception is pending). */
napi_value bf_env_call(bf_env *env, bf_hook hook, size_t argc, const napi_value *argv);

/* object[key]; NULL when it is undefined or could not be read (nothing is pending). */
napi_value bf_env_property(bf_env *env, napi_value object, bf_key key);

bf_mark bf_scratch_mark(const bf_scratch *s);
void *bf_scratch_alloc(bf_scratch *s, size_t size); /* aligned to 16; NULL: no memory */
/* Room that is left without a new chunk, aligned to 16; what is written there stays only after bf_scratch_alloc of its
 * size. */
void *bf_scratch_room(bf_scratch *s, size_t *size);
void bf_scratch_release(bf_scratch *s, bf_mark mark);
void bf_scratch_free(bf_scratch *s);

/* From here on every call saves its errno in `saved_errno`, the fastest ones too. */
void bf_env_track_errno(bf_env *env);

/* A callback threw `error`: it waits in `env`, unless one does already. */
void bf_env_keep(bf_env *env, napi_value error);

/* Takes what a callback threw: the pending exception leaves Node-API and waits in `env`. */
void bf_env_catch(bf_env *env);

/* Throws it in the innermost call's caller. True: a callback failed, and the call has no result. */
bool bf_env_rethrow(bf_env *env);

/* setup, errno ... for lib/. */
napi_status bf_env_exports(napi_env napi, napi_value exports);

#endif
