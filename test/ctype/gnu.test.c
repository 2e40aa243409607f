/* What real headers are written in besides plain C11: attributes, pragmas, line markers, asm labels, inline bodies. */
#include <wchar.h>

#include "parsing.h"

static void assert_layout(const char *text, const char *name, size_t size, size_t align)
{
	parse(text);
	assert_int_equal(tag(name)->size, size);
	assert_int_equal(tag(name)->align, align);
}

static void assert_refused_as(const char *text, int code, const char *message)
{
	assert_refused(text, message);
	assert_int_equal(err.code, code);
}

/* The same text for the C compiler and for the parser. */
#define LAYOUT(kind, tag, ...)                                                                                         \
	do {                                                                                                           \
		kind tag __VA_ARGS__;                                                                                  \
		assert_layout(#kind " " #tag " " #__VA_ARGS__ ";", #tag, sizeof(kind tag), _Alignof(kind tag));        \
	} while (0)

static void attributes_change_layouts(void **state)
{
	(void)state;
	/* clang-format off */
	LAYOUT(struct, a1, { char c; int i; long l; } __attribute__((packed)));
	LAYOUT(struct, a2, { char c; int i __attribute__((packed)); long l; });
	LAYOUT(struct, a3, { char c; int i; } __attribute__((aligned(32))));
	LAYOUT(struct, a4, { char c; int i __attribute__((aligned(16))); });
	LAYOUT(struct, a5, { char c; _Alignas(8) char b; _Alignas(double) char x; });
	LAYOUT(struct, a6, { char c; int i; } __attribute__((__packed__, __aligned__(2))));
	LAYOUT(struct, a7, { char c; } __attribute__((aligned)));
	LAYOUT(struct, a8, { unsigned a : 3; unsigned b : 30; unsigned c : 3; } __attribute__((packed)));
	LAYOUT(struct, a9, { char c; int : 0; char b; });
	LAYOUT(struct, a10, { char c; long long : 5; char b; });
	LAYOUT(struct, a11, { _Bool b : 1; _Bool c : 1; short s : 14; });
	LAYOUT(union, a12, { int i : 20; char c; long long l : 3; });
	LAYOUT(struct, a13, { int n; double data[]; });
	LAYOUT(struct, a14, { struct {}; char c; int z[0]; });
	LAYOUT(struct, a15, { float v __attribute__((vector_size(16))); char c; });
	LAYOUT(struct, a16, { int i __attribute__((mode(QI))); unsigned j __attribute__((__mode__(__DI__))); char c; });
	LAYOUT(struct, a17, { __int128 i; _Complex float f; long double l; _Bool b; });
	LAYOUT(struct, a18, { _Atomic int i; _Atomic(short) s; char c; });
	LAYOUT(struct, a19, { struct { short s; } __attribute__((packed)) in; int i; });
	LAYOUT(struct, a20, { const char *const p; volatile int v; void (*f)(int); });
	/* clang-format on */
}

static void typedefs_have_alignments_of_their_own(void **state)
{
	(void)state;
	parse("typedef int loose __attribute__((aligned(1))); struct s { char c; loose i; };"
	      "typedef struct t { char c; } t16 __attribute__((aligned(16))); struct u { char c; t16 t; };");
	assert_int_equal(bf_decls_find_tag(d, "s", 1)->type->size, 5);
	assert_int_equal(symbol("t16")->type->align, 16);
	assert_int_equal(symbol("t16")->type->size, 1);
	assert_int_equal(bf_decls_find_tag(d, "u", 1)->type->size, 32);
}

static void pragma_pack_is_a_stack(void **state)
{
	(void)state;
	parse("#pragma pack(push, 1)\nstruct a { char c; int i; };\n"
	      "#pragma pack(2)\nstruct b { char c; int i; };\n"
	      "#pragma pack(push)\n#pragma pack(4)\nstruct c { char c; long i; };\n#pragma pack(pop)\n"
	      "struct d { char c; int i; };\n#pragma pack(pop)\nstruct e { char c; int i; };\n"
	      "#pragma pack(1)\n#pragma pack()\nstruct f { char c; int i; };\n#pragma once\n");
	assert_int_equal(bf_decls_find_tag(d, "a", 1)->type->size, 5);
	assert_int_equal(bf_decls_find_tag(d, "b", 1)->type->size, 6);
	assert_int_equal(bf_decls_find_tag(d, "c", 1)->type->size, 12);
	assert_int_equal(bf_decls_find_tag(d, "d", 1)->type->size, 6);
	assert_int_equal(bf_decls_find_tag(d, "e", 1)->type->size, 8);
	assert_int_equal(bf_decls_find_tag(d, "f", 1)->type->size, 8);
	parse(
	    "_Pragma(\"pack(push, 1)\") struct g { char c; int i; }; _Pragma(\"pack(pop)\") struct h { char c; int i; };");
	assert_int_equal(bf_decls_find_tag(d, "g", 1)->type->size, 5);
	assert_int_equal(bf_decls_find_tag(d, "h", 1)->type->size, 8);
}

static void line_markers_say_where_symbols_come_from(void **state)
{
	(void)state;
	parse("int here;\n# 1 \"/usr/include/a.h\" 1 3 4\nint there;\n\nint there2;\n# 7 \"own.h\" 2\nint back;\n"
	      "#line 100 \"gen.y\"\nint generated;\n");
	assert_null(symbol("here")->file);
	assert_int_equal(symbol("here")->line, 1);
	assert_false(symbol("here")->system);
	assert_string_equal(symbol("there")->file, "/usr/include/a.h");
	assert_true(symbol("there")->system);
	assert_int_equal(symbol("there2")->line, 3);
	assert_string_equal(symbol("back")->file, "own.h");
	assert_int_equal(symbol("back")->line, 7);
	assert_false(symbol("back")->system);
	assert_int_equal(symbol("generated")->line, 100);
	assert_refused_as("# 5 \"bad.h\"\nint x\nint y;", BF_ESYNTAX,
			  "bad.h: line 6, column 1: expected ';' after 'x', got 'int'");
	assert_int_equal(err.line, 6);
}

static void asm_labels_are_the_linkers_names(void **state)
{
	(void)state;
	parse("extern int scanf(const char *, ...) __asm__(\"\" \"__isoc99_scanf\") __attribute__((nonnull(1)));"
	      "int plain(void); extern int var __asm__(\"other_var\");");
	assert_string_equal(symbol("scanf")->link_name, "__isoc99_scanf");
	assert_string_equal(symbol("scanf")->name, "scanf");
	assert_string_equal(symbol("plain")->link_name, "plain");
	assert_string_equal(symbol("var")->link_name, "other_var");
}

static void bodies_and_initialisers_are_skipped(void **state)
{
	(void)state;
	parse("static __inline__ int f(int x) { const char *s = \"}\"; char c = '}'; /* } */ return x ? 1 : 2; }\n"
	      "extern __inline __attribute__((__gnu_inline__)) int g(void) { { } return 0; }\n"
	      "_Noreturn void h(int), (*i)(void) = 0; int j[] = { [1] = 2, 3 }, k = ({ int z = 1; z; });\n"
	      "void l(void) __attribute__((noreturn, deprecated(\"use (something) else\")));"
	      "[[deprecated(\"x\")]] int m(void); __extension__ typedef long long n; int (o)(void) { return 1; }");
	assert_null(bf_decls_at(d, bf_decls_count(d)));
	assert_int_equal(bf_decls_at(d, 0)->kind, BF_SYMBOL_FUNCTION);
	assert_string_equal(bf_decls_at(d, 0)->name, "g"); /* f is static: no library has it */
	assert_int_equal(symbol("h")->type->nparams, 1);
	assert_int_equal(symbol("i")->type->kind, BF_POINTER);
	assert_int_equal(symbol("m")->kind, BF_SYMBOL_FUNCTION);
	assert_int_equal(symbol("o")->kind, BF_SYMBOL_FUNCTION);
}

static void static_constants_have_values(void **state)
{
	(void)state;
	parse(
	    "static const int N = 3 * 4; static const double PI = 3.25; static int not_one = 5; static const int a[] = {1};"
	    "static const unsigned char B = -1, C = 2; extern const int D; char x[sizeof(B) + N];");
	assert_int_equal(symbol("N")->value.i, 12);
	assert_int_equal(symbol("N")->kind, BF_SYMBOL_CONSTANT);
	assert_true(symbol("PI")->value.d == 3.25);
	assert_int_equal(symbol("B")->value.u, 255);
	assert_int_equal(symbol("C")->value.i, 2);
	assert_int_equal(symbol("D")->kind, BF_SYMBOL_VARIABLE);
	assert_int_equal(symbol("not_one")->kind, BF_SYMBOL_VARIABLE);
}

static void typeof_is_known_for_simple_things(void **state)
{
	char text[128];

	(void)state;
	parse(
	    "struct s { long m[3]; }; extern struct s *sp; int f(double);"
	    "__typeof__(int *) a; typeof(sp->m) b; __typeof__(f) *c; typeof(1 ? 1.0f : 2) e; typeof(f(0)) g; typeof(*sp) h; extern const int ci; typeof_unqual(ci) k;");
	bf_type_spell(symbol("a")->type, "a", text, sizeof text);
	assert_string_equal(text, "int *a");
	bf_type_spell(symbol("b")->type, "b", text, sizeof text);
	assert_string_equal(text, "long b[3]");
	bf_type_spell(symbol("c")->type, "c", text, sizeof text);
	assert_string_equal(text, "int (*c)(double)");
	assert_int_equal(symbol("e")->type->kind, BF_FLOAT);
	assert_int_equal(symbol("g")->type->kind, BF_INT32);
	assert_int_equal(symbol("h")->type->size, 24);
	assert_ptr_equal(symbol("k")->type, bf_type_builtin(BF_INT32));
	assert_refused_as("typeof(unknown) x;", BF_EUNSUPPORTED,
			  "line 1, column 1: the type of this expression is not known to biffi");
}

static void assertions_are_evaluated(void **state)
{
	(void)state;
	parse("_Static_assert(sizeof(int) == 4, \"int\"); struct s { int x; _Static_assert(1); int y; };");
	assert_refused_as("_Static_assert(sizeof(int) == 8, \"int is \" \"eight\");", BF_ETYPE,
			  "line 1, column 1: the static assertion fails: int is eight");
}

static void special_types_are_known(void **state)
{
	static const struct {
		const char *name;
		size_t size;
		int kind;
	} types[] = {{"_Float128", 16, BF_FLOAT128},
		     {"__float128", 16, BF_FLOAT128},
		     {"_Float64", 8, BF_DOUBLE},
		     {"_Float32", 4, BF_FLOAT},
		     {"_Float32x", 8, BF_DOUBLE},
		     {"_Float64x", 16, BF_LDOUBLE},
		     {"_Float16", 2, BF_VECTOR},
		     {"__int128_t", 16, BF_INT128},
		     {"unsigned __int128", 16, BF_UINT128},
		     {"float _Complex", 8, BF_CFLOAT},
		     {"__complex__ double", 16, BF_CDOUBLE},
		     {"_Complex long double", 32, BF_CLDOUBLE},
		     {"_Complex _Float32", 8, BF_CFLOAT},
		     {"_Float16 _Complex", 4, BF_VECTOR},
		     {"char16_t", 2, BF_UINT16},
		     {"__signed__ char", 1, BF_INT8}};
	const bf_type *t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof types / sizeof *types; i++) {
		assert_int_equal(bf_decls_parse_type(d, types[i].name, strlen(types[i].name), &t, &err), 0);
		assert_int_equal(bf_type_strip(t)->kind, types[i].kind);
		assert_int_equal(t->size, types[i].size);
	}
	/* wchar_t is a plain integer in <stddef.h>, and still holds text. */
	parse(
	    "typedef int wchar_t; typedef unsigned short char16_t; typedef __builtin_va_list my_list; void f(my_list);"
	    "typedef union { int *i; float *f; } either __attribute__((transparent_union)); void g(either);");
	assert_true(bf_type_strip(symbol("char16_t")->type)->flags & BF_FLAG_CHAR);
	assert_true(symbol("my_list")->type->flags & BF_FLAG_VLIST);
	assert_true(symbol("f")->type->params[0].type->flags & BF_FLAG_VLIST);
	assert_true(bf_type_strip(symbol("g")->type->params[0].type)->flags & BF_FLAG_TRANSPARENT);
#if WCHAR_MIN < 0 /* elsewhere it is no int */
	assert_true(bf_type_strip(symbol("wchar_t")->type)->flags & BF_FLAG_CHAR);
#endif
}

