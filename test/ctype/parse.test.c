/* Declarations: what the parser makes of C text, and what it says of text that is not C. */
#include "parsing.h"

/* The one declaration of `text`, spelled from its type, is `expected`. */
static void assert_declares(const char *text, const char *name, const char *expected)
{
	char spelled[512];

	parse(text);
	bf_type_spell(symbol(name)->type, name, spelled, sizeof spelled);
	assert_string_equal(spelled, expected);
}

static void declarations_keep_their_meaning(void **state)
{
	(void)state;
	assert_declares("int a;", "a", "int a");
	assert_declares("unsigned long int long b;", "b", "unsigned long long b");
	assert_declares("const char *c;", "c", "const char *c");
	assert_declares("char const *const c2;", "c2", "const char *const c2");
	assert_declares("int e[2][3];", "e", "int e[2][3]");
	assert_declares("int *f[4];", "f", "int *f[4]");
	assert_declares("int (*g)[4];", "g", "int (*g)[4]");
	assert_declares("double cos(double x);", "cos", "double cos(double x)");
	assert_declares("int puts(const char *);", "puts", "int puts(const char *)");
	assert_declares("int printf(const char *restrict fmt, ...);", "printf", "int printf(const char *fmt, ...)");
	assert_declares("void qsort(void *base, size_t n, size_t size, int (*compar)(const void *, const void *));",
			"qsort",
			"void qsort(void *base, size_t n, size_t size, int (*compar)(const void *, const void *))");
	assert_declares("void (*signal(int sig, void (*func)(int)))(int);", "signal",
			"void (*signal(int sig, void (*func)(int)))(int)");
	assert_declares("char *(*(**h[][8])())[];", "h", "char *(*(**h[][8])())[]");
	assert_declares("int i(void);", "i", "int i(void)");
	assert_declares("int j();", "j", "int j()");
	assert_declares("int (k)(int (x));", "k", "int k(int x)");
	assert_declares("typedef int number; number l(number (*)(number), number[3]);", "l",
			"number l(number (*)(number), number *)");
	assert_declares("int m(int (number));", "m", "int m(int (*)(number))");
	assert_declares("int const volatile n;", "n", "const volatile int n");
	assert_declares("int o(int n, int a[n], int b[static 3], int c[*], int e[const 5]);", "o",
			"int o(int n, int *a, int *b, int *c, int *e)");
	assert_declares("void q(va_list ap);", "q", "void q(va_list ap)");
	assert_declares("extern int errno_, *where;", "where", "int *where");
}

static void several_declarators_share_their_specifiers(void **state)
{
	(void)state;
	parse("int x, *y, z[3], f(void);");
	assert_int_equal(bf_decls_count(d), 4);
	assert_string_equal(bf_decls_at(d, 2)->name, "z");
	assert_int_equal(symbol("f")->kind, BF_SYMBOL_FUNCTION);
	assert_int_equal(symbol("y")->kind, BF_SYMBOL_VARIABLE);
	assert_null(bf_decls_at(d, 4));
	assert_null(bf_decls_find(d, "nothing", 7));
}

static void structs_have_members(void **state)
{
	uint64_t offset;

	(void)state;
	parse("typedef struct point { double x, y; } point;\n"
	      "struct line { point from, to; char name[8]; struct line *next; };\n"
	      "union u { int i; float f; struct { short lo, hi; }; };\n"
	      "struct bits { unsigned a : 3, b : 5; unsigned : 0; int c : 7; };\n");
	assert_int_equal(tag("point")->size, 16);
	assert_int_equal(symbol("point")->kind, BF_SYMBOL_TYPEDEF);
	assert_ptr_equal(bf_type_strip(symbol("point")->type), tag("point"));
	assert_int_equal(tag("line")->size, 48);
	assert_non_null(bf_type_member(tag("line"), "next", 4, &offset));
	assert_int_equal(offset, 40);
	assert_non_null(bf_type_member(tag("u"), "hi", 2, &offset));
	assert_int_equal(offset, 2);
	assert_int_equal(tag("bits")->nmembers, 3);
	assert_int_equal(tag("bits")->members[1].bit_offset, 3);
	assert_int_equal(tag("bits")->members[2].offset, 4);
	assert_int_equal(tag("bits")->size, 8);
}

