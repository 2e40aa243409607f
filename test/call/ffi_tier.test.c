#include "build.h"

#include <complex.h>
#include <errno.h>
#include <stdio.h>

#define TARGET(f) ((void (*)(void))(f))

/* Calls, and gives back the frame; `plan` and frame are the caller's to free. */
static void call(const bf_plan *plan, void (*target)(void), void *frame)
{
	bf_plan_call(plan, target, frame);
}

static int8_t narrow(int8_t a, uint8_t b, int16_t c, uint16_t d, _Bool e)
{
	return (int8_t)(a + b + c + d + e);
}

static void narrow_integers_come_and_go(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(function(CHAR, CHAR, UCHAR, SHORT, USHORT, BOOL));
	void *frame = frame_for(plan);

	set(frame, plan, 0, int8_t, -100);
	set(frame, plan, 1, uint8_t, 200);
	set(frame, plan, 2, int16_t, -300);
	set(frame, plan, 3, uint16_t, 100);
	set(frame, plan, 4, _Bool, 1);
	call(plan, TARGET(narrow), frame);
	assert_int_equal(*(int8_t *)frame, -99);
	free(frame);
	bf_plan_free(plan);
}

static long double wide(float a, double b, long double c, int64_t d, uint64_t e)
{
	return a + b + c + (long double)d + (long double)e;
}

static void floats_and_64_bits(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(function(LDOUBLE, FLOAT, DOUBLE, LDOUBLE, LONG, ULONG));
	void *frame = frame_for(plan);

	set(frame, plan, 0, float, 0.5f);
	set(frame, plan, 1, double, 0.25);
	set(frame, plan, 2, long double, 0x1p-60L);
	set(frame, plan, 3, int64_t, -3);
	set(frame, plan, 4, uint64_t, 4);
	call(plan, TARGET(wide), frame);
	assert_true(*(long double *)frame == 1.75L + 0x1p-60L);
	free(frame);
	bf_plan_free(plan);
}

static _Complex float turn_f(_Complex float a)
{
	return a * I;
}
static _Complex double turn_d(_Complex double a, int b)
{
	return a * I + b;
}
static _Complex long double turn_l(_Complex long double a)
{
	return a * I;
}

static void complex_numbers(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(function(CFLOAT, CFLOAT));
	void *frame = frame_for(plan);
	set(frame, plan, 0, _Complex float, 1.0f + 2.0f * I);
	call(plan, TARGET(turn_f), frame);
	assert_true(*(_Complex float *)frame == -2.0f + 1.0f * I);
	free(frame);
	bf_plan_free(plan);

	plan = plan_for(function(CDOUBLE, CDOUBLE, INT));
	frame = frame_for(plan);
	set(frame, plan, 0, _Complex double, 1.0 + 2.0 * I);
	set(frame, plan, 1, int, 5);
	call(plan, TARGET(turn_d), frame);
	assert_true(*(_Complex double *)frame == 3.0 + 1.0 * I);
	free(frame);
	bf_plan_free(plan);

	plan = plan_for(function(CLDOUBLE, CLDOUBLE));
	frame = frame_for(plan);
	set(frame, plan, 0, _Complex long double, 1.0L + 2.0L * I);
	call(plan, TARGET(turn_l), frame);
	assert_true(*(_Complex long double *)frame == -2.0L + 1.0L * I);
	free(frame);
	bf_plan_free(plan);
}

struct point {
	double x, y;
};
struct mixed {
	float f;
	int i;
	struct point p;
	char tail[3];
};
struct triple {
	char c[3];
};

static struct point swap(struct point p)
{
	return (struct point){p.y, p.x};
}
static struct mixed grow(struct mixed m, struct triple t)
{
	m.f += 1;
	m.i += t.c[0];
	m.p.x += t.c[1];
	m.tail[2] = (char)(m.tail[2] + t.c[2]);
	return m;
}
static struct triple rotate(struct triple t)
{
	return (struct triple){{t.c[1], t.c[2], t.c[0]}};
}

