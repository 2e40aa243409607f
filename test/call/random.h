/*
 * Random function types, and the C source of functions that have them. Each
 * generated function copies its arguments to `seen`, at the offsets of the
 * plan's frame, and returns what stands in `answer`; beside it stands a caller
 * that calls a function pointer with the arguments of a frame.
 */
#ifndef BF_TEST_CALL_RANDOM_H
#define BF_TEST_CALL_RANDOM_H

#include <stdio.h>

#include "build.h"

#include "../../src/call/emit.h"

#define RANDOM_ARGUMENTS 32

static uint64_t random_state = 0x9e3779b97f4a7c15;

/* clang before 18 and gcc disagree about its place on the stack. */
static bool random_int128 = true;

static inline uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1d;
}

static inline uint32_t random_below(uint32_t n)
{
	return (uint32_t)(random_next() >> 33) % n;
}

static inline bool random_chance(uint32_t percent)
{
	return random_below(100) < percent;
}

static inline const bf_type *random_scalar(void)
{
	static const bf_kind usual[] = {BF_BOOL,  BF_INT8,   BF_UINT8,  BF_INT16,  BF_UINT16,  BF_INT32,
					BF_INT32, BF_UINT32, BF_INT64,  BF_UINT64, BF_FLOAT,   BF_FLOAT,
					BF_FLOAT, BF_DOUBLE, BF_DOUBLE, BF_DOUBLE, BF_POINTER, BF_POINTER};
	static const bf_kind rare[] = {BF_LDOUBLE, BF_CFLOAT, BF_CDOUBLE, BF_CLDOUBLE, BF_INT128};
	bf_kind kind = random_chance(8) ? rare[random_below(sizeof(rare) / sizeof(*rare))]
					: usual[random_below(sizeof(usual) / sizeof(*usual))];

	if (kind == BF_INT128 && !random_int128)
		kind = BF_UINT64;
	return kind == BF_POINTER ? pointer_to(VOID) : builtin(kind);
}

static const bf_type *random_type(FILE *source, int depth);

/* A struct or union, whose definition is written to `source`. */
static inline const bf_type *random_record(FILE *source, int depth)
{
	static unsigned count;
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	bf_kind kind = random_chance(25) ? BF_UNION : BF_STRUCT;
	uint32_t n = 1 + random_below(random_chance(50) ? 3 : 6);
	bf_member_spec specs[6] = {0};
	bf_layout_options options = {.packed = random_chance(8), .align = random_chance(4) ? 16 : 0};
	char tag[16], text[128];
	bf_type *t;
	bf_error err;

	/* Half of them are of one scalar only: that is where registers are shared out. */
	const bf_type *uniform = random_chance(40) ? random_scalar() : NULL;
	for (uint32_t i = 0; i < n; i++) {
		const bf_type *member = uniform != NULL ? uniform : random_type(source, depth - 1);

		specs[i] = (bf_member_spec){.name = names[i], .type = member, .bit_width = -1};
		if (bf_type_is_integer(member) && member->size <= 8 && random_chance(15))
			specs[i].bit_width =
			    1 + (int)random_below(member->kind == BF_BOOL ? 1 : (uint32_t)member->size * 8);
		else if (member->size <= 32 && random_chance(20))
			specs[i].type = array_of(member, 1 + random_below(4));
		if (specs[i].bit_width < 0 && random_chance(2))
			specs[i].align = 16;
	}

	snprintf(tag, sizeof(tag), "T%u", count++);
	assert_int_equal(bf_type_tagged(types, kind, tag, &t, &err), BF_OK);
	if (bf_type_define(types, t, specs, n, &options, &err) != BF_OK)
		fail_msg("%s", err.message);

	fprintf(source, "%s %s%s %s {", kind == BF_UNION ? "union" : "struct",
		options.packed ? "__attribute__((packed))" : "", options.align ? "__attribute__((aligned(16)))" : "",
		tag);
	for (uint32_t i = 0; i < n; i++) {
		bf_type_spell(specs[i].type, names[i], text, sizeof(text));
		fprintf(source, " %s%s", specs[i].align ? "_Alignas(16) " : "", text);
		if (specs[i].bit_width > 0)
			fprintf(source, ": %d", specs[i].bit_width);
		fprintf(source, ";");
	}
	bf_type_spell(t, NULL, text, sizeof(text));
	fprintf(source, " };\n_Static_assert(sizeof(%s) == %llu, \"layout\");\n", text, (unsigned long long)t->size);
	return t;
}

static const bf_type *random_type(FILE *source, int depth)
{
	return depth > 0 && random_chance(30) ? random_record(source, depth) : random_scalar();
}

/* One generated function. */
struct specimen {
	bf_plan *plan;
	bf_caller *machine_code;                     /* NULL: not asked for yet, or the emitter does not carry it */
	void (*function)(void);                      /* the function itself */
	void (*caller)(void *function, void *frame); /* calls it, or a callback, from a frame */
	unsigned char *mask;                         /* which bits of the frame mean something */
};

/* Sets the bits of `mask` that belong to a value of type `t`. */
static inline void mark_bits(const bf_type *t, unsigned char *mask)
{
	t = bf_type_strip(t);
	switch ((bf_kind)t->kind) {
	case BF_STRUCT:
	case BF_UNION:
		for (uint32_t i = 0; i < t->nmembers; i++) {
			const bf_member *m = &t->members[i];
			if (m->bit_width == 0)
				mark_bits(m->type, mask + m->offset);
			for (uint64_t bit = m->bit_offset; bit < m->bit_offset + (uint64_t)m->bit_width; bit++)
				mask[m->offset + bit / 8] |= (unsigned char)(1 << bit % 8);
		}
		break;
	case BF_ARRAY:
		for (uint64_t i = 0; i < t->count; i++)
			mark_bits(t->base, mask + i * t->base->size);
		break;
#ifdef __x86_64__
	case BF_LDOUBLE:
		memset(mask, 0xff, 10);
		break;
	case BF_CLDOUBLE:
		memset(mask, 0xff, 10);
		memset(mask + 16, 0xff, 10);
		break;
#endif
	default:
		memset(mask, 0xff, t->size);
		break;
	}
}

