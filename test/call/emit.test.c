/*
 * Emitted code against libffi: random signatures are called both ways, and what
 * arrives is caught by a libffi closure.
 */
#include "build.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "../../src/call/code.h"
#include "../../src/call/emit.h"

static uint64_t seed = 0x9E3779B97F4A7C15;

/* Many more in the long run of the tests. */
static int rounds(void)
{
	const char *wish = getenv("BIFFI_LONG");

	return wish && strcmp(wish, "1") == 0 ? 200000 : 1500;
}

static uint64_t random_word(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(random_word() >> 33) % n;
}

static void fill(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)(random_word() >> 40);
}

static const bf_type *random_scalar(void)
{
	static const bf_kind kinds[] = {BF_BOOL,   BF_INT8,  BF_UINT8,  BF_INT16, BF_UINT16, BF_INT32,
					BF_UINT32, BF_INT64, BF_UINT64, BF_FLOAT, BF_DOUBLE, BF_DOUBLE};

	return builtin(kinds[below(12)]);
}

static const bf_type *random_record(int depth)
{
	const bf_type *members[4];
	uint32_t n = 1 + below(4);

	for (uint32_t i = 0; i < n; i++) {
		members[i] = depth < 2 && below(6) == 0 ? random_record(depth + 1) : random_scalar();
		if (below(6) == 0)
			members[i] = array_of(members[i], 1 + below(3));
	}
	return record_list(below(5) == 0 ? BF_UNION : BF_STRUCT, members, n);
}

static const bf_type *random_value(void)
{
	switch (below(12)) {
	case 0:
	case 1:
		return random_record(0);
	case 2:
		return below(3) ? pointer_to(VOID) : LDOUBLE;
	default:
		return random_scalar();
	}
}

/* Bytes of a value that mean something to everybody. */
static size_t meaning(const bf_type *t)
{
	return t->kind == BF_LDOUBLE ? 10 : t->size;
}

/* Random bytes that are a value of the type: a bool is 0 or 1, padding and NaNs travel unchanged in memory. */
static void random_fill(void *p, const bf_type *t)
{
	t = bf_type_strip(t);
	switch (t->kind) {
	case BF_BOOL:
		*(uint8_t *)p = below(2);
		break;
	case BF_LDOUBLE:
		*(long double *)p = (long double)(int64_t)random_word() / 1024;
		break;
	case BF_ARRAY:
		for (uint64_t i = 0; i < t->count; i++)
			random_fill((char *)p + i * t->base->size, t->base);
		break;
	case BF_STRUCT:
		for (uint32_t i = 0; i < t->nmembers; i++)
			random_fill((char *)p + t->members[i].offset, t->members[i].type);
		break;
	case BF_UNION:
		random_fill(p, t->members[0].type);
		break;
	default:
		fill(p, t->size);
	}
}

/* Compares member by member: padding may change on the way. */
static bool same_value(const void *a, const void *b, const bf_type *t)
{
	t = bf_type_strip(t);
	switch (t->kind) {
	case BF_ARRAY:
		for (uint64_t i = 0; i < t->count; i++)
			if (!same_value((const char *)a + i * t->base->size, (const char *)b + i * t->base->size,
					t->base))
				return false;
		return true;
	case BF_STRUCT:
		for (uint32_t i = 0; i < t->nmembers; i++)
			if (!same_value((const char *)a + t->members[i].offset, (const char *)b + t->members[i].offset,
					t->members[i].type))
				return false;
		return true;
	case BF_UNION:
		return same_value(a, b, t->members[0].type);
	default:
		return memcmp(a, b, meaning(t)) == 0;
	}
}

/* What the target does: keeps the arguments, answers with a prepared result. */
typedef struct witness {
	const bf_plan *plan;
	uint8_t *seen;
	uint8_t *answer;
	int calls, set_errno, errno_seen;
} witness;

static void see(void *data, void *frame)
{
	witness *w = data;
	int errno_at_entry = errno;

	memcpy(w->seen, frame, w->plan->frame_size);
	memcpy(frame, w->answer, meaning(w->plan->result.type));
	w->calls++;
	w->errno_seen = errno_at_entry;
	errno = w->set_errno;
}

