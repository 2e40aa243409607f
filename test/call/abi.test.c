/*
 * Where values travel, written out. gpN and fpN are registers, xN is st(N), [N]
 * is a stack offset, & an address; then the width, and s or z for how it is
 * filled up. Both architectures' rules run on every host.
 */
#include "build.h"

#include <stdio.h>

#include "../../src/call/abi.h"

/* "gp0:4s gp1:8 | fp0:8": the arguments' moves, parted by bars. */
static const char *render(const bf_passage *list, uint32_t n)
{
	static const char *const places[] = {"gp", "fp", "x", "["};
	static const char *const extensions[] = {"", "z", "s"};
	static char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < list[i].nmoves || j == 0; j++) {
			const bf_move *m = &list[i].moves[j];
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s",
						 j > 0   ? " "
						 : i > 0 ? " | "
							 : "");
			if (list[i].nmoves == 0)
				used += (size_t)snprintf(text + used, sizeof(text) - used, "-");
			else
				used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%u%s:%u%s",
							 m->address ? "&" : "", places[m->place], m->at,
							 m->place == BF_PLACE_STACK ? "]" : "", m->width,
							 extensions[m->extend]);
		}
	return text;
}

/* The plan of the test, which is for the host, classified for `arch`. */
static bf_abi *classify(bf_arch arch, bf_plan *plan)
{
	bf_abi *abi;
	bf_error err = {0};
	if (bf_abi_new(arch, plan, &abi, &err) != BF_OK)
		fail_msg("%s", err.message);
	return abi;
}

static void expect_on(bf_arch arch, const bf_type *fn, const char *result, const char *args)
{
	bf_plan *plan = plan_for(fn);
	bf_abi *abi = classify(arch, plan);

	if (abi->result_in_memory)
		assert_string_equal(result, arch == BF_ARCH_X64 ? "memory gp0" : "memory gp8");
	else
		assert_string_equal(render(&abi->result, 1), result);
	assert_string_equal(render(abi->args, abi->nargs), args);
	assert_int_equal(abi->stack_size % 16, 0);
	bf_abi_free(abi);
	bf_plan_free(plan);
}

#define x64(...) expect_on(BF_ARCH_X64, __VA_ARGS__)
#define arm64(...) expect_on(BF_ARCH_ARM64, __VA_ARGS__)

static void scalars(void **state)
{
	(void)state;
	const bf_type *fn = function(CHAR, CHAR, UCHAR, SHORT, UINT, LONG, FLOAT, DOUBLE, BOOL, INT);
	x64(fn, "gp0:1s", "gp0:1s | gp1:1z | gp2:2s | gp3:4z | gp4:8 | fp0:4 | fp1:8 | gp5:1z | [0]:4s");
	arm64(fn, "gp0:1s", "gp0:1s | gp1:1z | gp2:2s | gp3:4z | gp4:8 | fp0:4 | fp1:8 | gp5:1z | gp6:4s");
	x64(function(VOID), "-", "");
	x64(function(FLOAT, pointer_to(VOID)), "fp0:4", "gp0:8");
	arm64(function(FLOAT, pointer_to(VOID)), "fp0:4", "gp0:8");
}

static void long_doubles_and_complex_numbers(void **state)
{
	(void)state;
	x64(function(LDOUBLE, LDOUBLE, INT, LDOUBLE), "x0:16", "[0]:16 | gp0:4s | [16]:16");
	arm64(function(LDOUBLE, LDOUBLE, INT, LDOUBLE), "fp0:16", "fp0:16 | gp0:4s | fp1:16");
	x64(function(CFLOAT, CFLOAT, CDOUBLE, CLDOUBLE), "fp0:8", "fp0:8 | fp1:8 fp2:8 | [0]:32");
	arm64(function(CFLOAT, CFLOAT, CDOUBLE, CLDOUBLE), "fp0:4 fp1:4", "fp0:4 fp1:4 | fp2:8 fp3:8 | fp4:16 fp5:16");
	x64(function(CDOUBLE), "fp0:8 fp1:8", "");
	x64(function(CLDOUBLE), "x0:16 x1:16", "");
	arm64(function(CLDOUBLE), "fp0:16 fp1:16", "");
}

