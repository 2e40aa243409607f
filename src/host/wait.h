/*
 * A message whose sender waits for its answer. The request is copied, so that a
 * sender who runs out of patience can leave.
 */
#ifndef BF_HOST_WAIT_H
#define BF_HOST_WAIT_H

#include "node.h"

typedef struct bf_answer {
	int code;
	char *bytes; /* malloc'ed */
	size_t length;
} bf_answer;

/*
 * Posts a copy of `message` (its `done` is not used) and waits at most that many
 * milliseconds, below 0 for ever. True with the answer, false when time is over.
 */
bool bf_wait(bf_node *node, const bf_message *message, int milliseconds, bf_answer *answer);

/* Milliseconds of a clock that only goes forward. */
int64_t bf_now(void);

#endif
