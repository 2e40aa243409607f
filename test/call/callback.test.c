#include "build.h"

#include <pthread.h>
#include <stdio.h>

#include "../../src/call/abi.h"
#include "../../src/call/code.h"

/* What the handlers below are given: the plan, to find the arguments, and a trace of what ran. */
struct context {
	const bf_plan *plan;
	int calls;
	double seen;
};

static void *make(const bf_plan *plan, bf_callback_handler *handler, struct context *context, bf_callback **cb)
{
	bf_error err = {0};
	*context = (struct context){.plan = plan};
	if (bf_callback_new(plan, handler, context, cb, &err) != BF_OK)
		fail_msg("no callback: %s", err.message);
	return bf_callback_code(*cb);
}

static void compare(void *data, void *frame)
{
	struct context *c = data;
	int a = *get(frame, c->plan, 0, const int *), b = *get(frame, c->plan, 1, const int *);
	c->calls++;
	*(int *)frame = (a > b) - (a < b);
}

static void qsort_calls_back(void **state)
{
	(void)state;
	int numbers[100];
	struct context context;
	bf_callback *cb;
	bf_plan *plan = plan_for(function(INT, pointer_to(INT), pointer_to(INT)));
	void *code = make(plan, compare, &context, &cb);

	for (int i = 0; i < 100; i++)
		numbers[i] = (i * 37) % 100;
	qsort(numbers, 100, sizeof(int), (int (*)(const void *, const void *))code);
	for (int i = 0; i < 100; i++)
		assert_int_equal(numbers[i], i);
	assert_true(context.calls > 100);
	bf_callback_free(cb);
	bf_plan_free(plan);
}

static void narrow(void *data, void *frame)
{
	struct context *c = data;
	int sum = get(frame, c->plan, 0, int8_t) + get(frame, c->plan, 1, uint8_t) + get(frame, c->plan, 2, int16_t) +
		  get(frame, c->plan, 3, uint16_t) + get(frame, c->plan, 4, _Bool);
	*(int8_t *)frame = (int8_t)sum;
}

/* A narrow result is read by C in its own width, but some compilers count on a filled register. */
static void narrow_integers(void **state)
{
	(void)state;
	struct context context;
	bf_callback *cb;
	bf_plan *plan = plan_for(function(CHAR, CHAR, UCHAR, SHORT, USHORT, BOOL));
	void *code = make(plan, narrow, &context, &cb);

	assert_int_equal(((int8_t(*)(int8_t, uint8_t, int16_t, uint16_t, _Bool))code)(-100, 200, -300, 100, 1), -99);
	assert_int_equal(((int (*)(int, int, int, int, int))code)(-100, 200, -300, 100, 1), -99);
	bf_callback_free(cb);
	bf_plan_free(plan);
}

struct mixed {
	float f;
	int i;
	double d;
};
struct large {
	long a[5];
};
union either {
	long i;
	float f;
};

static void combine(void *data, void *frame)
{
	struct context *c = data;
	struct mixed m = get(frame, c->plan, 0, struct mixed);
	struct large l = get(frame, c->plan, 1, struct large);
	union either u = get(frame, c->plan, 2, union either);

	c->seen = (double)get(frame, c->plan, 3, long double);
	for (int i = 0; i < 5; i++)
		l.a[i] += m.i + (long)m.f + (long)m.d + u.i;
	*(struct large *)frame = l;
}

static void structs_and_unions(void **state)
{
	(void)state;
	struct context context;
	bf_callback *cb;
	const bf_type *mixed = structure(FLOAT, INT, DOUBLE), *large = structure(array_of(LONG, 5)),
		      *either = union_of(LONG, FLOAT);
	bf_plan *plan = plan_for(function(large, mixed, large, either, LDOUBLE));
	void *code = make(plan, combine, &context, &cb);

	struct large l = ((struct large(*)(struct mixed, struct large, union either, long double))code)(
	    (struct mixed){1, 2, 3}, (struct large){{10, 20, 30, 40, 50}}, (union either){.i = 1000}, 0.5L);
	for (int i = 0; i < 5; i++)
		assert_int_equal(l.a[i], 10 * (i + 1) + 1006);
	assert_true(context.seen == 0.5);
	bf_callback_free(cb);
	bf_plan_free(plan);
}

