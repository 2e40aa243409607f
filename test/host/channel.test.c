/*
 * The channel between a process and its child. Two threads stand for the two, as what
 * they share is the same memory; ThreadSanitizer looks on in a build of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/host/channel.h"

enum { FRAMES = 3000, AHEAD = 64 };

static bf_shared *shared;
static int to_child, to_parent;

static int set_up(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	to_child = eventfd(0, EFD_NONBLOCK);
	to_parent = eventfd(0, EFD_NONBLOCK);
	return shared == MAP_FAILED || to_child < 0 || to_parent < 0;
}

static int tear_down(void **state)
{
	(void)state;
	munmap(shared, sizeof(*shared));
	close(to_child);
	close(to_parent);
	return 0;
}

/* The bytes' first part is the head. */
static int send_frame(bf_channel *channel, const bf_frame *frame, const char *method, const char *bytes)
{
	return bf_channel_send(channel, frame, method, bytes, bytes ? bytes + frame->head : NULL);
}

/* Most frames are small, some are larger than the ring. */
static size_t length_of(uint64_t id)
{
	return id % 500 == 499 ? (size_t)BF_RING + 12345 : (id * 7919) % 3000;
}

static unsigned char byte_of(uint64_t id)
{
	return (unsigned char)(id * 31 + 1);
}

static void wait_for(int fd)
{
	struct pollfd waited = {.fd = fd, .events = POLLIN};

	if (poll(&waited, 1, 60000) != 1) {
		abort(); /* who had to be woken was not */
	}
}

/* Sends back, from where they lie, the frames that are there in one piece: how many. */
static int echo_peeked(bf_channel *channel)
{
	bf_frame frame;
	const char *method, *bytes;
	int count = 0;

	while (bf_channel_peek(channel, &frame, &method, &bytes) == 1) {
		if (send_frame(channel, &frame, method, bytes) != 0) {
			abort();
		}
		count++;
	}
	bf_channel_drop(channel);
	return count;
}

/* Sends back whatever comes. */
static void *echo(void *data)
{
	bf_channel channel;
	int left = FRAMES;

	(void)data;
	bf_channel_open(&channel, shared, true, to_parent, to_child);
	while (left > 0 || channel.first) {
		bf_frame frame;
		char *method, *bytes;
		int got;

		wait_for(to_child);
		bf_channel_answer(&channel);
		left -= echo_peeked(&channel);
		while ((got = bf_channel_receive(&channel, &frame, &method, &bytes)) == 1) {
			if (send_frame(&channel, &frame, method, bytes) != 0) {
				abort();
			}
			free(method);
			free(bytes);
			left -= 1 + echo_peeked(&channel);
		}
		if (got < 0) {
			abort();
		}
		bf_channel_flush(&channel);
	}
	bf_channel_close(&channel);
	return NULL;
}

static void frames_come_back_whole(void **state)
{
	bf_channel channel;
	pthread_t child;
	uint64_t sent = 0, received = 0;
	char *body = malloc((size_t)BF_RING + 12345);

	(void)state;
	bf_channel_open(&channel, shared, false, to_child, to_parent);
	assert_int_equal(pthread_create(&child, NULL, echo, NULL), 0);
	while (received < FRAMES) {
		bf_frame frame;
		char *method, *bytes;

		while (sent < FRAMES && sent - received < AHEAD) {
			bf_frame out = {.id = sent, .kind = 1, .length = length_of(sent)};

			if (sent % 3 == 0) {
				out.flags = BF_FRAME_METHOD;
				out.method = 6;
			}
			if (sent % 2 == 0 && out.length >= 5) {
				out.flags |= BF_FRAME_HEAD;
				out.head = 5;
			}
			memset(body, byte_of(sent), out.length);
			assert_int_equal(send_frame(&channel, &out, sent % 3 == 0 ? "method" : NULL, body), 0);
			sent++;
		}
		bf_channel_flush(&channel);
		wait_for(to_parent);
		bf_channel_answer(&channel);
		while (bf_channel_receive(&channel, &frame, &method, &bytes) == 1) {
			assert_int_equal(frame.id, received);
			assert_int_equal(frame.length, length_of(received));
			assert_int_equal(frame.head, received % 2 == 0 && frame.length >= 5 ? 5 : 0);
			for (size_t i = 0; i < frame.length; i++) {
				if ((unsigned char)bytes[i] != byte_of(received)) {
					fail_msg("frame %d, byte %zu", (int)received, i);
				}
			}
			assert_int_equal(bytes[frame.length], 0);
			if (received % 3 == 0) {
				assert_string_equal(method, "method");
			} else {
				assert_null(method);
			}
			free(method);
			free(bytes);
			received++;
		}
	}
	pthread_join(child, NULL);
	bf_channel_close(&channel);
	free(body);
}