/* A random value; what has invalid representations (bool, the x87 format) gets a valid one. */
static inline void fill(const bf_type *t, unsigned char *at)
{
	long double number;

	t = bf_type_strip(t);
	switch ((bf_kind)t->kind) {
	case BF_STRUCT:
	case BF_UNION:
		for (uint64_t i = 0; i < t->size; i++)
			at[i] = (unsigned char)random_next();
		for (uint32_t i = 0; i < t->nmembers; i++)
			if (t->members[i].bit_width == 0)
				fill(t->members[i].type, at + t->members[i].offset);
		break;
	case BF_ARRAY:
		for (uint64_t i = 0; i < t->count; i++)
			fill(t->base, at + i * t->base->size);
		break;
	case BF_BOOL:
		*at = random_chance(50);
		break;
	case BF_LDOUBLE:
	case BF_CLDOUBLE:
		for (uint64_t i = 0; i < t->size; i += sizeof(number)) {
			number = (long double)(int64_t)random_next() / 1024;
			memcpy(at + i, &number, sizeof(number));
		}
		break;
	default:
		for (uint64_t i = 0; i < t->size; i += 8) {
			uint64_t word = random_next();
			memcpy(at + i, &word, t->size - i < 8 ? t->size - i : 8);
		}
		break;
	}
}

/* Writes `text` of a type, around `name`, to `source`. */
static inline void write_type(FILE *source, const bf_type *t, const char *name)
{
	char text[8192];
	assert_true(bf_type_spell(t, name, text, sizeof(text)) < sizeof(text));
	fputs(text, source);
}

static inline void write_argument(FILE *source, const bf_slot *slot, const char *base)
{
	fputs("*(", source);
	write_type(source, slot->type, "*");
	fprintf(source, ")(%s + %u)", base, slot->offset);
}

/* Makes a random function type and its plan, and writes the function and the caller number `index`. */
static inline void random_specimen(FILE *source, unsigned index, struct specimen *out)
{
	const bf_type *fixed[RANDOM_ARGUMENTS], *extra[RANDOM_ARGUMENTS];
	uint32_t nfixed = random_below(random_chance(70) ? 9 : RANDOM_ARGUMENTS + 1), nextra = 0;
	char name[32];
	bf_error err = {0};

	const bf_type *result = random_chance(10) ? VOID : random_type(source, 3);
	for (uint32_t i = 0; i < nfixed; i++)
		fixed[i] = random_type(source, 3);
	if (nfixed > 0 && random_chance(15))
		for (nextra = random_below(RANDOM_ARGUMENTS - nfixed + 1); nextra > 0 && random_chance(50);)
			nextra /= 2;
	for (uint32_t i = 0; i < nextra; i++)
		extra[i] = random_type(source, 2);

	const bf_type *fn = function_list(result, fixed, nfixed, nextra > 0 ? BF_FLAG_VARIADIC : 0);
	if (bf_plan_new(fn, extra, nextra, &out->plan, &err) != BF_OK)
		fail_msg("no plan: %s", err.message);
	const bf_plan *plan = out->plan;

	/* The function. */
	char *text;
	size_t length;
	FILE *head = open_memstream(&text, &length);
	fprintf(head, "f%u(", index);
	for (uint32_t i = 0; i < nfixed; i++) {
		snprintf(name, sizeof(name), "a%u", i);
		fputs(i > 0 ? ", " : "", head);
		write_type(head, fixed[i], name);
	}
	fprintf(head, "%s)", nextra > 0 ? ", ..." : nfixed == 0 ? "void" : "");
	fclose(head);
	write_type(source, result, text);
	fprintf(source, "\n{\n");
	free(text);
	if (nextra > 0)
		fprintf(source, "\tva_list v; va_start(v, a%u);\n", nfixed - 1);
	for (uint32_t i = 0; i < plan->nargs; i++) {
		fputs("\t", source);
		write_argument(source, &plan->args[i], "seen");
		if (i < nfixed) {
			fprintf(source, " = a%u;\n", i);
		} else {
			fputs(" = va_arg(v, ", source);
			write_type(source, plan->args[i].type, NULL);
			fputs(");\n", source);
		}
	}
	if (nextra > 0)
		fprintf(source, "\tva_end(v);\n");
	if (plan->result.size > 0) {
		fputs("\treturn ", source);
		write_argument(source, &plan->result, "answer");
		fputs(";\n", source);
	}
	fprintf(source, "}\n");

	/* The caller. */
	fprintf(source, "void c%u(void *function, char *frame)\n{\n\t(void)frame;\n\t", index);
	if (plan->result.size > 0) {
		write_argument(source, &plan->result, "frame");
		fputs(" = ", source);
	}
	fputs("((", source);
	write_type(source, fn, "(*)");
	fputs(")function)(", source);
	for (uint32_t i = 0; i < plan->nargs; i++) {
		fputs(i > 0 ? ", " : "", source);
		write_argument(source, &plan->args[i], "frame");
	}
	fputs(");\n}\n\n", source);

	out->mask = calloc(1, plan->frame_size);
	assert_non_null(out->mask);
	if (plan->result.size > 0)
		mark_bits(plan->result.type, out->mask);
	for (uint32_t i = 0; i < plan->nargs; i++)
		mark_bits(plan->args[i].type, out->mask + plan->args[i].offset);
}

#endif
