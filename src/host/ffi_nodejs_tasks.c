/*
 * poll_task, get_req and respond for JavaScript. The library is a Node.js addon as
 * well, so every environment, a Worker's too, loads these for itself.
 *
 * JavaScript holds numbers, not pointers: they survive postMessage, compare with
 * `== 0`, and a wrong or an old one is an error instead of a crash. They are good
 * in every thread, since one polls a task and another answers it.
 */
#define _GNU_SOURCE
#include "biffi.h"
#include "bytes.h"
#include "ffi_nodejs.h"
#include "resty_ffi.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct queue {
	void *tq;
	int pollers; /* environments that have polled it and still live */
};

struct slot {
	void *tsk;           /* NULL: free */
	uint32_t generation; /* below 2^20 */
	uint32_t next_free;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the tables */
static struct queue *queues;
static int queue_count;
static struct slot *slots;
static uint32_t slot_count, slot_free = UINT32_MAX;

/* What one environment has polled: a byte a queue. */
struct environment {
	unsigned char *polled;
	int size;
};

int bf_queue_number(void *tq)
{
	struct queue *grown;
	int number = 0;

	pthread_mutex_lock(&mutex);
	grown = realloc(queues, (size_t)(queue_count + 1) * sizeof(*queues));
	if (grown) {
		queues = grown;
		queues[queue_count] = (struct queue){tq, 0};
		number = ++queue_count;
	}
	pthread_mutex_unlock(&mutex);
	return number;
}

void bf_queues_end(void *data)
{
	(void)data;
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < queue_count; i++) {
		resty_ffi_abandon(queues[i].tq, "Node.js has ended");
	}
	pthread_mutex_unlock(&mutex);
}

/* --- numbers for tasks --------------------------------------------------------------- */

static double number_of(uint32_t index)
{
	return (double)(((uint64_t)slots[index].generation << 32) | (index + 1));
}

/* 0: out of memory. */
static double task_number(void *tsk)
{
	double number = 0;

	pthread_mutex_lock(&mutex);
	if (slot_free == UINT32_MAX) {
		uint32_t size = slot_count ? slot_count * 2 : 256;
		struct slot *grown = realloc(slots, size * sizeof(*slots));

		if (grown) {
			slots = grown;
			for (uint32_t i = slot_count; i < size; i++) {
				slots[i] = (struct slot){NULL, 0, i + 1 < size ? i + 1 : UINT32_MAX};
			}
			slot_free = slot_count;
			slot_count = size;
		}
	}
	if (slot_free != UINT32_MAX) {
		uint32_t index = slot_free;

		slot_free = slots[index].next_free;
		slots[index].tsk = tsk;
		slots[index].generation = (slots[index].generation + 1) & 0xfffff;
		number = number_of(index);
	}
	pthread_mutex_unlock(&mutex);
	return number;
}

/* The slot's index + 1, or 0. The mutex is held. */
static uint32_t find(double number)
{
	uint64_t whole = number >= 1 && number < 4503599627370496.0 ? (uint64_t)number : 0;
	uint32_t index = (uint32_t)whole;

	return index > 0 && index <= slot_count && slots[index - 1].tsk && number_of(index - 1) == number ? index : 0;
}

/* The task, which nobody else can answer any more; NULL: there is none. */
static void *task_take(double number)
{
	uint32_t index;
	void *tsk = NULL;

	pthread_mutex_lock(&mutex);
	index = find(number);
	if (index) {
		tsk = slots[index - 1].tsk;
		slots[index - 1].tsk = NULL;
		slots[index - 1].next_free = slot_free;
		slot_free = index - 1;
	}
	pthread_mutex_unlock(&mutex);
	return tsk;
}

/* --- functions ----------------------------------------------------------------------- */

static napi_value throw_type(napi_env env, const char *text)
{
	napi_throw_type_error(env, "BF_ETYPE", text);
	return NULL;
}

/* A number, or a BigInt, which other builds of this module use. */
static bool get_number(napi_env env, napi_value value, double *number)
{
	int64_t big;
	bool lossless = false;

	if (napi_get_value_double(env, value, number) == napi_ok) {
		return true;
	}
	if (napi_get_value_bigint_int64(env, value, &big, &lossless) == napi_ok && lossless) {
		*number = (double)big;
		return true;
	}
	return false;
}

/* The environment polls this queue from now on. The mutex is held. */
static bool note_poller(struct environment *environment, int index)
{
	if (index >= environment->size) {
		unsigned char *grown = realloc(environment->polled, (size_t)index + 8);

		if (!grown) {
			return false;
		}
		memset(grown + environment->size, 0, (size_t)(index + 8 - environment->size));
		environment->polled = grown;
		environment->size = index + 8;
	}
	if (!environment->polled[index]) {
		environment->polled[index] = 1;
		queues[index].pollers++;
	}
	return true;
}