static void a_tag_may_be_used_before_its_definition(void **state)
{
	(void)state;
	parse("typedef struct db db; int open_db(const char *, db **);");
	assert_false(bf_type_is_complete(symbol("db")->type));
	parse("struct db { int fd; long size; };");
	assert_true(bf_type_is_complete(symbol("db")->type));
	assert_int_equal(symbol("db")->type->size, 16);
	assert_string_equal(bf_decls_at(d, 0)->name, "db");
	assert_int_equal(bf_decls_at(d, 0)->kind, BF_SYMBOL_TAG);
}

static void enums_count_on(void **state)
{
	(void)state;
	parse("enum color { RED, GREEN = 5, BLUE, MASK = RED | GREEN << 2, NEG = -1, };");
	assert_int_equal(symbol("RED")->value.i, 0);
	assert_int_equal(symbol("BLUE")->value.i, 6);
	assert_int_equal(symbol("MASK")->value.i, 20);
	assert_int_equal(symbol("NEG")->value.i, -1);
	assert_int_equal(symbol("NEG")->kind, BF_SYMBOL_CONSTANT);
	assert_ptr_equal(symbol("NEG")->type, tag("color"));
	assert_int_equal(tag("color")->nenumerators, 5);
	assert_int_equal(bf_type_strip(tag("color")->base)->kind, BF_INT32);
	parse("enum flags { F = 1 }; enum big { B = 0x100000000 }; enum huge { H = 0xffffffffffffffff };");
	assert_int_equal(bf_type_strip(tag("flags")->base)->kind, BF_UINT32);
	assert_int_equal(bf_type_strip(tag("big")->base)->kind, BF_UINT64);
	assert_int_equal(bf_type_strip(tag("huge")->base)->kind, BF_UINT64);
	assert_int_equal(symbol("H")->value.kind, BF_CONSTANT_UINT);
	parse("enum small { S1, S2 } __attribute__((packed)); struct h { enum small s; char c; };");
	assert_int_equal(tag("h")->size, 2);
}

static void array_sizes_are_computed(void **state)
{
	static const struct {
		const char *expression;
		uint64_t count;
	} cases[] = {
	    {"3", 3},
	    {"0x10", 16},
	    {"010", 8},
	    {"'a'", 97},
	    {"'\\n'", 10},
	    {"1 + 2 * 3", 7},
	    {"(1 + 2) * 3", 9},
	    {"10 / 3 + 10 % 3", 4},
	    {"1 << 4 | 1", 17},
	    {"~0u >> 28", 15},
	    {"sizeof(int)", 4},
	    {"sizeof(struct s)", 16},
	    {"sizeof(struct s *[3])", 24},
	    {"sizeof (long) * 2", 16},
	    {"(char)257", 1},
	    {"(unsigned char)-1", 255},
	    {"FIVE + 1", 6},
	    {"1 ? 2 : 3", 2},
	    {"0 ? 2 : 3", 3},
	    {"2 > 1 && 3 >= 3", 1},
	    {"0 || 1 != 1 || 4", 1},
	    {"-1 < 0u ? 5 : 6", 6},
	    {"(int)3.9", 3},
	    {"_Alignof(double)", 8},
	    {"__builtin_offsetof(struct s, b)", 8},
	    {"sizeof(((struct s *)0)->c)", 2},
	    {"(long)&((struct s *)0)->b", 8},
	    {"sizeof \"abc\"", 4},
	    {"sizeof \"ab\" \"cd\"", 5},
	    {"15 * sizeof (int) - 4 * sizeof (void *) - sizeof (size_t)", 20},
	    {"1 /* one */ + // and\n 1", 2},
	    {"(1, 2)", 2},
	    {"__builtin_types_compatible_p(int, int) + 1", 2},
	    {"_Generic(1.0, int: 1, double: 2, default: 3)", 2},
	    {"_Generic(unknown, int: 1, default: 3)", 3},
	    {"1 ? 4 : 1/0", 4},
	    {"0 && 1/0 ? 1 : 9", 9},
	};
	char text[256];
	size_t i;

	(void)state;
	parse("struct s { int a; long b : 60; }; enum { FIVE = 5 };");
	teardown(NULL);
	setup(NULL);
	parse("struct s { int a; short c; long b; }; enum { FIVE = 5 };");
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(text, sizeof text, "extern char x%zu[%s];", i, cases[i].expression);
		parse(text);
		snprintf(text, sizeof text, "x%zu", i);
		if (symbol(text)->type->count != cases[i].count)
			print_error("%s\n", cases[i].expression);
		assert_int_equal(symbol(text)->type->count, cases[i].count);
	}
}

