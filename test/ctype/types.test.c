/* Making, comparing and spelling types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <wchar.h>

#include <cmocka.h>

#include "../../src/ctype/ctype.h"

static bf_types *ts;
static bf_error err;

static int setup(void **state)
{
	(void)state;
	return bf_types_new(&ts);
}

static int teardown(void **state)
{
	(void)state;
	bf_types_unref(ts);
	ts = NULL;
	return 0;
}

static const bf_type *named(const char *name)
{
	const bf_type *t = bf_type_named(name, strlen(name));

	assert_non_null(t);
	return t;
}

static const bf_type *pointer(const bf_type *to)
{
	const bf_type *t;

	assert_int_equal(bf_type_pointer(ts, to, &t, &err), 0);
	return t;
}

static const bf_type *array(const bf_type *of, uint64_t count)
{
	const bf_type *t;

	assert_int_equal(bf_type_array(ts, of, count, &t, &err), 0);
	return t;
}

static const bf_type *konst(const bf_type *of)
{
	const bf_type *t;

	assert_int_equal(bf_type_alias(ts, NULL, of, BF_FLAG_CONST, &t, &err), 0);
	return t;
}

static const bf_type *function(const bf_type *result, const bf_param *params, uint32_t n, unsigned flags)
{
	const bf_type *t;

	assert_int_equal(bf_type_function(ts, result, params, n, flags, &t, &err), 0);
	return t;
}

static void assert_spelled(const bf_type *t, const char *name, const char *expected)
{
	char text[256];
	size_t n = bf_type_spell(t, name, text, sizeof text);

	assert_string_equal(text, expected);
	assert_int_equal(n, strlen(expected));
}

static void builtin_types_are_the_compilers(void **state)
{
	(void)state;
#define SAME(name, type)                                                                                               \
	do {                                                                                                           \
		assert_int_equal(named(name)->size, sizeof(type));                                                     \
		assert_int_equal(named(name)->align, _Alignof(type));                                                  \
		assert_int_equal(bf_type_is_signed(named(name)), (type)-1 < (type)1);                                  \
	} while (0)
	SAME("char", char);
	SAME("signed char", signed char);
	SAME("unsigned char", unsigned char);
	SAME("short", short);
	SAME("unsigned short int", unsigned short);
	SAME("int", int);
	SAME("unsigned", unsigned);
	SAME("long", long);
	SAME("long unsigned int", unsigned long);
	SAME("long long", long long);
	SAME("unsigned long long", unsigned long long);
	SAME("__int128", __int128);
	SAME("unsigned __int128", unsigned __int128);
	SAME("float", float);
	SAME("double", double);
	SAME("long double", long double);
	SAME("int8_t", int8_t);
	SAME("uint8_t", uint8_t);
	SAME("int16_t", int16_t);
	SAME("uint16_t", uint16_t);
	SAME("int32_t", int32_t);
	SAME("uint32_t", uint32_t);
	SAME("int64_t", int64_t);
	SAME("uint64_t", uint64_t);
	SAME("int_fast16_t", int_fast16_t);
	SAME("uint_fast32_t", uint_fast32_t);
	SAME("intptr_t", intptr_t);
	SAME("uintptr_t", uintptr_t);
	SAME("intmax_t", intmax_t);
	SAME("size_t", size_t);
	SAME("ssize_t", ssize_t);
	SAME("ptrdiff_t", ptrdiff_t);
	SAME("wchar_t", wchar_t);
	SAME("off_t", off_t);
	SAME("time_t", time_t);
	SAME("pid_t", pid_t);
	SAME("uid_t", uid_t);
	SAME("mode_t", mode_t);
	SAME("dev_t", dev_t);
	SAME("nlink_t", nlink_t);
	SAME("blksize_t", blksize_t);
#undef SAME
	assert_int_equal(named("_Complex double")->size, sizeof(_Complex double));
	assert_int_equal(named("_Complex double")->align, _Alignof(_Complex double));
	assert_int_equal(named("_Complex long double")->align, _Alignof(_Complex long double));
	assert_int_equal(named("_Bool")->kind, BF_BOOL);
	assert_int_equal(named("va_list")->size, sizeof(va_list));
	assert_true(named("va_list")->flags & BF_FLAG_VLIST);
	assert_true(named("char")->flags & BF_FLAG_CHAR);
	assert_false(named("signed char")->flags & BF_FLAG_CHAR);
}

static void names_that_are_no_types_are_refused(void **state)
{
	static const char *const bad[] = {
	    "",           "in",          "intt",          "long long long",  "unsigned float",
	    "short char", "signed void", "double double", "unsigned signed", "long long long long"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_null(bf_type_named(bad[i], strlen(bad[i])));
}

static void every_kind_has_its_builtin(void **state)
{
	int kind;

	(void)state;
	for (kind = BF_VOID; kind <= BF_CLDOUBLE; kind++)
		assert_int_equal(bf_type_builtin(kind)->kind, kind);
	assert_null(bf_type_builtin(BF_POINTER));
	assert_string_equal(bf_type_builtin(BF_INT64)->name, "long");
}

static void equal_requests_give_the_same_record(void **state)
{
	const bf_type *a, *b;

	(void)state;
	assert_ptr_equal(pointer(named("int")), pointer(named("int")));
	assert_ptr_not_equal(pointer(named("int")), pointer(named("long")));
	assert_ptr_equal(array(named("int"), 3), array(named("int"), 3));
	assert_ptr_not_equal(array(named("int"), 3), array(named("int"), 4));
	assert_ptr_equal(konst(named("char")), konst(named("char")));
	assert_int_equal(bf_type_alias(ts, "word", named("int"), 0, &a, &err), 0);
	assert_int_equal(bf_type_alias(ts, "word", named("int"), 0, &b, &err), 0);
	assert_ptr_equal(a, b);
	assert_int_equal(bf_type_alias(ts, "ward", named("int"), 0, &b, &err), 0);
	assert_ptr_not_equal(a, b);
	assert_int_not_equal(a->id, b->id);
	/* No name and nothing new to say: the type itself. */
	assert_int_equal(bf_type_alias(ts, NULL, named("int"), 0, &b, &err), 0);
	assert_ptr_equal(b, named("int"));
}

