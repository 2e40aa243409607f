/*
 * A node on a thread of its own. The thread makes the environment, waits in its
 * loop, is woken by a bell, and takes the whole queue each time.
 *
 * The host's signals stay the host's: the thread, and every thread that Node.js
 * starts from it, is born with all of them blocked except those that a fault raises.
 */
#define _GNU_SOURCE
#include "binding.h"
#include "embed.h"
#include "wait.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char bf_boot_js[];

struct thread_node {
	bf_node node;
	bf_embed *embed;
	bf_binding *binding;
	pthread_t thread;
	bf_queue queue;
	bf_bell bell;
	uv_poll_t poll;
	_Atomic int64_t asked; /* bf_now() when the watch rang; 0 once the bell was answered */
	_Atomic bool stopping;
	_Atomic bool ended; /* the queue is not taken from any more, except by who finds this set */

	pthread_mutex_t mutex; /* guards the three below, which bring news of the start */
	pthread_cond_t started;
	int state; /* 0 starting, 1 runs, -1 failed */
	char message[512];
};

static void fail_all(struct thread_node *self, bf_link *messages)
{
	while (messages) {
		bf_message *message = BF_CONTAINER(messages, bf_message, link);

		messages = messages->next;
		if (message->kind != BF_ABORT) {
			atomic_fetch_add(&self->node.heard, 1);
		}
		bf_message_fail(message, BIFFI_ESTOPPED, "Node.js has ended");
	}
	bf_node_flush(&self->node);
}

static void fail_queue(struct thread_node *self)
{
	fail_all(self, bf_queue_take(&self->queue));
}

static void thread_post(bf_node *node, bf_message *message)
{
	struct thread_node *self = (struct thread_node *)node;

	bool batched = message->batched;

	if (message->kind != BF_ABORT) {
		atomic_fetch_add(&self->node.posted, 1);
	}
	bf_queue_push(&self->queue, &message->link); /* from here on it is the node's */
	if (!batched) {
		bf_bell_ring(&self->bell);
	}
	/* The end is marked before the last take: what it could miss is seen here. */
	if (atomic_load(&self->ended)) {
		fail_queue(self);
	}
}

static void thread_flush(bf_node *node)
{
	struct thread_node *self = (struct thread_node *)node;

	if (!bf_queue_empty(&self->queue)) {
		bf_bell_ring(&self->bell);
	}
}

static void on_bell(uv_poll_t *poll, int status, int events)
{
	struct thread_node *self = poll->data;
	bf_link *messages;

	(void)status;
	(void)events;
	bf_bell_answer(&self->bell);
	atomic_fetch_add_explicit(&self->node.wakeups, 1, memory_order_relaxed);
	atomic_store(&self->asked, 0);
	messages = bf_queue_take(&self->queue);
	bf_binding_open(self->binding);
	while (messages) {
		messages = bf_binding_deliver(self->binding, messages);
		if (messages) {
			bf_embed_resume(self->embed);
			messages = messages == &bf_nothing ? NULL : messages;
		}
		if (atomic_load(&self->stopping)) {
			break;
		}
	}
	bf_binding_close(self->binding);
	fail_all(self, messages); /* stopped in between */
}

static void tell_start(struct thread_node *self, int state)
{
	pthread_mutex_lock(&self->mutex);
	self->state = state;
	pthread_cond_signal(&self->started);
	pthread_mutex_unlock(&self->mutex);
}

