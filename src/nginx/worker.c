#define _GNU_SOURCE
#include "worker.h"

#include <dlfcn.h>
#include <nginx.h>
#include <ngx_event.h>
#include <ngx_http.h>

struct ending {
	struct ending *next;
	void (*run)(void *data);
	void *data;
};

struct resty_ffi_watcher {
	ngx_connection_t *connection;
	void (*ready)(void *data);
	void *data;
};

struct resty_ffi_timer {
	ngx_event_t event;
	ngx_connection_t connection; /* nginx's debug log looks for a descriptor */
	void (*due)(void *data);
	void *data;
};

struct log_item {
	rf_item item;
	uint64_t mark; /* of the task that says it */
	int level;
	size_t length;
	char text[];
};

static pid_t started; /* the worker that has started; a fork inherits the number of another */
static bf_queue items;
static bf_bell bell = {.fd = -1};
static bool edge; /* the event module reports a write, not a state: nothing has to be read */
static rf_queue *queues;
static struct ending *endings;
static _Thread_local bool here;
static bool turns; /* nginx's loop does: it looks at posted events before it sleeps */
static ngx_event_t first_turn;
static ngx_connection_t no_connection = {.fd = -1};

/* --- other threads ----------------------------------------------------------------- */

void rf_worker_push(rf_item *item)
{
	bf_queue_push(&items, &item->link);
}

void resty_ffi_flush(void)
{
	if (!here && !bf_queue_empty(&items)) {
		bf_bell_ring(&bell);
	}
}

bool rf_worker_here(void)
{
	return here;
}

static void run_items(void)
{
	bf_link *link = bf_queue_take(&items);

	while (link) {
		bf_link *next = link->next;
		rf_item *item = BF_CONTAINER(link, rf_item, link);

		item->run(item);
		link = next;
	}
}

static void on_bell(ngx_event_t *event)
{
	(void)event;
	if (edge) {
		atomic_store(&bell.rung, false);
	} else {
		bf_bell_answer(&bell);
	}
	run_items();
}

/* --- the log ------------------------------------------------------------------------ */

static void log_write(ngx_log_t *to, int level, const char *text, size_t length)
{
	static const ngx_uint_t levels[] = {NGX_LOG_DEBUG, NGX_LOG_INFO, NGX_LOG_WARN, NGX_LOG_ERR};
	ngx_uint_t known = levels[level < 0 ? 0 : level > 3 ? 3 : level];

	/* nginx cuts a line at 2 KB: each of the text's lines gets its own. */
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t part = end ? (size_t)(end - text) : length;
		ngx_str_t line = {part, (u_char *)text};

		ngx_log_error(known, to, 0, "node: %V", &line);
		length -= end ? part + 1 : part;
		text += end ? part + 1 : part;
	}
}

static void on_log(rf_item *item)
{
	struct log_item *log = BF_CONTAINER(item, struct log_item, item);

	log_write(rf_task_log(log->mark), log->level, log->text, log->length);
	free(log);
}

void resty_ffi_log(int level, const char *text, size_t length)
{
	resty_ffi_log_task(0, level, text, length);
}

void resty_ffi_log_task(uint64_t mark, int level, const char *text, size_t length)
{
	struct log_item *log;

	if (here) {
		log_write(rf_task_log(mark), level, text, length);
		return;
	}
	log = malloc(sizeof(*log) + length);
	if (log) {
		log->item.run = on_log;
		log->mark = mark;
		log->level = level;
		log->length = length;
		memcpy(log->text, text, length);
		rf_worker_push(&log->item);
		resty_ffi_flush();
	}
}

/* --- nginx's loop ------------------------------------------------------------------- */

static ngx_connection_t *add_descriptor(int fd, ngx_event_handler_pt handler, ngx_uint_t flags)
{
	ngx_connection_t *connection = ngx_get_connection(fd, ngx_cycle->log);

	if (!connection) {
		return NULL;
	}
	connection->read->handler = handler;
	connection->read->log = ngx_cycle->log;
	connection->read->channel = 1; /* not reported as an open socket when the worker ends */
	if (ngx_add_event(connection->read, NGX_READ_EVENT, flags) != NGX_OK) {
		ngx_free_connection(connection);
		return NULL;
	}
	return connection;
}

static void on_watched(ngx_event_t *event)
{
	ngx_connection_t *connection = event->data;
	resty_ffi_watcher *watcher = connection->data;

	watcher->ready(watcher->data);
}

resty_ffi_watcher *resty_ffi_watch(int fd, void (*ready)(void *data), void *data)
{
	resty_ffi_watcher *watcher = malloc(sizeof(*watcher));

	if (!watcher) {
		return NULL;
	}
	*watcher = (resty_ffi_watcher){add_descriptor(fd, on_watched, NGX_LEVEL_EVENT), ready, data};
	if (!watcher->connection) {
		free(watcher);
		return NULL;
	}
	watcher->connection->data = watcher;
	return watcher;
}

void resty_ffi_unwatch(resty_ffi_watcher *watcher)
{
	ngx_connection_t *connection = watcher->connection;

	ngx_del_event(connection->read, NGX_READ_EVENT, 0);
	if (connection->read->posted) {
		ngx_delete_posted_event(connection->read);
	}
	ngx_free_connection(connection);
	connection->fd = (ngx_socket_t)-1;
	free(watcher);
}