static void types_are_spelled_as_c_does(void **state)
{
	const bf_type *text = pointer(konst(named("char"))), *any = pointer(konst(named("void"))), *t;
	bf_param two[] = {{NULL, any}, {NULL, any}}, fmt[] = {{"fmt", text}}, *none = NULL;
	bf_type *s, *u;

	(void)state;
	assert_spelled(named("int"), NULL, "int");
	assert_spelled(named("int"), "x", "int x");
	assert_spelled(named("uint8_t"), NULL, "uint8_t");
	assert_spelled(text, NULL, "const char *");
	assert_spelled(text, "s", "const char *s");
	assert_spelled(konst(text), "s", "const char *const s");
	assert_spelled(pointer(konst(text)), NULL, "const char *const *");
	assert_spelled(array(array(named("int"), 3), 2), "m", "int m[2][3]");
	assert_spelled(array(named("int"), 3), NULL, "int[3]");
	assert_spelled(pointer(array(named("int"), 3)), "p", "int (*p)[3]");
	assert_spelled(pointer(function(named("int"), two, 2, 0)), "compar",
		       "int (*compar)(const void *, const void *)");
	assert_spelled(pointer(function(named("int"), two, 2, 0)), NULL, "int (*)(const void *, const void *)");
	assert_spelled(function(named("int"), fmt, 1, BF_FLAG_VARIADIC), "printf", "int printf(const char *fmt, ...)");
	assert_spelled(function(named("void"), none, 0, 0), NULL, "void (void)");
	assert_spelled(function(named("void"), none, 0, BF_FLAG_NOPROTO), "f", "void f()");
	/* signal(2): a function that takes and returns a pointer to a function. */
	t = pointer(function(named("void"), (bf_param[]){{NULL, named("int")}}, 1, 0));
	assert_spelled(function(t, (bf_param[]){{"sig", named("int")}, {"func", t}}, 2, 0), "signal",
		       "void (*signal(int sig, void (*func)(int)))(int)");
	assert_int_equal(bf_type_tagged(ts, BF_STRUCT, "point", &s, &err), 0);
	assert_int_equal(bf_type_tagged(ts, BF_UNION, NULL, &u, &err), 0);
	assert_spelled(pointer(s), NULL, "struct point *");
	assert_spelled(pointer(u), NULL, "union {...} *");
	assert_int_equal(bf_type_flexible(ts, named("char"), &t, &err), 0);
	assert_spelled(t, "name", "char name[]");
}