static void structs_nested_and_with_arrays(void **state)
{
	(void)state;
	const bf_type *point = structure(DOUBLE, DOUBLE);
	const bf_type *triple = structure(array_of(CHAR, 3));
	const bf_type *mixed = structure(FLOAT, INT, point, array_of(CHAR, 3));

	bf_plan *plan = plan_for(function(point, point));
	void *frame = frame_for(plan);
	set(frame, plan, 0, struct point, {1, 2});
	call(plan, TARGET(swap), frame);
	assert_true(((struct point *)frame)->x == 2 && ((struct point *)frame)->y == 1);
	free(frame);
	bf_plan_free(plan);

	plan = plan_for(function(mixed, mixed, triple));
	frame = frame_for(plan);
	set(frame, plan, 0, struct mixed, {1.5f, 10, {2, 3}, {4, 5, 6}});
	set(frame, plan, 1, struct triple, {{7, 8, 9}});
	call(plan, TARGET(grow), frame);
	struct mixed *m = frame;
	assert_true(m->f == 2.5f && m->i == 17 && m->p.x == 10 && m->p.y == 3);
	assert_true(m->tail[0] == 4 && m->tail[1] == 5 && m->tail[2] == 15);
	free(frame);
	bf_plan_free(plan);

	plan = plan_for(function(triple, triple));
	frame = frame_for(plan);
	set(frame, plan, 0, struct triple, {{1, 2, 3}});
	call(plan, TARGET(rotate), frame);
	assert_memory_equal(frame, "\2\3\1", 3);
	free(frame);
	bf_plan_free(plan);
}

union number {
	int i;
	float f;
	double d;
};
union floats {
	float f[3];
	double d;
};
union large {
	long double l;
	int i;
};
struct holder {
	union number u;
	int kind;
};

static union number negate(union number n, struct holder h)
{
	return h.kind == 0 ? (union number){.i = -n.i - h.u.i} : (union number){.d = -n.d - h.u.d};
}
static union floats shift(union floats u, double by)
{
	return (union floats){.f = {u.f[1], u.f[2], (float)by}};
}
static union large stretch(union large u)
{
	return (union large){.l = u.l * 2};
}

static void unions(void **state)
{
	(void)state;
	const bf_type *number = union_of(INT, FLOAT, DOUBLE);
	const bf_type *holder = structure(number, INT);
	bf_plan *plan = plan_for(function(number, number, holder));
	void *frame = frame_for(plan);
	set(frame, plan, 0, union number, {.i = 5});
	set(frame, plan, 1, struct holder, {{.i = 6}, 0});
	call(plan, TARGET(negate), frame);
	assert_int_equal(((union number *)frame)->i, -11);
	set(frame, plan, 0, union number, {.d = 5});
	set(frame, plan, 1, struct holder, {{.d = 0.5}, 1});
	call(plan, TARGET(negate), frame);
	assert_true(((union number *)frame)->d == -5.5);
	free(frame);
	bf_plan_free(plan);

	const bf_type *floats = union_of(array_of(FLOAT, 3), DOUBLE);
	plan = plan_for(function(floats, floats, DOUBLE));
	frame = frame_for(plan);
	set(frame, plan, 0, union floats, {.f = {1, 2, 3}});
	set(frame, plan, 1, double, 4);
	call(plan, TARGET(shift), frame);
	union floats *f = frame;
	assert_true(f->f[0] == 2 && f->f[1] == 3 && f->f[2] == 4);
	free(frame);
	bf_plan_free(plan);

	const bf_type *large = union_of(LDOUBLE, INT);
	plan = plan_for(function(large, large));
	frame = frame_for(plan);
	set(frame, plan, 0, union large, {.l = 1.25L});
	call(plan, TARGET(stretch), frame);
	assert_true(((union large *)frame)->l == 2.5L);
	free(frame);
	bf_plan_free(plan);
}

struct bits {
	unsigned a : 5;
	int b : 11;
	uint64_t c : 40;
	signed char d;
};
struct __attribute__((packed)) packed {
	char a;
	double b;
	short c;
};