static void *thread_main(void *data)
{
	struct thread_node *self = data;
	const bf_embed_options options = {.source = bf_boot_js,
					  .binding = BF_BINDING_NAME,
					  .init = bf_binding_init,
					  .exhausted = bf_binding_exhausted,
					  .interrupting = bf_binding_interrupting,
					  .data = self->binding};

	pthread_setname_np(pthread_self(), "biffi");
	bf_binding_offer(self->binding);
	if (bf_embed_start(&self->embed, &options, self->message, sizeof(self->message)) != 0) {
		tell_start(self, -1);
		return NULL;
	}
	self->poll.data = self;
	if (uv_poll_init(bf_embed_loop(self->embed), &self->poll, self->bell.fd) != 0 ||
	    uv_poll_start(&self->poll, UV_READABLE, on_bell) != 0) {
		snprintf(self->message, sizeof(self->message), "Node.js's loop cannot poll a descriptor");
		bf_embed_free(self->embed);
		tell_start(self, -1);
		return NULL;
	}
	tell_start(self, 1);
	bf_embed_spin(self->embed);

	atomic_store(&self->ended, true);
	bf_binding_fail(self->binding, BIFFI_ESTOPPED, "Node.js has ended");
	fail_queue(self);
	uv_poll_stop(&self->poll);
	uv_close((uv_handle_t *)&self->poll, NULL);
	bf_embed_free(self->embed);
	return NULL;
}

static bool thread_watch(bf_node *node, int milliseconds)
{
	struct thread_node *self = (struct thread_node *)node;
	int64_t asked = atomic_load(&self->asked), now = bf_now();

	if (atomic_load(&self->ended) || atomic_load(&self->stopping)) {
		return false;
	}
	if (asked == 0) {
		atomic_store(&self->asked, now);
		bf_bell_ring(&self->bell);
		return false;
	}
	if (now - asked <= milliseconds) {
		return false;
	}
	atomic_store(&self->asked, now);
	bf_embed_interrupt(self->embed);
	return true;
}

static void thread_free(struct thread_node *self)
{
	bf_bell_close(&self->bell);
	bf_binding_free(self->binding);
	pthread_cond_destroy(&self->started);
	pthread_mutex_destroy(&self->mutex);
	free(self);
}

static void thread_stop(bf_node *node)
{
	struct thread_node *self = (struct thread_node *)node;

	atomic_store(&self->stopping, true);
	bf_embed_stop(self->embed);
	pthread_join(self->thread, NULL);
	fail_queue(self);
	bf_bell_close(&self->bell);
	bf_binding_free(self->binding);
	self->binding = NULL;
}

static int start_blocked(struct thread_node *self)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
	pthread_attr_t attributes;
	sigset_t blocked, before;
	int status;

	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		sigdelset(&blocked, faults[i]);
	}
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 8 << 20); /* V8 assumes about 1 MB, addons may want more */
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	status = pthread_create(&self->thread, &attributes, thread_main, self);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return status;
}

int bf_thread_start(bf_node **out, const bf_node *settings, char *message, size_t size)
{
	struct thread_node *self = calloc(1, sizeof(*self));
	int status;

	if (!self) {
		snprintf(message, size, "out of memory");
		return -1;
	}
	self->node = *settings;
	self->node.post = thread_post;
	self->node.flush = thread_flush;
	self->node.watch = thread_watch;
	self->node.stop = thread_stop;
	self->node.fd = -1;
	self->binding = bf_binding_new(&self->node, &bf_engine_v8);
	pthread_mutex_init(&self->mutex, NULL);
	pthread_cond_init(&self->started, NULL);
	if (!self->binding || bf_bell_open(&self->bell) != 0) {
		snprintf(message, size, "no descriptor or no memory left for Node.js");
		self->bell.fd = -1;
		thread_free(self);
		return -1;
	}
	status = start_blocked(self);
	if (status != 0) {
		snprintf(message, size, "no thread for Node.js: %s", strerror(status));
		thread_free(self);
		return -1;
	}
	pthread_mutex_lock(&self->mutex);
	while (self->state == 0) {
		pthread_cond_wait(&self->started, &self->mutex);
	}
	pthread_mutex_unlock(&self->mutex);
	if (self->state < 0) {
		pthread_join(self->thread, NULL);
		snprintf(message, size, "%s", self->message);
		thread_free(self);
		return -1;
	}
	*out = &self->node;
	return 0;
}
