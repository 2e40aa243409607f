/*
 * A node in a child process: any `node` program, connected by shared memory. When
 * it ends, whatever the reason, its calls under way are answered with an error and
 * another one is started, sooner or later depending on how long it lived.
 *
 * It belongs to the thread that started it, and to one module, which it opens again
 * each time.
 */
#define _GNU_SOURCE
#include "channel.h"
#include "slots.h"
#include "spawn.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SHORT_LIFE = 10000, /* milliseconds; who lived longer is replaced at once */
	DELAY_FIRST = 100,
	DELAY_MOST = 5000,
	START_WITHIN = 1000, /* no child is asked to answer before */
	STOP_WITHIN = 500,   /* what a child gets to end by itself */
	ABORT_WITHIN = 1000  /* and to answer a call that was aborted */
};

struct process_node {
	bf_node node;
	char *program;
	bf_shared *shared;
	bf_channel channel;
	int memory, bell_child, bell_parent, life; /* life: -1 while there is no child */
	pid_t pid;
	bool stopped;
	int64_t born, next_birth; /* bf_now(); next_birth 0: none is due */
	int delay;
	int64_t next_forgotten; /* the first of the slots'; 0: none is aborted */
	int64_t asked;          /* when it got a ping that it has not answered; 0: it has */
	bf_message opening;     /* what each new child gets first; its bytes are copies */
	char *opening_bytes;
	bf_slots under_way;
	bf_link *waiting, **last; /* posted while there is no child */
};

static void child_start(struct process_node *self);
static void child_ended(struct process_node *self);

/* --- messages under way -------------------------------------------------------------- */

/* The host's number of the call that a child speaks of; 0: it is answered. */
static uint64_t call_of(const struct process_node *self, uint64_t id)
{
	const bf_message *message = bf_slots_find(&self->under_way, id);

	return message ? message->id : 0;
}

static void fail(bf_message *message, int code, const char *why)
{
	char *text = strdup(why);

	message->done(message, code, text, text ? strlen(text) : 0);
}

/*
 * What is sent is in the shared memory when the post returns; what has to wait for a
 * child is not, and by then its caller's bytes may be gone.
 */
static bool keep(bf_message *message)
{
	size_t method = message->method ? strlen(message->method) + 1 : 0;
	size_t head = message->head ? message->head_length : 0, length = message->request ? message->length : 0;
	char *copy = malloc(method + head + length + 1);

	if (!copy) {
		return false;
	}
	message->kept = copy;
	if (message->method) {
		message->method = memcpy(copy, message->method, method);
	}
	if (message->head) {
		message->head = memcpy(copy + method, message->head, head);
	}
	if (message->request) {
		message->request = memcpy(copy + method + head, message->request, length);
	}
	return true;
}

static void unkeep(bf_message *message)
{
	free(message->kept);
	message->kept = NULL;
}

/* A copy is made first: each `done` may post again. */
static void fail_all(struct process_node *self, const char *why)
{
	bf_link *waiting = self->waiting;
	uint32_t size = self->under_way.size;

	self->waiting = NULL;
	self->last = &self->waiting;
	for (uint32_t i = 0; i < size; i++) {
		bf_message *message = bf_slots_release(&self->under_way, bf_slots_id(&self->under_way, i));

		if (message) {
			fail(message, BIFFI_ESTOPPED, why);
		}
	}
	while (waiting) {
		bf_message *message = BF_CONTAINER(waiting, bf_message, link);

		waiting = waiting->next;
		unkeep(message);
		fail(message, BIFFI_ESTOPPED, why);
	}
}

/* --- sending -------------------------------------------------------------------------- */

static void send(struct process_node *self, bf_message *message)
{
	bf_frame frame = {.kind = message->kind,
			  .flags = (message->request ? 0 : BF_FRAME_NULL) | (message->buffer ? BF_FRAME_BUFFER : 0) |
				   (message->method ? BF_FRAME_METHOD : 0) | (message->head ? BF_FRAME_HEAD : 0),
			  .module = message->module,
			  .method = message->method ? (uint32_t)strlen(message->method) : 0,
			  .head = message->head ? (uint32_t)message->head_length : 0,
			  .length =
			      (message->request ? message->length : 0) + (message->head ? message->head_length : 0)};

	if (!bf_slots_take(&self->under_way, message, &frame.id)) {
		fail(message, BIFFI_EMEMORY, "out of memory");
		return;
	}
	self->node.posted++;
	if (bf_channel_send(&self->channel, &frame, message->method, message->head, message->request) != 0) {
		kill(self->pid, SIGKILL); /* half a frame is there; the next child gets whole ones */
	}
}