static void callers_do_as_libffi_does(void **state)
{
	(void)state;
	for (int round = 0; round < rounds(); round++) {
		const bf_type *params[32];
		uint32_t n = below(4) ? below(9) : below(32);

		for (uint32_t i = 0; i < n; i++)
			params[i] = random_value();
		bf_plan *plan = plan_for(function_list(below(8) ? random_value() : VOID, params, n, 0));
		if (plan->frame_align > 16) {
			bf_plan_free(plan);
			continue;
		}
		uint8_t *frame = frame_for(plan), *seen = frame_for(plan), *answer = frame_for(plan);
		witness w = {.plan = plan, .seen = seen, .answer = answer};
		bf_callback *cb;
		bf_error err;
		uint32_t size;
		assert_int_equal(bf_callback_new(plan, see, &w, &cb, &err), 0);
		bf_caller *caller = bf_emit_caller(plan, &size);
		assert_non_null(caller);

		for (uint32_t i = 0; i < n; i++)
			random_fill(frame + plan->args[i].offset, params[i]);
		if (plan->result.size)
			random_fill(answer, plan->result.type);
		caller(frame, (void (*)(void))bf_callback_code(cb));
		assert_int_equal(w.calls, 1);
		for (uint32_t i = 0; i < n; i++)
			assert_true(same_value(frame + plan->args[i].offset, seen + plan->args[i].offset, params[i]));
		if (plan->result.size)
			assert_true(same_value(frame, answer, plan->result.type));

		bf_code_free((void *)caller, size);
		bf_callback_free(cb);
		free(frame);
		free(seen);
		free(answer);
		bf_plan_free(plan);
	}
}

static void add_context(void *argument, void *context)
{
	*(int *)argument += *(int *)context;
}

static void bound_functions_get_their_context(void **state)
{
	int three = 3, sum = 4;
	uint32_t size;
	void *code = bf_emit_bind(add_context, &three, &size);

	(void)state;
	assert_non_null(code);
	((void (*)(void *))code)(&sum);
	assert_int_equal(sum, 7);
	bf_code_free(code, size);
}

/* --- adapters ---------------------------------------------------------------------- */

static int refusals;

/* Context 1 refuses. Else the word is the address of the value, its size is the context. */
static bool copy_value(uint64_t word, void *slot, void *context)
{
	if ((uintptr_t)context == 1)
		return false;
	memcpy(slot, (void *)(uintptr_t)word, (uintptr_t)context - 2);
	return true;
}

typedef struct refusal {
	const bf_plan *plan;
	uint64_t words[BF_EMIT_MAX_IN];
	uint32_t nwords;
	const uint8_t *answer;
} refusal;

static void refused(void *context, void *frame, uint64_t *words)
{
	refusal *r = context;

	memcpy(r->words, words, 8 * r->nwords);
	memcpy(frame, r->answer, r->plan->result.size);
	refusals++;
}

/* The type by which a value of `t` comes in, if it comes as itself. */
static const bf_type *incoming(const bf_type *t)
{
	return t->kind == BF_FLOAT || t->kind == BF_DOUBLE ? t : ULONG;
}

static bool is_scalar(const bf_type *t)
{
	return t->kind == BF_FLOAT || t->kind == BF_DOUBLE || t->kind == BF_POINTER || bf_type_is_integer(t);
}

