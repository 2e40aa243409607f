#include "framecb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "libffi_raw.h"
#include "rawmem.h"

/* How many dead callbacks keep their code, so that a late call finds a message instead of other code. */
#define DEAD_MAX 8192
/* How often a waiting thread looks whether the JavaScript thread can still come, and how often that must look bad. */
#define LOOK_MS 250
#define LOOKS 4

typedef struct bf_frame_request {
	bf_frame_callback *callback;
	void *frame;
	bool running; /* guarded */
	bool done;    /* guarded */
	pthread_cond_t cond;
	struct bf_frame_request *next;
} request;

/* --- on the JavaScript thread ------------------------------------------------------- */

/* Throws an Error with that message in the current call, as a callback of JavaScript would. */
static void fail(bf_frames *f, const char *message)
{
	napi_throw_error(f->env, NULL, message);
	if (atomic_load_explicit(&f->depth, memory_order_relaxed) > 0)
		bf_frames_catch(f);
}

/* Runs `dispatch` on a copy of the frame in the shared block. An exception may be pending afterwards. */
static void dispatch(bf_frames *f, bf_frame_callback *cb, uint8_t *frame)
{
	const bf_plan *plan = cb->plan->plan;
	uint32_t top;
	memcpy(&top, f->base, sizeof top);
	uint32_t align = plan->frame_align > 16 ? plan->frame_align : 16;
	uint32_t at = (top + align - 1) & ~(align - 1);
	if (at > f->size || plan->frame_size > f->size - at) {
		napi_throw_range_error(f->env, NULL, "callbacks are nested too deep");
		return;
	}

	napi_value function, receiver, args[2];
	napi_get_reference_value(f->env, f->dispatch, &function);
	napi_get_undefined(f->env, &receiver);
	napi_create_uint32(f->env, cb->id, &args[0]);
	napi_create_uint32(f->env, at, &args[1]);

	uint32_t next = at + plan->frame_size;
	memcpy(f->base, &next, sizeof next);
	memcpy(f->base + at, frame, plan->frame_size);
	if (napi_call_function(f->env, receiver, function, 2, args, NULL) == napi_ok)
		memcpy(frame, f->base + at, plan->result.size);
	memcpy(f->base, &top, sizeof top);
}

static void run_here(bf_frames *f, bf_frame_callback *cb, void *frame)
{
	/* C goes on after a callback has thrown; until its caller has the error no JavaScript runs. */
	if (f->failed || !f->alive)
		return;
	if (atomic_load_explicit(&cb->gone, memory_order_relaxed)) {
		fail(f, "ffi fatal: callback has been garbage collected!");
		return;
	}

	napi_handle_scope scope;
	if (napi_open_handle_scope(f->env, &scope) != napi_ok)
		return;
	dispatch(f, cb, frame);

	/* Inside of a call the error waits for its caller; else C was called by another addon, which lets it through.
	 */
	bool pending = false;
	napi_is_exception_pending(f->env, &pending);
	if (pending && atomic_load_explicit(&f->depth, memory_order_relaxed) > 0)
		bf_frames_catch(f);
	napi_close_handle_scope(f->env, scope);
}

/* The event loop's turn: another thread's calls. What they throw is nobody's but uncaughtException's. */
static void serve(napi_env env, napi_value function, void *context, void *data)
{
	(void)function;
	(void)data;
	bf_frames *f = context;

	pthread_mutex_lock(&f->guard);
	while (env != NULL && f->alive && f->first != NULL) {
		request *r = f->first;
		f->first = r->next;
		if (f->first == NULL)
			f->last = NULL;
		r->running = true;
		pthread_mutex_unlock(&f->guard);

		napi_handle_scope scope;
		napi_value error;
		bool pending = false;
		napi_open_handle_scope(env, &scope);
		if (atomic_load(&r->callback->gone))
			napi_throw_error(env, NULL, "ffi fatal: callback has been garbage collected!");
		else
			dispatch(f, r->callback, r->frame);
		napi_is_exception_pending(env, &pending);
		if (pending && napi_get_and_clear_last_exception(env, &error) == napi_ok)
			napi_fatal_exception(env, error);
		napi_close_handle_scope(env, scope);

		pthread_mutex_lock(&f->guard);
		r->done = true;
		pthread_cond_signal(&r->cond);
	}
	pthread_mutex_unlock(&f->guard);
}

