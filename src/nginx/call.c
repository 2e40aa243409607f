/*
 * A call's way as resty_ffi.lua drives it: take a task, let the coroutine wait on
 * the task's semaphore, post, read the answer, release.
 *
 * Nobody tells a semaphore's owner that the waiting coroutine is gone (killed, its
 * client closed the connection, its request was finalised). Two looks find out:
 * a task's answer finds nobody to wake; and, for answers that take long, a
 * timer that visits the tasks under way once a second.
 */
#define _GNU_SOURCE /* nginx's headers, which come later, count on it */
#include "worker.h"

#include <ngx_event.h>
#include <ngx_http.h>
#include <time.h>

enum {
	SWEEP = 1000,        /* milliseconds between two visits */
	KEEP_REQUEST = 65536 /* bytes of a request's memory that stay with a free task */
};

static rf_task *all_tasks, *free_tasks, *under_way, *checked;
static rf_task *visited; /* the next one of a sweep; stays right while tasks leave */
static bool ended;       /* the worker is: whoever answers now answers nobody */
static rf_task *posting; /* an answer that comes now is there before Lua waits for it */
static ngx_event_t check_event, sweep_event;
static ngx_connection_t no_connection = {.fd = -1};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- a task's life ------------------------------------------------------------------ */

static void way_enter(rf_task *task)
{
	task->prior = NULL;
	task->next = under_way;
	if (under_way) {
		under_way->prior = task;
	}
	under_way = task;
}

static void way_leave(rf_task *task)
{
	if (task == visited) {
		visited = task->next;
	}
	if (task->prior) {
		task->prior->next = task->next;
	} else {
		under_way = task->next;
	}
	if (task->next) {
		task->next->prior = task->prior;
	}
}

/* Its check, when it has one to come, frees it then. */
static void release(rf_task *task)
{
	free(task->rsp);
	task->rsp = NULL;
	if (task->memory_size > KEEP_REQUEST) {
		free(task->memory);
		task->memory = NULL;
		task->memory_size = 0;
	}
	task->req = NULL;
	task->state = RF_FREE;
	if (!task->checked) {
		task->next = free_tasks;
		free_tasks = task;
	}
}

static void abandon(rf_task *task)
{
	rf_queue *queue = task->queue;

	task->state = RF_ABANDONED;
	if (queue->consumer.abort) {
		queue->consumer.abort(queue->consumer.data, task);
	}
}

/* After the semaphores' own events: one that still counts has woken nobody. */
static void on_check(ngx_event_t *event)
{
	rf_task *task = checked;

	(void)event;
	checked = NULL;
	while (task) {
		rf_task *next = task->next;

		task->checked = false;
		if (ngx_http_lua_ffi_sema_count(task->sema) > 0) {
			ngx_http_lua_ffi_sema_post(task->sema, -1);
			task->queue->stats.aborts++;
			release(task);
		} else if (task->state == RF_FREE) {
			release(task);
		}
		task = next;
	}
}

static bool is_waited_for(rf_task *task)
{
	return task->state == RF_PENDING && ngx_http_lua_ffi_sema_count(task->sema) < 0;
}

static void on_sweep(ngx_event_t *event)
{
	visited = under_way;
	while (visited) {
		rf_task *task = visited;

		visited = task->next;
		if (task->state == RF_PENDING && !is_waited_for(task)) {
			task->queue->stats.aborts++;
			abandon(task);
		}
	}
	if (under_way) {
		ngx_add_timer(event, SWEEP);
	}
}

static void count_answer(rf_task *task)
{
	rf_stats *stats = &task->queue->stats;
	uint64_t took = (uint64_t)(now_us() - task->started);
	int bucket = took ? 63 - __builtin_clzll(took) : 0;

	stats->answers++;
	stats->errors += task->rc != 0;
	stats->in_flight--;
	stats->latency[bucket < RF_BUCKETS ? bucket : RF_BUCKETS - 1]++;
}

