/*
 * How two threads hand things to each other here: a queue without a lock, which
 * any number of threads push onto and one takes everything from at once, and a
 * bell, an eventfd that is written once however many pushes the taker has not
 * seen yet.
 */
#ifndef BF_HOST_QUEUE_H
#define BF_HOST_QUEUE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct bf_link {
	struct bf_link *next;
} bf_link;

typedef struct bf_queue {
	_Atomic(bf_link *) top; /* the newest first */
} bf_queue;

/* The struct around a link. */
#define BF_CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* Any thread. True when the queue was empty: its taker has to be woken. */
static inline bool bf_queue_push(bf_queue *queue, bf_link *link)
{
	bf_link *top = atomic_load_explicit(&queue->top, memory_order_relaxed);

	do {
		link->next = top;
	} while (!atomic_compare_exchange_weak(&queue->top, &top, link));
	return top == NULL;
}

static inline bool bf_queue_empty(bf_queue *queue)
{
	return atomic_load(&queue->top) == NULL;
}

/* Everything that was pushed, the oldest first. */
static inline bf_link *bf_queue_take(bf_queue *queue)
{
	bf_link *link = atomic_exchange(&queue->top, NULL), *first = NULL;

	while (link) {
		bf_link *next = link->next;

		link->next = first;
		first = link;
		link = next;
	}
	return first;
}

typedef struct bf_bell {
	int fd;
	_Atomic bool rung; /* written, and not answered yet */
} bf_bell;

/* 0, or -1 and errno. */
static inline int bf_bell_open(bf_bell *bell)
{
	atomic_store(&bell->rung, false);
	bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return bell->fd < 0 ? -1 : 0;
}

static inline void bf_bell_close(bf_bell *bell)
{
	if (bell->fd >= 0) {
		close(bell->fd);
	}
	bell->fd = -1;
}

/* Any thread, after its push. */
static inline void bf_bell_ring(bf_bell *bell)
{
	uint64_t one = 1;

	if (!atomic_exchange(&bell->rung, true)) {
		while (write(bell->fd, &one, sizeof(one)) < 0 && errno == EINTR) {
		}
	}
}

/* The taker, before it takes: what is pushed from now on rings again. */
static inline void bf_bell_answer(bf_bell *bell)
{
	uint64_t count;

	while (read(bell->fd, &count, sizeof(count)) < 0 && errno == EINTR) {
	}
	atomic_store(&bell->rung, false);
}

#endif
