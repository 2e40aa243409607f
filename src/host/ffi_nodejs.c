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

/* Keeps Node.js and nginx's loop together; one for each mode, never closed. */
static biffi *keepers[2];
static resty_ffi_timer *turn_timer;

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

/* --- nginx's loop turns Node.js's (inline) ------------------------------------------ */

static void turn(void *data);

static void schedule(void)
{
	int due = biffi_timeout(keepers[BIFFI_INLINE]);

	if (due >= 0 || turn_timer) {
		turn_timer = resty_ffi_timer_set(turn_timer, due, turn, NULL);
	}
}

static void turn(void *data)
{
	(void)data;
	biffi_dispatch(keepers[BIFFI_INLINE]);
	schedule();
}

/* --- handlers ------------------------------------------------------------------------ */

struct runtime {
	biffi *module;
	bool in_line;
};

static void on_done(void *data, int code, char *bytes, size_t length)
{
	resty_ffi_respond(data, code, bytes, length);
}

static void on_task(void *data, void *tsk)
{
	struct runtime *runtime = data;
	int length = 0;
	const char *request = ngx_http_lua_ffi_get_req(tsk, &length);
	uint64_t call = biffi_call(runtime->module, resty_ffi_method(tsk), request, (size_t)length, on_done, tsk);

	resty_ffi_mark(tsk, call);
	if (runtime->in_line) {
		schedule();
	}
}

static void on_abort(void *data, void *tsk)
{
	struct runtime *runtime = data;

	biffi_abort(runtime->module, resty_ffi_marked(tsk));
	if (runtime->in_line) {
		schedule();
	}
}

static void on_finish(void *data)
{
	struct runtime *runtime = data;

	biffi_close(runtime->module);
	free(runtime);
}

/* --- starting ------------------------------------------------------------------------ */

static void flush(void *data)
{
	(void)data;
	resty_ffi_flush();
}

static void log_line(void *data, int level, const char *text, size_t length)
{
	(void)data;
	resty_ffi_log(level, text, length);
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

	if (keepers[mode]) {
		return 0;
	}
	if (!bf_library_folder() || asprintf(&path, "%s/resty_ffi.js", bf_library_folder()) < 0) {
		snprintf(why, size, "the library does not know where it lies");
		return -1;
	}
	own.flags = BIFFI_DIRECT;
	own.init = own.config = NULL;
	own.threads = 1;
	code = biffi_open(&keepers[mode], path, &own, why, size);
	free(path);
	if (code == 0 && !exits) {
		resty_ffi_at_exit(on_exit_worker, NULL);
		exits = true;
	}
	if (code == 0 && mode == BIFFI_INLINE && resty_ffi_watch(biffi_fd(keepers[mode]), turn, NULL) != 0) {
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

static int start(struct configuration parts, void *tq)
{
	const char *mode = resty_ffi_option(tq, "mode");
	biffi_options options = {.size = sizeof(options),
				 .folder = resty_ffi_option(tq, "folder"),
				 .config = parts.rest,
				 .init = parts.function,
				 .threads = number_option(tq, "threads"),
				 .timeout = number_option(tq, "load_timeout"),
				 .log = log_line,
				 .flush = flush};
	struct runtime *runtime;
	char why[1024] = "";
	biffi *module;

	if (mode && strcmp(mode, "inline") == 0) {
		options.mode = BIFFI_INLINE;
	} else if (mode && strcmp(mode, "thread") != 0) {
		snprintf(why, sizeof(why), "unknown mode '%s'; there are thread and inline", mode);
		return refuse(tq, why);
	}
	options.argument = parts.function ? bf_queue_number(tq) : 0;
	if (parts.function && options.argument == 0) {
		return refuse(tq, "out of memory");
	}
	if (keep(options.mode, &options, why, sizeof(why)) != 0) {
		return refuse(tq, why);
	}
	options.flags =
	    BIFFI_DIRECT | (parts.reload ? BIFFI_RELOAD : 0) | (flag_option(tq, "buffer") ? BIFFI_BUFFERS : 0);
	if (biffi_open(&module, parts.module, &options, why, sizeof(why)) != 0) {
		return refuse(tq, why);
	}
	if (!biffi_serves(module)) { /* it polls; its functions are not called any more */
		biffi_close(module);
		return 0;
	}
	runtime = malloc(sizeof(*runtime));
	if (!runtime) {
		biffi_close(module);
		return refuse(tq, "out of memory");
	}
	*runtime = (struct runtime){module, options.mode == BIFFI_INLINE};
	resty_ffi_attach(tq, &(resty_ffi_consumer){on_task, on_abort, on_finish, runtime});
	if (runtime->in_line) {
		schedule();
	}
	return 0;
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