static void adapters_pass_and_convert(void **state)
{
	int direct = 0, framed = 0;
	uint8_t guard[3] = {0, BF_GUARD_CAREFUL, BF_GUARD_CAREFUL | BF_GUARD_REFUSE};
	uint64_t mark[2] = {11, 22}, wide = 0;
	int saved = 0, copied = 0;

	(void)state;
	for (int round = 0; round < rounds(); round++) {
		const bf_type *params[32], *in_params[BF_EMIT_MAX_IN];
		bf_emit_in in[BF_EMIT_MAX_IN] = {0};
		bool plain = below(2), any_convert = false, refuses = false;
		uint32_t n = below(3) ? below(7) : below(32), options = below(2);

		in[0] = (bf_emit_in){.arg = BF_EMIT_UNUSED};
		in_params[0] = ULONG;
		for (uint32_t i = 0; i < n; i++) {
			params[i] = plain ? random_scalar() : random_value();
			in[i + 1] = (bf_emit_in){.arg = (int16_t)i};
			if (!is_scalar(params[i]) || (!plain && below(3) == 0)) {
				bool no = below(40) == 0;
				in[i + 1].convert = copy_value;
				in[i + 1].context = (void *)(uintptr_t)(no ? 1 : params[i]->size + 2);
				in_params[i + 1] = ULONG;
				any_convert = true;
				refuses |= no;
			} else {
				in_params[i + 1] = incoming(params[i]);
				in[i + 1].class = params[i]->kind == BF_FLOAT    ? BF_EMIT_FLOAT
						  : params[i]->kind == BF_DOUBLE ? BF_EMIT_DOUBLE
										 : BF_EMIT_WORD;
			}
		}
		in[n + 1] = (bf_emit_in){.arg = BF_EMIT_UNUSED, .keep = true};
		in_params[n + 1] = ULONG;
		const bf_type *result = below(6) ? random_scalar() : VOID;
		bf_plan *plan = plan_for(function_list(result, params, n, 0));
		if (plan->frame_align > 16) {
			bf_plan_free(plan);
			continue;
		}
		bf_plan *outer = plan_for(function_list(result, in_params, n + 1 + options, 0));
		uint8_t *frame = frame_for(plan), *seen = frame_for(plan), *answer = frame_for(plan);
		uint8_t *outer_frame = frame_for(outer);
		refusal r = {.plan = plan, .answer = answer};
		witness w = {.plan = plan, .seen = seen, .answer = answer, .set_errno = 1 + (int)below(100)};
		bf_emit_adapter how = {.in = in, .nin = n + 1 + options, .refused = refused, .refused_context = &r};
		bf_adapter adapter;
		bf_callback *cb;
		bf_error err;

		bool asked = below(2), careful = asked;
		if (asked || below(2))
			how.guard = &guard[asked];
		if (below(4) == 0)
			careful = how.careful = true;
		if (below(2)) {
			how.errno_box = &saved;
			if (below(2))
				how.errno_copy = &copied;
		}
		if (below(3) == 0)
			how.preserve = mark;
		assert_int_equal(bf_callback_new(plan, see, &w, &cb, &err), 0);
		assert_true(bf_emit_adapter_new(plan, &how, (void (*)(void))bf_callback_code(cb), &adapter));
		*(any_convert ? &framed : &direct) += 1;

		uint32_t nwords = 0;
		uint64_t expected_words[BF_EMIT_MAX_IN];
		for (uint32_t i = 0; i < n; i++) {
			uint8_t *to = outer_frame + outer->args[i + 1].offset, *from = frame + plan->args[i].offset;
			random_fill(from, params[i]);
			if (in[i + 1].convert) {
				*(uint64_t *)to = (uintptr_t)from;
				expected_words[nwords++] = (uintptr_t)from;
			} else {
				fill(to, 8); /* what is above a narrow integer means nothing */
				memcpy(to, from, params[i]->size);
			}
		}
		if (options) {
			*(uint64_t *)(outer_frame + outer->args[n + 1].offset) = 0x5555AAAA;
			expected_words[nwords++] = 0x5555AAAA;
		}
		r.nwords = nwords;
		if (result->size)
			random_fill(answer, result);

		refusals = 0;
		saved = 4711;
		copied = 0;
		mark[0] = 11;
		bf_plan_call(outer, (void (*)(void))adapter.code, outer_frame);
		assert_int_equal(w.calls, refuses ? 0 : 1);
		assert_int_equal(refusals, refuses ? 1 : 0);
		if (!refuses) {
			for (uint32_t i = 0; i < n; i++)
				if (!same_value(frame + plan->args[i].offset, seen + plan->args[i].offset, params[i]))
					fail_msg("argument %u of %u is another", i, n);
			if (how.errno_box && careful) {
				assert_int_equal(w.errno_seen, 4711);
				assert_int_equal(saved, w.set_errno);
				assert_int_equal(copied, how.errno_copy ? w.set_errno : 0);
			}
		} else {
			assert_memory_equal(r.words, expected_words, 8 * nwords);
		}
		if (result->size)
			assert_true(same_value(outer_frame, answer, result));

		/* The guard goes up: nothing is called, and everything is kept for whoever looks into it. */
		if (how.guard) {
			assert_int_equal(bf_emit_set_guard(&adapter, &guard[2]), 0);
			memset(outer_frame, 0xEE, 8);
			bf_plan_call(outer, (void (*)(void))adapter.code, outer_frame);
			assert_int_equal(w.calls, refuses ? 0 : 1);
			assert_int_equal(refusals, refuses ? 2 : 1);
			assert_memory_equal(r.words, expected_words, 8 * nwords);
			if (result->size)
				assert_true(same_value(outer_frame, answer, result));
			assert_int_equal(bf_emit_set_guard(&adapter, &guard[asked]), 0);
		}

		bf_code_free(adapter.code, adapter.size);
		bf_callback_free(cb);
		free(frame);
		free(outer_frame);
		free(seen);
		free(answer);
		bf_plan_free(outer);
		bf_plan_free(plan);
	}
	assert_int_equal(wide, 0);
	assert_true(direct > 100 && framed > 100);
}

