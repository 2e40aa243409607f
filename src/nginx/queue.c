/*
 * The runtime's side: polling, answering, and the queue in between.
 */
#include "task.h"

#include <stdlib.h>
#include <string.h>

rf_queue *rf_queue_new(int max)
{
	rf_queue *queue = calloc(1, sizeof(*queue));

	if (queue) {
		queue->max = max;
		pthread_mutex_init(&queue->mutex, NULL);
		pthread_cond_init(&queue->pushed_to, NULL);
	}
	return queue;
}

int rf_queue_set(rf_queue *queue, const char *name, const char *value)
{
	size_t length = strlen(name) + 1, size = strlen(value) + 1;
	rf_option *option = malloc(sizeof(*option) + length + size);

	if (!option) {
		return -1;
	}
	memcpy(option->name, name, length);
	option->value = memcpy(option->name + length, value, size);
	option->next = queue->options;
	queue->options = option;
	return 0;
}

const char *resty_ffi_option(void *tq, const char *name)
{
	rf_queue *queue = tq;

	for (rf_option *option = queue->options; option; option = option->next) {
		if (strcmp(option->name, name) == 0) {
			return option->value;
		}
	}
	return NULL;
}

void resty_ffi_refuse(void *tq, const char *why)
{
	rf_queue *queue = tq;

	free(queue->refusal);
	queue->refusal = strdup(why);
}

void resty_ffi_attach(void *tq, const resty_ffi_consumer *consumer)
{
	rf_queue *queue = tq;

	queue->consumer = *consumer;
}

/* --- towards the runtime ------------------------------------------------------------- */

/* Takes what was pushed and answers it. The mutex is held. */
static void answer_all(rf_queue *queue)
{
	bf_link *link;

	while ((link = queue->polled ? queue->polled : bf_queue_take(&queue->pushed)) != NULL) {
		queue->polled = link->next;
		if (link == &queue->last) {
			queue->ended = true;
		} else {
			char *why = strdup(queue->abandoned);

			resty_ffi_respond(BF_CONTAINER(link, rf_task, item.link), RESTY_FFI_ESTOPPED, why,
					  why ? strlen(why) : 0);
		}
	}
	resty_ffi_flush();
}

static void push(rf_queue *queue, bf_link *link)
{
	bf_queue_push(&queue->pushed, link);
	/* A poller counts itself before it looks a last time: one of the two sees the other. */
	if (atomic_load(&queue->sleepers) > 0) {
		pthread_mutex_lock(&queue->mutex);
		if (queue->abandoned) {
			answer_all(queue);
		}
		pthread_cond_signal(&queue->pushed_to);
		pthread_mutex_unlock(&queue->mutex);
	}
}

void rf_queue_push(rf_queue *queue, rf_task *task)
{
	if (queue->consumer.task) {
		queue->consumer.task(queue->consumer.data, task);
	} else {
		push(queue, &task->item.link);
	}
}

void rf_queue_finish(rf_queue *queue)
{
	if (queue->finished) {
		return;
	}
	queue->finished = true;
	if (!queue->consumer.task) {
		push(queue, &queue->last);
	} else if (queue->consumer.finish) {
		queue->consumer.finish(queue->consumer.data);
	}
}

void resty_ffi_abandon(void *tq, const char *why)
{
	rf_queue *queue = tq;

	pthread_mutex_lock(&queue->mutex);
	if (!queue->abandoned && !queue->ended) {
		queue->abandoned = strdup(why);
		if (queue->abandoned) {
			atomic_fetch_add(&queue->sleepers, 1); /* each push comes to answer_all now */
			answer_all(queue);
			pthread_cond_broadcast(&queue->pushed_to);
		}
	}
	pthread_mutex_unlock(&queue->mutex);
}

void *ngx_http_lua_ffi_task_poll(void *tq)
{
	rf_queue *queue = tq;
	rf_task *task = NULL;

	pthread_mutex_lock(&queue->mutex);
	while (!queue->ended && !queue->abandoned) {
		if (!queue->polled) {
			queue->polled = bf_queue_take(&queue->pushed);
		}
		if (!queue->polled) {
			atomic_fetch_add(&queue->sleepers, 1);
			queue->polled = bf_queue_take(&queue->pushed);
			if (!queue->polled) {
				pthread_cond_wait(&queue->pushed_to, &queue->mutex);
			}
			atomic_fetch_sub(&queue->sleepers, 1);
			continue;
		}
		bf_link *link = queue->polled;

		queue->polled = link->next;
		if (link == &queue->last) {
			queue->ended = true;
			pthread_cond_broadcast(&queue->pushed_to);
		} else {
			task = BF_CONTAINER(link, rf_task, item.link);
			if (queue->polled && atomic_load(&queue->sleepers) > 0) {
				pthread_cond_signal(&queue->pushed_to); /* one was woken for all of them */
			}
			break;
		}
	}
	pthread_mutex_unlock(&queue->mutex);
	if (task && task->waiting) {
		task->waiting = false;
		atomic_fetch_sub(&queue->waiting, 1);
	}
	return task;
}

char *ngx_http_lua_ffi_get_req(void *tsk, int *len)
{
	rf_task *task = tsk;

	if (len) {
		*len = (int)task->req_len;
	}
	return task->req;
}

const char *resty_ffi_method(void *tsk)
{
	return ((rf_task *)tsk)->method;
}

void resty_ffi_mark(void *tsk, uint64_t mark)
{
	((rf_task *)tsk)->mark = mark;
}

uint64_t resty_ffi_marked(void *tsk)
{
	return ((rf_task *)tsk)->mark;
}

/* --- and back ------------------------------------------------------------------------ */

void resty_ffi_respond(void *tsk, int rc, char *rsp, size_t length)
{
	rf_task *task = tsk;

	task->rc = rc;
	task->rsp = rsp;
	task->rsp_len = rsp ? length : 0;
	if (task->waiting) {
		task->waiting = false;
		atomic_fetch_sub(&task->queue->waiting, 1);
	}
	task->item.run = rf_task_answered;
	if (rf_worker_here()) {
		rf_task_answered(&task->item);
	} else {
		rf_worker_push(&task->item);
	}
}

void ngx_http_lua_ffi_respond(void *tsk, int rc, char *rsp, int rsp_len)
{
	if (rsp_len < 0) {
		free(rsp);
		rsp = strdup("the runtime gave a length below 0");
		rc = RESTY_FFI_ESTOPPED;
		rsp_len = 0;
	}
	resty_ffi_respond(tsk, rc, rsp, rsp && rsp_len == 0 ? strlen(rsp) : (size_t)rsp_len);
	resty_ffi_flush();
}