static void small_result(void *data, void *frame)
{
	struct context *c = data;
	*(struct mixed *)frame = (struct mixed){get(frame, c->plan, 0, float), 7, 2 * get(frame, c->plan, 0, float)};
}

static void a_struct_comes_back_in_registers(void **state)
{
	(void)state;
	struct context context;
	bf_callback *cb;
	bf_plan *plan = plan_for(function(structure(FLOAT, INT, DOUBLE), FLOAT));
	void *code = make(plan, small_result, &context, &cb);

	struct mixed m = ((struct mixed(*)(float))code)(1.5f);
	assert_true(m.f == 1.5f && m.i == 7 && m.d == 3);
	bf_callback_free(cb);
	bf_plan_free(plan);
}

static void count(void *data, void *frame)
{
	(void)frame;
	((struct context *)data)->calls++;
}

static void *call_it(void *code)
{
	((void (*)(void))code)();
	return NULL;
}

static void any_thread_may_call(void **state)
{
	(void)state;
	struct context context;
	bf_callback *cb;
	pthread_t thread;
	bf_plan *plan = plan_for(function(VOID));
	void *code = make(plan, count, &context, &cb);

	assert_int_equal(pthread_create(&thread, NULL, call_it, code), 0);
	pthread_join(thread, NULL);
	call_it(code);
	assert_int_equal(context.calls, 2);
	bf_callback_free(cb);
	bf_plan_free(plan);
}

static void callbacks_are_many_and_apart(void **state)
{
	(void)state;
	enum { N = 1000 };
	static struct context contexts[N];
	static bf_callback *cbs[N];
	bf_plan *plan = plan_for(function(VOID));

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N; i++)
			make(plan, count, &contexts[i], &cbs[i]);
		for (int i = 0; i < N; i++)
			for (int j = 0; j < i % 3; j++)
				call_it(bf_callback_code(cbs[i]));
		for (int i = 0; i < N; i++) {
			assert_int_equal(contexts[i].calls, i % 3);
			bf_callback_free(cbs[i]);
		}
	}
	bf_plan_free(plan);
}

/* Makes, calls and frees callbacks of its own, while others do the same. */
static void *use_many(void *data)
{
	const bf_plan *plan = data;
	static __thread struct context contexts[8];
	bf_callback *cbs[8] = {NULL};
	intptr_t wrong = 0;

	for (int i = 0; i < 20000; i++) {
		int which = i % 8;
		bf_error err;

		bf_callback_free(cbs[which]);
		contexts[which] = (struct context){.plan = plan};
		if (bf_callback_new(plan, count, &contexts[which], &cbs[which], &err) != BF_OK)
			return (void *)(intptr_t)1;
		for (int j = 0; j < 8; j++)
			if (cbs[j] != NULL)
				call_it(bf_callback_code(cbs[j]));
		wrong += contexts[which].calls != 1;
	}
	for (int j = 0; j < 8; j++)
		bf_callback_free(cbs[j]);
	return (void *)wrong;
}

static void threads_share_the_stubs(void **state)
{
	(void)state;
	pthread_t threads[4];
	bf_plan *plan = plan_for(function(VOID));

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_many, plan), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	bf_plan_free(plan);
}

static void code_does_not_pile_up(void **state)
{
	(void)state;
	size_t used = 0, used_now, mapped;

	for (int round = 0; round < 3000; round++) {
		struct context context;
		bf_callback *cb;
		bf_plan *plan = plan_for(function(INT, INT, DOUBLE));

		make(plan, count, &context, &cb);
		bf_callback_free(cb);
		bf_plan_free(plan);
		bf_code_usage(&used_now, &mapped);
		if (round == 0)
			used = used_now;
		assert_int_equal(used_now, used);
	}
}

/* A callback that calls through a plan that calls a callback. */
static bf_callback *inner;