/* --- on other threads ---------------------------------------------------------------- */

/* The first line of a file that /proc has for a thread of this process. */
static bool read_task(pid_t tid, const char *name, char *line, int size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/task/%d/%s", (int)tid, name);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	bool read = fgets(line, size, file) != NULL;
	fclose(file);
	return read;
}

/*
 * Whether that thread is blocked in futex(2): in a lock, a condition, pthread_join(3).
 * proc(5): wchan names the kernel's function, unless the kernel hides it with "0";
 * syscall starts with the number of the system call.
 */
static bool thread_is_locked(pid_t tid)
{
	char line[128];
	if (read_task(tid, "wchan", line, sizeof line) && strcmp(line, "0") != 0)
		return strncmp(line, "futex", 5) == 0;
	return read_task(tid, "syscall", line, sizeof line) && strtol(line, NULL, 10) == SYS_futex;
}

/* Takes a request that is not running out of the queue. */
static void withdraw(bf_frames *f, request *r)
{
	request **link = &f->first, *before = NULL;
	while (*link != NULL && *link != r) {
		before = *link;
		link = &(*link)->next;
	}
	if (*link == NULL)
		return;
	*link = r->next;
	if (f->last == r)
		f->last = before;
}

static void run_there(bf_frames *f, bf_frame_callback *cb, void *frame)
{
	pthread_condattr_t attr;
	request r = {.callback = cb, .frame = frame};
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r.cond, &attr);
	pthread_condattr_destroy(&attr);

	pthread_mutex_lock(&f->guard);
	if (!f->alive || f->wake == NULL ||
	    napi_call_threadsafe_function(f->wake, NULL, napi_tsfn_nonblocking) != napi_ok)
		goto done;
	/* The queue holds it no longer than this function runs: it leaves served or withdrawn. */
	if (f->last != NULL)
		f->last->next = &r;
	else
		f->first = &r; /* cppcheck-suppress autoVariables */
	f->last = &r;          /* cppcheck-suppress autoVariables */

	uint64_t serial = atomic_load(&f->serial);
	int bad = 0;
	while (!r.done && (f->alive || r.running)) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOOK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (pthread_cond_timedwait(&r.cond, &f->guard, &until) != ETIMEDOUT || r.running || !f->alive)
			continue;

		/* The same C call since the last look, and asleep on a lock: it may well be waiting for this thread. */
		uint64_t now = atomic_load(&f->serial);
		bool stuck = now == serial && atomic_load(&f->depth) > 0 && thread_is_locked(f->tid);
		serial = now;
		bad = stuck ? bad + 1 : 0;
		if (bad < LOOKS)
			continue;
		withdraw(f, &r);
		atomic_fetch_add(&f->deadlocks, 1);
		break;
	}
	if (!r.done)
		withdraw(f, &r);
done:
	pthread_mutex_unlock(&f->guard);
	pthread_cond_destroy(&r.cond);
}

void bf_frame_callback_run(void *data, void *frame)
{
	bf_frame_callback *cb = data;
	bf_frames *f = cb->frames;
	int error = errno;

	memset(frame, 0, cb->plan->plan->result.size);
	if (pthread_equal(pthread_self(), f->thread))
		run_here(f, cb, frame);
	else
		run_there(f, cb, frame);
	errno = error;
}

/* --- making and letting go -------------------------------------------------------------- */

/*
 * Runs before the thread-safe function's own hook (they run last in, first out):
 * nobody may wake it afterwards, and who waits goes home. The record stays: C
 * may call its callbacks for as long as the process runs.
 */
static void end(void *data)
{
	bf_frames *f = data;
	pthread_mutex_lock(&f->guard);
	f->alive = false;
	for (request *r = f->first; r != NULL; r = r->next)
		pthread_cond_signal(&r->cond);
	pthread_mutex_unlock(&f->guard);
}

