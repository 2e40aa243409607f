/*
 * The environments of this process: threads that all modules share, one environment
 * for modules that run inline, and children, each of one module.
 */
#ifndef BF_HOST_NODES_H
#define BF_HOST_NODES_H

#include "node.h"

enum { BF_THREADS_MAX = 64 };

/*
 * Mode thread: the first `count` threads; inline: the calling thread's environment;
 * process: `count` new children that run `program`. Started where they do not run
 * yet; `settings` gives a new one its log. All of them get `flush` (NULL: nothing).
 */
int bf_nodes_get(bf_node **nodes, int count, int mode, const char *program, const bf_node *settings,
		 void (*flush)(void *data), void *data, char *message, size_t size);

/* Ends a child. */
void bf_nodes_drop(bf_node *node);

/* Ends all of them, after `ending`s of bf_nodes_at_stop. */
void bf_nodes_stop(void);
void bf_nodes_at_stop(void (*ending)(void *data), void *data);

/* A number no other call has; never 0. */
uint64_t bf_nodes_next_id(void);

#endif
