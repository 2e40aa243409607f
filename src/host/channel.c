#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bf_backlog {
	struct bf_backlog *next;
	size_t length, sent;
	unsigned char bytes[];
};

static const uint64_t LONGEST = 1ull << 31; /* of a frame's bytes: more is nonsense */

void bf_channel_open(bf_channel *channel, bf_shared *shared, bool child, int bell_out, int bell_in)
{
	*channel = (bf_channel){.out = child ? &shared->to_parent : &shared->to_child,
				.in = child ? &shared->to_child : &shared->to_parent,
				.bell_out = bell_out,
				.bell_in = bell_in};
	channel->last = &channel->first;
}

void bf_channel_close(bf_channel *channel)
{
	while (channel->first) {
		struct bf_backlog *next = channel->first->next;

		free(channel->first);
		channel->first = next;
	}
	channel->last = &channel->first;
	free(channel->method);
	free(channel->body);
	channel->method = channel->body = NULL;
	channel->got = 0;
}

static void ring(bf_ring *of, int bell)
{
	uint64_t one = 1;

	if (atomic_exchange(&of->rung, 1) == 0) {
		while (write(bell, &one, sizeof(one)) < 0 && errno == EINTR) {
		}
	}
}

void bf_channel_flush(bf_channel *channel)
{
	if (atomic_load(&channel->out->head) != atomic_load(&channel->out->tail)) {
		ring(channel->out, channel->bell_out);
	}
}

/* --- writing ------------------------------------------------------------------------- */

/*
 * Where a byte lies. For the reader: after it has seen the head behind the byte, with
 * which the base came, and that stays as long as there is something to read.
 */
static size_t place(bf_ring *of, uint64_t position)
{
	return (position - atomic_load_explicit(&of->base, memory_order_relaxed)) % BF_RING;
}

/* As many of the bytes as there is room for. */
static size_t put(bf_ring *out, const unsigned char *bytes, size_t length)
{
	uint64_t head = atomic_load_explicit(&out->head, memory_order_relaxed);
	uint64_t used = head - atomic_load_explicit(&out->tail, memory_order_acquire);
	size_t room = used <= BF_RING ? BF_RING - used : 0, at, part;

	if (length > room) {
		length = room;
	}
	if (length == 0) {
		return 0;
	}
	if (used == 0) {
		atomic_store_explicit(&out->base, head, memory_order_relaxed);
	}
	at = place(out, head);
	part = length < BF_RING - at ? length : BF_RING - at;
	memcpy(out->bytes + at, bytes, part);
	memcpy(out->bytes, bytes + part, length - part);
	atomic_store_explicit(&out->head, head + length, memory_order_release);
	return length;
}

/* What waits goes first. True when nothing waits any more. */
static bool send_backlog(bf_channel *channel)
{
	struct bf_backlog *waiting;

	while ((waiting = channel->first) != NULL) {
		waiting->sent += put(channel->out, waiting->bytes + waiting->sent, waiting->length - waiting->sent);
		if (waiting->sent < waiting->length) {
			/* The reader may have made room before it could see this: look once more. */
			if (atomic_exchange(&channel->out->full, 1) == 1) {
				return false;
			}
			continue;
		}
		channel->first = waiting->next;
		if (!channel->first) {
			channel->last = &channel->first;
		}
		free(waiting);
	}
	return true;
}

static int keep(bf_channel *channel, const unsigned char *bytes, size_t length)
{
	struct bf_backlog *waiting = malloc(sizeof(*waiting) + length);

	if (!waiting) {
		return -1;
	}
	*waiting = (struct bf_backlog){.length = length};
	memcpy(waiting->bytes, bytes, length);
	*channel->last = waiting;
	channel->last = &waiting->next;
	return 0;
}

int bf_channel_send(bf_channel *channel, const bf_frame *frame, const char *method, const void *head, const void *bytes)
{
	const struct {
		const void *bytes;
		size_t length;
	} parts[] = {{frame, sizeof(*frame)},
		     {method, frame->method},
		     {head, frame->head},
		     {bytes, frame->length - frame->head}};
	bool direct = send_backlog(channel), kept = false;

	for (int i = 0; i < 4; i++) {
		size_t sent = direct && parts[i].length ? put(channel->out, parts[i].bytes, parts[i].length) : 0;

		if (sent < parts[i].length) {
			direct = false;
			kept = true;
			if (keep(channel, (const unsigned char *)parts[i].bytes + sent, parts[i].length - sent) != 0) {
				return -1;
			}
		}
	}
	if (kept) {
		send_backlog(channel);
	}
	return 0;
}

/* --- reading ------------------------------------------------------------------------- */