static void descend(void *data, void *frame)
{
	struct context *c = data;
	int depth = get(frame, c->plan, 0, int);

	c->calls++;
	if (depth > 0) {
		void *next = frame_for(c->plan);
		set(next, c->plan, 0, int, depth - 1);
		bf_plan_call(c->plan, (void (*)(void))bf_callback_code(inner), next);
		*(int *)frame = *(int *)next + 1;
		free(next);
	} else {
		*(int *)frame = 0;
	}
}

static void calls_nest(void **state)
{
	(void)state;
	struct context context;
	bf_plan *plan = plan_for(function(INT, INT));
	void *code = make(plan, descend, &context, &inner);

	assert_int_equal(((int (*)(int))code)(50), 50);
	assert_int_equal(context.calls, 51);
	bf_callback_free(inner);
	bf_plan_free(plan);
}

static int with_closures(void **state)
{
	bf_callback_use_libffi(true);
	return types_setup(state);
}

static void a_freed_callback_answers_0(void **state)
{
	(void)state;
	struct context context;
	bf_callback *cb, *others[20];
	bf_plan *plan = plan_for(function(INT, INT));
	int (*code)(int) = (int (*)(int))make(plan, descend, &context, &cb);

	assert_int_equal(code(0), 0);
	assert_int_equal(context.calls, 1);
	bool is_machine_code = bf_callback_is_machine_code(cb);
	bf_callback_free(cb);
	if (!is_machine_code) {
		bf_plan_free(plan);
		skip();
	}
	/* Its stub waits behind all the other free ones. */
	for (int i = 0; i < 20; i++) {
		struct context other;
		make(plan, descend, &other, &others[i]);
		assert_ptr_not_equal(bf_callback_code(others[i]), (void *)code);
	}
	assert_int_equal(code(7), 0);
	assert_int_equal(context.calls, 1);
	for (int i = 0; i < 20; i++)
		bf_callback_free(others[i]);
	bf_plan_free(plan);
}

static void what_the_machine_code_does_not_carry_is_a_closure(void **state)
{
	(void)state;
	struct context context;
	bf_callback *cb;
	bf_plan *plan = plan_for(function(VOID, structure(array_of(CHAR, 10000))));

	make(plan, count, &context, &cb);
	assert_false(bf_callback_is_machine_code(cb));
	struct bytes {
		char a[10000];
	} bytes = {{1}};
	((void (*)(struct bytes))bf_callback_code(cb))(bytes);
	assert_int_equal(context.calls, 1);
	bf_callback_free(cb);
	bf_plan_free(plan);
}

static void the_host_has_machine_code(void **state)
{
	(void)state;
	struct context context;
	bf_callback *cb;
	bf_plan *plan = plan_for(function(VOID));

	make(plan, count, &context, &cb);
	assert_int_equal(bf_callback_is_machine_code(cb),
			 bf_abi_host() != BF_ARCH_NONE && bf_code_how() != BF_CODE_DENIED);
	bf_callback_free(cb);
	bf_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(qsort_calls_back),
	    cmocka_unit_test(narrow_integers),
	    cmocka_unit_test(structs_and_unions),
	    cmocka_unit_test(a_struct_comes_back_in_registers),
	    cmocka_unit_test(any_thread_may_call),
	    cmocka_unit_test(callbacks_are_many_and_apart),
	    cmocka_unit_test(threads_share_the_stubs),
	    cmocka_unit_test(code_does_not_pile_up),
	    cmocka_unit_test(calls_nest),
	};
	const struct CMUnitTest machine_code_tests[] = {
	    cmocka_unit_test(the_host_has_machine_code),
	    cmocka_unit_test(a_freed_callback_answers_0),
	    cmocka_unit_test(what_the_machine_code_does_not_carry_is_a_closure),
	};
	int failed = cmocka_run_group_tests_name("machine code", machine_code_tests, types_setup, types_teardown);
	failed += cmocka_run_group_tests_name("callbacks", tests, types_setup, types_teardown);
	return failed + cmocka_run_group_tests_name("closures", tests, with_closures, types_teardown);
}
