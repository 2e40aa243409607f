/*
 * libbiffi as a C program uses it: every way to answer, to fail and to end.
 * Each test runs in every mode that can do it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "biffi.h"

static biffi *modules[3]; /* the same handlers in each mode */
#define by_thread modules[BIFFI_THREAD]
#define by_inline modules[BIFFI_INLINE]
#define by_process modules[BIFFI_PROCESS]
static char why[512];

enum { BIG = 4 << 20 }; /* as much as the memory shared with a child takes at once */

static biffi_options options(int mode, int flags)
{
	return (biffi_options){
	    .size = sizeof(biffi_options), .mode = mode, .flags = flags, .folder = "test/host/modules"};
}

static biffi *open_module(const char *name, int mode, int flags)
{
	biffi_options given = options(mode, flags);
	biffi *module = NULL;

	why[0] = '\0';
	if (biffi_open(&module, name, &given, why, sizeof(why)) != 0) {
		print_error("%s: %s\n", name, why);
		return NULL;
	}
	return module;
}

/* Calls, and compares code and bytes (NULL: none). */
static void expect_bytes(biffi *module, const char *method, const void *request, size_t length, int code,
			 const char *bytes, size_t count)
{
	char *got;
	size_t got_count;
	int got_code = biffi_call_wait(module, method, request, length, 10000, &got, &got_count);

	if (got_code != code || (bytes && (!got || got_count != count || memcmp(got, bytes, count) != 0))) {
		print_error("%s: code %d, %s\n", method, got_code, got ? got : "(none)");
	}
	assert_int_equal(got_code, code);
	assert_int_equal(got == NULL, bytes == NULL);
	if (bytes) {
		assert_int_equal(got_count, count);
		assert_memory_equal(got, bytes, count);
	}
	free(got);
}

static void expect(const char *method, const char *request, int code, const char *answer)
{
	for (int i = 0; i < 3; i++) {
		expect_bytes(modules[i], method, request, request ? strlen(request) : 0, code, answer,
			     answer ? strlen(answer) : 0);
	}
}

static void answers_of_every_kind(void **state)
{
	(void)state;
	expect("echo", "hello", 0, "hello");
	expect("echo", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x98", 0, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x98");
	expect("echo", "gr\xc3\xbc\xc3\x9f", 0, "gr\xc3\xbc\xc3\x9f"); /* a byte a character inside */
	expect("echo", "\xff", 0, "\xef\xbf\xbd");                     /* no UTF-8 */
	expect("echo", NULL, 0, NULL);
	expect("echo", "", 0, "");
	expect("type", NULL, 0, "null");
	expect("type", "x", 0, "string");
	expect("empty", "x", 0, "");
	expect("nothing", "x", 0, NULL);
	expect("number", "x", 0, "42");
	expect("later", "x", 0, "later x");
	expect("json", "x", 0, "{\"request\":\"x\",\"method\":\"json\",\"config\":null}");
	expect_bytes(by_thread, "bytes", "", 0, 0, "\0\1\0\377", 4);
	expect_bytes(by_process, "bytes", "", 0, 0, "\0\1\0\377", 4);
	expect_bytes(by_inline, "words", "3", 1, 0, "\1\0\2\0\3\0", 6);
}

static void bytes_of_every_size(void **state)
{
	static const size_t sizes[] = {1, 1023, 1024, 1025, 65536, 1 << 20, BIG - 40, BIG, 3 * BIG + 5};
	(void)state;
	for (int m = 0; m < 3; m++) {
		biffi *buffers = open_module("handlers", m, BIFFI_BUFFERS);

		assert_non_null(buffers);
		expect_bytes(buffers, "type", "x", 1, 0, "buffer", 6);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			char *bytes = malloc(sizes[i]);

			for (size_t j = 0; j < sizes[i]; j++) {
				bytes[j] = (char)(j * 7);
			}
			expect_bytes(buffers, "echo", bytes, sizes[i], 0, bytes, sizes[i]);
			memset(bytes, 'z', sizes[i]);
			expect_bytes(modules[m], "echo", bytes, sizes[i], 0, bytes, sizes[i]);
			free(bytes);
		}
		biffi_close(buffers);
	}
}

