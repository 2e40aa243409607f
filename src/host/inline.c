/*
 * A node on the thread that starts it. A message runs at once, inside its post;
 * what takes longer goes on whenever the host's own loop turns this one, which it
 * does when the node's descriptor is readable or its timeout is over.
 */
#include "binding.h"
#include "embed.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

extern const char bf_boot_js[];

struct inline_node {
	bf_node node;
	bf_embed *embed;
	bf_binding *binding;
};

static void inline_post(bf_node *node, bf_message *message)
{
	struct inline_node *self = (struct inline_node *)node;
	bf_link *messages = &message->link;

	if (!self->embed) {
		bf_message_fail(message, BIFFI_ESTOPPED, "Node.js has ended");
		return;
	}
	messages->next = NULL;
	while (messages && (messages = bf_binding_deliver(self->binding, messages)) != NULL) {
		bf_embed_resume(self->embed);
		messages = messages == &bf_nothing ? NULL : messages;
	}
}

static int inline_timeout(bf_node *node)
{
	struct inline_node *self = (struct inline_node *)node;

	return self->embed ? bf_embed_timeout(self->embed) : -1;
}

static void inline_turn(bf_node *node, int milliseconds)
{
	struct inline_node *self = (struct inline_node *)node;
	struct pollfd waited = {.fd = node->fd, .events = POLLIN};
	int due = inline_timeout(node);
	bool closed;

	if (!self->embed) {
		return;
	}
	if (milliseconds != 0) {
		if (due >= 0 && (milliseconds < 0 || due < milliseconds)) {
			milliseconds = due;
		}
		while (poll(&waited, 1, milliseconds) < 0 && errno == EINTR) {
		}
	}
	atomic_fetch_add_explicit(&node->wakeups, 1, memory_order_relaxed);
	closed = bf_binding_close(self->binding);
	bf_embed_turn(self->embed);
	if (closed) {
		bf_binding_open(self->binding);
	}
}

static void inline_stop(bf_node *node)
{
	struct inline_node *self = (struct inline_node *)node;

	bf_binding_fail(self->binding, BIFFI_ESTOPPED, "Node.js has ended");
	bf_binding_close(self->binding);
	bf_embed_free(self->embed);
	bf_binding_free(self->binding);
	self->embed = NULL;
}

int bf_inline_start(bf_node **out, const bf_node *settings, char *message, size_t size)
{
	struct inline_node *self = calloc(1, sizeof(*self));
	bf_embed_options options = {.source = bf_boot_js,
				    .binding = BF_BINDING_NAME,
				    .init = bf_binding_init,
				    .exhausted = bf_binding_exhausted,
				    .interrupting = bf_binding_interrupting};

	if (!self) {
		snprintf(message, size, "out of memory");
		return -1;
	}
	self->node = *settings;
	self->node.post = inline_post;
	self->node.turn = inline_turn;
	self->node.timeout = inline_timeout;
	self->node.stop = inline_stop;
	self->binding = bf_binding_new(&self->node, &bf_engine_v8);
	options.data = self->binding;
	bf_binding_offer(self->binding);
	if (!self->binding || bf_embed_start(&self->embed, &options, message, size) != 0) {
		bf_binding_free(self->binding);
		free(self);
		return -1;
	}
	bf_embed_hold(self->embed);
	bf_binding_open(self->binding);
	self->node.fd = bf_embed_descriptor(self->embed);
	*out = &self->node;
	return 0;
}
