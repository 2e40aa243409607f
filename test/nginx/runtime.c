/*
 * A runtime in C, written as lua-resty-ffi's own examples are: a thread polls and
 * answers with malloc'ed memory. The configuration says what is special about it:
 * "refuse" is refused, "threads" polls with three threads, "never" answers nothing
 * until it is unloaded.
 */
#include "resty_ffi.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct runtime {
	void *tq;
	int never;
	_Atomic int threads; /* the last one to end frees this */
};

static void answer(void *tsk)
{
	int length;
	char *request = ngx_http_lua_ffi_get_req(tsk, &length), *response;

	if (!request) {
		ngx_http_lua_ffi_respond(tsk, 0, NULL, 0);
	} else if (strncmp(request, "fail", 4) == 0) {
		ngx_http_lua_ffi_respond(tsk, 4, strdup("as told"), 0);
	} else if (strncmp(request, "negative", 8) == 0) {
		ngx_http_lua_ffi_respond(tsk, 0, strdup("x"), -5);
	} else {
		response = malloc(length + 1);
		memcpy(response, request, length + 1);
		/* A length of 0 stands for a NUL at the end: also right for an empty answer. */
		ngx_http_lua_ffi_respond(tsk, 0, response, length);
	}
}

static void *serve(void *data)
{
	struct runtime *runtime = data;
	void *kept[64], *tsk;
	int count = 0;

	while ((tsk = ngx_http_lua_ffi_task_poll(runtime->tq)) != NULL) {
		if (runtime->never && count < 64) {
			kept[count++] = tsk;
		} else {
			answer(tsk);
		}
	}
	/* Once more: the end stays the end. */
	if (ngx_http_lua_ffi_task_poll(runtime->tq) != NULL) {
		abort();
	}
	while (count > 0) {
		answer(kept[--count]);
	}
	if (--runtime->threads == 0) {
		free(runtime);
	}
	return NULL;
}

int libffi_init(char *cfg, void *tq)
{
	int threads = cfg && strcmp(cfg, "threads") == 0 ? 3 : 1;
	struct runtime *runtime;

	if (cfg && strcmp(cfg, "refuse") == 0) {
		return 17;
	}
	runtime = calloc(1, sizeof(*runtime));
	runtime->tq = tq;
	runtime->never = cfg && strcmp(cfg, "never") == 0;
	runtime->threads = threads;
	while (threads-- > 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, serve, runtime);
		pthread_detach(thread);
	}
	return 0;
}