/* A byte above 127 is found wherever it is. */
static void text_of_every_kind(void **state)
{
	char text[200];

	(void)state;
	for (int length = 2; length < 200; length += length < 70 ? 1 : 13) {
		for (int at = 0; at + 1 < length; at++) {
			memset(text, 'x', sizeof(text));
			memcpy(text + at, "\xc3\xbc", 2);
			expect_bytes(by_inline, "echo", text, (size_t)length, 0, text, (size_t)length);
		}
	}
	memcpy(text, "\xe2\x82\xac", 3); /* no Latin-1 */
	expect_bytes(by_inline, "echo", text, 180, 0, text, 180);
}

static void failures_answer(void **state)
{
	(void)state;
	expect("throws", "x", 7, "too much");
	expect("rejects", "x", 1, "not today");
	expect("throwsOddly", "x", 1, "null");
	expect("unprintable", "x", 1, "the handler answered a function, which has no JSON");
	expect("missing", "x", 1, "module 'handlers' has no function 'missing'");
	expect("constructor", "x", 1, "module 'handlers' has no function 'constructor'");
	for (int i = 0; i < 2; i++) {
		const char *text =
		    "process.exit() is not available: it would end the program that Node.js is a part of";

		expect_bytes(modules[i], "exits", "x", 1, 1, text, strlen(text));
		text = "process.abort() is not available: it would end the program that Node.js is a part of";
		expect_bytes(modules[i], "aborts", "x", 1, 1, text, strlen(text));
	}
	expect("uncaught", "x", 0, "still here");
}

static void modules_of_every_kind(void **state)
{
	(void)state;
	for (int mode = BIFFI_THREAD; mode <= BIFFI_PROCESS; mode++) {
		biffi *single = open_module("single", mode, 0), *modern = open_module("modern", mode, 0),
		      *named = open_module("./handlers.js#shout", mode, 0);

		assert_non_null(single);
		expect_bytes(single, "any", "x", 1, 0, "any:x", 5);
		expect_bytes(single, NULL, "x", 1, 0, "null:x", 6);
		assert_non_null(modern);
		expect_bytes(modern, "any", "x", 1, 0, "esm x", 5);
		expect_bytes(modern, "separator", "x", 1, 0, "/", 1);
		assert_non_null(named);
		expect_bytes(named, "any", "x", 1, 0, "X!", 2);
		biffi_close(single);
		biffi_close(modern);
		biffi_close(named);
	}
}

static void refusals_name_the_reason(void **state)
{
	static const struct {
		const char *module, *reason;
	} refused[] = {
	    {"absent", "Cannot find module 'absent'"},
	    {"broken", "broken on purpose"},
	    {"handlers#absent", "module 'handlers' has no function 'absent'"},
	    {"\"quoted\\\n", "Cannot find module '\"quoted\\\n'"},
	    {"", "no module is named"},
	};

	(void)state;
	for (int mode = BIFFI_THREAD; mode <= BIFFI_PROCESS; mode++) {
		for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
			biffi_options given = options(mode, 0);
			biffi *module = NULL;

			assert_true(biffi_open(&module, refused[i].module, &given, why, sizeof(why)) < 0);
			assert_null(module);
			assert_non_null(strstr(why, refused[i].reason));
			assert_true(biffi_open(&module, refused[i].module, &given, NULL, 0) < 0);
		}
	}
	biffi *module = NULL;
	biffi_options given = options(99, 0);

	assert_true(biffi_open(&module, "handlers", &given, why, sizeof(why)) < 0);
	assert_string_equal(why, "unknown mode 99");
}

struct tally {
	_Atomic int ended, failed;
	int last;
};

static void count(void *data, int code, char *bytes, size_t length)
{
	struct tally *tally = data;

	(void)length;
	tally->last = code;
	tally->failed += code != 0;
	tally->ended++;
	free(bytes);
}

