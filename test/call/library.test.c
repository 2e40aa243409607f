#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/call/library.h"

static void opens_a_library_and_finds_a_symbol(void **state)
{
	(void)state;
	bf_library *lib;
	bf_error err = {0};
	void *address;

	assert_int_equal(bf_library_open("libm.so.6", 0, &lib, &err), BF_OK);
	assert_string_equal(bf_library_path(lib), "libm.so.6");
	assert_int_equal(bf_library_symbol(lib, "cos", &address, &err), BF_OK);
	assert_true(((double (*)(double))address)(0.0) == 1.0);
	bf_library_free(lib);
}

static void the_process_is_a_library(void **state)
{
	(void)state;
	bf_library *lib;
	bf_error err = {0};
	void *address;

	assert_int_equal(bf_library_open(NULL, 0, &lib, &err), BF_OK);
	assert_null(bf_library_path(lib));
	assert_int_equal(bf_library_symbol(lib, "getpid", &address, &err), BF_OK);
	assert_int_equal(((int (*)(void))address)(), getpid());
	bf_library_free(lib);
}

static void a_missing_library_is_named_with_the_linkers_reason(void **state)
{
	(void)state;
	bf_library *lib;
	bf_error err = {0};

	assert_int_equal(bf_library_open("/nowhere/libnope.so", 0, &lib, &err), BF_ELIBRARY);
	assert_null(lib);
	assert_int_equal(err.code, BF_ELIBRARY);
	assert_non_null(strstr(err.message, "cannot open library '/nowhere/libnope.so': "));
	assert_non_null(strstr(err.message, "No such file or directory"));
}

static void a_missing_symbol_is_named_with_its_library(void **state)
{
	(void)state;
	bf_library *lib;
	bf_error err = {0};
	void *address = &address;

	assert_int_equal(bf_library_open("libm.so.6", 0, &lib, &err), BF_OK);
	assert_int_equal(bf_library_symbol(lib, "cosinus", &address, &err), BF_ESYMBOL);
	assert_null(address);
	assert_non_null(strstr(err.message, "'cosinus'"));
	assert_non_null(strstr(err.message, "'libm.so.6'"));
	assert_non_null(strstr(err.message, "undefined symbol"));
	bf_library_free(lib);
}

static void a_closed_library_says_so(void **state)
{
	(void)state;
	bf_library *lib;
	bf_error err = {0};
	void *address;

	assert_int_equal(bf_library_open("libm.so.6", 0, &lib, &err), BF_OK);
	assert_true(bf_library_is_open(lib));
	bf_library_close(lib);
	bf_library_close(lib);
	assert_false(bf_library_is_open(lib));
	assert_int_equal(bf_library_symbol(lib, "cos", &address, &err), BF_ECLOSED);
	assert_non_null(strstr(err.message, "libm.so.6"));
	assert_string_equal(bf_library_path(lib), "libm.so.6");
	bf_library_free(lib);
}

/* Writes `text` to a file of its own and opens that as a library. */
static int open_text(const char *text, bf_library **lib, bf_error *err)
{
	char path[] = "/tmp/biffi-script-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int rc = bf_library_open(path, 0, lib, err);
	unlink(path);
	return rc;
}

static void an_ld_script_leads_to_its_first_library(void **state)
{
	(void)state;
	static const char *const scripts[] = {
	    "/* GNU ld script\n   Use the shared library, GROUP ( nothing ). */\nOUTPUT_FORMAT(elf64-x86-64)\n"
	    "GROUP ( libm.so.6  AS_NEEDED ( libmvec.so.1 ) )\n",
	    "INPUT(libm.so.6)",
	    "GROUP(libm.so.6,libc.so.6)\n",
	};
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		bf_library *lib;
		bf_error err = {0};
		void *address;

		assert_int_equal(open_text(scripts[i], &lib, &err), BF_OK);
		assert_int_equal(bf_library_symbol(lib, "cos", &address, &err), BF_OK);
		bf_library_free(lib);
	}
}

static void a_file_that_is_neither_keeps_the_linkers_reason(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "not a library at all, and longer than an ELF header would be, so that the linker looks at it ...........",
	    "GROUP",
	    "GROUP (",
	    "GROUP ( )",
	    "/* GROUP ( libm.so.6 )",
	    "INPUT ( /nowhere/libnope.so )"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		bf_library *lib;
		bf_error err = {0};

		assert_int_equal(open_text(texts[i], &lib, &err), BF_ELIBRARY);
		assert_non_null(strstr(err.message, "/tmp/biffi-script-"));
		assert_true(strstr(err.message, "invalid ELF header") || strstr(err.message, "file too short"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(opens_a_library_and_finds_a_symbol),
	    cmocka_unit_test(the_process_is_a_library),
	    cmocka_unit_test(a_missing_library_is_named_with_the_linkers_reason),
	    cmocka_unit_test(a_missing_symbol_is_named_with_its_library),
	    cmocka_unit_test(a_closed_library_says_so),
	    cmocka_unit_test(an_ld_script_leads_to_its_first_library),
	    cmocka_unit_test(a_file_that_is_neither_keeps_the_linkers_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
