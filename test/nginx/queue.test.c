/*
 * The queue between nginx and a runtime that polls, without nginx: this thread is
 * nginx's, several others poll and answer. Built with ThreadSanitizer as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/nginx/task.h"

enum { POLLERS = 3, TASKS = 30000, AHEAD = 100 };

/* --- what worker.c is to queue.c ---------------------------------------------------- */

static bf_queue items;
static bf_bell bell = {.fd = -1};
static _Thread_local bool here;
static int answered;

void rf_worker_push(rf_item *item)
{
	bf_queue_push(&items, &item->link);
}

bool rf_worker_here(void)
{
	return here;
}

void resty_ffi_flush(void)
{
	if (!here) {
		bf_bell_ring(&bell);
	}
}

void rf_task_answered(rf_item *item)
{
	rf_task *task = BF_CONTAINER(item, rf_task, item);

	assert_true(here);
	assert_int_equal(task->state, RF_PENDING);
	task->state = RF_DONE;
	answered++;
}

static void run_items(void)
{
	for (bf_link *link = bf_queue_take(&items), *after; link; link = after) {
		rf_item *item = BF_CONTAINER(link, rf_item, link);

		after = link->next;
		item->run(item);
	}
}

/* Waits until that many are answered. */
static void turn_until(int count)
{
	while (answered < count) {
		struct pollfd waited = {.fd = bell.fd, .events = POLLIN};

		assert_int_equal(poll(&waited, 1, 60000), 1);
		bf_bell_answer(&bell);
		run_items();
	}
}

static int set_up(void **state)
{
	(void)state;
	here = true;
	answered = 0;
	return bf_bell_open(&bell);
}

static int tear_down(void **state)
{
	(void)state;
	bf_bell_close(&bell);
	return 0;
}

/* --- the runtime ---------------------------------------------------------------------- */

static void *serve(void *tq)
{
	void *tsk;
	intptr_t count = 0;

	while ((tsk = ngx_http_lua_ffi_task_poll(tq)) != NULL) {
		int length;
		char *request = ngx_http_lua_ffi_get_req(tsk, &length);

		ngx_http_lua_ffi_respond(tsk, length, strdup(request), length);
		count++;
	}
	return (void *)count;
}

static rf_task *post(rf_queue *queue, rf_task *task, const char *request)
{
	task->queue = queue;
	task->state = RF_PENDING;
	task->req = (char *)request;
	task->req_len = strlen(request);
	task->waiting = true;
	atomic_fetch_add(&queue->waiting, 1);
	rf_queue_push(queue, task);
	return task;
}

static void each_task_is_answered_once(void **state)
{
	rf_queue *queue = rf_queue_new(AHEAD);
	rf_task *tasks = calloc(TASKS, sizeof(*tasks));
	pthread_t threads[POLLERS];
	intptr_t polled = 0;

	(void)state;
	for (int i = 0; i < POLLERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, serve, queue), 0);
	}
	for (int i = 0; i < TASKS; i++) {
		post(queue, &tasks[i], i % 2 ? "odd" : "even");
		if (i - answered >= AHEAD) {
			turn_until(i - AHEAD / 2);
		}
	}
	rf_queue_finish(queue);
	for (int i = 0; i < POLLERS; i++) {
		void *count;

		pthread_join(threads[i], &count);
		polled += (intptr_t)count;
	}
	run_items();
	assert_int_equal(answered, TASKS);
	assert_int_equal(polled, TASKS);
	assert_int_equal(atomic_load(&queue->waiting), 0);
	for (int i = 0; i < TASKS; i++) {
		assert_int_equal(tasks[i].rc, i % 2 ? 3 : 4);
		assert_string_equal(tasks[i].rsp, i % 2 ? "odd" : "even");
		free(tasks[i].rsp);
	}
	assert_null(ngx_http_lua_ffi_task_poll(queue));
	free(tasks);
	free(queue);
}

static void *give_up(void *tq)
{
	void *tsk = ngx_http_lua_ffi_task_poll(tq);

	ngx_http_lua_ffi_respond(tsk, 0, NULL, 0);
	resty_ffi_abandon(tq, "gone");
	return NULL;
}

/* Nobody polls any more, while tasks are posted: what was not polled is answered with the reason. */
static void an_abandoned_queue_answers(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		rf_queue *queue = rf_queue_new(AHEAD);
		rf_task *tasks = calloc(AHEAD, sizeof(*tasks));
		pthread_t thread;
		int fine = 0;

		answered = 0;
		assert_int_equal(pthread_create(&thread, NULL, give_up, queue), 0);
		for (int i = 0; i < AHEAD; i++) {
			post(queue, &tasks[i], "x");
		}
		turn_until(AHEAD);
		pthread_join(thread, NULL);
		for (int i = 0; i < AHEAD; i++) {
			fine += tasks[i].rc == 0;
			if (tasks[i].rc != 0) {
				assert_int_equal(tasks[i].rc, RESTY_FFI_ESTOPPED);
				assert_string_equal(tasks[i].rsp, "gone");
			}
			free(tasks[i].rsp);
		}
		assert_int_equal(fine, 1);
		free(queue->abandoned);
		free(queue);
		free(tasks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_task_is_answered_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_abandoned_queue_answers, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