ngx_log_t *rf_task_log(uint64_t mark)
{
	rf_task *task = posting;
	ngx_http_request_t *r;

	if (!task && mark) {
		for (task = under_way; task && task->mark != mark; task = task->next) {
		}
		task = task && is_waited_for(task) ? task : NULL;
	}
	r = task ? task->request : NULL;
	return r && r->connection ? r->connection->log : ngx_cycle->log;
}

/* nginx's thread: the answer is there. */
void rf_task_answered(rf_item *item)
{
	rf_task *task = BF_CONTAINER(item, rf_task, item);

	if (ended) {
		return;
	}
	way_leave(task);
	count_answer(task);
	if (task == posting) {
		task->state = RF_DONE;
		task->at_once = true;
	} else if (task->state == RF_ABANDONED) {
		release(task);
	} else if (ngx_http_lua_ffi_sema_count(task->sema) >= 0) {
		task->queue->stats.aborts++;
		release(task);
	} else {
		task->state = RF_DONE;
		ngx_http_lua_ffi_sema_post(task->sema, 1);
		task->checked = true;
		task->next = checked;
		checked = task;
		ngx_post_event(&check_event, &ngx_posted_events);
	}
}

void rf_tasks_end(void)
{
	/* A task under way is still known to its runtime: only its semaphore can go. */
	for (rf_task *task = all_tasks; task; task = task->made) {
		ngx_http_lua_ffi_sema_gc(task->sema);
		task->sema = NULL;
	}
	while (free_tasks) {
		rf_task *task = free_tasks;

		free_tasks = task->next;
		free(task->memory);
		free(task);
	}
	all_tasks = NULL;
	ended = true;
	if (sweep_event.timer_set) {
		ngx_del_timer(&sweep_event);
	}
	if (check_event.posted) {
		ngx_delete_posted_event(&check_event);
	}
}

/* --- what Lua calls ----------------------------------------------------------------- */

/* It stays as long as the worker: any thread may know it. It ends with it at the latest. */
RESTY_FFI_API rf_queue *resty_ffi_queue_new(int max)
{
	rf_queue *queue = rf_queue_new(max);

	if (queue) {
		rf_worker_add(queue);
	}
	return queue;
}

RESTY_FFI_API int resty_ffi_queue_set(rf_queue *queue, const char *name, const char *value)
{
	return rf_queue_set(queue, name, value);
}

/* libffi_init has refused it: its reason, or NULL. The text is the queue's. */
RESTY_FFI_API const char *resty_ffi_queue_refusal(rf_queue *queue)
{
	return queue->refusal;
}

RESTY_FFI_API void resty_ffi_queue_finish(rf_queue *queue)
{
	rf_queue_finish(queue);
}

RESTY_FFI_API void resty_ffi_queue_stats(rf_queue *queue, rf_stats *stats)
{
	*stats = queue->stats;
	stats->waiting = (uint64_t)atomic_load(&queue->waiting);
}

struct extra {
	const char **names;
	double *values;
	int count, most;
};

static void put_extra(void *to, const char *name, double value)
{
	struct extra *extra = to;

	if (extra->count < extra->most) {
		extra->names[extra->count] = name;
		extra->values[extra->count++] = value;
	}
}

/* What the runtime itself counts: how many numbers there are. */
RESTY_FFI_API int resty_ffi_queue_extra(rf_queue *queue, const char **names, double *values, int most)
{
	struct extra extra = {names, values, 0, most};

	if (queue->consumer.stats && !queue->finished) {
		queue->consumer.stats(queue->consumer.data, put_extra, &extra);
	}
	return extra.count;
}

static rf_task *task_make(void)
{
	rf_task *task = free_tasks;
	ngx_http_lua_sema_t *semaphore;
	char *message;

	if (task) {
		free_tasks = task->next;
		return task;
	}
	task = calloc(1, sizeof(*task));
	if (!task || ngx_http_lua_ffi_sema_new(&semaphore, 0, &message) != NGX_OK) {
		free(task);
		return NULL;
	}
	task->sema = semaphore;
	task->made = all_tasks;
	all_tasks = task;
	return task;
}

