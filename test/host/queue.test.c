/*
 * The queue and the bell between threads, as their users use them: who pushes onto an
 * empty queue rings, who is woken answers the bell before it takes. Built with
 * ThreadSanitizer as well, which sees accesses that only happen to be in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "../../src/host/queue.h"

enum { PUSHERS = 4, ITEMS = 20000 };

struct item {
	bf_link link;
	int from, number; /* not atomic: the queue alone orders them */
};

static bf_queue queue;
static bf_bell bell;

static void *push_all(void *data)
{
	int from = (int)(intptr_t)data;

	for (int i = 0; i < ITEMS; i++) {
		struct item *item = malloc(sizeof(*item));

		item->from = from;
		item->number = i;
		if (bf_queue_push(&queue, &item->link)) {
			bf_bell_ring(&bell);
		}
	}
	return NULL;
}

/* Every item once, those of one thread in their order; who sleeps is woken. */
static void nothing_is_lost_or_overtaken(void **state)
{
	pthread_t threads[PUSHERS];
	int next[PUSHERS] = {0}, taken = 0;

	(void)state;
	assert_int_equal(bf_bell_open(&bell), 0);
	for (int i = 0; i < PUSHERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, push_all, (void *)(intptr_t)i), 0);
	}
	while (taken < PUSHERS * ITEMS) {
		struct pollfd waited = {.fd = bell.fd, .events = POLLIN};

		assert_int_equal(poll(&waited, 1, 60000), 1);
		bf_bell_answer(&bell);
		for (bf_link *link = bf_queue_take(&queue), *after; link; link = after) {
			struct item *item = BF_CONTAINER(link, struct item, link);

			after = link->next;
			assert_int_equal(item->number, next[item->from]);
			next[item->from]++;
			taken++;
			free(item);
		}
	}
	for (int i = 0; i < PUSHERS; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_true(bf_queue_empty(&queue));
	bf_bell_close(&bell);
}

/* One write for all rings until it is answered, and a new one afterwards. */
static void a_bell_is_written_once(void **state)
{
	uint64_t count;

	(void)state;
	assert_int_equal(bf_bell_open(&bell), 0);
	bf_bell_ring(&bell);
	bf_bell_ring(&bell);
	assert_int_equal(read(bell.fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	bf_bell_ring(&bell);
	assert_int_equal(read(bell.fd, &count, sizeof(count)), -1);
	bf_bell_answer(&bell);
	bf_bell_ring(&bell);
	assert_int_equal(read(bell.fd, &count, sizeof(count)), sizeof(count));
	bf_bell_close(&bell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_lost_or_overtaken),
	    cmocka_unit_test(a_bell_is_written_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
