/*
 * libbiffi: JavaScript functions for a C program. Node.js runs inside the
 * process; a module is opened, its functions are called with bytes and answer
 * with bytes.
 *
 *     biffi *echo;
 *     char why[256], *answer;
 *     size_t length;
 *     if (biffi_open(&echo, "./echo", NULL, why, sizeof(why)) != 0) ...
 *     int rc = biffi_call_wait(echo, "shout", "hello", 5, 1000, &answer, &length);
 *     free(answer);
 *     biffi_close(echo);
 *
 * A module is CommonJS or ESM. Its handlers are functions `(request, context) =>
 * answer`: `module.exports = f` (or `export default f`) serves every method name,
 * `exports.NAME = f` the method NAME. The request is a string (or a Buffer, see
 * BIFFI_BUFFERS) or null; the answer a string, a Buffer or typed array, null,
 * anything else as JSON, or a promise of one of these. A handler that throws
 * answers with code 1 (or the error's integer property `rc`) and its message.
 *
 * Every function may be called from any thread except where it says otherwise.
 */
#ifndef BIFFI_H
#define BIFFI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BIFFI_API __attribute__((visibility("default")))

typedef struct biffi biffi; /* an open module */

/* Answer codes that come from the library; a handler's own are positive. */
enum {
	BIFFI_OK = 0,
	BIFFI_ETIMEOUT = -1,   /* biffi_call_wait: no answer in time */
	BIFFI_EABORTED = -2,   /* biffi_abort was first */
	BIFFI_ESTOPPED = -3,   /* Node.js ended, or the module is closed */
	BIFFI_EMEMORY = -4,    /* out of memory, here or in JavaScript's heap */
	BIFFI_EINTERRUPT = -5, /* the handler was interrupted */
};

enum { BIFFI_DEBUG = 0, BIFFI_INFO = 1, BIFFI_WARN = 2, BIFFI_ERROR = 3 };

enum {
	BIFFI_THREAD = 0, /* Node.js on a thread of its own, shared by the process's modules */
	BIFFI_INLINE = 1, /* Node.js on the thread that opens */
	/*
	 * Node.js in a child process, any version of it: what happens there costs the calls
	 * under way an error each, and the child is started again.
	 * Inline and here: only the thread that opens may call, dispatch, close.
	 */
	BIFFI_PROCESS = 2,
};

enum {
	BIFFI_BUFFERS = 1, /* requests are Buffers, not strings: no UTF-8 decoding */
	BIFFI_DIRECT = 2,  /* completions run at once on Node.js's thread, not in biffi_dispatch */
	BIFFI_BATCH = 8,   /* biffi_call wakes nobody; biffi_flush does, once for many calls */
	BIFFI_SEAL = 16,   /* programs that JavaScript starts inherit no descriptors but the standard ones */
	BIFFI_RELOAD = 4,  /* forget a loaded copy of the module and of its folder's modules first */
};

/* Who says a line of the log. */
typedef struct biffi_origin {
	size_t size;
	uint64_t call;      /* whose handler says it before it returns; 0: it is not known */
	const char *module; /* its name, see biffi_open; NULL: it is not known */
} biffi_origin;

typedef struct biffi_options {
	size_t size;        /* sizeof(biffi_options) */
	int mode;           /* BIFFI_THREAD, BIFFI_INLINE, BIFFI_PROCESS */
	int flags;          /* BIFFI_BUFFERS | BIFFI_DIRECT | BIFFI_BATCH | BIFFI_SEAL | BIFFI_RELOAD */
	int threads;        /* or processes: how many to spread the calls over; 0 is 1 */
	int timeout;        /* milliseconds that opening may take; 0 is 10000 */
	const char *folder; /* where modules are looked up; NULL: the working directory */
	const char *config; /* handlers see it as context.config */
	/*
	 * Not NULL: an export that is called once, with (config, argument). It answers 0
	 * or undefined, anything else refuses; or a function, which is the only handler;
	 * or a promise of these.
	 */
	const char *init;
	int argument;
	const char *program; /* BIFFI_PROCESS: what to run; NULL: node, from PATH */
	/*
	 * console.* and what goes wrong outside of a call; may run on any thread, as long as
	 * Node.js runs. NULL: standard output and error. Where nobody knows which module says
	 * something, the first log that there was gets it.
	 */
	void (*log)(void *data, int level, const char *text, size_t length);
	/* after a batch of completions; only with BIFFI_DIRECT. May be NULL */
	void (*flush)(void *data);
	void *data; /* for the functions here */
	/* instead of `log`, for those who want to know who says it */
	void (*log_from)(void *data, const biffi_origin *origin, int level, const char *text, size_t length);
} biffi_options;

/*
 * An answer. `bytes` was malloc'ed and is the callee's to free; a NUL that is
 * not counted follows them. NULL when the handler answered null or undefined. On
 * failure (`code` not 0) they are the message.
 */