static void structs_by_eightbytes(void **state)
{
	(void)state;
	const bf_type *mixed = structure(DOUBLE, INT), *floats = structure(FLOAT, FLOAT, FLOAT),
		      *bytes = structure(array_of(CHAR, 11)), *big = structure(LONG, LONG, LONG),
		      *inner = structure(structure(FLOAT, INT), DOUBLE);

	x64(function(mixed, mixed, floats, bytes, big, inner), "fp0:8 gp0:8",
	    "fp0:8 gp0:8 | fp1:8 fp2:4 | gp1:8 gp2:3 | [0]:24 | gp3:8 fp3:8");
	x64(function(big, INT), "memory gp0", "gp1:4s");
	x64(function(structure(LDOUBLE), structure(LDOUBLE)), "x0:16", "[0]:16");
}

static void an_argument_goes_to_registers_whole_or_not_at_all(void **state)
{
	(void)state;
	const bf_type *pair = structure(LONG, LONG), *points = structure(DOUBLE, DOUBLE);

	x64(function(VOID, INT, INT, INT, INT, INT, pair, INT, INT), "-",
	    "gp0:4s | gp1:4s | gp2:4s | gp3:4s | gp4:4s | [0]:16 | gp5:4s | [16]:4s");
	x64(function(VOID, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, points, DOUBLE, DOUBLE), "-",
	    "fp0:8 | fp1:8 | fp2:8 | fp3:8 | fp4:8 | fp5:8 | fp6:8 | [0]:16 | fp7:8 | [16]:8");
	/* AAPCS64 closes the register file once something did not fit. */
	arm64(function(VOID, INT, INT, INT, INT, INT, INT, INT, pair, INT), "-",
	      "gp0:4s | gp1:4s | gp2:4s | gp3:4s | gp4:4s | gp5:4s | gp6:4s | [0]:16 | [16]:4s");
	arm64(function(VOID, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, points, DOUBLE, FLOAT), "-",
	      "fp0:8 | fp1:8 | fp2:8 | fp3:8 | fp4:8 | fp5:8 | fp6:8 | [0]:16 | [16]:8 | [24]:4");
}

static void stack_arguments_are_aligned(void **state)
{
	(void)state;
	x64(function(VOID, LDOUBLE, structure(LONG, LONG, LONG), LDOUBLE, structure(array_of(CHAR, 17))), "-",
	    "[0]:16 | [16]:24 | [48]:16 | [64]:17");
	const bf_type *quad = structure(LDOUBLE);
	arm64(function(VOID, structure(LDOUBLE, LDOUBLE, LDOUBLE, LDOUBLE), structure(FLOAT, FLOAT, FLOAT, FLOAT),
		       structure(FLOAT), quad),
	      "-", "fp0:16 fp1:16 fp2:16 fp3:16 | fp4:4 fp5:4 fp6:4 fp7:4 | [0]:4 | [16]:16");
}

static void unions_merge_their_members(void **state)
{
	(void)state;
	x64(function(union_of(INT, FLOAT), union_of(FLOAT, DOUBLE), union_of(LONG, structure(DOUBLE, DOUBLE)),
		     union_of(LDOUBLE, INT), union_of(LDOUBLE, structure(LONG, LONG))),
	    "gp0:4", "fp0:8 | gp0:8 fp1:8 | [0]:16 | gp1:8 gp2:8");
	arm64(function(union_of(FLOAT, array_of(FLOAT, 3)), union_of(FLOAT, DOUBLE), union_of(INT, FLOAT)),
	      "fp0:4 fp1:4 fp2:4", "gp0:8 | gp1:4");
}

