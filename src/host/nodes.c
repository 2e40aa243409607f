#include "nodes.h"
#include "bytes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct ending {
	struct ending *next;
	void (*run)(void *data);
	void *data;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the seven below */
static struct ending *endings;
static bf_node *threads[BF_THREADS_MAX], *inline_node, *children;
static int thread_count;
static bf_node *ended; /* modules may still name them */
static pid_t owner;    /* a fork has none of the threads */

static _Thread_local bool inline_here;
static _Atomic uint64_t last_id;

uint64_t bf_nodes_next_id(void)
{
	return atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
}

static int get_inline(bf_node **out, const bf_node *settings, char *message, size_t size)
{
	if (!inline_node) {
		if (bf_inline_start(&inline_node, settings, message, size) != 0) {
			return -1;
		}
		inline_here = true;
	} else if (!inline_here) {
		snprintf(message, size, "Node.js runs inline on another thread already");
		return -1;
	}
	*out = inline_node;
	return 0;
}

static int get_threads(bf_node **out, int count, const bf_node *settings, char *message, size_t size)
{
	for (int i = 0; i < count; i++) {
		if (i == thread_count) {
			if (bf_thread_start(&threads[i], settings, message, size) != 0) {
				return -1;
			}
			thread_count++;
		}
		out[i] = threads[i];
	}
	return 0;
}

static int get_children(bf_node **out, int count, const char *program, const bf_node *settings, char *message,
			size_t size)
{
	for (int i = 0; i < count; i++) {
		if (bf_process_start(&out[i], settings, program, message, size) != 0) {
			while (i-- > 0) {
				out[i]->stop(out[i]);
				free(out[i]); /* no module names it yet */
			}
			return -1;
		}
	}
	for (int i = 0; i < count; i++) {
		out[i]->next = children;
		children = out[i];
	}
	return 0;
}

/* The mutex is held. 0, or -1 when there are too many. */
static int add_flush(bf_node *node, void (*flush)(void *data), void *data)
{
	int count = node->flush_count;

	for (int i = 0; i < count; i++) {
		if (node->flushes[i].run == flush && node->flushes[i].data == data) {
			return 0;
		}
	}
	if (count == BF_FLUSHES) {
		return -1;
	}
	node->flushes[count].run = flush;
	node->flushes[count].data = data;
	atomic_store_explicit(&node->flush_count, count + 1, memory_order_release);
	return 0;
}

int bf_nodes_get(bf_node **nodes, int count, int mode, const char *program, const bf_node *settings,
		 void (*flush)(void *data), void *data, char *message, size_t size)
{
	int status = -1;

	pthread_mutex_lock(&mutex);
	if (owner && owner != getpid()) {
		snprintf(message, size, "Node.js was started before the process forked; start it in the child");
	} else {
		if (!owner) {
			bf_bytes_keep_memory();
		}
		owner = getpid();
		status = mode == BIFFI_INLINE    ? get_inline(nodes, settings, message, size)
			 : mode == BIFFI_PROCESS ? get_children(nodes, count, program, settings, message, size)
						 : get_threads(nodes, count, settings, message, size);
	}
	for (int i = 0; status == 0 && flush && i < (mode == BIFFI_INLINE ? 1 : count); i++) {
		if (add_flush(nodes[i], flush, data) != 0) {
			snprintf(message, size, "more than %d different flush functions", BF_FLUSHES);
			status = -1;
		}
	}
	pthread_mutex_unlock(&mutex);
	return status;
}

static void stop(bf_node *node)
{
	node->stop(node);
	node->next = ended;
	ended = node;
}

void bf_nodes_drop(bf_node *node)
{
	bool found = false;

	pthread_mutex_lock(&mutex);
	for (bf_node **link = &children; *link; link = &(*link)->next) {
		if (*link == node) {
			*link = node->next;
			found = true;
			break;
		}
	}
	pthread_mutex_unlock(&mutex);
	if (found) {
		stop(node);
	}
}

void bf_nodes_at_stop(void (*run)(void *data), void *data)
{
	struct ending *ending = malloc(sizeof(*ending));

	if (ending) {
		*ending = (struct ending){.run = run, .data = data};
		pthread_mutex_lock(&mutex);
		ending->next = endings;
		endings = ending;
		pthread_mutex_unlock(&mutex);
	}
}

void bf_nodes_stop(void)
{
	pthread_mutex_lock(&mutex);
	for (struct ending *ending = owner == getpid() ? endings : NULL; ending; ending = ending->next) {
		ending->run(ending->data);
	}
	if (owner == getpid()) {
		while (thread_count > 0) {
			stop(threads[--thread_count]);
		}
		while (children) {
			bf_node *child = children;

			children = child->next;
			stop(child);
		}
		if (inline_node && inline_here) {
			stop(inline_node);
			inline_node = NULL;
			inline_here = false;
		}
	}
	pthread_mutex_unlock(&mutex);
}
