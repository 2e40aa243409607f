/*
 * Memory that runs out: every allocation of a parse fails once, and nothing worse
 * than an error comes of it. The linker sends malloc and its like here (--wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/ctype/describe.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static long budget = -1; /* allocations until one fails; -1: none fails */
static long failed;

static int refuse(void)
{
	if (budget < 0)
		return 0;
	if (budget-- > 0)
		return 0;
	budget = 0; /* and every later one: memory does not come back */
	failed++;
	return 1;
}

void *__wrap_malloc(size_t size)
{
	return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return refuse() ? NULL : __real_realloc(p, size);
}

static const char *const text =
    "# 1 \"/usr/include/x.h\" 1 3\n"
    "#define N 4\n#define TEXT \"a\" \"b\"\n#define BIT(n) (1 << (n))\n#define FLAG BIT(N)\n#define F 1.5\n#define XS(x) #x\n"
    "#define S XS(N)\n"
    "/** A point. */\ntypedef struct point { double x, y; /* both */ } point;\n"
    "enum color { RED, GREEN, BLUE, }; // colours\n"
    "union u { int i; struct { short a, b : 3; }; char name[N][2]; struct point *p[]; };\n"
    "int printf(const char *fmt, ...) __asm__(\"other\");\n"
    "void (*signal(int sig, void (*func)(int, point, enum color)))(int);\n"
    "typedef float v4 __attribute__((vector_size(16)));\n"
    "static const int C = sizeof(struct point) + _Generic(1, int: 2);\n"
    "extern int (*table[3][4])(va_list, size_t, __typeof__(((point *)0)->x) *);\n";

/* Reads, describes, frees. 0, or the error. */
static int work(size_t *symbols)
{
	bf_error err = {0};
	char *json = NULL;
	bf_decls *d, *other = NULL;
	const bf_type *t;
	int rc = bf_decls_new(&d);

	if (rc)
		return rc;
	rc = bf_decls_parse(d, text, strlen(text), &err);
	if (!rc)
		rc = bf_decls_parse_type(d, "const point *(*)[2]", 19, &t, &err);
	if (!rc)
		rc = bf_describe_json(d, NULL, NULL, &json, NULL, &err);
	if (!rc)
		rc = bf_decls_new(&other);
	if (!rc)
		rc = bf_decls_import(other, bf_decls_types(d), BF_SYMBOL_TYPEDEF, "p", 1, t, &err);
	*symbols = bf_decls_count(d);
	free(json);
	bf_decls_free(d);
	bf_decls_free(other);
	return rc;
}

static void every_allocation_may_fail(void **state)
{
	size_t all, symbols;
	long n;
	int rc;

	(void)state;
	assert_int_equal(work(&all), 0);
	for (n = 0; n < 100000; n++) {
		failed = 0;
		budget = n;
		rc = work(&symbols);
		budget = -1;
		if (!failed)
			break;
		assert_true(rc == BF_ENOMEM || rc == 0);
		/* All that may go unsaid is a comment. */
		if (rc == 0)
			assert_int_equal(symbols, all);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(symbols, all);
	assert_true(n > 10);
}

/* Every size of text from nothing to all of it: no byte behind the end is read. */
static void any_prefix_can_be_read(void **state)
{
	size_t len = strlen(text), n;
	bf_error err;
	char *copy;
	bf_decls *d;

	(void)state;
	for (n = 0; n <= len; n++) {
		copy = malloc(n + 1);
		memcpy(copy, text, n);
		copy = realloc(copy, n ? n : 1);
		assert_int_equal(bf_decls_new(&d), 0);
		bf_decls_parse(d, copy, n, &err);
		bf_decls_free(d);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_allocation_may_fail),
	    cmocka_unit_test(any_prefix_can_be_read),
	};

	return cmocka_run_group_tests_name("ctype/memory", tests, NULL, NULL);
}
