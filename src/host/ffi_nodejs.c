#define _GNU_SOURCE
#include "ffi_nodejs.h"
#include "biffi.h"
#include "resty_ffi.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A configuration, "module?,function,rest", taken apart. */
struct configuration {
	char *module;
	char *function; /* NULL: the module's exports are handlers */
	char *rest;     /* NULL: there is none */
	bool reload;
};

/*
 * A module and nginx's loop. Inline there is one of these for the whole of Node.js,
 * a process has its own, a thread needs none.
 */
struct turner {
	biffi *module;
	resty_ffi_watcher *watcher;
	resty_ffi_timer *timer, *soon;
};

/* Node.js stays while these are open; they also hold what `resty_ffi` is. */
static biffi *keepers[2];
static struct turner inline_turner;

const char *bf_library_folder(void)
{
	static char folder[4096];
	Dl_info info;
	char *slash;

	if (!*folder && dladdr((void *)bf_library_folder, &info) && info.dli_fname) {
		char *real = realpath(info.dli_fname, NULL);

		if (real && strlen(real) < sizeof(folder)) {
			memcpy(folder, real, strlen(real) + 1);
			slash = strrchr(folder, '/');
			*slash = '\0';
		}
		free(real);
	}
	return *folder ? folder : NULL;
}

/* --- nginx's loop turns Node.js's ---------------------------------------------------- */

static void turn(void *data);

static void schedule(struct turner *turner)
{
	int due = biffi_timeout(turner->module);

	if (due >= 0 || turner->timer) {
		turner->timer = resty_ffi_timer_set(turner->timer, due, turn, turner);
	}
}

static void turn(void *data)
{
	struct turner *turner = data;

	biffi_dispatch(turner->module);
	schedule(turner);
}

static void reschedule(void *data)
{
	schedule(data);
}

/* Calls and aborts change when it is due: what they change is looked at once a turn. */
static void schedule_soon(struct turner *turner)
{
	turner->soon = resty_ffi_timer_soon(turner->soon, reschedule, turner);
}

static bool turner_start(struct turner *turner, biffi *module)
{
	turner->module = module;
	turner->watcher = resty_ffi_watch(biffi_fd(module), turn, turner);
	if (turner->watcher) {
		schedule(turner);
	}
	return turner->watcher != NULL;
}

static void turner_stop(struct turner *turner)
{
	if (turner->watcher) {
		resty_ffi_unwatch(turner->watcher);
	}
	resty_ffi_timer_set(turner->timer, -1, NULL, NULL);
	resty_ffi_timer_set(turner->soon, -1, NULL, NULL);
	*turner = (struct turner){0};
}

/* --- handlers ------------------------------------------------------------------------ */

struct runtime {
	biffi *module;
	struct turner *turner; /* NULL: a thread does it */
	struct turner own;
	int under_way; /* with a process: calls that are not answered */
	bool finished; /* no further calls */
	resty_ffi_timer *end;
	resty_ffi_timer *flush; /* sends the calls of a turn, which nginx's events come in between */
	int watchdog;           /* milliseconds; 0: none */
	resty_ffi_timer *watch;
	bool watching;
};

struct bridged {
	struct runtime *runtime;
	void *tsk;
};

/* After the last answer, when nothing of the module is on the stack. */
static void runtime_end(void *data)
{
	struct runtime *runtime = data;

	resty_ffi_timer_set(runtime->end, -1, NULL, NULL);
	resty_ffi_timer_set(runtime->flush, -1, NULL, NULL);
	turner_stop(&runtime->own);
	resty_ffi_timer_set(runtime->watch, -1, NULL, NULL);
	biffi_close(runtime->module);
	free(runtime);
}

static void runtime_check(struct runtime *runtime)
{
	if (runtime->finished && runtime->under_way == 0 && !runtime->end) {
		runtime->end = resty_ffi_timer_set(NULL, 0, runtime_end, runtime);
	}
}

static void on_done(void *data, int code, char *bytes, size_t length)
{
	resty_ffi_respond(data, code, bytes, length);
}

/* A process ends with its module: the module stays until all are answered. */
static void on_process_done(void *data, int code, char *bytes, size_t length)
{
	struct bridged *bridged = data;
	struct runtime *runtime = bridged->runtime;

	runtime->under_way--;
	resty_ffi_respond(bridged->tsk, code, bytes, length);
	free(bridged);
	runtime_check(runtime);
}

/* While calls are under way JavaScript is asked whether it still comes back. */
static void on_watch(void *data)
{
	struct runtime *runtime = data;
	biffi_stats stats = {.size = sizeof(stats)};

	biffi_stats_get(runtime->module, &stats);
	if (stats.calls != stats.answers) {
		if (biffi_watch(runtime->module, runtime->watchdog)) {
			static const char text[] = "JavaScript did not come back in time and was interrupted";

			resty_ffi_log(BIFFI_WARN, text, sizeof(text) - 1);
		}
		resty_ffi_timer_set(runtime->watch, runtime->watchdog / 2 + 1, on_watch, runtime);
	} else {
		resty_ffi_timer_set(runtime->watch, -1, on_watch, runtime);
		runtime->watching = false;
	}
}

