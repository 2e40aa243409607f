/*
 * What the tests of the parser share: declarations of their own for each test, and
 * what is looked up in them. `d` and `err` are the file's, see CMOCKA's setup and teardown.
 */
#ifndef BF_TEST_PARSING_H
#define BF_TEST_PARSING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/ctype/decls.h"

static bf_decls *d;
static bf_error err;

static inline int setup(void **state)
{
	(void)state;
	return bf_decls_new(&d);
}

static inline int teardown(void **state)
{
	(void)state;
	bf_decls_free(d);
	d = NULL;
	return 0;
}

/* A heap copy without a NUL, so that ASan sees every byte that is read too far. */
static inline int parse_raw(const char *text)
{
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);
	int rc;

	memcpy(copy, text, len);
	err = (bf_error){0};
	rc = bf_decls_parse(d, copy, len, &err);
	free(copy);
	return rc;
}

static inline void parse(const char *text)
{
	int rc = parse_raw(text);

	if (rc)
		print_error("%s\n", err.message);
	assert_int_equal(rc, 0);
	assert_int_equal(err.code, 0);
}

/* In declarations of its own. */
static inline void assert_refused(const char *text, const char *message)
{
	bf_decls_free(d);
	bf_decls_new(&d);
	assert_int_not_equal(parse_raw(text), 0);
	assert_string_equal(err.message, message);
}

static inline const bf_symbol *symbol(const char *name)
{
	const bf_symbol *s = bf_decls_find(d, name, strlen(name));

	if (!s)
		print_error("'%s' is not declared\n", name);
	assert_non_null(s);
	return s;
}

static inline const bf_type *tag(const char *name)
{
	const bf_symbol *s = bf_decls_find_tag(d, name, strlen(name));

	assert_non_null(s);
	return s->type;
}

#endif