typedef void (*biffi_done)(void *data, int code, char *bytes, size_t length);

/*
 * Opens a module: a path (relative to the folder), a package's name, or either
 * with "#name" behind it, which makes that export serve every method. The first
 * call in a process starts Node.js. 0, or a code below 0 and the reason in
 * `message` (which may be NULL).
 */
BIFFI_API int biffi_open(biffi **out, const char *module, const biffi_options *options, char *message, size_t size);

/* Whether it has a handler, which a module with `init` need not have. */
BIFFI_API int biffi_serves(biffi *module);

/*
 * Calls a method; `method` may be NULL. Does not wait. It and `request` (NULL: null in
 * JavaScript) have to stay as they are until `done` has run, which it does exactly
 * once: inside biffi_dispatch, or with BIFFI_DIRECT as soon as the answer is
 * there, perhaps before this returns. The number it returns names the call for
 * biffi_abort; it is never 0.
 */
BIFFI_API uint64_t biffi_call(biffi *module, const char *method, const void *request, size_t length, biffi_done done,
			      void *data);

/*
 * The same with a head, which handlers get as a third argument behind their context: a
 * string with a character for each byte, whatever becomes of the request.
 */
BIFFI_API uint64_t biffi_call_headed(biffi *module, const char *method, const void *head, size_t head_length,
				     const void *request, size_t length, biffi_done done, void *data);

/* With BIFFI_BATCH: the calls until now are on their way. */
BIFFI_API void biffi_flush(biffi *module);

/*
 * As biffi_call, but it goes where that earlier call of the module went: with several threads
 * or processes, to what its handler has left in memory. (A process may have been replaced.)
 */
BIFFI_API uint64_t biffi_call_after(biffi *module, uint64_t call, const char *method, const void *request,
				    size_t length, biffi_done done, void *data);

/* The call ends with BIFFI_EABORTED unless it has ended. Its context.signal fires. */
BIFFI_API void biffi_abort(biffi *module, uint64_t call);

/*
 * Calls and waits, at most `timeout` milliseconds (below 0: for ever). Answers
 * the code; `*bytes` is the caller's to free. Not for the thread that Node.js
 * runs on, except inline.
 */
BIFFI_API int biffi_call_wait(biffi *module, const char *method, const void *request, size_t length, int timeout,
			      char **bytes, size_t *count);

/*
 * For an event loop: wait until biffi_fd is readable, or until biffi_timeout
 * milliseconds are over (-1: no limit; ask again after each call and dispatch),
 * then call biffi_dispatch, which never blocks. The descriptor is the module's.
 */
BIFFI_API int biffi_fd(biffi *module);
BIFFI_API int biffi_timeout(biffi *module);
BIFFI_API void biffi_dispatch(biffi *module);

/*
 * Call it now and then, always from the same thread: when JavaScript has not come
 * back for longer than that many milliseconds, what it runs is ended (in a child
 * process, with the process) and its call answered with BIFFI_EINTERRUPT or
 * BIFFI_ESTOPPED. 1 then, otherwise 0. Inline there is nobody left to call it.
 */
BIFFI_API int biffi_watch(biffi *module, int milliseconds);

typedef struct biffi_stats {
	size_t size;       /* in: sizeof(biffi_stats) */
	uint64_t calls;    /* started */
	uint64_t answers;  /* ended, whatever the code */
	uint64_t errors;   /* ended with a code that is not 0 */
	uint64_t aborts;   /* of those, by biffi_abort */
	uint64_t wakeups;  /* of Node.js's thread */
	uint64_t restarts; /* of child processes */
	/* bytes, as of at most a second before the last call; over all threads or children */
	uint64_t heap_used, heap_total, heap_external;
	uint64_t resident; /* of children; otherwise of this process */
	uint64_t waiting;  /* now: sent to Node.js, over all modules it has, and not taken by JavaScript; inline 0 */
} biffi_stats;

BIFFI_API void biffi_stats_get(biffi *module, biffi_stats *stats);

/*
 * No further calls; those under way end as usual, but their completions run at
 * once on Node.js's thread. Answers that wait for biffi_dispatch are given first.
 * The handle is gone when this returns. A child process ends, its calls fail.
 */
BIFFI_API void biffi_close(biffi *module);

/*
 * Ends Node.js: calls under way end with BIFFI_ESTOPPED, an endless loop is
 * interrupted, threads are joined. Modules that are open stay so until they are
 * closed; their calls fail. A later biffi_open starts Node.js anew.
 */
BIFFI_API void biffi_shutdown(void);

/*
 * Runs `ending` at the beginning of biffi_shutdown, each time: whoever holds a thread
 * of Node.js in a call that blocks lets it go there.
 */
BIFFI_API void biffi_at_shutdown(void (*ending)(void *data), void *data);

#ifdef __cplusplus
}
#endif

#endif