static void spelling_into_too_little_room_is_cut(void **state)
{
	char text[6];

	(void)state;
	assert_int_equal(bf_type_spell(named("unsigned long"), "n", text, sizeof text), strlen("unsigned long n"));
	assert_string_equal(text, "unsig");
	assert_int_equal(bf_type_spell(named("int"), NULL, NULL, 0), 3);
}

static void aliases_do_not_count_when_comparing(void **state)
{
	const bf_type *word;
	bf_param p[] = {{"x", named("int")}}, q[] = {{NULL, named("int32_t")}}, r[] = {{NULL, named("double")}};
	bf_type *s, *s2;

	(void)state;
	assert_int_equal(bf_type_alias(ts, "word", konst(named("int")), 0, &word, &err), 0);
	assert_true(bf_type_same(word, named("int32_t")));
	assert_true(bf_type_same(pointer(word), pointer(named("int"))));
	assert_false(bf_type_same(pointer(word), pointer(named("unsigned"))));
	assert_true(bf_type_same(function(word, p, 1, 0), function(named("int"), q, 1, 0)));
	assert_false(bf_type_same(function(word, p, 1, 0), function(named("int"), r, 1, 0)));
	assert_false(bf_type_same(function(word, p, 1, 0), function(named("int"), p, 1, BF_FLAG_VARIADIC)));
	assert_true(bf_type_same(function(word, p, 1, 0), function(named("int"), NULL, 0, BF_FLAG_NOPROTO)));
	assert_int_equal(bf_type_tagged(ts, BF_STRUCT, "s", &s, &err), 0);
	assert_int_equal(bf_type_tagged(ts, BF_STRUCT, "s", &s2, &err), 0);
	assert_true(bf_type_same(s, s));
	assert_false(bf_type_same(s, s2));
	assert_ptr_equal(bf_type_strip(word), named("int"));
	assert_int_equal(bf_type_qualifiers(word), BF_FLAG_CONST);
}

static void parameters_are_adjusted(void **state)
{
	const bf_type *fn = function(named("void"), NULL, 0, 0), *t;
	bf_param params[] = {{"a", array(named("int"), 3)}, {"f", fn}, {"ap", named("va_list")}};

	(void)state;
	t = function(named("void"), params, 3, 0);
	assert_ptr_equal(t->params[0].type, pointer(named("int")));
	assert_ptr_equal(t->params[1].type, pointer(fn));
	assert_int_equal(bf_type_strip(t->params[2].type)->kind, sizeof(va_list) == 24 ? BF_POINTER : BF_STRUCT);
	assert_true(t->params[2].type->flags & BF_FLAG_VLIST);
}

static void an_alias_learns_of_a_later_definition(void **state)
{
	bf_member_spec specs[] = {{.name = "x", .type = named("int"), .bit_width = -1},
				  {.name = "y", .type = named("char"), .bit_width = -1}};
	const bf_type *alias, *again, *ro;
	bf_type *s;

	(void)state;
	assert_int_equal(bf_type_tagged(ts, BF_STRUCT, "s", &s, &err), 0);
	assert_int_equal(bf_type_alias(ts, "s_t", s, 0, &alias, &err), 0);
	assert_int_equal(bf_type_alias(ts, "s_tt", alias, 0, &again, &err), 0);
	ro = konst(again);
	assert_false(bf_type_is_complete(ro));
	assert_int_equal(ro->size, 0);
	assert_int_equal(bf_type_define(ts, s, specs, 2, NULL, &err), 0);
	assert_true(bf_type_is_complete(ro));
	assert_int_equal(alias->size, 8);
	assert_int_equal(again->size, 8);
	assert_int_equal(ro->size, 8);
	assert_int_equal(ro->align, 4);
	assert_false(ro->flags & BF_FLAG_INCOMPLETE);
}

