#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/ctype/error.h"

static void set_fills_code_and_message(void **state)
{
	bf_error err = {.line = 7, .column = 9};

	(void)state;
	assert_int_equal(bf_error_set(&err, BF_ETYPE, "argument %d of %s", 2, "qsort"), BF_ETYPE);
	assert_int_equal(err.code, BF_ETYPE);
	assert_string_equal(err.message, "argument 2 of qsort");
	assert_int_equal(err.line, 0);
	assert_int_equal(err.column, 0);
}

static void set_without_a_place_for_it_returns_the_code(void **state)
{
	(void)state;
	assert_int_equal(bf_error_set(NULL, BF_ERANGE, "unused"), BF_ERANGE);
}

static void set_cuts_a_long_message_at_the_end(void **state)
{
	bf_error err;
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	bf_error_set(&err, BF_ELIBRARY, "%s", text);
	assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void every_code_has_its_own_name(void **state)
{
	(void)state;
	for (int code = BF_ESYSTEM; code <= BF_OK; code++) {
		assert_non_null(bf_error_name(code));
		for (int other = BF_ESYSTEM; other < code; other++)
			assert_string_not_equal(bf_error_name(code), bf_error_name(other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(set_fills_code_and_message),
	    cmocka_unit_test(set_without_a_place_for_it_returns_the_code),
	    cmocka_unit_test(set_cuts_a_long_message_at_the_end),
	    cmocka_unit_test(every_code_has_its_own_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