static void what_has_another_layout_is_refused(void **state)
{
	(void)state;
	assert_refused_as("struct __attribute__((ms_struct)) s { int x; };", BF_EUNSUPPORTED,
			  "line 1, column 23: the attribute 'ms_struct' gives a layout that biffi does not know");
	assert_refused_as("int f(a) int a; { return a; }", BF_ESYNTAX,
			  "line 1, column 7: 'a' is no type (parameter lists in K&R style, names only, are not read)");
	assert_refused_as("int f() int a; { return a; }", BF_ESYNTAX,
			  "line 1, column 9: parameters in K&R style are not read: write them as a prototype of 'f'");
	assert_refused_as("#pragma pack(3)\n", BF_ESYNTAX, "line 1, column 16: #pragma pack needs 1, 2, 4, 8 or 16");
	assert_refused_as("typedef int x __attribute__((mode(V99SI)));", BF_EUNSUPPORTED,
			  "line 1, column 30: the mode 'V99SI' is none that biffi knows");
	assert_refused_as("int x __attribute__((aligned(3)));", BF_ERANGE,
			  "line 1, column 22: an alignment of 3 is no power of two up to 2^28");
}

static void other_declarations_types_can_be_imported(void **state)
{
	bf_decls *other;
	const char *text = "typedef struct point { int x, y; } point; struct tag { char c; };";

	(void)state;
	assert_int_equal(bf_decls_new(&other), 0);
	assert_int_equal(bf_decls_parse(other, text, strlen(text), &err), 0);
	assert_int_equal(bf_decls_import(d, bf_decls_types(other), BF_SYMBOL_TYPEDEF, "point", 5,
					 bf_decls_find(other, "point", 5)->type, &err),
			 0);
	assert_int_equal(bf_decls_import(d, bf_decls_types(other), BF_SYMBOL_TAG, "tag", 3,
					 bf_decls_find_tag(other, "tag", 3)->type, &err),
			 0);
	bf_decls_free(other);
	parse("point move(point p, struct tag *t); struct line { point from, to; };");
	assert_int_equal(bf_decls_find_tag(d, "line", 4)->type->size, 16);
	assert_string_equal(bf_decls_at(d, 0)->name, "move");
	assert_int_equal(
	    bf_decls_import(d, bf_decls_types(d), BF_SYMBOL_TYPEDEF, "point", 5, bf_type_named("int", 3), &err),
	    BF_ETYPE);
	assert_string_equal(err.message, "'point' is declared already");
	assert_int_equal(
	    bf_decls_import(d, bf_decls_types(d), BF_SYMBOL_TYPEDEF, "int", 3, bf_type_named("int", 3), &err),
	    BF_ETYPE);
	assert_int_equal(bf_decls_parse(d, "struct tag { int x; };", 22, &err), BF_ETYPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(attributes_change_layouts, setup, teardown),
	    cmocka_unit_test_setup_teardown(typedefs_have_alignments_of_their_own, setup, teardown),
	    cmocka_unit_test_setup_teardown(pragma_pack_is_a_stack, setup, teardown),
	    cmocka_unit_test_setup_teardown(line_markers_say_where_symbols_come_from, setup, teardown),
	    cmocka_unit_test_setup_teardown(asm_labels_are_the_linkers_names, setup, teardown),
	    cmocka_unit_test_setup_teardown(bodies_and_initialisers_are_skipped, setup, teardown),
	    cmocka_unit_test_setup_teardown(static_constants_have_values, setup, teardown),
	    cmocka_unit_test_setup_teardown(typeof_is_known_for_simple_things, setup, teardown),
	    cmocka_unit_test_setup_teardown(assertions_are_evaluated, setup, teardown),
	    cmocka_unit_test_setup_teardown(special_types_are_known, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_has_another_layout_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(other_declarations_types_can_be_imported, setup, teardown),
	};

	return cmocka_run_group_tests_name("ctype/gnu", tests, NULL, NULL);
}
