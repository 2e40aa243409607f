/*
 * The environments of this process: threads that all modules share, and one
 * environment a thread for modules that run inline.
 */
#ifndef BF_HOST_NODES_H
#define BF_HOST_NODES_H

#include "node.h"

enum { BF_THREADS_MAX = 64 };

/*
 * The first `count` thread nodes, or (inline) the calling thread's one, started
 * where they do not run yet. `settings` gives a new node its log and flush.
 */
int bf_nodes_get(bf_node **nodes, int count, bool in_line, const bf_node *settings, char *message, size_t size);

/* Ends all of them. */
void bf_nodes_stop(void);

/* A number no other call has; never 0. */
uint64_t bf_nodes_next_id(void);

#endif