/*
 * The child answers the call, unless it has done so: an answer that is on its way is
 * not lost. But it does not wait for a child that never comes back.
 */
static void abort_call(struct process_node *self, bf_message *message)
{
	for (uint32_t i = 0; i < self->under_way.size; i++) {
		bf_slot *slot = &self->under_way.slots[i];
		bf_message *found = slot->message;
		bf_frame frame = {.id = bf_slots_id(&self->under_way, i), .kind = BF_ABORT, .flags = BF_FRAME_NULL};

		if (found && found->kind == BF_CALL && found->id == message->id) {
			slot->forgotten = bf_now() + ABORT_WITHIN;
			if (!self->next_forgotten) {
				self->next_forgotten = slot->forgotten;
			}
			if (self->life >= 0 && bf_channel_send(&self->channel, &frame, NULL, NULL, NULL) == 0) {
				bf_channel_flush(&self->channel);
			}
			break;
		}
	}
	for (bf_link **link = &self->waiting; *link; link = &(*link)->next) {
		bf_message *found = BF_CONTAINER(*link, bf_message, link);

		if (found->kind == BF_CALL && found->id == message->id) {
			*link = found->link.next;
			if (!*link) {
				self->last = link;
			}
			unkeep(found);
			self->node.posted--;
			found->done(found, BIFFI_EABORTED, NULL, 0);
			break;
		}
	}
	message->done(message, 0, NULL, 0);
}

static void forget_aborted(struct process_node *self)
{
	int64_t now = bf_now(), next = 0;

	self->next_forgotten = 0; /* each `done` may abort others */
	for (uint32_t i = 0; i < self->under_way.size; i++) {
		const bf_slot *slot = &self->under_way.slots[i];
		int64_t due = slot->message ? slot->forgotten : 0;

		if (due && due <= now) {
			bf_message *message = bf_slots_release(&self->under_way, bf_slots_id(&self->under_way, i));

			message->done(message, BIFFI_EABORTED, NULL, 0);
		} else if (due && (next == 0 || due < next)) {
			next = due;
		}
	}
	if (next && (!self->next_forgotten || next < self->next_forgotten)) {
		self->next_forgotten = next;
	}
}

static void process_post(bf_node *node, bf_message *message)
{
	struct process_node *self = (struct process_node *)node;

	if (message->kind == BF_ABORT) {
		abort_call(self, message);
	} else if (self->stopped) {
		fail(message, BIFFI_ESTOPPED, "Node.js has ended");
	} else if (self->life < 0 && !keep(message)) {
		fail(message, BIFFI_EMEMORY, "out of memory");
	} else if (self->life < 0) {
		message->link.next = NULL;
		*self->last = &message->link;
		self->last = &message->link.next;
		self->node.posted++;
	} else {
		if (message->kind == BF_OPEN && !self->opening_bytes) {
			self->opening = *message;
			self->opening_bytes = malloc(message->length);
			self->opening.request = self->opening_bytes;
			if (self->opening_bytes) {
				memcpy(self->opening_bytes, message->request, message->length);
			}
		}
		bool batched = message->batched;

		send(self, message);
		if (!batched) {
			bf_channel_flush(&self->channel);
		}
	}
}

static void process_flush(bf_node *node)
{
	struct process_node *self = (struct process_node *)node;

	if (self->life >= 0) {
		bf_channel_flush(&self->channel);
	}
}

static void say(struct process_node *self, int level, const char *text, size_t length, uint64_t call,
		const char *module)
{
	const biffi_origin origin = {.size = sizeof(origin), .call = call, .module = module};

	if (!self->node.log(self->node.log_number, &origin, level, text, length)) {
		fprintf(stderr, "%.*s\n", (int)length, text);
	}
}

/* --- receiving ------------------------------------------------------------------------ */

/* False: nothing came. */
static bool receive(struct process_node *self)
{
	bool any = false;

	bf_frame frame;
	char *method, *bytes;
	int got;

	bf_channel_answer(&self->channel);
	while ((got = bf_channel_receive(&self->channel, &frame, &method, &bytes)) == 1) {
		bf_message *message =
		    frame.kind == BF_FRAME_ANSWER ? bf_slots_release(&self->under_way, frame.id) : NULL;

		any = true;
		if (message) {
			free(method);
			message->done(message, frame.code, bytes, bytes ? frame.length : 0);
			continue;
		}
		if (frame.kind == BF_FRAME_LOG && bytes) {
			say(self, frame.code, bytes, frame.length, call_of(self, frame.id), method);
		} else if (frame.kind == BF_FRAME_PING) {
			self->asked = 0;
		} else if (frame.kind == BF_FRAME_HEAP && bytes && frame.length == sizeof(uint64_t[BF_HEAP])) {
			for (int i = 0; i < BF_HEAP; i++) {
				uint64_t number;

				memcpy(&number, bytes + i * sizeof(number), sizeof(number));
				self->node.heap[i] = number;
			}
		}
		free(method);
		free(bytes);
	}
	if (got < 0) {
		kill(self->pid, SIGKILL);
	}
	bf_channel_flush(&self->channel);
	return any;
}

