/*
 * What a runtime library and nginx say to each other.
 *
 * The first part is lua-resty-ffi's contract, name for name, so that a runtime in
 * any language that was built for it loads unchanged. The second part is for
 * runtimes that want more; another core does not have it.
 *
 * A runtime is a shared library with libffi_init. Lua's
 * `ngx.load_ffi(library, configuration, options)` loads it and gives it a task
 * queue; a task is one call: a request, and one answer.
 */
#ifndef RESTY_FFI_H
#define RESTY_FFI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RESTY_FFI_API __attribute__((visibility("default")))

/*
 * The runtime's: starts serving the queue `tq`. Runs on nginx's thread. `cfg` is
 * NUL-terminated, or NULL, and gone afterwards. 0, or anything else to refuse.
 */
int libffi_init(char *cfg, void *tq);

/*
 * Waits for the next task. Any thread, any number of them. NULL once the runtime
 * was unloaded and all earlier tasks were polled; from then on always NULL.
 */
RESTY_FFI_API void *ngx_http_lua_ffi_task_poll(void *tq);

/*
 * The request, followed by a NUL that `*len` does not count, or NULL when Lua gave
 * none. The task's, until it is answered. `len` may be NULL.
 */
RESTY_FFI_API char *ngx_http_lua_ffi_get_req(void *tsk, int *len);

/*
 * Answers a task, once; it is gone afterwards. `rc` 0 is success, anything else
 * reaches Lua as (false, rc, message). `rsp` was malloc'ed, is taken over, and may
 * be NULL; a `rsp_len` of 0 says that a NUL ends it.
 */
RESTY_FFI_API void ngx_http_lua_ffi_respond(void *tsk, int rc, char *rsp, int rsp_len);

/* --- more -------------------------------------------------------------------------- */

/* Answer codes of the core itself; Lua gets them with a message. */
enum {
	RESTY_FFI_ETIMEOUT = -1,
	RESTY_FFI_EABORTED = -2,
	RESTY_FFI_ESTOPPED = -3, /* unloaded, or its runtime has ended */
	RESTY_FFI_EMEMORY = -4,
	RESTY_FFI_EFULL = -6,  /* as many calls wait as the queue takes */
	RESTY_FFI_EPHASE = -7, /* this phase of nginx cannot wait for an answer */
};

/* An option of load_ffi as text ("true", "false", a number's digits), or NULL. */
RESTY_FFI_API const char *resty_ffi_option(void *tq, const char *name);

/* Inside libffi_init: why it is going to refuse. */
RESTY_FFI_API void resty_ffi_refuse(void *tq, const char *why);

/*
 * Inside libffi_init: takes tasks as they come instead of polling. All three run
 * on nginx's thread. `task` may answer at once. `abort` says that nobody waits any
 * more; the task is to be answered all the same. `finish` follows the last task.
 * `copies` says that a request is not read any more once `task` has returned.
 * `stats` tells what runtime:stats() shows beside the core's own numbers: it calls
 * `put` once for each, with a name that stays. All but `task` may be NULL.
 */
typedef struct resty_ffi_consumer {
	void (*task)(void *data, void *tsk);
	void (*abort)(void *data, void *tsk);
	void (*finish)(void *data);
	void (*stats)(void *data, void (*put)(void *to, const char *name, double value), void *to);
	void *data;
	int copies;
} resty_ffi_consumer;

RESTY_FFI_API void resty_ffi_attach(void *tq, const resty_ffi_consumer *consumer);

/* Whoever polled this queue is gone: what waits in it, and what comes, is answered with `why`. */
RESTY_FFI_API void resty_ffi_abandon(void *tq, const char *why);

/* The method's name as Lua called it. The task's. */
RESTY_FFI_API const char *resty_ffi_method(void *tsk);

/* A number that the runtime keeps with a task. nginx's thread. */
RESTY_FFI_API void resty_ffi_mark(void *tsk, uint64_t mark);
RESTY_FFI_API uint64_t resty_ffi_marked(void *tsk);

/*
 * As ngx_http_lua_ffi_respond, but the length counts as it is, and nginx is not
 * woken before resty_ffi_flush: one wake-up for a batch. Any thread.
 */
RESTY_FFI_API void resty_ffi_respond(void *tsk, int rc, char *rsp, size_t length);
RESTY_FFI_API void resty_ffi_flush(void);

/* A line in nginx's error log. Any thread. Level: 0 debug, 1 info, 2 warn, 3 error. */
RESTY_FFI_API void resty_ffi_log(int level, const char *text, size_t length);

/* The same, with the request that waits for the task of that mark behind it; 0: not known. */
RESTY_FFI_API void resty_ffi_log_task(uint64_t mark, int level, const char *text, size_t length);

/* nginx's thread: `ready` runs whenever the descriptor is readable. NULL: no connection left. */
typedef struct resty_ffi_watcher resty_ffi_watcher;
RESTY_FFI_API resty_ffi_watcher *resty_ffi_watch(int fd, void (*ready)(void *data), void *data);

/* No more; before the descriptor is closed. */
RESTY_FFI_API void resty_ffi_unwatch(resty_ffi_watcher *watcher);

/*
 * nginx's thread: a timer of the worker, which the first call makes and which
 * runs `due` once after that many milliseconds; below 0 stops it. With no `due` it
 * is stopped and freed.
 */
typedef struct resty_ffi_timer resty_ffi_timer;
RESTY_FFI_API resty_ffi_timer *resty_ffi_timer_set(resty_ffi_timer *timer, int milliseconds, void (*due)(void *data),
						   void *data);

/*
 * The same at the end of nginx's turn, after the events that are at hand: once for
 * all that happens in a turn. (Before nginx's loop runs: at once.) It is not a timer for both.
 */
RESTY_FFI_API resty_ffi_timer *resty_ffi_timer_soon(resty_ffi_timer *timer, void (*due)(void *data), void *data);

/* Runs when the worker ends, after all queues were finished, the latest first. */
RESTY_FFI_API void resty_ffi_at_exit(void (*ending)(void *data), void *data);

#ifdef __cplusplus
}
#endif

#endif
