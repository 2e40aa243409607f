#define _GNU_SOURCE
#include "node.h"

#include "../../host/queue.h"

#include <dlfcn.h>
#include <ngx_event.h>

enum { RETRY = 1000 /* milliseconds between two attempts to open a module */ };

struct log_line {
	bf_link link;
	int level;
	uint64_t call;
	char *module; /* NULL: it is not known */
	size_t length;
	char text[];
};

/* Lines that JavaScript's threads log go through nginx's own. */
static bf_queue lines;
static bf_bell bell = {.fd = -1};
static pid_t worker;
static _Thread_local bool here; /* nginx's thread */
static ngx_queue_t calls;       /* of node_call_t: those that are not answered */
static node_call_t *calling;    /* its handler runs inside of this thread's call */

/* --- nginx's loop ----------------------------------------------------------------------- */

static ngx_connection_t *watch_descriptor(int fd, ngx_event_handler_pt handler, void *data)
{
	ngx_connection_t *connection = ngx_get_connection(fd, ngx_cycle->log);

	if (!connection) {
		return NULL;
	}
	connection->data = data;
	connection->read->handler = handler;
	connection->read->log = ngx_cycle->log;
	connection->read->channel = 1; /* not reported as an open socket when the worker ends */
	if (ngx_add_event(connection->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
		ngx_free_connection(connection);
		return NULL;
	}
	return connection;
}

/* When the module wants to be dispatched next. */
static void schedule(node_runtime_t *runtime)
{
	int due = runtime->mode == BIFFI_THREAD ? -1 : biffi_timeout(runtime->module);

	if (due == 0) {
		ngx_post_event(&runtime->timer, &ngx_posted_next_events);
	} else if (due > 0) {
		ngx_add_timer(&runtime->timer, (ngx_msec_t)due);
	} else if (runtime->timer.timer_set) {
		ngx_del_timer(&runtime->timer);
	}
}

static void on_ready(ngx_event_t *event)
{
	ngx_connection_t *connection = event->data;
	node_runtime_t *runtime = connection->data;

	biffi_dispatch(runtime->module);
	schedule(runtime);
}

/* The end of nginx's turn: the calls that were made in it go together. */
static void on_sent(ngx_event_t *event)
{
	ngx_connection_t *connection = event->data;
	node_runtime_t *runtime = connection->data;

	biffi_flush(runtime->module);
	schedule(runtime);
}

static void on_watch(ngx_event_t *event)
{
	ngx_connection_t *connection = event->data;
	node_runtime_t *runtime = connection->data;
	biffi_stats stats = {.size = sizeof(stats)};

	biffi_stats_get(runtime->module, &stats);
	if (stats.calls == stats.answers) {
		return; /* the next call sets the timer again */
	}
	if (biffi_watch(runtime->module, (int)runtime->watchdog)) {
		ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "node: %V did not come back in time and was interrupted",
			      &runtime->name);
	}
	ngx_add_timer(event, runtime->watchdog / 2 + 1);
}

/* --- the log ---------------------------------------------------------------------------- */

/* nginx cuts a line at 2 KB: each of the text's lines gets its own. */
static void write_lines(ngx_log_t *log, int level, const char *module, const char *text, size_t length)
{
	static const ngx_uint_t levels[] = {NGX_LOG_DEBUG, NGX_LOG_INFO, NGX_LOG_WARN, NGX_LOG_ERR};

	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t part = end ? (size_t)(end - text) : length;

		ngx_log_error(levels[level & 3], log, 0, "node: %s%s%*s", module ? module : "", module ? ": " : "",
			      part, text);
		part += end != NULL;
		text += part;
		length -= part;
	}
}

/* That of the request whose handler says it, as far as it is known. */
static ngx_log_t *log_of(uint64_t id)
{
	node_call_t *call = NULL;

	if (calling) {
		call = calling;
	} else if (id) {
		for (ngx_queue_t *link = ngx_queue_head(&calls); link != ngx_queue_sentinel(&calls);
		     link = ngx_queue_next(link)) {
			node_call_t *one = ngx_queue_data(link, node_call_t, link);

			call = one->id == id ? one : call;
		}
	}
	return call && call->request ? call->request->connection->log : ngx_cycle->log;
}

static void take_lines(void)
{
	bf_link *link = bf_queue_take(&lines);

	while (link) {
		struct log_line *line = BF_CONTAINER(link, struct log_line, link);

		link = link->next;
		write_lines(log_of(line->call), line->level, line->module, line->text, line->length);
		free(line->module);
		free(line);
	}
}

static void on_lines(ngx_event_t *event)
{
	(void)event;
	bf_bell_answer(&bell);
	take_lines();
}

static void on_log(void *data, const biffi_origin *origin, int level, const char *text, size_t length)
{
	struct log_line *line;

	(void)data;
	if (here) {
		write_lines(log_of(origin->call), level, origin->module, text, length);
		return;
	}
	line = malloc(sizeof(*line) + length);
	if (line) {
		line->level = level;
		line->call = origin->call;
		line->module = origin->module ? strdup(origin->module) : NULL;
		line->length = length;
		memcpy(line->text, text, length);
		bf_queue_push(&lines, &line->link);
		bf_bell_ring(&bell);
	}
}

/* --- opening and closing ---------------------------------------------------------------- */