static void process_turn(bf_node *node, int milliseconds)
{
	struct process_node *self = (struct process_node *)node;
	struct pollfd waited = {.fd = node->fd, .events = POLLIN};
	int due = node->timeout(node);
	char nothing;

	if (self->stopped) {
		return;
	}
	if (milliseconds != 0) {
		if (due >= 0 && (milliseconds < 0 || due < milliseconds)) {
			milliseconds = due;
		}
		while (poll(&waited, 1, milliseconds) < 0 && errno == EINTR) {
		}
	}
	atomic_fetch_add_explicit(&node->wakeups, 1, memory_order_relaxed);
	/* The pipe of a child that is gone stays readable: it comes to a turn that brings nothing. */
	if (!receive(self) && self->life >= 0 && read(self->life, &nothing, 1) == 0) {
		receive(self); /* what it said last */
		child_ended(self);
	}
	if (self->next_birth && bf_now() >= self->next_birth) {
		child_start(self);
	}
	if (self->next_forgotten && bf_now() >= self->next_forgotten) {
		forget_aborted(self);
	}
}

static int process_timeout(bf_node *node)
{
	struct process_node *self = (struct process_node *)node;
	int64_t due = self->next_birth, left;

	if (self->next_forgotten && (!due || self->next_forgotten < due)) {
		due = self->next_forgotten;
	}
	left = due - bf_now();
	return !due ? -1 : left < 0 ? 0 : (int)left;
}

/* --- the child ------------------------------------------------------------------------ */

static void reopened(bf_message *message, int code, char *bytes, size_t count)
{
	struct process_node *self = BF_CONTAINER(message, struct process_node, opening);

	if (code != 0 && bytes) {
		say(self, BIFFI_ERROR, bytes, count, 0, NULL);
	}
	free(bytes);
}

static void child_start(struct process_node *self)
{
	int ends[2], status;
	struct epoll_event event = {.events = EPOLLIN};
	bf_link *waiting = self->waiting;

	self->next_birth = 0;
	self->born = bf_now();
	self->node.posted = 0; /* those that wait are sent below */
	memset(&self->shared->to_child, 0, offsetof(bf_ring, bytes));
	memset(&self->shared->to_parent, 0, offsetof(bf_ring, bytes));
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		status = errno;
	} else {
		ends[1] = bf_spawn_lift(ends[1]);
		self->life = ends[0];
		status =
		    bf_spawn(&self->pid, self->program,
			     (const int[BF_SPAWN_FDS]){self->memory, self->bell_child, self->bell_parent, ends[1]});
		close(ends[1]);
	}
	if (status != 0) {
		char text[256];

		snprintf(text, sizeof(text), "%s: %s", self->program, strerror(status));
		say(self, BIFFI_ERROR, text, strlen(text), 0, NULL);
		child_ended(self);
		return;
	}
	epoll_ctl(self->node.fd, EPOLL_CTL_ADD, self->life, &event);
	if (self->opening_bytes) {
		self->opening.done = reopened;
		send(self, &self->opening);
	}
	self->waiting = NULL;
	self->last = &self->waiting;
	while (waiting) {
		bf_message *message = BF_CONTAINER(waiting, bf_message, link);

		void *kept = message->kept;

		waiting = waiting->next;
		message->kept = NULL;
		send(self, message); /* may have ended it */
		free(kept);
	}
	bf_channel_flush(&self->channel);
}