static void packed_members_lead_to_memory(void **state)
{
	(void)state;
	const bf_member_spec members[] = {
	    {.name = "a", .type = CHAR, .bit_width = -1},
	    {.name = "b", .type = INT, .bit_width = -1},
	};
	const bf_type *packed = record_of(BF_STRUCT, members, 2, &(bf_layout_options){.packed = true});

	x64(function(packed, packed), "memory gp0", "[0]:5");
	arm64(function(packed, packed), "gp0:5", "gp0:5");
}

static void bit_fields_are_integers(void **state)
{
	(void)state;
	const bf_member_spec members[] = {
	    {.name = "a", .type = INT, .bit_width = 3},
	    {.name = "b", .type = FLOAT, .bit_width = -1},
	    {.name = NULL, .type = INT, .bit_width = 20},
	    {.name = "c", .type = FLOAT, .bit_width = -1},
	};
	const bf_type *t = record_of(BF_STRUCT, members, 4, &(bf_layout_options){0});

	x64(function(t, t), "gp0:8 fp0:8", "gp0:8 fp0:8");
	arm64(function(t, t), "gp0:8 gp1:8", "gp0:8 gp1:8");
}

static void homogeneous_aggregates(void **state)
{
	(void)state;
	const bf_type *two = structure(DOUBLE, DOUBLE), *four = structure(array_of(FLOAT, 2), structure(FLOAT, FLOAT)),
		      *five = structure(array_of(FLOAT, 5)), *mixed = structure(FLOAT, DOUBLE),
		      *complexes = structure(CDOUBLE, CDOUBLE);

	arm64(function(four, two, four, five, mixed), "fp0:4 fp1:4 fp2:4 fp3:4",
	      "fp0:8 fp1:8 | fp2:4 fp3:4 fp4:4 fp5:4 | &gp0:20 | gp1:8 gp2:8");
	arm64(function(complexes, complexes), "fp0:8 fp1:8 fp2:8 fp3:8", "fp0:8 fp1:8 fp2:8 fp3:8");
	arm64(function(five), "memory gp8", "");
}

static void large_aggregates_go_by_reference(void **state)
{
	(void)state;
	const bf_type *big = structure(array_of(LONG, 3));

	arm64(function(VOID, big, INT, INT, INT, INT, INT, INT, INT, big, SHORT), "-",
	      "&gp0:24 | gp1:4s | gp2:4s | gp3:4s | gp4:4s | gp5:4s | gp6:4s | gp7:4s | &[0]:24 | [8]:2s");
}

static void integers_of_128_bits(void **state)
{
	(void)state;
	const bf_type *fn = function(VOID, INT, INT128, INT);

	/* Such a plan can't be had on every host, its classification can. */
	bf_slot args[] = {{.type = INT, .offset = 16, .size = 4},
			  {.type = INT128, .offset = 32, .size = 16},
			  {.type = INT, .offset = 48, .size = 4}};
	bf_plan plan = {.function = fn, .nargs = 3, .nfixed = 3, .args = args, .result = {.type = VOID}};
	bf_abi *abi = classify(BF_ARCH_X64, &plan);
	assert_string_equal(render(abi->args, 3), "gp0:4s | gp1:8 gp2:8 | gp3:4s");
	bf_abi_free(abi);
	abi = classify(BF_ARCH_ARM64, &plan);
	assert_string_equal(render(abi->args, 3), "gp0:4s | gp2:8 gp3:8 | gp4:4s");
	bf_abi_free(abi);
}

