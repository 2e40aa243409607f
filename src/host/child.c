/*
 * biffi_child.node: the addon in the child process of a module that runs in mode
 * BIFFI_PROCESS. Messages come through the shared memory instead of a queue; the
 * rest, binding.c and boot.js, is the same as inside the host.
 *
 * Descriptors: 3 the shared memory, 4 the eventfd that wakes this process, 5 the one
 * that wakes the parent, 6 a pipe that ends when this process does.
 */
#define _GNU_SOURCE
#include "binding.h"
#include "bytes.h"
#include "channel.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <uv.h>

enum { FD_SHARED = 3, FD_OWN = 4, FD_PARENT = 5, FD_LIFE = 6 };

extern const char bf_boot_js[];

struct request {
	bf_message message;
	uint64_t id;
	char *bytes;   /* NULL: they are not its own */
	char method[]; /* with a NUL */
};

static struct {
	bf_node node;
	bf_binding *binding;
	bf_channel channel;
	uv_poll_t poll;
	napi_env env;
	napi_ref stop;
	bool stopping;
} child;

/* --- to the parent -------------------------------------------------------------------- */

static void send_frame(uint64_t id, uint32_t kind, int code, const char *bytes, size_t length)
{
	const bf_frame frame = {
	    .id = id, .kind = kind, .code = code, .flags = bytes ? 0 : BF_FRAME_NULL, .length = bytes ? length : 0};

	if (bf_channel_send(&child.channel, &frame, NULL, NULL, bytes) != 0) {
		abort(); /* out of memory in the middle of a frame: the parent starts another child */
	}
}

static void on_done(bf_message *message, int code, char *bytes, size_t count)
{
	struct request *request = BF_CONTAINER(message, struct request, message);

	if (message->kind != BF_ABORT) {
		send_frame(request->id, BF_FRAME_ANSWER, code, bytes, count);
	}
	free(bytes);
	free(request->bytes);
	free(request);
}

static void flush(void *data)
{
	(void)data;
	bf_channel_flush(&child.channel);
}

static bool log_line(int number, const biffi_origin *origin, int level, const char *text, size_t length)
{
	const bf_frame frame = {.id = origin->call,
				.kind = BF_FRAME_LOG,
				.code = level,
				.flags = origin->module ? BF_FRAME_METHOD : 0,
				.method = origin->module ? (uint32_t)strlen(origin->module) : 0,
				.length = length};

	(void)number; /* the parent knows it */
	if (bf_channel_send(&child.channel, &frame, origin->module, NULL, text) != 0) {
		abort();
	}
	bf_channel_flush(&child.channel);
	return true;
}

static void heap_changed(bf_node *node)
{
	uint64_t bytes[BF_HEAP];

	for (int i = 0; i < BF_HEAP; i++) {
		bytes[i] = node->heap[i];
	}
	send_frame(0, BF_FRAME_HEAP, 0, (const char *)bytes, sizeof(bytes));
}

/* --- from the parent ------------------------------------------------------------------ */

/* The bytes stay until the message is delivered, when JavaScript has its copy. */
static bf_link *message_of(const bf_frame *frame, const char *method, const char *bytes)
{
	struct request *request = malloc(sizeof(*request) + frame->method + 1);

	if (!request) {
		abort();
	}
	request->message = (bf_message){.kind = (enum bf_kind)frame->kind,
					.buffer = frame->flags & BF_FRAME_BUFFER,
					.module = frame->module,
					.id = frame->id,
					.method = method ? request->method : NULL,
					.request = frame->flags & BF_FRAME_NULL ? NULL : bytes + frame->head,
					.length = frame->length - frame->head,
					.head = frame->flags & BF_FRAME_HEAD ? bytes : NULL,
					.head_length = frame->head,
					.done = on_done};
	request->id = frame->id;
	request->bytes = NULL;
	if (method) {
		memcpy(request->method, method, frame->method);
		request->method[frame->method] = '\0';
	}
	/* cppcheck-suppress memleak ; on_done frees it */
	return &request->message.link;
}

/* process.exit(), with what modules have to say to it. */
static void stop(void)
{
	napi_handle_scope scope;
	napi_value function, global, result;

	napi_open_handle_scope(child.env, &scope);
	if (napi_get_reference_value(child.env, child.stop, &function) == napi_ok &&
	    napi_get_global(child.env, &global) == napi_ok) {
		napi_make_callback(child.env, NULL, global, function, 0, NULL, &result);
	}
	exit(0);
}