static void dispatch_until(biffi *module, struct tally *tally, int ended)
{
	while (tally->ended < ended) {
		struct pollfd waited = {.fd = biffi_fd(module), .events = POLLIN};

		assert_true(poll(&waited, 1, biffi_timeout(module) < 0 ? 10000 : biffi_timeout(module)) >= 0);
		biffi_dispatch(module);
	}
	assert_int_equal(tally->ended, ended);
}

/* What a handler enters is its own: the next call does not find it. */
static void contexts_of_calls_are_apart(void **state)
{
	(void)state;
	expect("stored", "x", 0, NULL);
	expect("store", "one", 0, "one");
	expect("stored", "x", 0, NULL);
	expect("storeLater", "two", 0, "two");
	expect("stored", "x", 0, NULL);
	expect("mark", "x", 0, "undefined");
	expect("mark", "x", 0, "undefined");
}

static void expect_nothing(void *data, int code, char *bytes, size_t length)
{
	struct tally *tally = data;

	tally->last = code || bytes || length;
	tally->failed += tally->last;
	tally->ended++;
	free(bytes);
}

/* Also of calls that go together. */
static void contexts_of_batches_are_apart(void **state)
{
	enum { CALLS = 100 };
	biffi *batched;
	struct tally tally;

	(void)state;
	for (int m = 0; m < 3; m++) {
		tally = (struct tally){0};
		batched = open_module("handlers", m, BIFFI_BATCH);
		assert_non_null(batched);
		for (int i = 0; i < CALLS; i++) {
			biffi_call(batched, "stored", "x", 1, expect_nothing, &tally);
			biffi_call(batched, "store", "x", 1, count, &tally);
		}
		biffi_flush(batched);
		dispatch_until(batched, &tally, 2 * CALLS);
		assert_int_equal(tally.failed, 0);
		biffi_close(batched);
	}
}

/* As after a callback of Node.js: ticks, then microtasks, all before anything else; an error there is nobody's answer.
 */
static void what_calls_leave_is_done(void **state)
{
	(void)state;
	expect("leave", "x", 0, "left");
	expect("order", "x", 0, "call,tick,microtask");
	expect("orderLater", "x", 0, "call,microtask,tick,turn");
	expect("leaveError", "x", 0, "left");
	expect("orderLater", "x", 0, "another,nobody waits for it");
	expect("echo", "on", 0, "on");
}

/* A head behind whose bytes those of `text` are. */
static void expect_framed(biffi *module, const char *method, const char *request, const char *head, const char *text,
			  size_t length)
{
	char bytes[64];

	memcpy(bytes, head, strlen(head));
	memcpy(bytes + strlen(head), text, length);
	expect_bytes(module, method, request, strlen(request), 0, bytes, strlen(head) + length);
}

static biffi *framed_inside;

static void count_and_call(void *data, int code, char *bytes, size_t length)
{
	struct tally *tally = data;

	tally->failed += code != 0 || length != 8 || memcmp(bytes, "own\nbody", 8) != 0;
	tally->ended++;
	free(bytes);
	expect_framed(framed_inside, "kept", "none", "kept\n", "", 0);
	expect_framed(framed_inside, "kept", "text", "kept\n", "body", 4);
	expect_bytes(framed_inside, "plain", "text", 4, 0, "body", 4);
}