/* --- results that leave in another form ------------------------------------------------ */

static int64_t signed_result;

static int64_t give_signed(void)
{
	return signed_result;
}

typedef double gives_double(void *receiver);

static void sixty_four_bits_leave_as_doubles(void **state)
{
	static const int64_t values[] = {
	    0, 1, -1, 9007199254740991, -9007199254740991, 9007199254740992, -9007199254740992, INT64_MAX, INT64_MIN};
	bf_emit_in in[1] = {{.arg = BF_EMIT_UNUSED}};
	uint64_t wide = 1;
	bf_emit_adapter how = {.in = in, .nin = 1, .wide = &wide};

	(void)state;
	for (int is_signed = 0; is_signed < 2; is_signed++) {
		bf_plan *plan = plan_for(function(is_signed ? LONG : ULONG));
		bf_adapter a;

		how.out = is_signed ? BF_EMIT_INT64_AS_DOUBLE : BF_EMIT_UINT64_AS_DOUBLE;
		assert_true(bf_emit_adapter_new(plan, &how, (void (*)(void))give_signed, &a));
		for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
			bool safe = values[i] >= (is_signed ? -9007199254740991 : 0) && values[i] <= 9007199254740991;
			double d;

			signed_result = values[i];
			wide = 1;
			d = ((gives_double *)a.code)(NULL);
			if (safe) {
				assert_true(d == (double)values[i]);
				assert_int_equal(wide, 1);
			} else {
				assert_true(isnan(d));
				assert_int_equal(wide, (uint64_t)values[i]);
			}
		}
		bf_code_free(a.code, a.size);
		how.out = BF_EMIT_INT64_IN_WIDE;
		assert_true(bf_emit_adapter_new(plan, &how, (void (*)(void))give_signed, &a));
		((gives_double *)a.code)(NULL);
		assert_int_equal(wide, (uint64_t)INT64_MIN);
		bf_code_free(a.code, a.size);
		bf_plan_free(plan);
	}
}

static bool to_address(uint64_t word, void *slot, void *context)
{
	(void)context;
	*(uint64_t *)slot = word + 8;
	return true;
}