/* Up to that many bytes; -1: the positions are nonsense. */
static ssize_t get(bf_ring *in, void *to, size_t length)
{
	uint64_t tail = atomic_load_explicit(&in->tail, memory_order_relaxed);
	uint64_t used = atomic_load_explicit(&in->head, memory_order_acquire) - tail;
	size_t at = place(in, tail), part;

	if (used > BF_RING) {
		return -1;
	}
	if (length > used) {
		length = used;
	}
	part = length < BF_RING - at ? length : BF_RING - at;
	memcpy(to, in->bytes + at, part);
	memcpy((char *)to + part, in->bytes, length - part);
	atomic_store_explicit(&in->tail, tail + length, memory_order_release);
	return (ssize_t)length;
}

/* Fills a part of the frame that lies between two counts of `got`. 1: it is full. */
static int fill(bf_channel *channel, void *part, size_t start, size_t length)
{
	size_t have = channel->got - start;
	ssize_t more;

	if (have >= length) {
		return 1;
	}
	more = get(channel->in, (char *)part + have, length - have);
	if (more < 0) {
		return -1;
	}
	channel->got += (size_t)more;
	return have + (size_t)more == length;
}

static bool is_nonsense(const bf_frame *frame)
{
	return frame->length > LONGEST || frame->method > BF_RING || frame->head > frame->length;
}

static bool has_bytes(const bf_frame *frame)
{
	return !(frame->flags & BF_FRAME_NULL) || frame->length > 0;
}

/* The head is there: its numbers are checked, memory is got for the rest. */
static int prepare(bf_channel *channel)
{
	const bf_frame *frame = &channel->frame;
	bool body = has_bytes(frame);

	if (is_nonsense(frame)) {
		return -1;
	}
	if (frame->flags & BF_FRAME_METHOD) {
		channel->method = calloc(1, (size_t)frame->method + 1);
	}
	if (body) {
		channel->body = malloc(frame->length + 1);
		if (channel->body) {
			channel->body[frame->length] = '\0';
		}
	}
	return (frame->flags & BF_FRAME_METHOD && !channel->method) || (body && !channel->body) ? -1 : 0;
}

/* Room was made: whoever waited for it is told. */
static void tell_room(bf_channel *channel)
{
	if (atomic_load(&channel->in->full) && atomic_exchange(&channel->in->full, 0)) {
		ring(channel->out, channel->bell_out);
	}
}

int bf_channel_peek(bf_channel *channel, bf_frame *frame, const char **method, const char **bytes)
{
	bf_ring *in = channel->in;
	uint64_t tail = atomic_load_explicit(&in->tail, memory_order_relaxed) + channel->peeked;
	uint64_t used = atomic_load_explicit(&in->head, memory_order_acquire) - tail;
	size_t at = place(in, tail), size;
	const char *part = (const char *)in->bytes + at + sizeof(*frame);

	if (channel->got > 0 || used > BF_RING || used < sizeof(*frame) || at + sizeof(*frame) > BF_RING) {
		return 0;
	}
	memcpy(frame, in->bytes + at, sizeof(*frame));
	if (is_nonsense(frame)) {
		return 0; /* bf_channel_receive says so */
	}
	size = sizeof(*frame) + frame->method + frame->length;
	if (used < size || at + size > BF_RING) {
		return 0;
	}
	*method = frame->flags & BF_FRAME_METHOD ? part : NULL;
	*bytes = has_bytes(frame) ? part + frame->method : NULL;
	channel->peeked += size;
	return 1;
}

void bf_channel_drop(bf_channel *channel)
{
	uint64_t tail = atomic_load_explicit(&channel->in->tail, memory_order_relaxed);

	atomic_store_explicit(&channel->in->tail, tail + channel->peeked, memory_order_release);
	channel->peeked = 0;
	tell_room(channel);
}

int bf_channel_receive(bf_channel *channel, bf_frame *frame, char **method, char **bytes)
{
	size_t start = sizeof(channel->frame);
	bool fresh = channel->got < start;
	int status = fill(channel, &channel->frame, 0, start);

	if (status == 1 && fresh) {
		status = prepare(channel) == 0 ? 1 : -1;
	}
	if (status == 1 && channel->method) {
		status = fill(channel, channel->method, start, channel->frame.method);
		start += channel->frame.method;
	}
	if (status == 1 && channel->body) {
		status = fill(channel, channel->body, start, channel->frame.length);
	}
	tell_room(channel);
	if (status == 1) {
		*frame = channel->frame;
		*method = channel->method;
		*bytes = channel->body;
		channel->method = channel->body = NULL;
		channel->got = 0;
	}
	return status;
}

void bf_channel_answer(bf_channel *channel)
{
	uint64_t count;

	while (read(channel->bell_in, &count, sizeof(count)) < 0 && errno == EINTR) {
	}
	atomic_store(&channel->in->rung, 0);
	if (channel->first) {
		send_backlog(channel);
		bf_channel_flush(channel);
	}
}