static ngx_int_t worker_ready(ngx_log_t *log)
{
	if (worker == ngx_pid) {
		return NGX_OK;
	}
	if (bf_bell_open(&bell) != 0 || !watch_descriptor(bell.fd, on_lines, NULL)) {
		bf_bell_close(&bell);
		ngx_log_error(NGX_LOG_ERR, log, ngx_errno, "node: no descriptor or no connection left");
		return NGX_ERROR;
	}
	worker = ngx_pid;
	here = true;
	ngx_queue_init(&calls);
	return NGX_OK;
}

/* http.js lies beside this library. */
static char *adapter(void)
{
	Dl_info info;
	char *file = NULL, *slash, *path = NULL;

	if (dladdr((void *)node_runtime_ready, &info) && info.dli_fname) {
		file = realpath(info.dli_fname, NULL);
	}
	slash = file ? strrchr(file, '/') : NULL;
	if (slash) {
		*slash = '\0';
		if (asprintf(&path, "%s/ngx_http_node.js", file) < 0) {
			path = NULL;
		}
	}
	free(file);
	return path;
}

/* JSON of strings that a configuration file holds. */
static char *settings(const node_runtime_t *runtime)
{
	const struct {
		const char *name;
		const ngx_str_t *value;
	} all[] = {{"module", &runtime->name}, {"folder", &runtime->folder}, {"config", &runtime->config}};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		return NULL;
	}
	for (int i = 0; i < 3; i++) {
		fprintf(out, "%s\"%s\":\"", i ? "," : "{", all[i].name);
		for (size_t j = 0; j < all[i].value->len; j++) {
			unsigned char c = all[i].value->data[j];

			fprintf(out, c < 0x20 || c == '"' || c == '\\' ? "\\u%04x" : "%c", c);
		}
		fputc('"', out);
	}
	fputc('}', out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static ngx_int_t attach(node_runtime_t *runtime)
{
	runtime->connection = watch_descriptor(biffi_fd(runtime->module), on_ready, runtime);
	if (!runtime->connection) {
		return NGX_ERROR;
	}
	runtime->timer.data = runtime->watch.data = runtime->sent.data = runtime->connection;
	runtime->timer.handler = on_ready;
	runtime->sent.handler = on_sent;
	runtime->watch.handler = on_watch;
	runtime->timer.log = runtime->watch.log = runtime->sent.log = ngx_cycle->log;
	runtime->timer.cancelable = runtime->watch.cancelable = 1;
	schedule(runtime);
	return NGX_OK;
}

ngx_int_t node_runtime_ready(node_runtime_t *runtime, ngx_log_t *log)
{
	char why[1024] = "out of memory", *path, *config;
	biffi_options options = {.size = sizeof(options),
				 .mode = (int)runtime->mode,
				 .flags = BIFFI_BUFFERS | BIFFI_BATCH | BIFFI_SEAL |
					  (runtime->mode == BIFFI_THREAD ? 0 : BIFFI_DIRECT),
				 .threads = (int)runtime->threads,
				 .folder = (char *)runtime->folder.data,
				 .init = "open",
				 .program = runtime->program.len ? (char *)runtime->program.data : NULL,
				 .log_from = on_log};
	int code = -1;

	if (runtime->module) {
		return NGX_OK;
	}
	if ((runtime->failed && ngx_current_msec - runtime->failed < RETRY) || worker_ready(log) != NGX_OK) {
		return NGX_ERROR;
	}
	path = adapter();
	config = settings(runtime);
	options.config = config;
	if (path && config) {
		code = biffi_open(&runtime->module, path, &options, why, sizeof(why));
	}
	free(path);
	free(config);
	if (code == 0 && attach(runtime) != NGX_OK) {
		biffi_close(runtime->module);
		snprintf(why, sizeof(why), "no connection left (worker_connections)");
		code = -1;
	}
	if (code != 0) {
		runtime->module = NULL;
		runtime->failed = ngx_current_msec | 1;
		ngx_log_error(NGX_LOG_ERR, log, 0, "node: %V: %s", &runtime->name, why);
		return NGX_ERROR;
	}
	return NGX_OK;
}

void node_runtime_call(node_runtime_t *runtime, node_call_t *call, biffi_done done)
{
	ngx_queue_insert_head(&calls, &call->link);
	runtime->counts.calls++;
	call->started = node_clock();
	calling = runtime->mode == BIFFI_INLINE ? call : NULL;
	call->id = biffi_call_headed(runtime->module, call->method, call->bytes, call->head,
				     call->body ? call->bytes + call->head : NULL, call->body, done, call);
	calling = NULL;
	ngx_post_event(&runtime->sent, &ngx_posted_events);
	if (runtime->watchdog && !runtime->watch.timer_set) {
		ngx_add_timer(&runtime->watch, runtime->watchdog / 2 + 1);
	}
}

void node_runtime_send(node_runtime_t *runtime, uint64_t id, const char *method, const void *bytes, size_t length,
		       biffi_done done, void *data)
{
	biffi_call_after(runtime->module, id, method, bytes, length, done, data);
	ngx_post_event(&runtime->sent, &ngx_posted_events);
}

void node_runtime_answered(node_call_t *call)
{
	if (!bf_queue_empty(&lines)) {
		take_lines(); /* what the handler has said goes with its request */
	}
	ngx_queue_remove(&call->link);
}

void node_runtime_abort(node_runtime_t *runtime, uint64_t id)
{
	biffi_abort(runtime->module, id);
	schedule(runtime);
}

void node_runtimes_end(void)
{
	if (worker == ngx_pid) {
		biffi_shutdown();
		on_lines(NULL); /* what it said last */
	}
}