/* The incoming word is 8 below where the result goes. */
static void results_are_stored_where_a_word_says(void **state)
{
	bf_emit_in in[2] = {{.arg = BF_EMIT_UNUSED}, {.arg = BF_EMIT_UNUSED, .convert = to_address, .result = true}};
	bf_emit_adapter how = {.in = in, .nin = 2};

	(void)state;
	for (int round = 0; round < 300; round++) {
		const bf_type *type = random_record(0);
		bf_plan *plan = plan_for(function(type)), *outer = plan_for(function(VOID, ULONG, ULONG));
		uint8_t *seen = frame_for(plan), *answer = frame_for(plan), *frame = frame_for(outer);
		uint8_t *place = calloc(1, 8 + ((plan->result.size + 15) & ~15u));
		witness w = {.plan = plan, .seen = seen, .answer = answer};
		bf_adapter a;
		bf_callback *cb;
		bf_error err;

		assert_int_equal(bf_callback_new(plan, see, &w, &cb, &err), 0);
		assert_true(bf_emit_adapter_new(plan, &how, (void (*)(void))bf_callback_code(cb), &a));
		random_fill(answer, type);
		set(frame, outer, 1, void *, place);
		bf_plan_call(outer, (void (*)(void))a.code, frame);
		assert_int_equal(w.calls, 1);
		assert_true(same_value(place + 8, answer, type));
		bf_code_free(a.code, a.size);
		bf_callback_free(cb);
		free(seen);
		free(answer);
		free(frame);
		free(place);
		bf_plan_free(outer);
		bf_plan_free(plan);
	}
}

static bool never(uint64_t word, void *slot, void *context)
{
	(void)word;
	(void)slot;
	(void)context;
	return false;
}

static void keep_words(void *context, void *frame, uint64_t *words)
{
	(void)frame;
	memcpy(context, words, 2 * sizeof(uint64_t));
}

/* Whoever is called in the target's stead makes of the words what it likes, so they are as they came. */
static void refused_words_are_as_they_came(void **state)
{
	uint64_t kept[2] = {0};
	bf_emit_in in[3] = {{.arg = BF_EMIT_UNUSED},
			    {.arg = BF_EMIT_UNUSED, .convert = to_address, .result = true},
			    {.arg = 0, .convert = never}};
	bf_emit_adapter how = {.in = in, .nin = 3, .refused = keep_words, .refused_context = kept};

	(void)state;
	for (int n = 1; n < 6; n++) {
		const bf_type *type = structure(array_of(LONG, (uint64_t)n));
		bf_plan *plan = plan_for(function(type, ULONG));
		bf_adapter a;

		assert_true(bf_emit_adapter_new(plan, &how, (void (*)(void))give_signed, &a));
		((void (*)(uint64_t, uint64_t, uint64_t))a.code)(1, 0x1234, (uint64_t)n);
		assert_int_equal(kept[0], 0x1234);
		assert_int_equal(kept[1], n);
		bf_code_free(a.code, a.size);
		bf_plan_free(plan);
	}
}

static void what_it_cannot_carry_it_declines(void **state)
{
	bf_emit_in in[BF_EMIT_MAX_IN + 1] = {0};
	bf_emit_adapter how = {.in = in, .nin = 1};
	bf_plan *plan = plan_for(function(INT, INT, INT));
	bf_adapter a;
	uint32_t size;

	(void)state;
	assert_false(bf_emit_adapter_new(plan, &how, (void (*)(void))give_signed, &a)); /* an argument is missing */
	how.nin = BF_EMIT_MAX_IN + 1;
	assert_false(bf_emit_adapter_new(plan, &how, (void (*)(void))give_signed, &a));
	bf_code_restrict(BF_CODE_DENIED);
	how.nin = 2;
	in[1].arg = 1;
	assert_false(bf_emit_adapter_new(plan, &how, (void (*)(void))give_signed, &a));
	assert_null(bf_emit_caller(plan, &size));
	bf_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(callers_do_as_libffi_does),
	    cmocka_unit_test(bound_functions_get_their_context),
	    cmocka_unit_test(adapters_pass_and_convert),
	    cmocka_unit_test(sixty_four_bits_leave_as_doubles),
	    cmocka_unit_test(results_are_stored_where_a_word_says),
	    cmocka_unit_test(refused_words_are_as_they_came),
	    cmocka_unit_test(what_it_cannot_carry_it_declines),
	};

	return cmocka_run_group_tests(tests, types_setup, types_teardown);
}