/* The other process may be broken: what it writes is refused, not followed. */
static void nonsense_is_refused(void **state)
{
	static const struct {
		const char *what;
		uint64_t head;
		bf_frame frame;
	} cases[] = {
	    {"more bytes than the ring holds", BF_RING + 1, {0}},
	    {"a body of 2^63 bytes", sizeof(bf_frame), {.length = 1ull << 63}},
	    {"a method's name longer than the ring",
	     sizeof(bf_frame),
	     {.flags = BF_FRAME_METHOD, .method = UINT32_MAX}},
	    {"a head longer than its bytes", sizeof(bf_frame), {.flags = BF_FRAME_HEAD, .head = 5, .length = 4}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bf_channel channel;
		bf_frame frame;
		char *method, *bytes;
		const char *part;

		memset(&shared->to_child, 0, offsetof(bf_ring, bytes));
		memcpy(shared->to_child.bytes, &cases[i].frame, sizeof(cases[i].frame));
		atomic_store(&shared->to_child.head, cases[i].head);
		bf_channel_open(&channel, shared, true, to_parent, to_child);
		assert_int_equal(bf_channel_peek(&channel, &frame, &part, &part), 0);
		if (bf_channel_receive(&channel, &frame, &method, &bytes) != -1) {
			fail_msg("%s was taken", cases[i].what);
		}
		bf_channel_close(&channel);
	}
}

/* Frame after frame, each read before the next: the ring's other pages are never touched. */
static void an_empty_ring_begins_at_its_start(void **state)
{
	enum { SIZE = 10000, USED = 4 * SIZE };
	bf_channel parent, child;
	char *bytes = malloc(SIZE);

	(void)state;
	assert_non_null(bytes);
	bf_channel_open(&parent, shared, false, to_child, to_parent);
	bf_channel_open(&child, shared, true, to_parent, to_child);
	for (uint64_t id = 1; id <= 2 * (uint64_t)BF_RING / SIZE; id++) {
		const bf_frame frame = {.id = id, .flags = BF_FRAME_METHOD, .method = 4, .length = SIZE};
		const char *seen, *method;
		char *copy, *name;
		bf_frame got;

		memset(bytes, byte_of(id), SIZE);
		assert_int_equal(send_frame(&parent, &frame, "echo", bytes), 0);
		if (id % 2) {
			assert_int_equal(bf_channel_peek(&child, &got, &method, &seen), 1);
			assert_memory_equal(seen, bytes, SIZE);
			bf_channel_drop(&child);
		} else {
			assert_int_equal(bf_channel_receive(&child, &got, &name, &copy), 1);
			assert_memory_equal(copy, bytes, SIZE);
			free(name);
			free(copy);
		}
		assert_int_equal(got.id, id);
	}
	for (size_t i = USED; i < BF_RING; i++) {
		if (shared->to_child.bytes[i]) {
			fail_msg("byte %zu was written", i);
		}
	}
	bf_channel_close(&parent);
	bf_channel_close(&child);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(frames_come_back_whole, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_empty_ring_begins_at_its_start, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nonsense_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
