/*
 * biffi.h: modules, their calls, and where completions run.
 */
#include "biffi.h"
#include "bytes.h"
#include "log.h"
#include "nodes.h"
#include "wait.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	OPEN_TIMEOUT = 10000, /* milliseconds */
	REOPENS = 2           /* further attempts, when the process ends while it opens a module */
};

struct biffi {
	_Atomic int references; /* the handle, and every call under way */
	_Atomic bool closed;    /* nobody dispatches any more */
	int flags;
	bool turned;    /* inline or process: its nodes live off biffi_dispatch */
	bool own;       /* process: its nodes end with it */
	bool direct_fd; /* nothing but its one node is to be polled */
	bool serves;
	uint32_t number; /* of the module in its nodes */
	int node_count;
	bf_node *nodes[BF_THREADS_MAX];
	_Atomic unsigned turn; /* which node is next */
	bf_queue completed;    /* calls that wait for biffi_dispatch */
	bf_bell bell;
	int poll; /* turned: an epoll of the bell and of the nodes' descriptors */
	_Atomic uint64_t calls, answers, errors, aborts;
};

struct call {
	bf_message message;
	biffi *module;
	biffi_done done;
	void *data;
	int code;
	char *bytes;
	size_t length;
};

static _Atomic uint32_t last_module;

static void module_release(biffi *module)
{
	if (atomic_fetch_sub(&module->references, 1) == 1) {
		bf_bell_close(&module->bell);
		if (module->poll >= 0) {
			close(module->poll);
		}
		free(module);
	}
}

static void forget(bf_message *message, int code, char *bytes, size_t count)
{
	(void)code;
	(void)count;
	free(bytes);
	free(message);
}

/* A message that nobody waits for. */
static void post_alone(biffi *module, bf_node *node, enum bf_kind kind, uint64_t id)
{
	bf_message *message = calloc(1, sizeof(*message));

	if (message) {
		message->kind = kind;
		message->module = module->number;
		message->id = id;
		message->done = forget;
		node->post(node, message);
	}
}

/* Threads: whose bell is due once this batch of answers is through. It is referred to. */
static _Thread_local biffi *answered;

static void ring_answered(void *data)
{
	biffi *module = answered;

	(void)data;
	if (module) {
		answered = NULL;
		bf_bell_ring(&module->bell);
		module_release(module);
	}
}

static void ring_later(biffi *module)
{
	if (answered != module) {
		ring_answered(NULL);
		atomic_fetch_add(&module->references, 1);
		answered = module;
	}
}

/* --- opening ---------------------------------------------------------------------- */