/* The name as it can be given to tasks; it stays as long as the worker. NULL: out of memory. */
RESTY_FFI_API const char *resty_ffi_queue_method(rf_queue *queue, const char *name)
{
	for (rf_option *method = queue->methods; method; method = method->next) {
		if (strcmp(method->name, name) == 0) {
			return method->name;
		}
	}
	size_t size = strlen(name) + 1;
	rf_option *method = malloc(sizeof(*method) + size);

	if (!method) {
		return NULL;
	}
	memcpy(method->name, name, size);
	method->next = queue->methods;
	queue->methods = method;
	return method->name;
}

/* Room for a request in the task's own memory. */
static bool task_room(rf_task *task, size_t length)
{
	if (length + 1 > task->memory_size) {
		free(task->memory);
		task->memory = malloc(length + 1);
		task->memory_size = task->memory ? length + 1 : 0;
	}
	return task->memory != NULL;
}

/* A task for a request of that length (0 for none), or NULL and the code. */
RESTY_FFI_API rf_task *resty_ffi_task_new(rf_queue *queue, const char *method, size_t length, int *code)
{
	rf_task *task;

	*code = RESTY_FFI_EMEMORY;
	if (queue->finished) {
		*code = RESTY_FFI_ESTOPPED;
		return NULL;
	}
	if (atomic_load(&queue->waiting) >= queue->max) {
		queue->stats.full++;
		*code = RESTY_FFI_EFULL;
		return NULL;
	}
	task = length > INT_MAX ? NULL : task_make();
	if (!task) {
		return NULL;
	}
	task->queue = queue;
	task->method = method;
	task->mark = 0;
	task->at_once = false;
	task->state = RF_PENDING;
	task->rc = 0;
	task->rsp = NULL;
	task->rsp_len = 0;
	task->req = NULL;
	task->req_len = length;
	if (!queue->consumer.copies && !task_room(task, length)) {
		release(task);
		return NULL;
	}
	*code = 0;
	return task;
}

/*
 * Sends it. `request` (NULL: none) has the length that the task was made for; it is
 * copied, or lent where the runtime makes a copy itself. `r` is nginx's request, or NULL.
 * When the task's state is RF_DONE afterwards, there is nothing to wait for.
 */
RESTY_FFI_API void resty_ffi_task_post(rf_task *task, const char *request, void *r)
{
	rf_queue *queue = task->queue;

	task->request = r;
	if (request && queue->consumer.copies) {
		task->req = (char *)request;
	} else if (request) {
		task->req = task->memory;
		memcpy(task->req, request, task->req_len);
		task->req[task->req_len] = '\0';
	}
	task->started = now_us();
	task->waiting = true;
	atomic_fetch_add(&queue->waiting, 1);
	queue->stats.calls++;
	queue->stats.in_flight++;
	way_enter(task);
	if (!check_event.handler) {
		check_event.handler = on_check;
		check_event.log = ngx_cycle->log;
		check_event.data = &no_connection;
		sweep_event.handler = on_sweep;
		sweep_event.log = ngx_cycle->log;
		sweep_event.data = &no_connection;
		sweep_event.cancelable = 1;
	}
	posting = queue->consumer.task ? task : NULL;
	rf_queue_push(queue, task);
	posting = NULL;
	if (queue->consumer.copies) {
		task->req = NULL;
	}
	if (under_way && !sweep_event.timer_set) {
		ngx_add_timer(&sweep_event, SWEEP);
	}
}

/* Both at once, for a runtime whose answers are mostly there at once. */
RESTY_FFI_API rf_task *resty_ffi_task_ask(rf_queue *queue, const char *method, const char *request, size_t length,
					  void *r, int *code)
{
	rf_task *task = resty_ffi_task_new(queue, method, length, code);

	if (task) {
		resty_ffi_task_post(task, request, r);
	}
	return task;
}

/* Lua has read the answer, or has not posted it. */
RESTY_FFI_API void resty_ffi_task_release(rf_task *task)
{
	release(task);
}

/* Lua does not wait any longer; `late` because time was over. */
RESTY_FFI_API void resty_ffi_task_abandon(rf_task *task, int late)
{
	if (late) {
		task->queue->stats.timeouts++;
	}
	if (task->state == RF_DONE) {
		release(task);
	} else {
		abandon(task);
	}
}
