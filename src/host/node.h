/*
 * What the C side and a JavaScript environment say to each other, wherever the
 * environment runs: messages go to a node, every message is answered once.
 */
#ifndef BF_HOST_NODE_H
#define BF_HOST_NODE_H

#include "biffi.h"
#include "queue.h"

enum bf_kind {
	BF_OPEN = 0,  /* request: JSON, what to load; answers when it is loaded */
	BF_CALL = 1,  /* request: the handler's */
	BF_CLOSE = 2, /* the module's number is free again */
	BF_ABORT = 3, /* `id` is the call to end; answered by nobody, freed by the node */
	BF_STATS = 4, /* answers JSON */
};

typedef struct bf_message bf_message;

/*
 * Written by its sender before the post, by the node's thread afterwards, until
 * `done` gives it back, on whichever thread that is.
 */
struct bf_message {
	bf_link link;
	enum bf_kind kind;
	bool buffer;     /* request becomes a Buffer */
	bool batched;    /* the node need not wake for it before its flush */
	uint32_t module; /* number of the module in its node */
	uint64_t id;     /* of the call, unique in the process */
	const char *method;
	const void *request;
	size_t length;
	const char *head; /* NULL: none. A third argument, a string of one byte a character */
	size_t head_length;
	void *kept; /* process nodes': a copy of what the pointers above point to */
	void (*done)(bf_message *message, int code, char *bytes, size_t count); /* owns bytes */
};

typedef struct bf_node bf_node;

enum { BF_FLUSHES = 9 };

enum { BF_HEAP = 4 }; /* bytes: used, total, outside of the heap, resident */

struct bf_node {
	/*
	 * Any thread (inline: the owner). After the node's end `done` runs with BIFFI_ESTOPPED.
	 * Inline and process nodes have copies of what the message points to when this returns.
	 */
	void (*post)(bf_node *node, bf_message *message);
	/* What was posted as batched is on its way. NULL: it always is. */
	void (*flush)(bf_node *node);
	/* Waits for something to happen, at most that long. Not for threads; the owner only. */
	void (*turn)(bf_node *node, int milliseconds);
	int (*timeout)(bf_node *node);
	/*
	 * True when JavaScript has not come back for longer than that; it is interrupted
	 * then. The same thread each time; inline nodes have none.
	 */
	bool (*watch)(bf_node *node, int milliseconds);
	/* Ends the node; messages on their way are answered. Not on its own thread. The struct stays
	 * for modules that still name it. */
	void (*stop)(bf_node *node);
	bf_node *next; /* of those that have ended */
	int fd;        /* what an event loop polls; threads: -1 */
	_Atomic uint64_t wakeups, restarts, heap[BF_HEAP];
	/* How many messages were posted, and of how many JavaScript has heard; aborts are not counted. */
	_Atomic uint64_t posted, heard;
	_Atomic uint64_t *heard_shared;      /* a process's: where the child counts; otherwise NULL */
	void (*heap_changed)(bf_node *node); /* NULL: nobody has to be told */
	/* As bf_log_write, which it is where the log's functions are. Set before start. */
	bool (*log)(int number, const biffi_origin *origin, int level, const char *text, size_t length);
	int log_number; /* a child's: its module's */
	/* What is told after each batch of answers: every host library that asked for it, once. */
	struct {
		void (*run)(void *data);
		void *data;
	} flushes[BF_FLUSHES];
	_Atomic int flush_count; /* they are only ever added */
};

static inline _Atomic uint64_t *bf_node_heard(bf_node *node)
{
	return node->heard_shared ? node->heard_shared : &node->heard;
}

/* Any thread. How many messages JavaScript has not heard of yet. */
static inline uint64_t bf_node_waiting(bf_node *node)
{
	uint64_t heard = atomic_load(bf_node_heard(node)), posted = atomic_load(&node->posted);

	return posted > heard ? posted - heard : 0; /* inline, none is counted as posted */
}

/* The node's thread. */
static inline void bf_node_flush(bf_node *node)
{
	int count = atomic_load_explicit(&node->flush_count, memory_order_acquire);

	for (int i = 0; i < count; i++) {
		node->flushes[i].run(node->flushes[i].data);
	}
}

/* 0, or -1 and the reason. */
int bf_thread_start(bf_node **out, const bf_node *settings, char *message, size_t size);
int bf_inline_start(bf_node **out, const bf_node *settings, char *message, size_t size);
int bf_process_start(bf_node **out, const bf_node *settings, const char *program, char *message, size_t size);

#endif