static void alignment_of_the_whole_is_not_natural(void **state)
{
	(void)state;
	const bf_member_spec longs[] = {{.name = "a", .type = LONG, .bit_width = -1},
					{.name = "b", .type = LONG, .bit_width = -1}};
	const bf_type *t = record_of(BF_STRUCT, longs, 2, &(bf_layout_options){.align = 16});

	arm64(function(VOID, INT, t), "-", "gp0:4s | gp1:8 gp2:8");
	const bf_member_spec aligned[] = {{.name = "a", .type = LONG, .bit_width = -1, .align = 16},
					  {.name = "b", .type = LONG, .bit_width = -1}};
	const bf_type *member = record_of(BF_STRUCT, aligned, 2, &(bf_layout_options){0});
	arm64(function(VOID, INT, member), "-", "gp0:4s | gp2:8 gp3:8");
	x64(function(VOID, t, t, INT, t, INT, t), "-",
	    "gp0:8 gp1:8 | gp2:8 gp3:8 | gp4:4s | [0]:16 | gp5:4s | [16]:16");

	bf_plan *plan;
	bf_error err = {0};
	const bf_type *wide = record_of(BF_STRUCT, longs, 2, &(bf_layout_options){.align = 64});
	const bf_type *fn = function(VOID, INT, wide);
#ifdef __x86_64__
	assert_int_equal(bf_plan_new(fn, NULL, 0, &plan, &err), BF_EUNSUPPORTED);
	assert_non_null(strstr(err.message, "argument 2"));
	assert_non_null(strstr(err.message, "64 bytes"));
#else
	assert_int_equal(bf_plan_new(fn, NULL, 0, &plan, &err), BF_OK);
	bf_plan_free(plan);
#endif
}

static void empty_structs_do_not_travel(void **state)
{
	(void)state;
	const bf_type *fn = function(structure(), INT, structure(), DOUBLE);

	x64(fn, "-", "gp0:4s | - | fp0:8");
	arm64(fn, "-", "gp0:4s | - | fp0:8");
}

static void transparent_unions_travel_as_their_first_member(void **state)
{
	(void)state;
	const bf_member_spec members[] = {{.name = "a", .type = FLOAT, .bit_width = -1},
					  {.name = "b", .type = INT, .bit_width = -1}};
	const bf_type *t = record_of(BF_UNION, members, 2, &(bf_layout_options){.transparent = true});

	x64(function(t, t), "gp0:4", "fp0:4");
	arm64(function(t, t), "gp0:4", "fp0:4");
}

static void counts_and_sizes(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(variadic(structure(LONG, LONG, LONG), INT, DOUBLE, FLOAT, LDOUBLE, LONG));
	bf_abi *abi = classify(BF_ARCH_X64, plan);
	assert_int_equal(abi->ngp, 3);
	assert_int_equal(abi->nfp, 2);
	assert_int_equal(abi->stack_size, 16);
	assert_true(abi->variadic);
	assert_true(abi->result_in_memory);
	bf_abi_free(abi);
	abi = classify(BF_ARCH_ARM64, plan);
	assert_int_equal(abi->ngp, 2);
	assert_int_equal(abi->nfp, 3);
	assert_int_equal(abi->stack_size, 0);
	bf_abi_free(abi);

	bf_error err = {0};
	assert_int_equal(bf_abi_new(BF_ARCH_NONE, plan, &abi, &err), BF_EUNSUPPORTED);
	assert_null(abi);
	bf_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scalars),
	    cmocka_unit_test(long_doubles_and_complex_numbers),
	    cmocka_unit_test(structs_by_eightbytes),
	    cmocka_unit_test(an_argument_goes_to_registers_whole_or_not_at_all),
	    cmocka_unit_test(stack_arguments_are_aligned),
	    cmocka_unit_test(unions_merge_their_members),
	    cmocka_unit_test(packed_members_lead_to_memory),
	    cmocka_unit_test(bit_fields_are_integers),
	    cmocka_unit_test(homogeneous_aggregates),
	    cmocka_unit_test(large_aggregates_go_by_reference),
	    cmocka_unit_test(integers_of_128_bits),
	    cmocka_unit_test(alignment_of_the_whole_is_not_natural),
	    cmocka_unit_test(empty_structs_do_not_travel),
	    cmocka_unit_test(transparent_unions_travel_as_their_first_member),
	    cmocka_unit_test(counts_and_sizes),
	};
	return cmocka_run_group_tests(tests, types_setup, types_teardown);
}
