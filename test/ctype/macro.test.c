/* #define lines as constants. */
#include "parsing.h"

/* The expressions are odd on purpose. */
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmultichar"
#pragma GCC diagnostic ignored "-Wunused-value"
#pragma GCC diagnostic ignored "-Wparentheses"

static const bf_constant *constant(const char *name)
{
	const bf_symbol *s = bf_decls_find(d, name, strlen(name));

	if (!s)
		print_error("'%s' is no constant\n", name);
	assert_non_null(s);
	assert_int_equal(s->kind, BF_SYMBOL_CONSTANT);
	return &s->value;
}

static void assert_int(const char *name, int64_t value)
{
	if (constant(name)->i != value)
		print_error("%s\n", name);
	assert_int_equal(constant(name)->kind, BF_CONSTANT_INT);
	assert_int_equal(constant(name)->i, value);
}

static void assert_text(const char *name, const char *value)
{
	assert_int_equal(constant(name)->kind, BF_CONSTANT_STRING);
	assert_string_equal(constant(name)->s.bytes, value);
	assert_int_equal(constant(name)->s.length, strlen(value));
}

static void assert_none(const char *name)
{
	assert_null(bf_decls_find(d, name, strlen(name)));
}

/* The compiler's own value of the same text. */
#define SAME_INT(name, expression)                                                                                     \
	do {                                                                                                           \
		parse("#define " #name " " #expression "\n");                                                          \
		if (constant(#name)->i != (int64_t)(expression))                                                       \
			print_error("%s\n", #expression);                                                              \
		assert_int_equal(constant(#name)->i, (int64_t)(expression));                                           \
		assert_int_equal(constant(#name)->kind,                                                                \
				 (__typeof__((expression) + 0))-1 < 0 ? BF_CONSTANT_INT : BF_CONSTANT_UINT);           \
	} while (0)

static void integers_have_cs_types_and_values(void **state)
{
	(void)state;
	SAME_INT(A1, 1);
	SAME_INT(A2, 0x7fffffff);
	SAME_INT(A3, 0x80000000);
	SAME_INT(A4, 2147483648);
	SAME_INT(A5, 0xffffffffffffffff);
	SAME_INT(A6, 017);
	SAME_INT(A7, 0b101);
	SAME_INT(A8, 10UL);
	SAME_INT(A9, 10llu);
	SAME_INT(B1, -1);
	SAME_INT(B2, ~0u);
	SAME_INT(B3, 1 << 30);
	SAME_INT(B4, 1u << 31);
	SAME_INT(B5, 1ull << 63);
	SAME_INT(B6, -5 / 2);
	SAME_INT(B7, -5 % 3);
	SAME_INT(B8, 5u - 6u);
	SAME_INT(B9, (unsigned char)300);
	SAME_INT(C1, (signed char)200);
	SAME_INT(C2, (long)-1 > 0u);
	SAME_INT(C3, -1 > 0u);
	SAME_INT(C4, 'a');
	SAME_INT(C5, '\377');
	SAME_INT(C6, '\x80');
	SAME_INT(C7, 'ab');
	SAME_INT(C8, L'\x263a');
	SAME_INT(C9, u'\uffff');
	SAME_INT(D1, sizeof(long));
	SAME_INT(D2, (int)2.9);
	SAME_INT(D3, 3 > 2 ? 10 : 20L);
	SAME_INT(D4, !5 + !0);
	SAME_INT(D5, (1, 2));
	SAME_INT(D6, 7 & 3 | 8 ^ 1);
	SAME_INT(D7, (char)-1 < 0);
	SAME_INT(D8, -2147483647 - 1);
	SAME_INT(D9, 0x100000000 >> 4);
	SAME_INT(E1, (_Bool)7);
	SAME_INT(E2, 1 ? -1 : 0u);
	SAME_INT(E3, (short)0x18000);
}

static void floats_and_texts(void **state)
{
	(void)state;
	parse("#define F 1.5\n#define G 2e3f\n#define H (F * 2 + 1)\n#define I 0x1p-3\n#define J -1.0L\n#define K .5\n"
	      "#define L (1 / 4.0)\n#define S \"a\\tb\" \"c\"\n#define T S \"!\"\n#define U u8\"\\u00e9\"\n"
	      "#define V (\"paren\")\n#define W L\"wide\"\n#define X ((const char *)\"cast\")\n#define Z \"a\\0b\"\n"
	      "#define Y 1e\n");
	assert_true(constant("F")->d == 1.5);
	assert_true(constant("G")->d == 2000);
	assert_true(constant("H")->d == 4);
	assert_true(constant("I")->d == 0.125);
	assert_true(constant("J")->d == -1);
	assert_true(constant("K")->d == 0.5);
	assert_true(constant("L")->d == 0.25);
	assert_text("S", "a\tbc");
	assert_text("T", "a\tbc!");
	assert_text("U", "\xc3\xa9");
	assert_text("V", "paren");
	assert_text("X", "cast");
	assert_int_equal(constant("Z")->s.length, 3);
	assert_memory_equal(constant("Z")->s.bytes, "a\0b", 4);
	assert_none("W");
	assert_none("Y");
}

static void macros_use_other_macros(void **state)
{
	(void)state;
	parse(
	    "#define LATER (EARLIER + 1)\n#define EARLIER 4\nenum e { E = 10 };\n#define WITH_ENUM (E | 1)\n"
	    "#define BIT(n) (1 << (n))\n#define FLAG BIT(3)\n#define TWO_FLAGS (BIT(0) | BIT(EARLIER))\n"
	    "#define CAT(a, b) a ## b\n#define C CAT(0x, ff)\n#define U64(c) c ## UL\n#define BIG U64(18446744073709551615)\n"
	    "#define STR(x) #x\n#define XSTR(x) STR(x)\n#define MAJOR 1\n#define MINOR 5\n#define VERSION MAJOR.MINOR.4\n"
	    "#define VERSION_TEXT XSTR(VERSION)\n#define QUOTED STR(a \"b\"  + c)\n"
	    "#define FIRST(a, ...) a\n#define F FIRST(7, 8, 9)\n#define REST(a, ...) __VA_ARGS__\n#define R REST(7, 8)\n"
	    "#define NAMED(args...) args\n#define N NAMED(6)\n#define NOTHING()\n#define EMPTY\n"
	    "#define IOC(dir, type, nr, size) (((dir) << 30) | ((type) << 8) | (nr) | (sizeof(size) << 16))\n"
	    "#define IOW IOC(1U, 'T', 0x2a, struct pair)\nstruct pair { int a, b; };\n"
	    "#define HIDDEN CAT(FL, AG)\n#define OFF ((int)__builtin_offsetof(struct pair, b))\n"
	    "#define OLD_OFF ((unsigned long)&((struct pair *)0)->b)\n#define MANY \\\n\t(1 + \\\n\t 2)\n");
	assert_int("LATER", 5);
	assert_int("WITH_ENUM", 11);
	assert_int("FLAG", 8);
	assert_int("TWO_FLAGS", 17);
	assert_int("C", 255);
	assert_true(constant("BIG")->u == UINT64_MAX);
	assert_text("VERSION_TEXT", "1.5.4");
	assert_text("QUOTED", "a \"b\" + c");
	assert_int("F", 7);
	assert_int("R", 8);
	assert_int("N", 6);
	assert_int_equal(constant("IOW")->u, 0x4008542a);
	assert_int("HIDDEN", 8);
	assert_int("OFF", 4);
	assert_int_equal(constant("OLD_OFF")->u, 4);
	assert_int("MANY", 3);
	assert_none("EMPTY");
	assert_none("BIT");
	assert_none("NOTHING");
}

static void what_is_no_constant_is_left_out(void **state)
{
	(void)state;
	parse(
	    "int f(int); extern int v;\n#define CALL f(1)\n#define NAME f\n#define TYPE unsigned int\n#define BLOCK do { } while (0)\n"
	    "#define LIST { 1, 2 }\n#define ATTR __attribute__((packed))\n#define SELF SELF\n#define A B\n#define B A\n"
	    "#define UNKNOWN nothing\n#define VARIABLE v\n#define ADDRESS &v\n#define OPEN (1\n#define HALF 1 +\n#define TWO 1 2\n"
	    "#define DIVIDE 1 / 0\n#define HUGE_NUMBER 99999999999999999999\n#define STRAY 1 @\n#define UNENDED \"abc\n"
	    "#define LIST2 1, 2\n#define ASSIGN (v = 1)\n#define BAD_CALL BIT(1\n#define BIT(n) n\n#define FEW BIT()\n#define SHIFT 1 << 40\n");
	assert_none("CALL");
	assert_none("NAME");
	assert_none("TYPE");
	assert_none("BLOCK");
	assert_none("LIST");
	assert_none("ATTR");
	assert_none("SELF");
	assert_none("A");
	assert_none("UNKNOWN");
	assert_none("VARIABLE");
	assert_none("ADDRESS");
	assert_none("OPEN");
	assert_none("HALF");
	assert_none("TWO");
	assert_none("DIVIDE");
	assert_none("HUGE_NUMBER");
	assert_none("STRAY");
	assert_none("UNENDED");
	assert_none("LIST2");
	assert_none("ASSIGN");
	assert_none("BAD_CALL");
	assert_none("FEW");
	assert_none("SHIFT");
}

static void the_last_definition_counts(void **state)
{
	(void)state;
	parse(
	    "#define A 1\n#undef A\n#define B 1\n#undef B\n#define B 2\n#define C 1\n#define C 3\nenum { D = 4 };\n#define D D\n");
	assert_none("A");
	assert_int("B", 2);
	assert_int("C", 3);
	assert_int_equal(constant("D")->i, 4);
	parse("#undef B\n#define B 5\n#define E (B + C)\n");
	assert_int("B", 5);
	assert_int("E", 8);
}

static void pointers_keep_their_type(void **state)
{
	const bf_symbol *s;

	(void)state;
	parse(
	    "typedef void (*destructor)(void *);\n#define STATIC ((destructor)0)\n#define TRANSIENT ((destructor)-1)\n#define PLAIN 1\n");
	s = bf_decls_find(d, "TRANSIENT", 9);
	assert_int_equal(bf_type_strip(s->type)->kind, BF_POINTER);
	assert_true(s->value.u == UINT64_MAX);
	assert_int_equal(constant("STATIC")->u, 0);
	assert_null(bf_decls_find(d, "PLAIN", 5)->type);
}

static void the_compilers_own_macros_are_no_constants(void **state)
{
	(void)state;
	parse("# 1 \"<built-in>\"\n#define __INT_MAX__ 0x7fffffff\n# 1 \"<command-line>\"\n#define DEBUG 1\n"
	      "# 1 \"/usr/include/limits.h\" 1 3 4\n/* The largest. */\n#define INT_MAX __INT_MAX__\n");
	assert_none("__INT_MAX__");
	assert_none("DEBUG");
	assert_int("INT_MAX", 0x7fffffff);
	assert_string_equal(bf_decls_find(d, "INT_MAX", 7)->doc, "The largest.");
	assert_string_equal(bf_decls_find(d, "INT_MAX", 7)->file, "/usr/include/limits.h");
	assert_int_equal(bf_decls_find(d, "INT_MAX", 7)->line, 2);
	assert_true(bf_decls_find(d, "INT_MAX", 7)->system);
}

static void comments_document_macros(void **state)
{
	(void)state;
	parse(
	    "/* first */\n#define A 1\n#define B 2 /* behind */\n#define C 3 // line\n#define D \"/* no */\"\nint x;\n"
	    "/* of y */\n# 12 \"f.h\"\nint y;\n#define E /* inside */ 5\n");
	assert_string_equal(bf_decls_find(d, "A", 1)->doc, "first");
	assert_string_equal(bf_decls_find(d, "B", 1)->doc, "behind");
	assert_string_equal(bf_decls_find(d, "C", 1)->doc, "line");
	assert_null(bf_decls_find(d, "D", 1)->doc);
	assert_null(bf_decls_find(d, "x", 1)->doc);
	assert_string_equal(bf_decls_find(d, "y", 1)->doc, "of y");
	assert_null(bf_decls_find(d, "E", 1)->doc);
	assert_int("B", 2);
	assert_int("C", 3);
	assert_int("E", 5);
}

static void declarations_may_use_macros(void **state)
{
	(void)state;
	parse("#define N 4\n#define M (N * 2)\nstruct s { char a[M]; int b : N; }; enum { E = M + 1 };\n");
	assert_int_equal(bf_decls_find_tag(d, "s", 1)->type->size, 12);
	assert_int_equal(constant("E")->i, 9);
}

static void expansion_is_bounded(void **state)
{
	char text[8192];
	size_t n = 0;
	int i;

	(void)state;
	/* Each doubles the one before: 2^40 tokens. */
	n += (size_t)snprintf(text, sizeof text, "#define X0 1\n");
	for (i = 1; i <= 40; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "#define X%d (X%d + X%d)\n", i, i - 1, i - 1);
	for (i = 0; i < 150; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "#define D%d D%d\n", i, i + 1);
	parse(text);
	assert_int("X5", 32);
	assert_none("X40");
	assert_none("D0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(integers_have_cs_types_and_values, setup, teardown),
	    cmocka_unit_test_setup_teardown(floats_and_texts, setup, teardown),
	    cmocka_unit_test_setup_teardown(macros_use_other_macros, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_no_constant_is_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_last_definition_counts, setup, teardown),
	    cmocka_unit_test_setup_teardown(pointers_keep_their_type, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_compilers_own_macros_are_no_constants, setup, teardown),
	    cmocka_unit_test_setup_teardown(comments_document_macros, setup, teardown),
	    cmocka_unit_test_setup_teardown(declarations_may_use_macros, setup, teardown),
	    cmocka_unit_test_setup_teardown(expansion_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests_name("ctype/macro", tests, NULL, NULL);
}