static napi_value poll_task(napi_env env, napi_callback_info info)
{
	napi_value argv[1], result;
	size_t argc = 1;
	struct environment *environment;
	double number = 0;
	void *tq = NULL, *tsk;

	if (napi_get_cb_info(env, info, &argc, argv, NULL, (void **)&environment) != napi_ok || argc < 1 ||
	    !get_number(env, argv[0], &number)) {
		return throw_type(env, "poll_task(tq): tq has to be the number that init() was given");
	}
	pthread_mutex_lock(&mutex);
	if (number >= 1 && number <= queue_count && note_poller(environment, (int)number - 1)) {
		tq = queues[(int)number - 1].tq;
	}
	pthread_mutex_unlock(&mutex);
	if (!tq) {
		return throw_type(env, "poll_task(tq): there is no such task queue");
	}
	tsk = ngx_http_lua_ffi_task_poll(tq);
	number = tsk ? task_number(tsk) : 0;
	if (tsk && number == 0) {
		ngx_http_lua_ffi_respond(tsk, RESTY_FFI_EMEMORY, strdup("out of memory"), 0);
		napi_throw_error(env, "BF_ENOMEM", "poll_task(tq): out of memory");
		return NULL;
	}
	return napi_create_double(env, number, &result) == napi_ok ? result : NULL;
}

static napi_value get_req(napi_env env, napi_callback_info info)
{
	napi_value argv[2], result = NULL;
	size_t argc = 2;
	uint32_t index;
	double number;
	bool buffer = false;
	napi_status status = napi_invalid_arg;

	if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 1 ||
	    !get_number(env, argv[0], &number)) {
		return throw_type(env, "get_req(tsk[, asBuffer]): tsk has to be a number that poll_task() answered");
	}
	if (argc > 1) {
		napi_value truth;

		napi_coerce_to_bool(env, argv[1], &truth);
		napi_get_value_bool(env, truth, &buffer);
	}
	/* The task cannot be answered, and its request freed, while the mutex is held. */
	pthread_mutex_lock(&mutex);
	index = find(number);
	if (index) {
		int length = 0;
		const char *request = ngx_http_lua_ffi_get_req(slots[index - 1].tsk, &length);

		if (!request) {
			status = napi_get_null(env, &result);
		} else if (buffer) {
			status = napi_create_buffer_copy(env, (size_t)length, request, NULL, &result);
		} else {
			status = napi_create_string_utf8(env, request, (size_t)length, &result);
		}
	}
	pthread_mutex_unlock(&mutex);
	if (!index) {
		return throw_type(env, "get_req(tsk[, asBuffer]): the task is answered already, or there was none");
	}
	return status == napi_ok ? result : NULL;
}

static napi_value respond(napi_env env, napi_callback_info info)
{
	napi_value argv[3];
	size_t argc = 3, length = 0;
	double number;
	int32_t code;
	char *bytes = NULL;
	void *tsk;

	if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 1 ||
	    !get_number(env, argv[0], &number)) {
		return throw_type(env, "respond(tsk, rc, rsp): tsk has to be a number that poll_task() answered");
	}
	if (argc < 2 || napi_get_value_int32(env, argv[1], &code) != napi_ok) {
		return throw_type(env, "respond(tsk, rc, rsp): rc has to be an integer");
	}
	if (argc > 2 && !bf_bytes_of(env, argv[2], &bytes, &length)) {
		return throw_type(
		    env, "respond(tsk, rc, rsp): rsp has to be a string, a Buffer, a typed array, null or undefined");
	}
	tsk = task_take(number);
	if (!tsk) {
		free(bytes);
		return throw_type(env, "respond(tsk, rc, rsp): the task is answered already, or there was none");
	}
	resty_ffi_respond(tsk, code, bytes, length);
	resty_ffi_flush();
	return NULL;
}

/* An environment that polled has ended: nobody may be left to poll. */
static void on_end(void *data)
{
	struct environment *environment = data;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < environment->size; i++) {
		if (environment->polled[i] && --queues[i].pollers == 0) {
			resty_ffi_abandon(queues[i].tq, "the thread that polled tasks has ended");
		}
	}
	pthread_mutex_unlock(&mutex);
	free(environment->polled);
	free(environment);
}

BIFFI_API napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	static const struct {
		const char *name;
		napi_callback function;
	} functions[] = {{"poll_task", poll_task}, {"get_req", get_req}, {"respond", respond}};
	struct environment *environment = calloc(1, sizeof(*environment));
	napi_value function;

	if (!environment || napi_add_env_cleanup_hook(env, on_end, environment) != napi_ok) {
		free(environment);
		napi_throw_error(env, "BF_ENOMEM", "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, environment,
					 &function) != napi_ok ||
		    napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
			return NULL;
		}
	}
	return exports;
}
