/* Executable memory: code runs, can be patched, is never writable and executable at once. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/call/code.h"

typedef uint64_t returns_word(void);

/* Code that returns its own literal, which stands at byte 16. */
#if defined(__x86_64__)
static const uint8_t TEMPLATE[24] = {
    0xF3, 0x0F, 0x1E, 0xFA,                   /* endbr64 */
    0x48, 0x8B, 0x05, 0x05, 0x00, 0x00, 0x00, /* mov rax, [rip + 5] */
    0xC3,                                     /* ret */
};
#elif defined(__aarch64__)
static const uint8_t TEMPLATE[24] = {
    0x5F, 0x24, 0x03, 0xD5, /* bti c */
    0x60, 0x00, 0x00, 0x58, /* ldr x0, [pc, #12] */
    0xC0, 0x03, 0x5F, 0xD6, /* ret */
};
#endif

static void *make(uint64_t value)
{
	uint8_t code[24];

	memcpy(code, TEMPLATE, sizeof code);
	memcpy(code + 16, &value, sizeof value);
	return bf_code_new(code, sizeof code);
}

static uint64_t run(void *code)
{
	return ((returns_word *)code)();
}

/* No line of /proc/self/maps may say both w and x. */
static void assert_no_page_is_writable_and_executable(void)
{
	char line[512], perms[5];
	FILE *f = fopen("/proc/self/maps", "r");

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		assert_int_equal(sscanf(line, "%*s %4s", perms), 1);
		assert_false(perms[1] == 'w' && perms[2] == 'x');
	}
	fclose(f);
}

static void runs_and_takes_a_new_literal(void **state)
{
	void *a = make(42), *b = make(UINT64_MAX);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal((uintptr_t)a % BF_CODE_ALIGN, 0);
	assert_true(run(a) == 42);
	assert_true(run(b) == UINT64_MAX);
	assert_int_equal(bf_code_set_literal((char *)a + 16, 43), 0);
	assert_true(run(a) == 43);
	assert_true(run(b) == UINT64_MAX);
	assert_no_page_is_writable_and_executable();
	bf_code_free(a, 24);
	assert_true(run(b) == UINT64_MAX);
	bf_code_free(b, 24);
}

static void freed_code_is_reused(void **state)
{
	size_t used0, mapped0, used, mapped;
	int i;

	(void)state;
	bf_code_free(make(1), 24);
	bf_code_usage(&used0, &mapped0);
	for (i = 0; i < 20000; i++) {
		void *code = make((uint64_t)i);

		assert_non_null(code);
		assert_true(run(code) == (uint64_t)i);
		bf_code_free(code, 24);
	}
	bf_code_usage(&used, &mapped);
	assert_int_equal(used, used0);
	assert_int_equal(mapped, mapped0);
}

static void many_functions_share_pages(void **state)
{
	enum { N = 3000 };
	static void *codes[N];
	size_t used, mapped0, mapped;
	int i;

	(void)state;
	bf_code_usage(&used, &mapped0);
	for (i = 0; i < N; i++)
		assert_non_null(codes[i] = make((uint64_t)i * 3));
	bf_code_usage(&used, &mapped);
	assert_true(mapped - mapped0 <= (size_t)N * BF_CODE_ALIGN + 128 * 1024);
	for (i = 0; i < N; i++)
		assert_true(run(codes[i]) == (uint64_t)i * 3);
	for (i = 0; i < N; i++)
		bf_code_free(codes[i], 24);
}

static void big_code_has_room(void **state)
{
	size_t size = 300 * 1024;
	uint8_t *big = calloc(1, size);
	void *code;

	(void)state;
	assert_non_null(big);
	memcpy(big, TEMPLATE, sizeof TEMPLATE);
	big[16] = 7;
	code = bf_code_new(big, size);
	assert_non_null(code);
	assert_true(run(code) == 7);
	bf_code_free(code, size);
	free(big);
}

static void *churn(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg;
	uintptr_t wrong = 0;
	void *codes[16];
	int i, k;

	for (i = 0; i < 300; i++) {
		for (k = 0; k < 16; k++)
			codes[k] = make(seed + (uint64_t)k);
		for (k = 0; k < 16; k++) {
			wrong += run(codes[k]) != seed + (uint64_t)k;
			wrong += bf_code_set_literal((char *)codes[k] + 16, seed) != 0;
			wrong += run(codes[k]) != seed;
		}
		for (k = 0; k < 16; k++)
			bf_code_free(codes[k], 24);
	}
	return (void *)wrong;
}

static void threads_make_and_run_code(void **state)
{
	pthread_t t[4];
	void *wrong;
	uintptr_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, (void *)(i * 1000)), 0);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &wrong);
		assert_null(wrong);
	}
}

static void child_process_does_not_write_its_parents_code(void **state)
{
	void *mine = make(5);
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		void *theirs = make(6);
		int ok = theirs && run(theirs) == 6 && run(mine) == 5;

		ok = ok && bf_code_set_literal((char *)mine + 16, 9) != 0;
		bf_code_free(mine, 24);
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(run(mine) == 5);
	bf_code_free(mine, 24);
}

/* Last: a restriction stays. */
static void without_a_memfd_pages_are_made_by_mprotect(void **state)
{
	void *a, *b;

	(void)state;
	bf_code_restrict(BF_CODE_PROTECT);
	assert_int_equal(bf_code_how(), BF_CODE_PROTECT);
	a = make(1);
	b = make(2);
	assert_true(run(a) == 1 && run(b) == 2);
	assert_int_equal(bf_code_set_literal((char *)a + 16, 3), 0);
	assert_true(run(a) == 3 && run(b) == 2);
	assert_no_page_is_writable_and_executable();
	threads_make_and_run_code(state);
	bf_code_free(a, 24);
	assert_true(run(b) == 2);
	bf_code_free(b, 24);
}

static void where_it_is_denied_there_is_none(void **state)
{
	(void)state;
	bf_code_restrict(BF_CODE_DENIED);
	assert_int_equal(bf_code_how(), BF_CODE_DENIED);
	assert_string_equal(bf_code_mode_name(bf_code_how()), "denied");
	assert_null(make(1));
	bf_code_free(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(runs_and_takes_a_new_literal),
	    cmocka_unit_test(freed_code_is_reused),
	    cmocka_unit_test(many_functions_share_pages),
	    cmocka_unit_test(big_code_has_room),
	    cmocka_unit_test(threads_make_and_run_code),
	    cmocka_unit_test(child_process_does_not_write_its_parents_code),
	    cmocka_unit_test(without_a_memfd_pages_are_made_by_mprotect),
	    cmocka_unit_test(where_it_is_denied_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
