/*
 * Types for tests, in one expression each. A failure to make one fails the test.
 */
#ifndef BF_TEST_CALL_BUILD_H
#define BF_TEST_CALL_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/call/call.h"

static bf_types *types;

static inline const bf_type *builtin(bf_kind kind)
{
	return bf_type_builtin(kind);
}

static inline const bf_type *pointer_to(const bf_type *t)
{
	const bf_type *out;
	bf_error err;
	assert_int_equal(bf_type_pointer(types, t, &out, &err), BF_OK);
	return out;
}

static inline const bf_type *array_of(const bf_type *t, uint64_t count)
{
	const bf_type *out;
	bf_error err;
	assert_int_equal(bf_type_array(types, t, count, &out, &err), BF_OK);
	return out;
}

/* `kind` is BF_STRUCT or BF_UNION. */
static inline const bf_type *record_of(bf_kind kind, const bf_member_spec *specs, uint32_t n,
				       const bf_layout_options *options)
{
	bf_type *t;
	bf_error err;
	assert_int_equal(bf_type_tagged(types, kind, "T", &t, &err), BF_OK);
	assert_int_equal(bf_type_define(types, t, specs, n, options, &err), BF_OK);
	return t;
}

static inline const bf_type *record_list(bf_kind kind, const bf_type *const *members, uint32_t n)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	bf_member_spec specs[8] = {0};
	bf_layout_options none = {0};

	assert_true(n <= 8);
	for (uint32_t i = 0; i < n; i++)
		specs[i] = (bf_member_spec){.name = names[i], .type = members[i], .bit_width = -1};
	return record_of(kind, specs, n, &none);
}

static inline const bf_type *function_list(const bf_type *result, const bf_type *const *params, uint32_t n,
					   unsigned flags)
{
	bf_param list[BF_MAX_ARGUMENTS + 1] = {0};
	const bf_type *out;
	bf_error err;

	for (uint32_t i = 0; i < n; i++)
		list[i].type = params[i];
	assert_int_equal(bf_type_function(types, result, list, n, flags, &out, &err), BF_OK);
	return out;
}

#define COUNT_OF(...) (sizeof((const bf_type *[]){NULL, ##__VA_ARGS__}) / sizeof(bf_type *) - 1)
#define LIST_OF(...) (((const bf_type *[]){NULL, ##__VA_ARGS__}) + 1)

/* structure(INT, CHAR): struct { int a; char b; } */
#define structure(...) record_list(BF_STRUCT, LIST_OF(__VA_ARGS__), COUNT_OF(__VA_ARGS__))
#define union_of(...) record_list(BF_UNION, LIST_OF(__VA_ARGS__), COUNT_OF(__VA_ARGS__))
/* function(INT, DOUBLE): int (double) */
#define function(result, ...) function_list(result, LIST_OF(__VA_ARGS__), COUNT_OF(__VA_ARGS__), 0)
#define variadic(result, ...) function_list(result, LIST_OF(__VA_ARGS__), COUNT_OF(__VA_ARGS__), BF_FLAG_VARIADIC)

#define VOID builtin(BF_VOID)
#define BOOL builtin(BF_BOOL)
#define CHAR builtin(BF_INT8)
#define UCHAR builtin(BF_UINT8)
#define SHORT builtin(BF_INT16)
#define USHORT builtin(BF_UINT16)
#define INT builtin(BF_INT32)
#define UINT builtin(BF_UINT32)
#define LONG builtin(BF_INT64)
#define ULONG builtin(BF_UINT64)
#define INT128 builtin(BF_INT128)
#define FLOAT builtin(BF_FLOAT)
#define DOUBLE builtin(BF_DOUBLE)
#define LDOUBLE builtin(BF_LDOUBLE)
#define FLOAT128 builtin(BF_FLOAT128)
#define CFLOAT builtin(BF_CFLOAT)
#define CDOUBLE builtin(BF_CDOUBLE)
#define CLDOUBLE builtin(BF_CLDOUBLE)

static inline int types_setup(void **state)
{
	(void)state;
	return bf_types_new(&types);
}

static inline int types_teardown(void **state)
{
	(void)state;
	bf_types_unref(types);
	return 0;
}

static inline bf_plan *plan_for(const bf_type *fn)
{
	bf_plan *plan;
	bf_error err = {0};
	if (bf_plan_new(fn, NULL, 0, &plan, &err) != BF_OK)
		fail_msg("no plan: %s", err.message);
	return plan;
}

/* The block of memory that the plan asks for, of exactly its size; to be freed. */
static inline void *frame_for(const bf_plan *plan)
{
	void *frame = aligned_alloc(plan->frame_align, plan->frame_size);
	assert_non_null(frame);
	memset(frame, 0xa5, plan->frame_size);
	return frame;
}

/* set(frame, plan, 0, int, 42): argument 0 */
#define set(frame, plan, index, type, ...) (*(type *)((char *)(frame) + (plan)->args[index].offset) = (type)__VA_ARGS__)
#define get(frame, plan, index, type) (*(type *)((char *)(frame) + (plan)->args[index].offset))

#endif