static struct bits mirror(struct bits v, int by)
{
	return (struct bits){v.a + 1, v.b - by, ~v.c, (signed char)-v.d};
}
static struct packed repack(struct packed p, double by)
{
	return (struct packed){(char)(p.a + 1), p.b * by, (short)(p.c + 1)};
}

static void bit_fields_and_packed_structs(void **state)
{
	(void)state;
	const bf_member_spec fields[] = {
	    {.name = "a", .type = UINT, .bit_width = 5},
	    {.name = "b", .type = INT, .bit_width = 11},
	    {.name = "c", .type = ULONG, .bit_width = 40},
	    {.name = "d", .type = CHAR, .bit_width = -1},
	};
	const bf_type *bits = record_of(BF_STRUCT, fields, 4, &(bf_layout_options){0});
	assert_int_equal(bits->size, sizeof(struct bits));
	bf_plan *plan = plan_for(function(bits, bits, INT));
	void *frame = frame_for(plan);
	set(frame, plan, 0, struct bits, {3, -1000, 0x123456789a, 7});
	set(frame, plan, 1, int, -2000);
	call(plan, TARGET(mirror), frame);
	struct bits *b = frame;
	assert_true(b->a == 4 && b->b == 1000 && b->c == (~0x123456789aull & 0xffffffffff) && b->d == -7);
	free(frame);
	bf_plan_free(plan);

	const bf_member_spec members[] = {
	    {.name = "a", .type = CHAR, .bit_width = -1},
	    {.name = "b", .type = DOUBLE, .bit_width = -1},
	    {.name = "c", .type = SHORT, .bit_width = -1},
	};
	const bf_type *packed = record_of(BF_STRUCT, members, 3, &(bf_layout_options){.packed = true});
	assert_int_equal(packed->size, sizeof(struct packed));
	plan = plan_for(function(packed, packed, DOUBLE));
	frame = frame_for(plan);
	set(frame, plan, 0, struct packed, {1, 2.5, 3});
	set(frame, plan, 1, double, 2);
	call(plan, TARGET(repack), frame);
	struct packed *p = frame;
	assert_true(p->a == 2 && p->b == 5 && p->c == 4);
	free(frame);
	bf_plan_free(plan);
}

struct empty {
};

static double skip_empty(int a, struct empty e, double b)
{
	(void)e;
	return a + b;
}

static void empty_structs_take_no_part(void **state)
{
	(void)state;
	const bf_type *empty = structure();
	bf_plan *plan = plan_for(function(DOUBLE, INT, empty, DOUBLE));
	void *frame = frame_for(plan);
	set(frame, plan, 0, int, 40);
	set(frame, plan, 2, double, 2);
	call(plan, TARGET(skip_empty), frame);
	assert_true(*(double *)frame == 42);
	free(frame);
	bf_plan_free(plan);
}

static void variadic_calls(void **state)
{
	(void)state;
	const bf_type *text = pointer_to(CHAR);
	const bf_type *extra[] = {CHAR, FLOAT, LDOUBLE, text, ULONG};
	bf_plan *plan;
	bf_error err = {0};
	char buffer[128];

	assert_int_equal(bf_plan_new(variadic(INT, text, ULONG, text), extra, 5, &plan, &err), BF_OK);
	void *frame = frame_for(plan);
	set(frame, plan, 0, char *, buffer);
	set(frame, plan, 1, uint64_t, sizeof(buffer));
	set(frame, plan, 2, char *, "%d %.2f %.2Lf %s %lu");
	set(frame, plan, 3, int, -7);
	set(frame, plan, 4, double, 1.5);
	set(frame, plan, 5, long double, 2.25L);
	set(frame, plan, 6, char *, "words");
	set(frame, plan, 7, uint64_t, ~0ul);
	call(plan, TARGET(snprintf), frame);
	assert_string_equal(buffer, "-7 1.50 2.25 words 18446744073709551615");
	assert_int_equal(*(int *)frame, (int)strlen(buffer));
	free(frame);
	bf_plan_free(plan);

	/* No variadic arguments at all. */
	plan = plan_for(variadic(INT, text, ULONG, text));
	frame = frame_for(plan);
	set(frame, plan, 0, char *, buffer);
	set(frame, plan, 1, uint64_t, sizeof(buffer));
	set(frame, plan, 2, char *, "plain");
	call(plan, TARGET(snprintf), frame);
	assert_string_equal(buffer, "plain");
	free(frame);
	bf_plan_free(plan);
}

