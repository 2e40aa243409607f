#define _GNU_SOURCE
#include "seal.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

static _Thread_local bool seals;

/* Before libuv puts the program's own descriptors in place: between fork and exec, or just before. */
static void seal(void)
{
	if (!seals || close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
		return;
	}
	for (int fd = 3, end = (int)sysconf(_SC_OPEN_MAX); fd < end; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0) {
			fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
		}
	}
}

static void seal_forks(void)
{
	pthread_atfork(NULL, NULL, seal);
}

static napi_value seal_now(napi_env env, napi_callback_info info)
{
	(void)env;
	(void)info;
	seal();
	return NULL;
}

/*
 * From 1.53 on libuv starts programs by vfork and posix_spawn, which run no handlers of
 * forks. Both ways that Node.js has into libuv; child_process, above them, takes
 * milliseconds to load.
 */
static void seal_starts(napi_env env)
{
	static const char text[] =
	    "(seal) => {"
	    "  for (const starter of [process.binding('process_wrap').Process.prototype, process.binding('spawn_sync')]) {"
	    "    const { spawn } = starter;"
	    "    starter.spawn = function (...args) { seal(); return spawn.apply(this, args); };"
	    "  }"
	    "}";
	napi_value script, install, function;

	if (napi_create_string_latin1(env, text, NAPI_AUTO_LENGTH, &script) == napi_ok &&
	    napi_run_script(env, script, &install) == napi_ok &&
	    napi_create_function(env, "seal", NAPI_AUTO_LENGTH, seal_now, NULL, &function) == napi_ok) {
		napi_call_function(env, install, install, 1, &function, NULL);
	}
}

napi_value bf_seal(napi_env env, napi_callback_info info)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)info;
	pthread_once(&once, seal_forks);
	if (!seals) {
		seals = true;
		seal_starts(env);
		seal();
	}
	return NULL;
}