bool bf_framecb_prepare(bf_frames *f)
{
	napi_value name;
	if (f->wake != NULL)
		return true;
	napi_threadsafe_function wake;
	napi_create_string_utf8(f->env, "ffi:callback", NAPI_AUTO_LENGTH, &name);
	if (napi_create_threadsafe_function(f->env, NULL, NULL, name, 0, 1, NULL, NULL, f, serve, &wake) != napi_ok) {
		napi_throw_error(f->env, NULL, "callbacks are not possible in this environment");
		return false;
	}
	napi_unref_threadsafe_function(f->env, wake);
	napi_add_env_cleanup_hook(f->env, end, f);
	pthread_mutex_lock(&f->guard);
	f->wake = wake;
	pthread_mutex_unlock(&f->guard);
	return true;
}

napi_value bf_framecb_give(napi_env env, bf_frame_callback *cb, void *code)
{
	napi_value list, handle, address;
	napi_create_array_with_length(env, 2, &list);
	napi_create_external(env, cb, NULL, NULL, &handle);
	address = bf_rawmem_number(env, code);
	napi_set_element(env, list, 0, handle);
	napi_set_element(env, list, 1, address);
	return list;
}

/* callback(plan, id) -> [handle, address] */
static napi_value framecb_new(napi_env env, napi_callback_info info)
{
	napi_value args[2];
	size_t n = 2;
	void *data;
	uint32_t id = 0;
	bf_error err = {0};

	napi_get_cb_info(env, info, &n, args, NULL, &data);
	bf_frames *f = data;
	bf_frame_plan *p = bf_frame_plan_of(env, args[0]);
	if (p == NULL || !bf_framecb_prepare(f))
		return NULL;
	napi_get_value_uint32(env, args[1], &id);

	bf_frame_callback *cb = calloc(1, sizeof *cb);
	if (cb == NULL) {
		bf_error_set(&err, BF_ENOMEM, "out of memory");
		return bf_frames_throw(env, &err);
	}
	cb->frames = f;
	cb->plan = p;
	cb->id = id;
	if (bf_callback_new(p->plan, bf_frame_callback_run, cb, &cb->entry, &err) != 0) {
		free(cb);
		return bf_frames_throw(env, &err);
	}
	p->refs++;
	return bf_framecb_give(env, cb, bf_callback_code(cb->entry));
}

static void destroy(bf_frame_callback *cb)
{
	if (cb->entry != NULL)
		bf_callback_free(cb->entry);
	if (cb->closure != NULL)
		bf_libffi_raw_closure_free(cb->closure);
	bf_frame_plan_unref(cb->plan);
	free(cb);
}

/* release(handle): at most once */
static napi_value framecb_release(napi_env env, napi_callback_info info)
{
	napi_value arg;
	size_t n = 1;
	void *data, *handle = NULL;

	napi_get_cb_info(env, info, &n, &arg, NULL, &data);
	bf_frames *f = data;
	if (napi_get_value_external(env, arg, &handle) != napi_ok || handle == NULL)
		return NULL;
	bf_frame_callback *cb = handle;
	atomic_store(&cb->gone, true);

	if (f->dead_last != NULL)
		f->dead_last->next = cb;
	else
		f->dead = cb;
	f->dead_last = cb;
	/* Not from inside of a call: the oldest may be the one that runs. */
	if (++f->ndead > DEAD_MAX && atomic_load_explicit(&f->depth, memory_order_relaxed) == 0) {
		bf_frame_callback *oldest = f->dead;
		f->dead = oldest->next;
		f->ndead--;
		destroy(oldest);
	}
	return NULL;
}

napi_status bf_framecb_init(napi_env env, napi_value room, bf_frames *f)
{
	const napi_property_descriptor functions[] = {
	    {"callback", NULL, framecb_new, NULL, NULL, NULL, napi_enumerable, f},
	    {"release", NULL, framecb_release, NULL, NULL, NULL, napi_enumerable, f},
	};
	return napi_define_properties(env, room, sizeof functions / sizeof functions[0], functions);
}
