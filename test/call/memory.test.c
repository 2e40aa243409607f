/*
 * Memory runs out: every allocation in turn fails once. What was asked for is
 * then refused with BF_ENOMEM, or done another way, and nothing leaks (the
 * sanitized build of this program looks for that). The linker leads the calls
 * of malloc and its like here.
 */
#include "build.h"

#include "../../src/call/library.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static int countdown; /* to the allocation that fails; 0: none does */
static bool failed;

static bool fails_now(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails_now() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails_now() ? NULL : __real_strndup(s, n);
}

/*
 * Runs `attempt` with the first allocation failing, then the second, until it
 * needs no more of them. Returns how many there were. An attempt returns what
 * it was refused with, or 0 if it found another way.
 */
static int fail_each(int (*attempt)(bf_error *err, void *data), void *data)
{
	int n = 0, refused = 0;

	do {
		bf_error err = {0};

		failed = false;
		countdown = ++n;
		int rc = attempt(&err, data);
		countdown = 0;
		if (!failed) {
			assert_int_equal(rc, BF_OK);
		} else if (rc != BF_OK) {
			assert_true(rc == BF_ENOMEM || rc == BF_ESYSTEM || rc == BF_ELIBRARY);
			assert_int_equal(err.code, rc);
			assert_true(strstr(err.message, "memory") != NULL);
			refused++;
		}
	} while (failed && n < 1000);
	assert_true(refused > 0);
	return n - 1;
}

static int make_plan(bf_error *err, void *data)
{
	bf_plan *plan;
	int rc = bf_plan_new(data, NULL, 0, &plan, err);

	if (rc == BF_OK)
		bf_plan_free(plan);
	else
		assert_null(plan);
	return rc;
}

static void plans(void **state)
{
	(void)state;
	const bf_type *aggregate = structure(INT, DOUBLE), *odd = union_of(INT, DOUBLE, array_of(CHAR, 12));

	assert_true(fail_each(make_plan, (void *)function(aggregate, aggregate, INT, odd)) >= 4);
}

static void answer(void *data, void *frame)
{
	(void)data;
	*(int *)frame = 42;
}

static int make_callbacks(bf_error *err, void *data)
{
	enum { MANY = 300 }; /* more than a page of stubs */
	static bf_callback *cbs[MANY];
	const bf_plan *plan = data;
	int rc = BF_OK, n = 0;

	while (n < MANY && (rc = bf_callback_new(plan, answer, NULL, &cbs[n], err)) == BF_OK)
		n++;
	if (rc != BF_OK)
		assert_null(cbs[n]);
	for (int i = 0; i < n; i++)
		assert_int_equal(((int (*)(void))bf_callback_code(cbs[i]))(), 42);
	for (int i = 0; i < n; i++)
		bf_callback_free(cbs[i]);
	return rc;
}

static void closures(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(function(INT));

	bf_callback_use_libffi(true);
	fail_each(make_callbacks, plan);
	bf_callback_use_libffi(false);
	bf_plan_free(plan);
}

/* Without memory for another page of stubs a callback becomes a closure, until there is some again. */
static void callbacks(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(function(INT));
	bf_error err = {0};

	for (int n = 1; n < 10; n++) {
		countdown = n;
		int rc = make_callbacks(&err, plan);
		countdown = 0;
		assert_true(rc == BF_OK || rc == BF_ENOMEM);
	}
	assert_int_equal(make_callbacks(&err, plan), BF_OK);
	bf_plan_free(plan);
}

static int open_library(bf_error *err, void *data)
{
	bf_library *lib;
	int rc = bf_library_open(data, 0, &lib, err);

	if (rc == BF_OK)
		bf_library_free(lib);
	else
		assert_null(lib);
	return rc;
}

static void libraries(void **state)
{
	(void)state;
	assert_int_equal(fail_each(open_library, "libm.so.6"), 2);
	assert_int_equal(fail_each(open_library, NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plans),
	    cmocka_unit_test(callbacks),
	    cmocka_unit_test(closures),
	    cmocka_unit_test(libraries),
	};
	return cmocka_run_group_tests(tests, types_setup, types_teardown);
}