static void answers_in_two_parts(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t length;
	} bodies[] = {{"text", "body", 4},
		      {"latin1", "gr\xc3\xbc\xc3\x9f", 6},
		      {"wide", "\xe2\x82\xac \xf0\x9f\x90\x98", 8},
		      {"none", "", 0},
		      {"missing", "", 0},
		      {"empty", "", 0},
		      {"bytes", "\0\1\0\377", 4},
		      {"words", "\1\0\2\0", 4},
		      {"memory", "\1\0", 2}};

	(void)state;
	for (int m = 0; m < 3; m++) {
		biffi_options given = options(m, BIFFI_DIRECT);
		biffi *module;

		given.init = "open";
		assert_int_equal(biffi_open(&module, "framed", &given, why, sizeof(why)), 0);
		for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
			const char *name = bodies[i].name;

			expect_framed(module, "kept", name, "kept\n", bodies[i].bytes, bodies[i].length);
			expect_framed(module, "later", name, "kept\n", bodies[i].bytes, bodies[i].length);
			expect_framed(module, "own", name, "own\n", bodies[i].bytes, bodies[i].length);
		}
		expect_bytes(module, "plain", "none", 4, 0, NULL, 0); /* no head is left from before */
		expect_framed(module, "many", "0", "0:", "x", 1);
		expect_framed(module, "many", "39", "39:", "x", 1);
		expect_bytes(module, "other", "kept", 4, BIFFI_EMEMORY, "out of memory", 13);
		expect_bytes(module, "other", "own", 3, BIFFI_EMEMORY, "out of memory", 13);
		if (m == BIFFI_INLINE) {
			struct tally tally = {0};

			framed_inside = module;
			biffi_call(module, "own", "text", 4, count_and_call, &tally);
			assert_int_equal(tally.ended, 1);
			assert_int_equal(tally.failed, 0);
		}
		biffi_close(module);
	}
}

static void many_calls_at_once(void **state)
{
	(void)state;
	for (int m = 0; m < 3; m++) {
		struct tally tally = {0};

		for (int i = 0; i < 2000; i++) {
			assert_int_not_equal(biffi_call(modules[m], i % 3 ? "echo" : "later", "x", 1, count, &tally),
					     0);
		}
		assert_int_equal(tally.ended, 0);
		dispatch_until(modules[m], &tally, 2000);
		assert_int_equal(tally.failed, 0);
	}
}

static void batches_go_with_their_flush(void **state)
{
	static struct tally last; /* ended by the shutdown */

	(void)state;
	for (int m = 0; m < 3; m++) {
		biffi *batched = open_module("handlers", m, BIFFI_BATCH | (m == BIFFI_PROCESS ? BIFFI_DIRECT : 0));
		struct tally tally = {0};

		assert_non_null(batched);
		biffi_flush(batched);
		for (int round = 1; round <= 3; round++) {
			for (int i = 0; i < 500; i++) {
				biffi_call(batched, i % 3 ? "echo" : "later", "x", 1, count, &tally);
			}
			biffi_flush(batched);
			dispatch_until(batched, &tally, 500 * round);
		}
		assert_int_equal(tally.failed, 0);
		/* What waits for a flush is no reason not to close. */
		biffi_call(batched, "never", "x", 1, count, &last);
		biffi_close(batched);
		biffi_call_wait(modules[m], "echo", "x", 1, 10000, NULL, NULL);
	}
}

/* More than are known by a number. */
static void methods_of_any_name(void **state)
{
	(void)state;
	for (int m = 0; m < 3; m++) {
		biffi *single = open_module("single", m, 0);

		assert_non_null(single);
		for (int i = 0; i < 300; i++) {
			char name[32], answer[64];

			snprintf(name, sizeof(name), "gr\xc3\xbc\xc3\x9f%d", i % 150);
			snprintf(answer, sizeof(answer), "%s:x", name);
			expect_bytes(single, name, "x", 1, 0, answer, strlen(answer));
		}
		expect_bytes(single, NULL, "x", 1, 0, "null:x", 6);
		expect_bytes(single, "", "x", 1, 0, ":x", 2);
		biffi_close(single);
	}
}

static void direct_completions(void **state)
{
	biffi *module = open_module("handlers", BIFFI_INLINE, BIFFI_DIRECT);
	struct tally tally = {0};

	(void)state;
	assert_non_null(module);
	biffi_call(module, "echo", "x", 1, count, &tally);
	assert_int_equal(tally.ended, 1);
	biffi_call(module, "later", "x", 1, count, &tally);
	assert_int_equal(tally.ended, 1);
	dispatch_until(module, &tally, 2);
	biffi_close(module);
}