static void send_calls(void *data)
{
	struct runtime *runtime = data;

	biffi_flush(runtime->module);
	if (runtime->turner) {
		schedule(runtime->turner);
	}
}

static void on_task(void *data, void *tsk)
{
	struct runtime *runtime = data;
	struct bridged *bridged = NULL;
	int length = 0;
	const char *request = ngx_http_lua_ffi_get_req(tsk, &length);

	if (runtime->own.watcher) {
		bridged = malloc(sizeof(*bridged));
		if (!bridged) {
			resty_ffi_respond(tsk, RESTY_FFI_EMEMORY, NULL, 0);
			return;
		}
		*bridged = (struct bridged){runtime, tsk};
		runtime->under_way++;
	}
	resty_ffi_mark(tsk, biffi_call(runtime->module, resty_ffi_method(tsk), request, (size_t)length,
				       bridged ? on_process_done : on_done, bridged ? (void *)bridged : tsk));
	if (runtime->turner == &inline_turner) {
		schedule_soon(runtime->turner);
	} else {
		runtime->flush = resty_ffi_timer_soon(runtime->flush, send_calls, runtime);
	}
	if (runtime->watchdog > 0 && !runtime->watching) {
		runtime->watch = resty_ffi_timer_set(runtime->watch, runtime->watchdog / 2 + 1, on_watch, runtime);
		runtime->watching = true;
	}
	/* cppcheck-suppress memleak ; on_process_done frees it */
}

static void on_stats(void *data, void (*put)(void *to, const char *name, double value), void *to)
{
	struct runtime *runtime = data;
	biffi_stats stats = {.size = sizeof(stats)};

	biffi_stats_get(runtime->module, &stats);
	put(to, "waiting", (double)stats.waiting);
	put(to, "wakeups", (double)stats.wakeups);
	put(to, "restarts", (double)stats.restarts);
	put(to, "heap_used", (double)stats.heap_used);
	put(to, "heap_total", (double)stats.heap_total);
	put(to, "heap_external", (double)stats.heap_external);
	put(to, "resident", (double)stats.resident);
}

static void on_abort(void *data, void *tsk)
{
	struct runtime *runtime = data;

	biffi_abort(runtime->module, resty_ffi_marked(tsk));
	if (runtime->turner) {
		schedule_soon(runtime->turner);
	}
}

static void on_finish(void *data)
{
	struct runtime *runtime = data;

	if (runtime->own.watcher) {
		runtime->finished = true;
		runtime_check(runtime);
		return;
	}
	resty_ffi_timer_set(runtime->flush, -1, NULL, NULL);
	resty_ffi_timer_set(runtime->watch, -1, NULL, NULL);
	biffi_flush(runtime->module);
	biffi_close(runtime->module);
	free(runtime);
}

/* --- starting ------------------------------------------------------------------------ */

static void flush(void *data)
{
	(void)data;
	resty_ffi_flush();
}

/* Each line with the module's name before it. */
static void log_line(void *data, const biffi_origin *origin, int level, const char *text, size_t length)
{
	const char *end = text + length;

	(void)data;
	if (!origin->module) {
		resty_ffi_log_task(origin->call, level, text, length);
		return;
	}
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		char *line;
		int size;

		stop = stop ? stop : end;
		size = asprintf(&line, "%s: %.*s", origin->module, (int)(stop - text), text);
		if (size >= 0) {
			resty_ffi_log_task(origin->call, level, line, (size_t)size);
			free(line);
		}
		text = stop + 1;
	}
}

static void on_exit_worker(void *data)
{
	(void)data;
	biffi_shutdown();
}

static int number_option(void *tq, const char *name)
{
	const char *value = resty_ffi_option(tq, name);

	return value ? atoi(value) : 0;
}

static bool flag_option(void *tq, const char *name)
{
	const char *value = resty_ffi_option(tq, name);

	return value && strcmp(value, "true") == 0;
}

