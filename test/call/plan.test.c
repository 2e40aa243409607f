#include "build.h"

static void values_have_their_places_in_the_frame(void **state)
{
	(void)state;
	const bf_type *three = structure(CHAR, CHAR, CHAR);
	bf_plan *plan = plan_for(function(CHAR, CHAR, three, LDOUBLE, FLOAT));

	assert_int_equal(plan->nargs, 4);
	assert_int_equal(plan->nfixed, 4);
	assert_int_equal(plan->result.offset, 0);
	assert_int_equal(plan->result.size, 1);
	assert_int_equal(plan->args[0].offset, 16);
	assert_int_equal(plan->args[0].size, 1);
	assert_int_equal(plan->args[1].offset, 24);
	assert_int_equal(plan->args[1].size, 3);
	assert_int_equal(plan->args[2].offset, 32);
	assert_int_equal(plan->args[3].offset, 48);
	assert_int_equal(plan->frame_size, 64);
	assert_int_equal(plan->frame_align, 16);
	bf_plan_free(plan);
}

static void a_large_result_pushes_the_arguments_back(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(function(structure(LONG, LONG, LONG), INT));

	assert_int_equal(plan->result.size, 24);
	assert_int_equal(plan->args[0].offset, 24);
	assert_int_equal(plan->frame_size, 32);
	bf_plan_free(plan);
}

static void typedefs_do_not_hide_a_function(void **state)
{
	(void)state;
	const bf_type *alias, *integer;
	bf_error err;

	assert_int_equal(bf_type_alias(types, "number", INT, BF_FLAG_CONST, &integer, &err), BF_OK);
	assert_int_equal(bf_type_alias(types, "fn", function(integer, integer), 0, &alias, &err), BF_OK);
	bf_plan *plan = plan_for(alias);
	assert_int_equal(plan->args[0].type->kind, BF_INT32);
	assert_int_equal(plan->function->kind, BF_FUNCTION);
	bf_plan_free(plan);
}

static void a_shared_plan_stays_until_the_last_has_freed_it(void **state)
{
	bf_plan *plan = plan_for(function(INT, INT));

	(void)state;
	assert_ptr_equal(bf_plan_ref(plan), plan);
	bf_plan_free(plan);
	assert_int_equal(plan->nargs, 1);
	bf_plan_emit(plan);
	bf_plan_free(plan);
}

static void variadic_arguments_are_promoted(void **state)
{
	(void)state;
	const bf_type *extra[] = {CHAR,    BOOL,   USHORT,           FLOAT,         UINT, LONG,
				  LDOUBLE, CFLOAT, array_of(INT, 4), function(VOID)};
	static const bf_kind expected[] = {BF_INT32, BF_INT32,   BF_INT32,  BF_DOUBLE,  BF_UINT32,
					   BF_INT64, BF_LDOUBLE, BF_CFLOAT, BF_POINTER, BF_POINTER};
	bf_plan *plan;
	bf_error err;

	assert_int_equal(bf_plan_new(variadic(INT, FLOAT), extra, 10, &plan, &err), BF_OK);
	assert_int_equal(plan->nfixed, 1);
	assert_int_equal(plan->nargs, 11);
	assert_int_equal(plan->args[0].type->kind, BF_FLOAT);
	for (int i = 0; i < 10; i++)
		assert_int_equal(plan->args[i + 1].type->kind, expected[i]);
	bf_plan_free(plan);
}

static void expect_error(const bf_type *fn, int code, const char *words)
{
	bf_plan *plan;
	bf_error err = {0};

	assert_int_equal(bf_plan_new(fn, NULL, 0, &plan, &err), code);
	assert_null(plan);
	assert_int_equal(err.code, code);
	if (strstr(err.message, words) == NULL)
		fail_msg("'%s' does not say '%s'", err.message, words);
}

static void what_a_call_cannot_carry_is_named(void **state)
{
	(void)state;
	bf_type *incomplete;
	bf_error err;
	assert_int_equal(bf_type_tagged(types, BF_STRUCT, "later", &incomplete, &err), BF_OK);

	expect_error(INT, BF_ETYPE, "int is not a function");
	expect_error(function(VOID, INT, incomplete), BF_EUNSUPPORTED, "argument 2 of type struct later");
	expect_error(function(incomplete), BF_EUNSUPPORTED, "result of type struct later");
	expect_error(function(VOID, structure(array_of(CHAR, 2 << 20))), BF_EUNSUPPORTED, "too large");
	expect_error(function(structure(array_of(CHAR, 1 << 20)), structure(array_of(CHAR, 1 << 20))), BF_EUNSUPPORTED,
		     "argument 1");
}

static void too_many_arguments_are_refused(void **state)
{
	(void)state;
	const bf_type *list[BF_MAX_ARGUMENTS + 1];
	for (int i = 0; i <= BF_MAX_ARGUMENTS; i++)
		list[i] = INT;

	expect_error(function_list(VOID, list, BF_MAX_ARGUMENTS + 1, 0), BF_EUNSUPPORTED, "256 arguments");
	bf_plan_free(plan_for(function_list(VOID, list, BF_MAX_ARGUMENTS, 0)));

	bf_plan *plan;
	bf_error err;
	assert_int_equal(bf_plan_new(function(VOID, INT), list, 2, &plan, &err), BF_EARGUMENTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_have_their_places_in_the_frame),
	    cmocka_unit_test(a_large_result_pushes_the_arguments_back),
	    cmocka_unit_test(typedefs_do_not_hide_a_function),
	    cmocka_unit_test(a_shared_plan_stays_until_the_last_has_freed_it),
	    cmocka_unit_test(variadic_arguments_are_promoted),
	    cmocka_unit_test(what_a_call_cannot_carry_is_named),
	    cmocka_unit_test(too_many_arguments_are_refused),
	};
	return cmocka_run_group_tests(tests, types_setup, types_teardown);
}
