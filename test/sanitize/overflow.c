/*
 * A runtime that does what sanitizers are for: each call writes one byte behind its
 * answer, or forgets memory, so that the tests show that it would be seen.
 */
#include "resty_ffi.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *serve(void *tq)
{
	void *tsk;

	while ((tsk = ngx_http_lua_ffi_task_poll(tq)) != NULL) {
		int length;
		char *request = ngx_http_lua_ffi_get_req(tsk, &length);
		char *response = malloc(length), *volatile forgotten;

		if (strcmp(request, "forget") == 0) {
			forgotten = malloc(4321);
			memset(forgotten, 1, 4321);
			forgotten = NULL;
		} else {
			response[length] = 'x';
		}
		ngx_http_lua_ffi_respond(tsk, 0, response, length);
	}
	return NULL;
}

int libffi_init(char *cfg, void *tq)
{
	pthread_t thread;

	(void)cfg;
	pthread_create(&thread, NULL, serve, tq);
	pthread_detach(thread);
	return 0;
}