/* The first in a mode starts Node.js there and tells it what `resty_ffi` is. */
static int keep(int mode, const biffi_options *options, char *why, size_t size)
{
	static bool exits;
	biffi_options own = *options;
	char *path;
	int code = -1;

	if (!exits) {
		resty_ffi_at_exit(on_exit_worker, NULL);
		biffi_at_shutdown(bf_queues_end, NULL);
		exits = true;
	}
	if (mode == BIFFI_PROCESS || keepers[mode]) {
		return 0;
	}
	if (!bf_library_folder() || asprintf(&path, "%s/resty_ffi.js", bf_library_folder()) < 0) {
		snprintf(why, size, "the library does not know where it lies");
		return -1;
	}
	own.flags = BIFFI_DIRECT | BIFFI_SEAL;
	own.init = own.config = NULL;
	own.threads = 1;
	code = biffi_open(&keepers[mode], path, &own, why, size);
	free(path);
	if (code == 0 && mode == BIFFI_INLINE && !turner_start(&inline_turner, keepers[mode])) {
		snprintf(why, size, "nginx cannot watch Node.js's loop");
		biffi_close(keepers[mode]);
		keepers[mode] = NULL;
		return -1;
	}
	return code;
}

/* Changes `text`; the parts point into it. */
static struct configuration parse(char *text)
{
	struct configuration parts = {.module = text};
	size_t length;

	parts.function = strchr(text, ',');
	if (parts.function) {
		*parts.function++ = '\0';
		parts.rest = strchr(parts.function, ',');
		if (parts.rest) {
			*parts.rest++ = '\0';
		}
		if (!*parts.function) {
			parts.function = NULL;
		}
	}
	length = strlen(parts.module);
	if (length > 0 && parts.module[length - 1] == '?') {
		parts.module[length - 1] = '\0';
		parts.reload = true;
	}
	return parts;
}

static int refuse(void *tq, const char *why)
{
	resty_ffi_refuse(tq, why);
	return -1;
}

static int mode_of(const char *name)
{
	return !name || strcmp(name, "thread") == 0 ? BIFFI_THREAD
	       : strcmp(name, "inline") == 0        ? BIFFI_INLINE
	       : strcmp(name, "process") == 0       ? BIFFI_PROCESS
						    : -1;
}

/* Connects a module with handlers to its queue. */
static int serve(biffi *module, int mode, void *tq)
{
	struct runtime *runtime = calloc(1, sizeof(*runtime));

	if (!runtime) {
		return refuse(tq, "out of memory");
	}
	runtime->module = module;
	runtime->watchdog = number_option(tq, "watchdog");
	if (mode == BIFFI_INLINE) {
		runtime->turner = &inline_turner;
		schedule(&inline_turner);
	} else if (mode == BIFFI_PROCESS) {
		runtime->turner = &runtime->own;
		if (!turner_start(&runtime->own, module)) {
			free(runtime);
			return refuse(tq, "nginx has no connection left (worker_connections)");
		}
	}
	resty_ffi_attach(tq,
			 &(resty_ffi_consumer){on_task, on_abort, on_finish, on_stats, runtime, mode != BIFFI_THREAD});
	return 0;
}

static int start(struct configuration parts, void *tq)
{
	biffi_options options = {.size = sizeof(options),
				 .folder = resty_ffi_option(tq, "folder"),
				 .config = parts.rest,
				 .init = parts.function,
				 .threads = number_option(tq, "threads"),
				 .program = resty_ffi_option(tq, "program"),
				 .timeout = number_option(tq, "load_timeout"),
				 .log_from = log_line,
				 .flush = flush};
	char why[1024] = "";
	biffi *module;
	int code;

	options.mode = mode_of(resty_ffi_option(tq, "mode"));
	if (options.mode < 0) {
		snprintf(why, sizeof(why), "unknown mode '%s'; there are thread, inline and process",
			 resty_ffi_option(tq, "mode"));
		return refuse(tq, why);
	}
	options.argument = parts.function ? bf_queue_number(tq) : 0;
	if (parts.function && options.argument == 0) {
		return refuse(tq, "out of memory");
	}
	if (keep(options.mode, &options, why, sizeof(why)) != 0) {
		return refuse(tq, why);
	}
	options.flags = BIFFI_DIRECT | BIFFI_BATCH | BIFFI_SEAL | (parts.reload ? BIFFI_RELOAD : 0) |
			(flag_option(tq, "buffer") ? BIFFI_BUFFERS : 0);
	if (biffi_open(&module, parts.module, &options, why, sizeof(why)) != 0) {
		return refuse(tq, why);
	}
	if (!biffi_serves(module)) { /* it polls; its functions are not called any more */
		biffi_close(module);
		return options.mode == BIFFI_PROCESS ? refuse(tq, "a module that polls has to run in mode thread") : 0;
	}
	code = serve(module, options.mode, tq);
	if (code != 0) {
		biffi_close(module);
	}
	return code;
}

BIFFI_API int libffi_init(char *cfg, void *tq)
{
	char *text;
	int code;

	if (!cfg || !*cfg || *cfg == ',') {
		return refuse(tq, "the configuration names no module; it is \"module,function,configuration\"");
	}
	text = strdup(cfg);
	if (!text) {
		return refuse(tq, "out of memory");
	}
	code = start(parse(text), tq);
	free(text);
	return code;
}