struct kept {
	int ended, wrong;
	const char *wanted; /* NULL: anything */
};

static void compare(void *data, int code, char *bytes, size_t length)
{
	struct kept *kept = data;

	kept->ended++;
	kept->wrong += code != 0 || length != 1 || (kept->wanted && bytes[0] != kept->wanted[0]);
	free(bytes);
}

/* With several threads or processes, too: what one call leaves behind, a later one finds. */
static void calls_after_calls(void **state)
{
	static const char *letters[] = {"a", "b", "c"};

	(void)state;
	for (int mode = 0; mode < 3; mode++) {
		biffi_options given = options(mode, 0);
		struct kept first = {0}, later[3] = {0};
		uint64_t calls[3];
		biffi *module;

		given.threads = 3;
		assert_int_equal(biffi_open(&module, "handlers", &given, why, sizeof(why)), 0);
		for (int i = 0; i < 3; i++) {
			calls[i] = biffi_call(module, "keep", letters[i], 1, compare, &first);
			/* Inline there is one environment: the last letter is the one that is kept. */
			later[i].wanted = letters[mode == BIFFI_INLINE ? 2 : i];
		}
		for (int i = 0; i < 6; i++) {
			biffi_call_after(module, calls[i % 3], "kept", NULL, 0, compare, &later[i % 3]);
		}
		while (first.ended + later[0].ended + later[1].ended + later[2].ended < 9) {
			struct pollfd waited = {.fd = biffi_fd(module), .events = POLLIN};

			poll(&waited, 1, biffi_timeout(module) < 0 ? 10000 : biffi_timeout(module));
			biffi_dispatch(module);
		}
		assert_int_equal(first.wrong + later[0].wrong + later[1].wrong + later[2].wrong, 0);
		biffi_close(module);
	}
}

static void aborts_and_timeouts(void **state)
{
	(void)state;
	for (int m = 0; m < 3; m++) {
		struct tally tally = {0};
		uint64_t call = biffi_call(modules[m], "signal", "x", 1, count, &tally);
		char *bytes;

		biffi_abort(modules[m], call);
		biffi_abort(modules[m], call);
		biffi_abort(modules[m], 12345678);
		dispatch_until(modules[m], &tally, 1);
		assert_int_equal(tally.last, BIFFI_EABORTED);
		assert_int_equal(biffi_call_wait(modules[m], "never", "x", 1, 10, &bytes, NULL), BIFFI_ETIMEOUT);
		assert_null(bytes);
		expect_bytes(modules[m], "abortedCount", "", 0, 0, "1", 1);
	}
}

static void several_threads(void **state)
{
	biffi_options given = options(BIFFI_THREAD, 0);
	struct tally tally = {0};
	biffi *module;

	(void)state;
	given.threads = 3;
	assert_int_equal(biffi_open(&module, "handlers", &given, why, sizeof(why)), 0);
	for (int i = 0; i < 300; i++) {
		biffi_call(module, "later", "x", 1, count, &tally);
	}
	dispatch_until(module, &tally, 300);
	assert_int_equal(tally.failed, 0);
	biffi_close(module);
}

static void several_processes(void **state)
{
	biffi_options given = options(BIFFI_PROCESS, 0);
	struct tally tally = {0};
	biffi *module;

	(void)state;
	given.threads = 2;
	assert_int_equal(biffi_open(&module, "handlers", &given, why, sizeof(why)), 0);
	for (int i = 0; i < 300; i++) {
		biffi_call(module, "later", "x", 1, count, &tally);
	}
	dispatch_until(module, &tally, 300);
	assert_int_equal(tally.failed, 0);
	biffi_close(module);
}

/* Whatever ends a child costs the calls under way an error, and nothing else. */
static void expect_hello(void *data, int code, char *bytes, size_t length)
{
	if (code != 0 || length != 5 || memcmp(bytes, "hello", 5) != 0) {
		code = code ? code : -100;
	}
	count(data, code, bytes, length);
}