static void names_of_the_standard_are_known(void **state)
{
	(void)state;
	assert_declares("uint8_t a(size_t, FILE *);", "a", "uint8_t a(size_t, FILE *)");
	assert_declares("extern const FILE *err;", "err", "const FILE *err");
	/* ... until the text says otherwise. */
	parse("typedef struct { int lo, hi; } int64_t; int64_t b;");
	assert_int_equal(bf_type_strip(symbol("b")->type)->kind, BF_STRUCT);
}

static void later_text_sees_earlier_text(void **state)
{
	(void)state;
	parse("typedef int word; enum { N = 3 };");
	parse("word w[N];");
	assert_int_equal(symbol("w")->type->size, 12);
}

static void type_names_are_read_alone(void **state)
{
	const bf_type *t;
	char text[64];

	(void)state;
	parse("typedef struct p { int x; } p;");
	assert_int_equal(bf_decls_parse_type(d, "const p *", 9, &t, &err), 0);
	bf_type_spell(t, NULL, text, sizeof text);
	assert_string_equal(text, "const p *");
	assert_int_equal(bf_decls_parse_type(d, "int (*)(void)", 13, &t, &err), 0);
	assert_int_equal(t->kind, BF_POINTER);
	assert_int_equal(bf_decls_parse_type(d, "int x", 5, &t, &err), BF_ESYNTAX);
	assert_string_equal(err.message, "line 1, column 5: expected the end of the type, got 'x'");
	assert_int_equal(bf_decls_parse_type(d, "", 0, &t, &err), BF_ESYNTAX);
	assert_string_equal(err.message, "line 1, column 1: expected a type, got the end");
}

static void comments_document(void **state)
{
	(void)state;
	parse("/** Opens it.\n *  @param path where\n */\nint open_it(const char *path);\n"
	      "\n// Closes it,\n// at once.\nvoid close_it(void);\n"
	      "/* far away */\n\n\nint undocumented; int same_line; // the line's\n"
	      "struct /* not this */ s {\n\tint a; ///< the first\n\t/* the second */\n\tint b;\n\tint c;\n};\n"
	      "enum e {\n\tONE, /* eins */\n\tTWO, // zwei\n\t/** drei */\n\tTHREE\n};\n");
	assert_string_equal(symbol("open_it")->doc, "Opens it.\n @param path where");
	assert_string_equal(symbol("close_it")->doc, "Closes it,\nat once.");
	assert_null(symbol("undocumented")->doc);
	assert_string_equal(symbol("same_line")->doc, "the line's");
	assert_string_equal(tag("s")->members[0].doc, "the first");
	assert_string_equal(tag("s")->members[1].doc, "the second");
	assert_null(tag("s")->members[2].doc);
	assert_string_equal(symbol("ONE")->doc, "eins");
	assert_string_equal(tag("e")->enumerators[1].doc, "zwei");
	assert_string_equal(symbol("THREE")->doc, "drei");
}