static void on_timer(ngx_event_t *event)
{
	resty_ffi_timer *timer = BF_CONTAINER(event, resty_ffi_timer, event);

	timer->due(timer->data);
}

static void timer_stop(resty_ffi_timer *timer)
{
	if (timer->event.timer_set) {
		ngx_del_timer(&timer->event);
	}
	if (timer->event.posted) {
		ngx_delete_posted_event(&timer->event);
	}
}

static resty_ffi_timer *timer_make(resty_ffi_timer *timer, void (*due)(void *data), void *data)
{
	if (!timer) {
		timer = calloc(1, sizeof(*timer));
		if (!timer) {
			return NULL;
		}
		timer->connection.fd = (ngx_socket_t)-1;
		timer->event.data = &timer->connection;
		timer->event.handler = on_timer;
		timer->event.log = ngx_cycle->log;
		timer->event.cancelable = 1; /* JavaScript's timers do not keep a worker from ending */
	}
	timer->due = due;
	timer->data = data;
	return timer;
}

resty_ffi_timer *resty_ffi_timer_set(resty_ffi_timer *timer, int milliseconds, void (*due)(void *data), void *data)
{
	if (!due) {
		if (timer) {
			timer_stop(timer);
			free(timer);
		}
		return NULL;
	}
	timer = timer_make(timer, due, data);
	if (!timer) {
		return NULL;
	}
	if (milliseconds == 0) {
		ngx_post_event(&timer->event, &ngx_posted_next_events);
	} else if (milliseconds > 0) {
		ngx_add_timer(&timer->event, (ngx_msec_t)milliseconds);
	} else {
		timer_stop(timer);
	}
	return timer;
}

resty_ffi_timer *resty_ffi_timer_soon(resty_ffi_timer *timer, void (*due)(void *data), void *data)
{
	if (turns && (timer = timer_make(timer, due, data)) != NULL) {
		ngx_post_event(&timer->event, &ngx_posted_events);
	} else {
		due(data);
	}
	return timer;
}

static void on_first_turn(ngx_event_t *event)
{
	(void)event;
	turns = true;
}

/* --- from start to end -------------------------------------------------------------- */

void rf_worker_add(rf_queue *queue)
{
	queue->next = queues;
	queues = queue;
}

void resty_ffi_at_exit(void (*run)(void *data), void *data)
{
	struct ending *ending = malloc(sizeof(*ending));

	if (ending) {
		*ending = (struct ending){endings, run, data};
		endings = ending;
	}
}

/*
 * The library that has this address stays mapped, whatever Lua's garbage collector
 * thinks of it: threads run in it until the process is gone.
 */
RESTY_FFI_API void resty_ffi_pin(void *address)
{
	Dl_info info;

	if (dladdr(address, &info) && info.dli_fname) {
		(void)dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
	}
}

static void on_end(void *data)
{
	(void)data;
	for (rf_queue *queue = queues; queue; queue = queue->next) {
		rf_queue_finish(queue);
	}
	while (endings) {
		struct ending *ending = endings;

		endings = ending->next;
		ending->run(ending->data);
		free(ending);
	}
	run_items();
	rf_tasks_end();
}

/*
 * Makes this worker ready, once. NULL, or why it can't be: a text that stays. Lua
 * calls it before anything else.
 */
RESTY_FFI_API const char *resty_ffi_worker_start(void)
{
	static char text[256];
	ngx_pool_cleanup_t *cleanup;

	if (started == getpid()) {
		return NULL;
	}
	if (ngx_core_module.version != nginx_version ||
	    ngx_strcmp(ngx_core_module.signature, NGX_MODULE_SIGNATURE) != 0) {
		snprintf(text, sizeof(text), "resty_ffi was built for nginx %d (%s), and this is nginx %d (%s)",
			 nginx_version, NGX_MODULE_SIGNATURE, (int)ngx_core_module.version, ngx_core_module.signature);
		return text;
	}
	if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) {
		return "load_ffi works in a worker only: the master would hand each worker half a runtime";
	}
	if (!ngx_cycle->connections) {
		return "load_ffi has to wait until the worker has started";
	}
	if (bf_bell_open(&bell) != 0) {
		return "no descriptor left";
	}
	resty_ffi_pin((void *)resty_ffi_worker_start);
	edge = (ngx_event_flags & NGX_USE_CLEAR_EVENT) != 0;
	cleanup = ngx_pool_cleanup_add(ngx_cycle->pool, 0);
	if (!cleanup || !add_descriptor(bell.fd, on_bell, edge ? NGX_CLEAR_EVENT : NGX_LEVEL_EVENT)) {
		bf_bell_close(&bell);
		return "nginx has no connection left (worker_connections)";
	}
	cleanup->handler = on_end;
	first_turn.handler = on_first_turn;
	first_turn.log = ngx_cycle->log;
	first_turn.data = &no_connection;
	ngx_post_event(&first_turn, &ngx_posted_next_events);
	here = true;
	started = getpid();
	return NULL;
}