static void children_are_replaced(void **state)
{
	static const char *const fatal[] = {"exits", "aborts"};
	biffi_options given = options(BIFFI_PROCESS, 0);
	biffi_stats stats = {.size = sizeof(stats)};
	char *bytes;

	(void)state;
	given.program = "/no/such/node";
	assert_true(biffi_open(&(biffi *){NULL}, "handlers", &given, why, sizeof(why)) < 0);
	/* valgrind's vfork is a fork, whose exec fails where nobody sees it. */
	assert_string_equal(why, getenv("BIFFI_VALGRIND") ? "the Node.js process has ended with code 127"
							  : "/no/such/node cannot be started");

	biffi *module = open_module("handlers", BIFFI_PROCESS, 0);

	for (int i = 0; i < 2; i++) {
		struct tally tally = {0};

		biffi_call(module, "never", "x", 1, count, &tally);
		biffi_call(module, fatal[i], "x", 1, count, &tally);
		dispatch_until(module, &tally, 2);
		assert_int_equal(tally.failed, 2);
		assert_int_equal(tally.last, BIFFI_ESTOPPED);
		/* There is no child now. What is called has been copied all the same. */
		char method[] = "echo", text[] = "hello";

		biffi_call(module, method, text, 5, expect_hello, &tally);
		memset(method, '-', sizeof(method) - 1);
		memset(text, '-', sizeof(text) - 1);
		dispatch_until(module, &tally, 3);
		assert_int_equal(tally.failed, 2);
		expect_bytes(module, "echo", "x", 1, 0, "x", 1);
	}
	pid_t pid;

	assert_int_equal(biffi_call_wait(module, "pid", "", 0, 10000, &bytes, NULL), 0);
	pid = atoi(bytes);
	free(bytes);
	kill(pid, SIGKILL);
	while (biffi_call_wait(module, "pid", "", 0, 10000, &bytes, NULL) != 0) {
		free(bytes);
	}
	assert_int_not_equal(atoi(bytes), pid);
	free(bytes);
	biffi_stats_get(module, &stats);
	assert_int_equal(stats.restarts, 3);
	biffi_close(module);
}

/* An endless loop ends, its call alone is answered with an error, others go on. */
static void endless_loops_are_interrupted(void **state)
{
	(void)state;
	for (int m = 0; m < 3; m += BIFFI_PROCESS) {
		struct tally before = {0}, endless = {0}, behind = {0};

		biffi_call(modules[m], "later", "x", 1, count, &before);
		biffi_call(modules[m], "endless", "x", 1, count, &endless);
		biffi_call(modules[m], "echo", "x", 1, count, &behind);
		while (endless.ended == 0) {
			struct pollfd waited = {.fd = biffi_fd(modules[m]), .events = POLLIN};

			poll(&waited, 1, 10);
			biffi_watch(modules[m], 50);
			biffi_dispatch(modules[m]);
		}
		assert_int_equal(endless.last, m == BIFFI_THREAD ? BIFFI_EINTERRUPT : BIFFI_ESTOPPED);
		dispatch_until(modules[m], &before, 1);
		dispatch_until(modules[m], &behind, 1);
		assert_int_equal(before.failed, m == BIFFI_THREAD ? 0 : 1);
		assert_int_equal(behind.failed, m == BIFFI_THREAD ? 0 : 1);
		expect_bytes(modules[m], "later", "y", 1, 0, "later y", 7);
	}
}

/* Node.js keeps books on what is nested; it ends the process when they are wrong. */
static void endless_loops_anywhere_are_interrupted(void **state)
{
	static const char *const places[] = {"tick", "microtask", "timer", "resource", "nested"};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct tally endless = {0};

		biffi_call(by_thread, "endlessInside", places[i], strlen(places[i]), count, &endless);
		for (int waits = 0; waits < 1000 && endless.ended == 0; waits++) {
			struct pollfd waited = {.fd = biffi_fd(by_thread), .events = POLLIN};

			poll(&waited, 1, 10);
			biffi_watch(by_thread, 50);
			biffi_dispatch(by_thread);
		}
		assert_int_equal(endless.ended, 1);
		expect_bytes(by_thread, "stored", "x", 1, 0, NULL, 0);
		expect_bytes(by_thread, "storeLater", "y", 1, 0, "y", 1);
	}
}

