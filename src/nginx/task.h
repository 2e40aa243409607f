/*
 * A call from Lua, and the queue that carries it to a runtime.
 *
 * Everything here is nginx's thread's, except: what polls, answers and logs, which
 * any thread may do and which goes through the queue's and the worker's own queues.
 * This file and queue.c know nothing of nginx.
 */
#ifndef RF_TASK_H
#define RF_TASK_H

#include "../host/queue.h"
#include "resty_ffi.h"

#include <pthread.h>

/* Something for nginx's thread to do, pushed by any other. */
typedef struct rf_item {
	bf_link link;
	void (*run)(struct rf_item *item);
} rf_item;

enum rf_state {
	RF_FREE = 0,
	RF_PENDING = 1,  /* on its way; Lua may wait for it */
	RF_DONE = 2,     /* answered; Lua reads and releases it */
	RF_ABANDONED = 3 /* nobody waits; freed when its answer comes */
};

typedef struct rf_queue rf_queue;
typedef struct rf_task rf_task;

struct rf_task {
	/* resty_ffi.lua declares these five */
	int state;
	int rc;
	char *rsp;
	size_t rsp_len;
	void *sema; /* the lua module's semaphore that the coroutine waits on */

	void *request; /* nginx's, whose handler asks; there as long as a coroutine waits. NULL: none */
	rf_item item;  /* in the queue on the way there, in the worker's on the way back */
	rf_queue *queue;
	char *req; /* in the task's memory, or Lua's while it is posted */
	size_t req_len;
	char *memory; /* for requests; stays with the task */
	size_t memory_size;
	const char *method;
	uint64_t mark;
	bool waiting;          /* counted in queue->waiting */
	bool at_once;          /* answered inside of its post */
	bool checked;          /* woken, and watched whether somebody was there to wake */
	rf_task *next, *prior; /* of those under way, or of the free ones (next only) */
	rf_task *made;         /* of all tasks: the one before */
	int64_t started;       /* microseconds */
};

typedef struct rf_option {
	struct rf_option *next;
	char *value;
	char name[];
} rf_option;

enum { RF_BUCKETS = 24 }; /* a latency of 2^n microseconds up to 2^(n+1) */

/* Lua reads this through its declaration of the same. */
typedef struct rf_stats {
	uint64_t calls, answers, errors, timeouts, aborts, full;
	uint64_t in_flight, waiting;
	uint64_t latency[RF_BUCKETS];
} rf_stats;

struct rf_queue {
	bf_queue pushed; /* by nginx's thread, and once by rf_queue_finish */
	_Atomic int waiting;
	int max;
	bool finished;               /* nginx's thread: nothing is pushed any more */
	resty_ffi_consumer consumer; /* consumer.task NULL: somebody polls */
	rf_option *options, *methods;
	char *refusal;
	rf_stats stats;

	pthread_mutex_t mutex; /* guards the rest */
	pthread_cond_t pushed_to;
	_Atomic int sleepers; /* how many wait for pushed_to */
	bf_link *polled;      /* taken from `pushed`, in order */
	bool ended;           /* the last task was polled */
	char *abandoned;      /* nobody polls any more: why */
	bf_link last;         /* what rf_queue_finish pushes */
	rf_queue *next;       /* of the worker's queues */
};

rf_queue *rf_queue_new(int max);
int rf_queue_set(rf_queue *queue, const char *name, const char *value);

/* Hands a task to the runtime. Its answer may be there when this returns. */
void rf_queue_push(rf_queue *queue, rf_task *task);

/* No more tasks: the runtime ends after those that wait. */
void rf_queue_finish(rf_queue *queue);

/* queue.c hands answers to these, worker.c has them. */
void rf_worker_push(rf_item *item);
bool rf_worker_here(void);
void rf_task_answered(rf_item *item);

#endif
