/* Reading types: what is under the names, and who equals whom. */
#include "types.h"

#include <string.h>

const bf_type *bf_type_strip(const bf_type *t)
{
	while (t->kind == BF_ALIAS)
		t = t->base;
	return t;
}

unsigned bf_type_qualifiers(const bf_type *t)
{
	unsigned q = 0;

	for (; t->kind == BF_ALIAS; t = t->base)
		q |= t->flags & (BF_FLAG_CONST | BF_FLAG_VOLATILE);
	return q;
}

bool bf_type_is_integer(const bf_type *t)
{
	t = bf_type_strip(t);
	return (t->kind >= BF_BOOL && t->kind <= BF_UINT128) || t->kind == BF_ENUM;
}

bool bf_type_is_signed(const bf_type *t)
{
	t = bf_type_strip(t);
	while (t->kind == BF_ENUM && t->base)
		t = bf_type_strip(t->base);
	if (t->kind >= BF_INT8 && t->kind <= BF_UINT128)
		return (t->kind - BF_INT8) % 2 == 0;
	return t->kind >= BF_FLOAT && t->kind <= BF_CLDOUBLE;
}

bool bf_type_is_complete(const bf_type *t)
{
	t = bf_type_strip(t);
	return !(t->flags & BF_FLAG_INCOMPLETE) && t->kind != BF_VOID && t->kind != BF_FUNCTION;
}

/*
 * `budget` bounds the work: function types that share parts can be written so
 * that a comparison part by part would take longer than anyone lives.
 */
static bool same(const bf_type *a, const bf_type *b, unsigned *budget)
{
	uint32_t i;

	for (;;) {
		a = bf_type_strip(a);
		b = bf_type_strip(b);
		if (a == b)
			return true;
		if (a->kind != b->kind || !*budget)
			return false;
		--*budget;
		switch (a->kind) {
		case BF_ARRAY:
			/* int[] is compatible with int[3]. */
			if (a->count != b->count && !((a->flags | b->flags) & BF_FLAG_FLEXIBLE))
				return false;
			break;
		case BF_VECTOR:
			if (a->size != b->size || !a->base || !b->base)
				return false;
			break;
		case BF_POINTER:
			break;
		case BF_FUNCTION:
			if (((a->flags | b->flags) & BF_FLAG_NOPROTO))
				break;
			if (a->nparams != b->nparams || (a->flags ^ b->flags) & BF_FLAG_VARIADIC)
				return false;
			for (i = 0; i < a->nparams; i++)
				if (!same(a->params[i].type, b->params[i].type, budget))
					return false;
			break;
		case BF_STRUCT:
		case BF_UNION:
		case BF_ENUM:
			return false;
		default:
			return true; /* builtin: the kind says it all */
		}
		a = a->base;
		b = b->base;
	}
}

bool bf_type_same(const bf_type *a, const bf_type *b)
{
	unsigned budget = 100000;

	return same(a, b, &budget);
}

const bf_member *bf_type_member(const bf_type *t, const char *name, size_t len, uint64_t *offset)
{
	const bf_member *m, *found;
	uint32_t i;

	t = bf_type_strip(t);
	if (t->kind != BF_STRUCT && t->kind != BF_UNION)
		return NULL;
	for (i = 0; i < t->nmembers; i++) {
		m = &t->members[i];
		if (m->name) {
			if (strlen(m->name) != len || memcmp(m->name, name, len))
				continue;
			if (offset)
				*offset = m->offset;
			return m;
		}
		if (m->bit_width)
			continue;
		found = bf_type_member(m->type, name, len, offset);
		if (found) {
			if (offset)
				*offset += m->offset;
			return found;
		}
	}
	return NULL;
}