static int many(int a0, double b0, char a1, float b1, short a2, double b2, long a3, float b3, int a4, double b4, int a5,
		float b5, int a6, double b6, int a7, float b7, char a8, double b8, char a9, float b9)
{
	return (int)(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 * 100 + a9 * 1000 + b0 + b1 + b2 + b3 + b4 + b5 + b6 +
		     b7 + b8 * 100 + b9 * 1000);
}

static void many_arguments_go_on_the_stack(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(function(INT, INT, DOUBLE, CHAR, FLOAT, SHORT, DOUBLE, LONG, FLOAT, INT, DOUBLE, INT,
					  FLOAT, INT, DOUBLE, INT, FLOAT, CHAR, DOUBLE, CHAR, FLOAT));
	void *frame = frame_for(plan);
	for (uint32_t i = 0; i < plan->nargs; i++)
		switch (plan->args[i].type->kind) {
		case BF_INT8:
			set(frame, plan, i, int8_t, -i);
			break;
		case BF_INT16:
			set(frame, plan, i, int16_t, -i);
			break;
		case BF_INT32:
			set(frame, plan, i, int32_t, i);
			break;
		case BF_INT64:
			set(frame, plan, i, int64_t, i);
			break;
		case BF_FLOAT:
			set(frame, plan, i, float, i);
			break;
		default:
			set(frame, plan, i, double, i);
			break;
		}
	call(plan, TARGET(many), frame);
	assert_int_equal(*(int *)frame, many(0, 1, -2, 3, -4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, -16, 17, -18, 19));
	free(frame);
	bf_plan_free(plan);
}

static __int128 product(int64_t a, __int128 b)
{
	return a * b;
}

static void integers_of_128_bits(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(function(INT128, LONG, INT128));
	void *frame = frame_for(plan);
	set(frame, plan, 0, int64_t, -3);
	set(frame, plan, 1, __int128, (__int128)1 << 80);
	call(plan, TARGET(product), frame);
	assert_true(*(__int128 *)frame == -3 * ((__int128)1 << 80));
	free(frame);
	bf_plan_free(plan);
}

static int check_errno(int value)
{
	int before = errno;
	errno = value;
	return before;
}

static void errno_is_set_before_and_read_after(void **state)
{
	(void)state;
	bf_plan *plan = plan_for(function(INT, INT));
	void *frame = frame_for(plan);
	int error = EAGAIN;

	set(frame, plan, 0, int, ENOSPC);
	bf_plan_call_errno(plan, TARGET(check_errno), frame, &error);
	assert_int_equal(*(int *)frame, EAGAIN);
	assert_int_equal(error, ENOSPC);

	errno = 0;
	call(plan, TARGET(check_errno), frame);
	assert_int_equal(errno, ENOSPC);
	free(frame);
	bf_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(narrow_integers_come_and_go),
	    cmocka_unit_test(floats_and_64_bits),
	    cmocka_unit_test(complex_numbers),
	    cmocka_unit_test(structs_nested_and_with_arrays),
	    cmocka_unit_test(unions),
	    cmocka_unit_test(bit_fields_and_packed_structs),
	    cmocka_unit_test(empty_structs_take_no_part),
	    cmocka_unit_test(variadic_calls),
	    cmocka_unit_test(many_arguments_go_on_the_stack),
	    cmocka_unit_test(integers_of_128_bits),
	    cmocka_unit_test(errno_is_set_before_and_read_after),
	};
	return cmocka_run_group_tests(tests, types_setup, types_teardown);
}