static void a_full_heap_is_an_error(void **state)
{
	(void)state;
	expect_bytes(by_thread, "hogs", "x", 1, BIFFI_EMEMORY, "JavaScript's heap is full", 25);
	expect_bytes(by_thread, "later", "y", 1, 0, "later y", 7);
	expect_bytes(by_inline, "hogs", "x", 1, BIFFI_EMEMORY, "JavaScript's heap is full", 25);
	expect_bytes(by_inline, "later", "y", 1, 0, "later y", 7);
}

static void closing_with_calls_under_way(void **state)
{
	biffi *module = open_module("handlers", BIFFI_THREAD, 0);
	struct tally tally = {0};

	(void)state;
	for (int i = 0; i < 100; i++) {
		biffi_call(module, i % 2 ? "echo" : "later", "x", 1, count, &tally);
	}
	biffi_close(module);
	for (int i = 0; i < 10000 && tally.ended < 100; i++) {
		usleep(1000);
	}
	assert_int_equal(tally.ended, 100);
	assert_int_equal(tally.failed, 0);
}

static void statistics(void **state)
{
	biffi *module = open_module("handlers", BIFFI_THREAD, 0);
	biffi_stats stats = {.size = sizeof(stats)};

	(void)state;
	expect_bytes(module, "echo", "x", 1, 0, "x", 1);
	expect_bytes(module, "throws", "x", 1, 7, "too much", 8);
	biffi_stats_get(module, &stats);
	assert_int_equal(stats.calls, 2);
	assert_int_equal(stats.answers, 2);
	assert_int_equal(stats.errors, 1);
	assert_true(stats.wakeups > 0);
	assert_int_equal(stats.waiting, 0);
	biffi_close(module);
}

static uint64_t waiting_in(biffi *module)
{
	biffi_stats stats = {.size = sizeof(stats)};

	biffi_stats_get(module, &stats);
	return stats.waiting;
}

/* What JavaScript has not taken, because it is busy or there is no child, is counted. */
static void waiting_calls_are_counted(void **state)
{
	static const int modes[] = {BIFFI_THREAD, BIFFI_PROCESS};
	char file[] = "/tmp/biffi-waiting-XXXXXX";
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		biffi *module = open_module("handlers", modes[i], 0);
		struct tally tally = {0};

		unlink(file);
		assert_non_null(module);
		biffi_call(module, "untilThereIs", file, strlen(file), count, &tally);
		for (int j = 0; j < 5; j++) {
			biffi_call(module, "echo", "x", 1, count, &tally);
		}
		for (int j = 0; j < 10000 && waiting_in(module) != 5; j++) {
			usleep(1000);
		}
		assert_int_equal(waiting_in(module), 5);
		close(open(file, O_CREAT | O_WRONLY, 0600));
		dispatch_until(module, &tally, 6);
		assert_int_equal(tally.failed, 0);
		assert_int_equal(waiting_in(module), 0);
		if (modes[i] == BIFFI_PROCESS) {
			biffi_call(module, "exits", "x", 1, count, &tally);
			dispatch_until(module, &tally, 7);
			uint64_t aborted = biffi_call(module, "echo", "x", 1, count, &tally);

			biffi_call(module, "echo", "x", 1, count, &tally);
			assert_int_equal(waiting_in(module), 2);
			biffi_abort(module, aborted);
			assert_int_equal(waiting_in(module), 1);
			dispatch_until(module, &tally, 9);
			assert_int_equal(waiting_in(module), 0);
		}
		biffi_close(module);
	}
	unlink(file);
}