/* What the frame says, done, or as a message. */
static bf_link *take(const bf_frame *frame, const char *method, const char *bytes)
{
	if (frame->kind == BF_FRAME_PING) {
		send_frame(0, BF_FRAME_PING, 0, NULL, 0);
		bf_channel_flush(&child.channel);
		return NULL;
	}
	if (frame->kind == BF_FRAME_STOP) {
		child.stopping = true;
		return NULL;
	}
	return message_of(frame, method, bytes);
}

static void deliver(bf_link *messages)
{
	/* All of them: nobody interrupts JavaScript here, a child that hangs is ended. */
	if (messages) {
		bf_binding_open(child.binding);
		bf_binding_deliver(child.binding, messages);
		bf_binding_close(child.binding);
	}
}

/* Messages that lie in the shared memory in one piece go to JavaScript from there. */
static void deliver_peeked(void)
{
	bf_link *first = NULL, **last = &first, *link;
	bf_frame frame;
	const char *method, *bytes;

	while (bf_channel_peek(&child.channel, &frame, &method, &bytes) == 1) {
		link = take(&frame, method, bytes);
		if (link) {
			*last = link;
			last = &link->next;
			*last = NULL;
		}
	}
	deliver(first);
	bf_channel_drop(&child.channel);
}

static void on_bell(uv_poll_t *poll, int status, int events)
{
	bf_frame frame;
	char *method, *bytes;
	int got;

	(void)poll;
	(void)status;
	(void)events;
	bf_channel_answer(&child.channel);
	do {
		deliver_peeked();
		got = bf_channel_receive(&child.channel, &frame, &method, &bytes);
		if (got == 1) {
			bf_link *link = take(&frame, method, bytes);

			if (link) {
				BF_CONTAINER(BF_CONTAINER(link, bf_message, link), struct request, message)->bytes =
				    bytes;
				link->next = NULL;
				deliver(link);
			} else {
				free(bytes);
			}
			free(method);
		}
	} while (got == 1);
	if (got < 0) {
		abort();
	}
	if (child.stopping) {
		stop();
	}
}

/* start(parent, stop): from now on messages are served; `stop` ends the process. */
static napi_value start(napi_env env, napi_callback_info info)
{
	napi_value argv[2];
	size_t argc = 2;
	int32_t parent = 0;
	uv_loop_t *loop;
	bf_shared *shared;

	napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
	napi_get_value_int32(env, argv[0], &parent);
	napi_create_reference(env, argv[1], 1, &child.stop);
	child.env = env;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		exit(0); /* the parent was gone before it could be heard of */
	}
	for (int fd = FD_SHARED; fd <= FD_LIFE; fd++) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, FD_SHARED, 0);
	if (shared == MAP_FAILED || napi_get_uv_event_loop(env, &loop) != napi_ok ||
	    uv_poll_init(loop, &child.poll, FD_OWN) != 0 || uv_poll_start(&child.poll, UV_READABLE, on_bell) != 0) {
		napi_throw_error(env, "BF_ESYSTEM", "the memory shared with the parent cannot be had");
		return NULL;
	}
	child.node.heard_shared = &shared->to_child.heard;
	bf_channel_open(&child.channel, shared, true, FD_PARENT, FD_OWN);
	return NULL;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	napi_value function, source;

	bf_bytes_keep_memory();
	child.node.log = log_line;
	child.node.flushes[0].run = flush;
	child.node.flush_count = 1;
	child.node.heap_changed = heap_changed;
	child.binding = bf_binding_new(&child.node, &bf_engine_napi);
	bf_binding_offer(child.binding);
	if (!child.binding || !bf_binding_init(env, exports) ||
	    napi_create_function(env, "start", NAPI_AUTO_LENGTH, start, NULL, &function) != napi_ok ||
	    napi_set_named_property(env, exports, "start", function) != napi_ok ||
	    napi_create_string_utf8(env, bf_boot_js, NAPI_AUTO_LENGTH, &source) != napi_ok ||
	    napi_set_named_property(env, exports, "boot", source) != napi_ok) {
		return NULL;
	}
	return exports;
}
