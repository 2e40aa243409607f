/*
 * Libraries as JavaScript holds them: a bf_library that functions and variables
 * keep alive, and that close() closes for all of them at once.
 */
#ifndef BF_NODE_LIBRARY_H
#define BF_NODE_LIBRARY_H

#include "../call/library.h"
#include "env.h"

typedef struct bf_library_handle {
	bf_library *library;
	uint32_t refs;
	uint32_t busy; /* calls running on other threads (async) */
	bool closed;   /* no new call; the library itself is closed as soon as no C code of it can be on a stack */
	struct bf_function *functions; /* all records bound to it, linked by next */
} bf_library_handle;

bf_library_handle *bf_library_handle_ref(bf_library_handle *lib);
void bf_library_handle_unref(bf_library_handle *lib);

/* What is in a handle of lib/; NULL: it is none (an exception is pending). */
bf_library_handle *bf_library_handle_get(napi_env napi, napi_value value);

/* May functions still be called? */
static inline bool bf_library_handle_open(const bf_library_handle *lib)
{
	return !lib->closed;
}

/* open, symbol, close, path for lib/. */
napi_status bf_library_exports(napi_env napi, napi_value exports);

#endif