static struct sigaction before[NSIG];

static void signals_stay_the_hosts(void **state)
{
	(void)state;
	for (int i = 1; i < NSIG; i++) {
		struct sigaction now;

		if (i == SIGILL || i == SIGFPE || i == SIGSEGV || i == SIGBUS || i == SIGSYS) {
			continue; /* the test program's own, for as long as a test runs */
		}
		if (sigaction(i, NULL, &now) == 0 && now.sa_handler != before[i].sa_handler) {
			fail_msg("the handler of signal %d was replaced", i);
		}
	}
}

/* The last one: Node.js ends while JavaScript never would. */
static void shutdown_ends_everything(void **state)
{
	struct tally tally = {0};

	(void)state;
	biffi_call(by_thread, "never", "x", 1, count, &tally);
	biffi_call(by_thread, "endless", "x", 1, count, &tally);
	biffi_call(by_inline, "never", "x", 1, count, &tally);
	biffi_call(by_process, "never", "x", 1, count, &tally);
	biffi_call(by_process, "endless", "x", 1, count, &tally);
	biffi_shutdown();
	for (int i = 0; i < 3; i++) {
		biffi_dispatch(modules[i]);
	}
	assert_int_equal(tally.ended, 5);
	assert_int_equal(tally.failed, 5);
	biffi_call(by_thread, "echo", "x", 1, count, &tally);
	biffi_dispatch(by_thread);
	assert_int_equal(tally.last, BIFFI_ESTOPPED);
	for (int i = 0; i < 3; i++) {
		biffi_close(modules[i]);
	}

	by_thread = open_module("handlers", BIFFI_THREAD, 0);
	by_inline = open_module("handlers", BIFFI_INLINE, 0);
	by_process = open_module("handlers", BIFFI_PROCESS, 0);
	expect("echo", "again", 0, "again");
	for (int i = 0; i < 3; i++) {
		biffi_close(modules[i]);
	}
	biffi_shutdown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_of_every_kind),
	    cmocka_unit_test(bytes_of_every_size),
	    cmocka_unit_test(text_of_every_kind),
	    cmocka_unit_test(failures_answer),
	    cmocka_unit_test(modules_of_every_kind),
	    cmocka_unit_test(refusals_name_the_reason),
	    cmocka_unit_test(contexts_of_calls_are_apart),
	    cmocka_unit_test(contexts_of_batches_are_apart),
	    cmocka_unit_test(what_calls_leave_is_done),
	    cmocka_unit_test(answers_in_two_parts),
	    cmocka_unit_test(many_calls_at_once),
	    cmocka_unit_test(batches_go_with_their_flush),
	    cmocka_unit_test(methods_of_any_name),
	    cmocka_unit_test(direct_completions),
	    cmocka_unit_test(calls_after_calls),
	    cmocka_unit_test(aborts_and_timeouts),
	    cmocka_unit_test(several_threads),
	    cmocka_unit_test(several_processes),
	    cmocka_unit_test(children_are_replaced),
	    cmocka_unit_test(endless_loops_are_interrupted),
	    cmocka_unit_test(endless_loops_anywhere_are_interrupted),
	    cmocka_unit_test(a_full_heap_is_an_error),
	    cmocka_unit_test(closing_with_calls_under_way),
	    cmocka_unit_test(statistics),
	    cmocka_unit_test(waiting_calls_are_counted),
	    cmocka_unit_test(signals_stay_the_hosts),
	    cmocka_unit_test(shutdown_ends_everything),
	};

	for (int i = 1; i < NSIG; i++) {
		sigaction(i, NULL, &before[i]);
	}
	setenv("NODE_OPTIONS", "--max-old-space-size=64", 1); /* a full heap in little time */
	by_thread = open_module("handlers", BIFFI_THREAD, 0);
	by_inline = open_module("handlers", BIFFI_INLINE, 0);
	by_process = open_module("handlers", BIFFI_PROCESS, 0);
	if (!by_thread || !by_inline || !by_process) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