static char *open_request(const char *name, const biffi_options *options, int log, size_t *length)
{
	char *text = NULL, here[4096];
	FILE *out = open_memstream(&text, length);
	const char *folder = options->folder;

	if (!out) {
		return NULL;
	}
	if (!folder) {
		folder = getcwd(here, sizeof(here)) ? here : "/";
	}
	fputs("{\"module\":", out);
	bf_json_put(out, name);
	fputs(",\"folder\":", out);
	bf_json_put(out, folder);
	fputs(",\"config\":", out);
	bf_json_put(out, options->config);
	fputs(",\"init\":", out);
	bf_json_put(out, options->init);
	fprintf(out, ",\"argument\":%d,\"log\":%d,\"seal\":%s,\"reload\":%s}", options->argument, log,
		options->flags & BIFFI_SEAL ? "true" : "false", options->flags & BIFFI_RELOAD ? "true" : "false");
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int open_in(biffi *module, bf_node *node, const char *request, size_t length, int timeout, char *why,
		   size_t size)
{
	bf_message message = {.kind = BF_OPEN, .module = module->number, .request = request, .length = length};
	bf_answer answer;
	int code;

	for (int attempt = 0;; attempt++) {
		if (!bf_wait(node, &message, timeout, &answer)) {
			snprintf(why, size, "the module took longer than %d ms to load", timeout);
			return BIFFI_ETIMEOUT;
		}
		/* The process ended meanwhile, which may have been no fault of the module's: the next one loads it. */
		if (answer.code != BIFFI_ESTOPPED || !module->own || attempt == REOPENS) {
			break;
		}
		free(answer.bytes);
	}
	if (answer.code != 0) {
		snprintf(why, size, "%s", answer.bytes ? answer.bytes : "the module could not be loaded");
	}
	code = answer.code > 0 ? BIFFI_ESTOPPED : answer.code;
	module->serves = code == 0 && answer.bytes != NULL;
	free(answer.bytes);
	return code;
}

static void drop_nodes(biffi *module)
{
	for (int i = 0; module->own && i < module->node_count; i++) {
		bf_nodes_drop(module->nodes[i]);
	}
}

static int open_poll(biffi *module)
{
	struct epoll_event event = {.events = EPOLLIN};

	module->poll = epoll_create1(EPOLL_CLOEXEC);
	if (module->poll < 0 || epoll_ctl(module->poll, EPOLL_CTL_ADD, module->bell.fd, &event) != 0) {
		return -1;
	}
	for (int i = 0; i < module->node_count; i++) {
		if (epoll_ctl(module->poll, EPOLL_CTL_ADD, module->nodes[i]->fd, &event) != 0) {
			return -1;
		}
	}
	return 0;
}

/* The caller's options, as far as its version of them goes. */
static biffi_options known_options(const biffi_options *options)
{
	biffi_options known = {.size = sizeof(known)};

	if (options) {
		memcpy(&known, options, options->size < sizeof(known) ? options->size : sizeof(known));
	}
	known.threads = known.threads < 1 ? 1 : known.threads > BF_THREADS_MAX ? BF_THREADS_MAX : known.threads;
	known.program = known.program ? known.program : "node";
	known.timeout = known.timeout == 0 ? OPEN_TIMEOUT : known.timeout;
	return known;
}

int biffi_open(biffi **out, const char *name, const biffi_options *options, char *message, size_t size)
{
	biffi_options known = known_options(options);
	int log = bf_log_add(&known);
	bf_node settings = {
	    .log = bf_log_write, .log_number = log, .flushes = {{.run = ring_answered}}, .flush_count = 1};
	char ignored[1], *request = NULL;
	size_t length;
	biffi *module = NULL;
	int code = BIFFI_ESTOPPED;

	if (!message) {
		message = ignored;
		size = sizeof(ignored);
	}
	if (!name || !*name || known.mode < BIFFI_THREAD || known.mode > BIFFI_PROCESS) {
		snprintf(message, size, name && *name ? "unknown mode %d" : "no module is named", known.mode);
		return code;
	}
	module = calloc(1, sizeof(*module));
	request = open_request(name, &known, log, &length);
	if (!module || !request || log == 0) {
		snprintf(message, size, "out of memory");
		code = BIFFI_EMEMORY;
		goto done;
	}
	module->references = 1;
	module->flags = known.flags;
	module->turned = known.mode != BIFFI_THREAD;
	module->own = known.mode == BIFFI_PROCESS;
	module->node_count = known.mode == BIFFI_INLINE ? 1 : known.threads;
	module->number = atomic_fetch_add(&last_module, 1) + 1;
	module->poll = module->bell.fd = -1;
	module->direct_fd = module->own && known.flags & BIFFI_DIRECT && module->node_count == 1;
	if (bf_nodes_get(module->nodes, module->node_count, known.mode, known.program, &settings, known.flush,
			 known.data, message, size) != 0) {
		module->node_count = 0;
		goto done;
	}
	if (bf_bell_open(&module->bell) != 0 || (module->turned && !module->direct_fd && open_poll(module) != 0)) {
		snprintf(message, size, "no descriptor left");
		goto done;
	}
	code = 0;
	for (int i = 0; i < module->node_count && code == 0; i++) {
		code = open_in(module, module->nodes[i], request, length, known.timeout, message, size);
	}
done:
	free(request);
	if (code == 0) {
		*out = module;
	} else if (module && module->number) {
		drop_nodes(module);
		module_release(module);
	} else {
		free(module);
	}
	return code;
}

int biffi_serves(biffi *module)
{
	return module->serves;
}

/* --- calls ------------------------------------------------------------------------ */

static void call_finish(struct call *call)
{
	biffi *module = call->module;

	call->done(call->data, call->code, call->bytes, call->length);
	free(call);
	module_release(module);
}

static void finish_completed(biffi *module)
{
	bf_link *link = bf_queue_take(&module->completed);

	while (link) {
		bf_link *next = link->next;

		call_finish(BF_CONTAINER(BF_CONTAINER(link, bf_message, link), struct call, message));
		link = next;
	}
}

static void on_answer(bf_message *message, int code, char *bytes, size_t count)
{
	struct call *call = BF_CONTAINER(message, struct call, message);
	biffi *module = call->module;

	call->code = code;
	call->bytes = bytes;
	call->length = count;
	atomic_fetch_add_explicit(&module->answers, 1, memory_order_relaxed);
	if (code != 0) {
		atomic_fetch_add_explicit(&module->errors, 1, memory_order_relaxed);
	}
	if (module->flags & BIFFI_DIRECT) {
		call_finish(call);
		return;
	}
	/* Once it is pushed another thread may finish it and, with it, the module. */
	atomic_fetch_add(&module->references, 1);
	bf_queue_push(&module->completed, &message->link);
	if (module->turned) {
		bf_bell_ring(&module->bell);
	} else {
		ring_later(module);
	}
	/* Closing marks before it takes: what it could miss is seen here. */
	if (atomic_load(&module->closed)) {
		finish_completed(module);
	}
	module_release(module);
}

/* Which node is next. */
static int next_node(biffi *module)
{
	return module->node_count == 1 ? 0 : (int)(atomic_fetch_add(&module->turn, 1) % (unsigned)module->node_count);
}

/* A call's number says where it runs. */
static uint64_t new_id(int node)
{
	return bf_nodes_next_id() * BF_THREADS_MAX + (unsigned)node;
}

static int node_of(const biffi *module, uint64_t id)
{
	return (int)(id % BF_THREADS_MAX % (unsigned)module->node_count);
}

/* Sends what `message` has: a method, a request, perhaps a head. */
static uint64_t call_in(biffi *module, int node, bf_message message, biffi_done done, void *data)
{
	struct call *call = malloc(sizeof(*call));
	uint64_t id = new_id(node);

	atomic_fetch_add_explicit(&module->calls, 1, memory_order_relaxed);
	if (!call) {
		done(data, BIFFI_EMEMORY, NULL, 0);
		return id;
	}
	*call = (struct call){.message = message, .module = module, .done = done, .data = data};
	call->message.kind = BF_CALL;
	call->message.buffer = module->flags & BIFFI_BUFFERS;
	call->message.batched = module->flags & BIFFI_BATCH;
	call->message.module = module->number;
	call->message.id = id;
	call->message.done = on_answer;
	atomic_fetch_add(&module->references, 1);
	module->nodes[node]->post(module->nodes[node], &call->message);
	return id;
}

uint64_t biffi_call(biffi *module, const char *method, const void *request, size_t length, biffi_done done, void *data)
{
	return call_in(module, next_node(module), (bf_message){.method = method, .request = request, .length = length},
		       done, data);
}

uint64_t biffi_call_headed(biffi *module, const char *method, const void *head, size_t head_length, const void *request,
			   size_t length, biffi_done done, void *data)
{
	return call_in(
	    module, next_node(module),
	    (bf_message){
		.method = method, .request = request, .length = length, .head = head, .head_length = head_length},
	    done, data);
}

uint64_t biffi_call_after(biffi *module, uint64_t call, const char *method, const void *request, size_t length,
			  biffi_done done, void *data)
{
	return call_in(module, node_of(module, call),
		       (bf_message){.method = method, .request = request, .length = length}, done, data);
}

void biffi_flush(biffi *module)
{
	for (int i = 0; i < module->node_count; i++) {
		if (module->nodes[i]->flush) {
			module->nodes[i]->flush(module->nodes[i]);
		}
	}
}

void biffi_abort(biffi *module, uint64_t call)
{
	atomic_fetch_add_explicit(&module->aborts, 1, memory_order_relaxed);
	post_alone(module, module->nodes[node_of(module, call)], BF_ABORT, call);
}

int biffi_call_wait(biffi *module, const char *method, const void *request, size_t length, int timeout, char **bytes,
		    size_t *count)
{
	int node = next_node(module);
	bf_message message = {.kind = BF_CALL,
			      .buffer = module->flags & BIFFI_BUFFERS,
			      .module = module->number,
			      .id = new_id(node),
			      .method = method,
			      .request = request,
			      .length = length};
	bf_answer answer;

	atomic_fetch_add_explicit(&module->calls, 1, memory_order_relaxed);
	if (!bf_wait(module->nodes[node], &message, timeout, &answer)) {
		biffi_abort(module, message.id);
		answer = (bf_answer){BIFFI_ETIMEOUT, NULL, 0};
	}
	atomic_fetch_add_explicit(&module->answers, 1, memory_order_relaxed);
	if (answer.code != 0) {
		atomic_fetch_add_explicit(&module->errors, 1, memory_order_relaxed);
	}
	if (bytes) {
		*bytes = answer.bytes;
	} else {
		free(answer.bytes);
	}
	if (count) {
		*count = answer.length;
	}
	return answer.code;
}

/* --- an event loop's side --------------------------------------------------------- */

int biffi_fd(biffi *module)
{
	return module->direct_fd ? module->nodes[0]->fd : module->turned ? module->poll : module->bell.fd;
}

int biffi_timeout(biffi *module)
{
	int soonest = -1;

	for (int i = 0; module->turned && i < module->node_count; i++) {
		int due = module->nodes[i]->timeout(module->nodes[i]);

		soonest = due >= 0 && (soonest < 0 || due < soonest) ? due : soonest;
	}
	return soonest;
}

void biffi_dispatch(biffi *module)
{
	for (int i = 0; module->turned && i < module->node_count; i++) {
		module->nodes[i]->turn(module->nodes[i], 0);
	}
	if (module->flags & BIFFI_DIRECT) {
		return;
	}
	atomic_fetch_add(&module->references, 1); /* a completion may close the module */
	bf_bell_answer(&module->bell);
	finish_completed(module);
	module_release(module);
}

int biffi_watch(biffi *module, int milliseconds)
{
	int interrupted = 0;

	for (int i = 0; i < module->node_count; i++) {
		if (module->nodes[i]->watch && module->nodes[i]->watch(module->nodes[i], milliseconds)) {
			interrupted = 1;
		}
	}
	return interrupted;
}

void biffi_stats_get(biffi *module, biffi_stats *stats)
{
	biffi_stats now = {.size = sizeof(now),
			   .calls = module->calls,
			   .answers = module->answers,
			   .errors = module->errors,
			   .aborts = module->aborts};
	size_t size = stats->size < sizeof(now) ? stats->size : sizeof(now);

	for (int i = 0; i < module->node_count; i++) {
		now.wakeups += module->nodes[i]->wakeups;
		now.restarts += module->nodes[i]->restarts;
		now.heap_used += module->nodes[i]->heap[0];
		now.heap_total += module->nodes[i]->heap[1];
		now.heap_external += module->nodes[i]->heap[2];
		now.waiting += bf_node_waiting(module->nodes[i]);
		now.resident = module->nodes[i]->heap[3] + (module->own ? now.resident : 0);
	}
	memcpy(stats, &now, size);
	stats->size = size;
}

void biffi_close(biffi *module)
{
	if (!module) {
		return;
	}
	atomic_store(&module->closed, true);
	finish_completed(module);
	for (int i = 0; !module->own && i < module->node_count; i++) {
		post_alone(module, module->nodes[i], BF_CLOSE, 0);
	}
	drop_nodes(module);
	module_release(module);
}

void biffi_shutdown(void)
{
	bf_nodes_stop();
}

void biffi_at_shutdown(void (*ending)(void *data), void *data)
{
	bf_nodes_at_stop(ending, data);
}