static void wrong_types_are_refused_with_words(void **state)
{
	const bf_type *fn = function(named("void"), NULL, 0, 0), *t;
	bf_param v = {NULL, named("void")};
	bf_type *s;

	(void)state;
	assert_int_equal(bf_type_tagged(ts, BF_STRUCT, "s", &s, &err), 0);
	assert_int_equal(bf_type_array(ts, s, 2, &t, &err), BF_ETYPE);
	assert_string_equal(err.message, "an array needs a complete element type, 'struct s' is incomplete");
	assert_int_equal(bf_type_array(ts, fn, 2, &t, &err), BF_ETYPE);
	assert_int_equal(bf_type_array(ts, named("void"), 2, &t, &err), BF_ETYPE);
	assert_int_equal(bf_type_array(ts, named("int"), UINT64_MAX / 2, &t, &err), BF_ERANGE);
	assert_int_equal(bf_type_function(ts, fn, NULL, 0, 0, &t, &err), BF_ETYPE);
	assert_int_equal(bf_type_function(ts, array(named("int"), 2), NULL, 0, 0, &t, &err), BF_ETYPE);
	assert_int_equal(bf_type_function(ts, named("int"), &v, 1, 0, &t, &err), BF_ETYPE);
	assert_string_equal(err.message, "parameter 1 cannot have type 'void'");
	assert_int_equal(bf_type_aligned(ts, "t", named("int"), 0, 3, &t, &err), BF_ERANGE);
	assert_int_equal(bf_type_vector(ts, named("int"), 12, &t, &err), BF_ERANGE);
	assert_int_equal(bf_type_tagged(ts, BF_POINTER, "s", &s, &err), BF_ETYPE);
}

static void depth_is_bounded(void **state)
{
	const bf_type *t = named("int");
	int i, rc = 0;

	(void)state;
	for (i = 0; i < BF_MAX_DEPTH * 2 && !rc; i++)
		rc = bf_type_pointer(ts, t, &t, &err);
	assert_int_equal(rc, BF_EUNSUPPORTED);
	assert_int_equal(i, BF_MAX_DEPTH);
}

static void adopted_types_stay_alive(void **state)
{
	const bf_type *theirs, *t;
	bf_types *other;

	(void)state;
	assert_int_equal(bf_types_new(&other), 0);
	assert_int_equal(bf_type_array(other, named("int"), 5, &theirs, &err), 0);
	assert_int_equal(bf_types_adopt(ts, other), 0);
	assert_int_equal(bf_types_adopt(ts, other), 0);
	assert_int_equal(bf_types_adopt(ts, ts), 0);
	t = pointer(theirs);
	bf_types_unref(other);
	assert_int_equal(t->base->count, 5);
}

static void memory_grows_with_use(void **state)
{
	size_t before = bf_types_memory(ts);
	unsigned char *p;
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		p = bf_types_alloc(ts, 1000);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_int_equal(p[0] | p[999], 0);
		memset(p, 0xff, 1000);
	}
	assert_true(bf_types_memory(ts) >= before + 100000);
	assert_null(bf_types_alloc(ts, SIZE_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(builtin_types_are_the_compilers, setup, teardown),
	    cmocka_unit_test_setup_teardown(names_that_are_no_types_are_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(every_kind_has_its_builtin, setup, teardown),
	    cmocka_unit_test_setup_teardown(equal_requests_give_the_same_record, setup, teardown),
	    cmocka_unit_test_setup_teardown(types_are_spelled_as_c_does, setup, teardown),
	    cmocka_unit_test_setup_teardown(spelling_into_too_little_room_is_cut, setup, teardown),
	    cmocka_unit_test_setup_teardown(aliases_do_not_count_when_comparing, setup, teardown),
	    cmocka_unit_test_setup_teardown(parameters_are_adjusted, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_alias_learns_of_a_later_definition, setup, teardown),
	    cmocka_unit_test_setup_teardown(wrong_types_are_refused_with_words, setup, teardown),
	    cmocka_unit_test_setup_teardown(depth_is_bounded, setup, teardown),
	    cmocka_unit_test_setup_teardown(adopted_types_stay_alive, setup, teardown),
	    cmocka_unit_test_setup_teardown(memory_grows_with_use, setup, teardown),
	};

	return cmocka_run_group_tests_name("ctype/types", tests, NULL, NULL);
}