static void child_ended(struct process_node *self)
{
	int status = 0;
	char text[128] = "the Node.js process has ended";
	pid_t reaped = 0;

	if (self->pid > 0) {
		/* Its pipe is closed: it is a zombie in a moment, or it closed what it should not have. */
		kill(self->pid, SIGKILL);
		reaped = waitpid(self->pid, &status, 0); /* the host's SIGCHLD handler may have been first */
	}
	if (reaped > 0 && WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "the Node.js process was ended by signal %d", WTERMSIG(status));
	} else if (reaped > 0 && WIFEXITED(status)) {
		snprintf(text, sizeof(text), "the Node.js process has ended with code %d", WEXITSTATUS(status));
	}
	if (self->life >= 0) {
		close(self->life);
	}
	self->life = -1;
	self->pid = 0;
	self->asked = 0;
	bf_channel_close(&self->channel);
	self->node.posted = self->shared->to_child.heard = 0;
	if (!self->stopped) {
		int64_t lived = bf_now() - self->born;

		say(self, BIFFI_WARN, text, strlen(text), 0, NULL);
		self->delay = lived >= SHORT_LIFE ? 0 : self->delay == 0 ? DELAY_FIRST : self->delay * 2;
		self->delay = self->delay > DELAY_MOST ? DELAY_MOST : self->delay;
		self->next_birth = bf_now() + (self->delay ? self->delay : 1);
		atomic_fetch_add(&self->node.restarts, 1);
	}
	fail_all(self, text);
}

/* What never comes back is ended, and replaced as any that has ended. */
static bool process_watch(bf_node *node, int milliseconds)
{
	struct process_node *self = (struct process_node *)node;
	const bf_frame ping = {.kind = BF_FRAME_PING, .flags = BF_FRAME_NULL};
	int64_t now = bf_now();

	if (self->life < 0 || now - self->born < START_WITHIN) {
		return false;
	}
	if (self->asked == 0) {
		self->asked = now;
		bf_channel_send(&self->channel, &ping, NULL, NULL, NULL);
		bf_channel_flush(&self->channel);
		return false;
	}
	if (now - self->asked <= milliseconds) {
		return false;
	}
	self->asked = 0;
	kill(self->pid, SIGKILL);
	return true;
}

static void process_stop(bf_node *node)
{
	struct process_node *self = (struct process_node *)node;
	struct pollfd waited = {.fd = self->life, .events = POLLIN};
	const bf_frame frame = {.kind = BF_FRAME_STOP, .flags = BF_FRAME_NULL};

	if (self->stopped) {
		return;
	}
	self->stopped = true;
	self->next_birth = 0;
	if (self->life >= 0) {
		bf_channel_send(&self->channel, &frame, NULL, NULL, NULL);
		bf_channel_flush(&self->channel);
		if (poll(&waited, 1, STOP_WITHIN) <= 0) {
			kill(self->pid, SIGKILL);
		}
	}
	child_ended(self);
	self->node.heard_shared = NULL;
	munmap(self->shared, sizeof(*self->shared));
	close(self->memory);
	close(self->bell_child);
	close(self->bell_parent);
	close(self->node.fd);
	self->node.fd = -1;
	free(self->under_way.slots);
	free(self->opening_bytes);
	free(self->program);
	self->under_way = (bf_slots){0};
	self->opening_bytes = self->program = NULL;
}

int bf_process_start(bf_node **out, const bf_node *settings, const char *program, char *message, size_t size)
{
	struct process_node *self = calloc(1, sizeof(*self));
	struct epoll_event event = {.events = EPOLLIN};

	if (!self) {
		snprintf(message, size, "out of memory");
		return -1;
	}
	self->node = *settings;
	self->node.post = process_post;
	self->node.flush = process_flush;
	self->node.turn = process_turn;
	self->node.timeout = process_timeout;
	self->node.watch = process_watch;
	self->node.stop = process_stop;
	self->last = &self->waiting;
	self->life = -1;
	self->program = strdup(program);
	self->memory = bf_spawn_lift(memfd_create("biffi", MFD_CLOEXEC));
	self->bell_child = bf_spawn_lift(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	self->bell_parent = bf_spawn_lift(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	self->node.fd = epoll_create1(EPOLL_CLOEXEC);
	self->shared = MAP_FAILED;
	if (self->memory >= 0 && ftruncate(self->memory, sizeof(*self->shared)) == 0) {
		self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE, MAP_SHARED, self->memory, 0);
	}
	if (self->shared == MAP_FAILED || !self->program || self->node.fd < 0 ||
	    epoll_ctl(self->node.fd, EPOLL_CTL_ADD, self->bell_parent, &event) != 0) {
		snprintf(message, size, "no memory or no descriptor left for a process: %s", strerror(errno));
		close(self->memory);
		close(self->bell_child);
		close(self->bell_parent);
		close(self->node.fd);
		free(self->program);
		free(self);
		return -1;
	}
	self->node.heard_shared = &self->shared->to_child.heard;
	bf_channel_open(&self->channel, self->shared, false, self->bell_child, self->bell_parent);
	child_start(self);
	if (self->life < 0) {
		snprintf(message, size, "%s cannot be started", program);
		process_stop(&self->node);
		free(self);
		return -1;
	}
	*out = &self->node;
	return 0;
}
