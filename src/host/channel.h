/*
 * Two processes and a piece of memory they share. Each direction is a ring of
 * bytes with one writer and one reader, and an eventfd that says: look again, there
 * is something to read, or room to write.
 *
 * A writer that finds its ring empty begins at its start again: as long as the other side
 * keeps up the same few pages are used, which stay in the processors' caches.
 *
 * What goes through are frames: a head, a method's name, and bytes. A frame may be
 * longer than the ring; what does not fit waits in the writer's own memory.
 */
#ifndef BF_HOST_CHANNEL_H
#define BF_HOST_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BF_RING = 4 << 20 }; /* bytes each way, a power of two; the system gives pages as they are touched */

typedef struct bf_ring {
	_Alignas(64) _Atomic uint64_t head; /* the writer's: all bytes ever written */
	_Atomic uint64_t base; /* the writer's: which of them lies at bytes[0], or did a whole number of rounds ago */
	_Alignas(64) _Atomic uint64_t tail; /* the reader's: all bytes ever read */
	_Atomic uint64_t heard;             /* and how many messages JavaScript has heard of */
	_Alignas(64) _Atomic uint32_t rung; /* the reader's eventfd was written and not answered */
	_Atomic uint32_t full;              /* the writer waits for room */
	_Alignas(64) unsigned char bytes[BF_RING];
} bf_ring;

typedef struct bf_shared {
	bf_ring to_child, to_parent;
} bf_shared;

enum {
	BF_FRAME_NULL = 1,   /* no bytes at all (but the head's), which is not the same as none of them */
	BF_FRAME_BUFFER = 2, /* the request becomes a Buffer */
	BF_FRAME_METHOD = 4, /* there is a method's name */
	BF_FRAME_HEAD = 8    /* there is a head */
};

/* 40 bytes, the same in both processes, as one library is both ends. */
typedef struct bf_frame {
	uint64_t id;   /* of the message this asks or answers */
	uint32_t kind; /* enum bf_kind, or BF_FRAME_ANSWER and its like */
	int32_t code;
	uint32_t flags;
	uint32_t module;
	uint32_t method; /* bytes of the name, without a NUL */
	uint32_t head;   /* bytes of the head, which is the first part of the bytes */
	uint64_t length; /* of the bytes */
} bf_frame;

enum {
	BF_FRAME_ANSWER = 100,
	BF_FRAME_LOG = 101, /* code is the level; id the call's, or 0; the method's name the module's */
	BF_FRAME_STOP = 102,
	BF_FRAME_PING = 103, /* asks, and answers, whether JavaScript comes back */
	BF_FRAME_HEAP = 104  /* BF_HEAP numbers of 8 bytes */
};

struct bf_backlog;

typedef struct bf_channel {
	bf_ring *out, *in;
	int bell_out, bell_in; /* eventfds: the other's, one's own */
	struct bf_backlog *first, **last;
	/* the frame that is being read */
	bf_frame frame;
	size_t got; /* bytes of frame, method and body that have arrived */
	char *method;
	char *body;
	size_t peeked; /* bytes of frames that bf_channel_peek gave and bf_channel_drop has not dropped */
} bf_channel;

void bf_channel_open(bf_channel *channel, bf_shared *shared, bool child, int bell_out, int bell_in);
void bf_channel_close(bf_channel *channel);

/* -1: out of memory. The other side is not woken before bf_channel_flush. */
int bf_channel_send(bf_channel *channel, const bf_frame *frame, const char *method, const void *head,
		    const void *bytes);
void bf_channel_flush(bf_channel *channel);

/*
 * One frame: 1 and its parts, which are the caller's to free (each ends with a NUL
 * that is not counted); 0: none is complete; -1: the memory holds nonsense, or none
 * is left here.
 */
int bf_channel_receive(bf_channel *channel, bf_frame *frame, char **method, char **bytes);

/*
 * The same without a copy: 1 and its parts, which lie in the shared memory, without a
 * NUL, until bf_channel_drop. 0: the next frame is not there as a whole, or not in one
 * piece; bf_channel_receive gets it, after a drop.
 */
int bf_channel_peek(bf_channel *channel, bf_frame *frame, const char **method, const char **bytes);
void bf_channel_drop(bf_channel *channel);

/* After the own eventfd became readable, before receiving: also sends what had to wait. */
void bf_channel_answer(bf_channel *channel);

#endif