static void errors_say_where_and_what(void **state)
{
	(void)state;
	assert_refused("struct s {\n\tint y;\n\tint x int z;\n};",
		       "line 3, column 8: expected ';' after member 'x', got 'int'");
	assert_int_equal(err.code, BF_ESYNTAX);
	assert_int_equal(err.line, 3);
	assert_int_equal(err.column, 8);
	assert_refused("int f(int", "line 1, column 10: expected ')' after the parameters, got the end");
	assert_refused("int f(foo x);", "line 1, column 7: unknown type 'foo'");
	assert_refused("foo f(void);", "line 1, column 1: unknown type 'foo'");
	assert_refused("int a b;", "line 1, column 7: expected ';' after 'a', got 'b'");
	assert_refused("int;int 3;", "line 1, column 9: expected a name, got '3'");
	assert_refused("int f(a, b) int a, b; {}",
		       "line 1, column 7: 'a' is no type (parameter lists in K&R style, names only, are not read)");
	assert_refused("int x[n];",
		       "line 1, column 7: an array size has to be a constant integer: 'n' is not declared");
	assert_refused("int x[-1];", "line 1, column 6: an array of -1 elements");
	assert_refused("int x[1/0];",
		       "line 1, column 8: an array size has to be a constant integer: '/' divides by zero");
	assert_refused("unsigned float x;", "line 1, column 1: these words together are no type");
	assert_refused("/* never\n\n", "line 1, column 1: a comment without an end");
	assert_refused("int x = \"abc\n;", "line 1, column 9: a string without an end");
	assert_refused("int @;", "line 1, column 5: a character that C does not have");
	assert_refused("struct s { int x; }", "line 1, column 20: expected a name, got the end");
	assert_refused("void f(void) {\n", "line 1, column 14: this '{' has no '}'");
	assert_refused("}", "line 1, column 1: a '}' without a '{'");
	assert_refused("int x; long x;", "line 1, column 13: 'x' is declared as 'int' already");
	assert_refused("typedef int t; typedef long t;", "line 1, column 29: 't' is a typedef of 'int' already");
	assert_refused("enum { A, A };", "line 1, column 11: 'A' is declared already");
	assert_refused("struct t {int x;}; struct t {int y;};", "line 1, column 27: 'struct t' is defined already");
	assert_refused("struct t {int x;}; union t y;", "line 1, column 26: 't' is declared as a struct already");
	assert_refused("struct t {int x; char x;};", "line 1, column 8: two members of struct 't' are named 'x'");
	assert_refused("struct t {struct u x;};", "line 1, column 8: member 'x' has the incomplete type 'struct u'");
	assert_refused("struct t {int x : 33;};",
		       "line 1, column 8: bit-field 'x' is wider (33 bits) than its type 'int'");
	assert_refused(
	    "#include <stdio.h>\n",
	    "line 1, column 2: a directive that needs the C preprocessor: give the header itself, or what it declares");
}

static void what_was_declared_before_an_error_stays(void **state)
{
	(void)state;
	assert_int_not_equal(parse_raw("int a; int b c;"), 0);
	assert_int_equal(symbol("a")->kind, BF_SYMBOL_VARIABLE);
	parse("int e;");
}

static void deep_nesting_is_an_error(void **state)
{
	static const struct {
		const char *start, *again;
	} cases[] = {
	    {"int x[", "("},        {"", "struct { "},         {"int f", "(int (*"},
	    {"int ", "("},          {"int x[", "sizeof(int["}, {"", "typeof("},
	    {"", "_Alignas("},      {"int x[", "- "},          {"int x[", "1 ? "},
	    {"int x[", "1 ? 1 : "}, {"int x[", "(int)"},       {"", "enum e : enum { A = sizeof("},
	};
	char *text;
	size_t i, j, start, again;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		start = strlen(cases[i].start);
		again = strlen(cases[i].again);
		text = malloc(start + again * 10000 + 1);
		strcpy(text, cases[i].start);
		for (j = 0; j < 10000; j++)
			memcpy(text + start + j * again, cases[i].again, again + 1);
		parse_raw(text);
		free(text);
		if (!strstr(err.message, "nested deeper than 256 levels"))
			print_error("%s: %s\n", cases[i].again, err.message);
		assert_int_equal(err.code, BF_ESYNTAX);
		assert_non_null(strstr(err.message, "nested deeper than 256 levels"));
	}
	/* What is merely long is not deep. */
	parse("int x = ((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))));");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(declarations_keep_their_meaning, setup, teardown),
	    cmocka_unit_test_setup_teardown(several_declarators_share_their_specifiers, setup, teardown),
	    cmocka_unit_test_setup_teardown(structs_have_members, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_tag_may_be_used_before_its_definition, setup, teardown),
	    cmocka_unit_test_setup_teardown(enums_count_on, setup, teardown),
	    cmocka_unit_test_setup_teardown(array_sizes_are_computed, setup, teardown),
	    cmocka_unit_test_setup_teardown(names_of_the_standard_are_known, setup, teardown),
	    cmocka_unit_test_setup_teardown(later_text_sees_earlier_text, setup, teardown),
	    cmocka_unit_test_setup_teardown(type_names_are_read_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(comments_document, setup, teardown),
	    cmocka_unit_test_setup_teardown(errors_say_where_and_what, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_was_declared_before_an_error_stays, setup, teardown),
	    cmocka_unit_test_setup_teardown(deep_nesting_is_an_error, setup, teardown),
	};

	return cmocka_run_group_tests_name("ctype/parse", tests, NULL, NULL);
}
