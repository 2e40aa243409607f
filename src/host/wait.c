#include "wait.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Belongs to two: the waiting thread and the node. The second to let go frees it. */
struct waiter {
	bf_message message;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	bool answered, left;
	bf_answer answer;
	char copy[]; /* method, NUL, request */
};

int64_t bf_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void waiter_free(struct waiter *waiter)
{
	pthread_cond_destroy(&waiter->changed);
	pthread_mutex_destroy(&waiter->mutex);
	free(waiter);
}

static void on_done(bf_message *message, int code, char *bytes, size_t count)
{
	struct waiter *waiter = BF_CONTAINER(message, struct waiter, message);
	bool left;

	pthread_mutex_lock(&waiter->mutex);
	left = waiter->left;
	waiter->answered = true;
	waiter->answer = (bf_answer){code, bytes, count};
	pthread_cond_signal(&waiter->changed);
	pthread_mutex_unlock(&waiter->mutex);
	if (left) {
		free(bytes);
		waiter_free(waiter);
	}
}

static struct waiter *waiter_new(const bf_message *message)
{
	size_t method = message->method ? strlen(message->method) + 1 : 0;
	struct waiter *waiter = malloc(sizeof(*waiter) + method + message->length);
	pthread_condattr_t attributes;

	if (!waiter) {
		return NULL;
	}
	memset(waiter, 0, sizeof(*waiter));
	waiter->message = *message;
	waiter->message.done = on_done;
	if (message->method) {
		waiter->message.method = memcpy(waiter->copy, message->method, method);
	}
	if (message->request) {
		waiter->message.request = waiter->copy + method;
		memcpy(waiter->copy + method, message->request, message->length);
	}
	pthread_mutex_init(&waiter->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&waiter->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return waiter;
}

/* Another thread answers. The mutex is held. */
static void wait_thread(struct waiter *waiter, int milliseconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!waiter->answered) {
		if (milliseconds < 0) {
			pthread_cond_wait(&waiter->changed, &waiter->mutex);
		} else if (pthread_cond_timedwait(&waiter->changed, &waiter->mutex, &until) != 0) {
			return;
		}
	}
}

/* This thread answers, while it turns the node's loop. */
static void wait_inline(bf_node *node, struct waiter *waiter, int milliseconds)
{
	int64_t until = bf_now() + milliseconds, left = milliseconds;

	while (!waiter->answered && left != 0) {
		node->turn(node, (int)left);
		if (milliseconds >= 0) {
			left = until - bf_now();
			left = left < 0 ? 0 : left;
		}
	}
}

bool bf_wait(bf_node *node, const bf_message *message, int milliseconds, bf_answer *answer)
{
	struct waiter *waiter = waiter_new(message);
	bool answered;

	*answer = (bf_answer){BIFFI_EMEMORY, NULL, 0};
	if (!waiter) {
		return true;
	}
	node->post(node, &waiter->message);
	if (node->turn) {
		wait_inline(node, waiter, milliseconds);
	}
	pthread_mutex_lock(&waiter->mutex);
	if (!node->turn) {
		wait_thread(waiter, milliseconds);
	}
	answered = waiter->answered;
	waiter->left = true;
	*answer = waiter->answer;
	pthread_mutex_unlock(&waiter->mutex);
	if (answered) {
		waiter_free(waiter);
	}
	return answered;
}
