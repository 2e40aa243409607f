/* Making types: the bf_types that owns them, and everything but member layouts. */
#include "types.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Ids below this are the builtin types' own (named.c). */
enum { FIRST_ID = 1000 };

static atomic_uint last_id = FIRST_ID;

int bf_no_memory(bf_error *err)
{
	return bf_error_set(err, BF_ENOMEM, "out of memory");
}

int bf_types_new(bf_types **out)
{
	bf_types *ts = calloc(1, sizeof *ts);

	if (!ts)
		return BF_ENOMEM;
	ts->refs = 1;
	*out = ts;
	return BF_OK;
}

bf_types *bf_types_ref(bf_types *ts)
{
	ts->refs++;
	return ts;
}

void bf_types_unref(bf_types *ts)
{
	uint32_t i;

	if (!ts || --ts->refs)
		return;
	for (i = 0; i < ts->nadopted; i++)
		bf_types_unref(ts->adopted[i]);
	free(ts->adopted);
	bf_table_free(&ts->derived);
	bf_arena_free(&ts->arena);
	free(ts);
}

int bf_types_adopt(bf_types *ts, bf_types *other)
{
	bf_types **more;
	uint32_t i;

	if (ts == other)
		return BF_OK;
	for (i = 0; i < ts->nadopted; i++)
		if (ts->adopted[i] == other)
			return BF_OK;
	if (ts->nadopted == ts->room) {
		more = realloc(ts->adopted, (ts->room * 2 + 4) * sizeof(bf_types *));
		if (!more)
			return BF_ENOMEM;
		ts->adopted = more;
		ts->room = ts->room * 2 + 4;
	}
	ts->adopted[ts->nadopted++] = bf_types_ref(other);
	return BF_OK;
}

void *bf_types_alloc(bf_types *ts, size_t size)
{
	return bf_arena_alloc(&ts->arena, size);
}

char *bf_types_strdup(bf_types *ts, const char *s, size_t len)
{
	return bf_arena_strdup(&ts->arena, s, len);
}

size_t bf_types_memory(const bf_types *ts)
{
	return sizeof *ts + ts->arena.total + bf_table_memory(&ts->derived) + ts->room * sizeof *ts->adopted;
}

bf_type *bf_type_record(bf_types *ts, size_t size, bf_kind kind)
{
	bf_type *t = bf_arena_alloc(&ts->arena, size);

	if (t) {
		t->kind = kind;
		t->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
		t->depth = 1;
	}
	return t;
}

static bool derived_equal(const void *item, const void *key)
{
	const bf_type *a = item, *b = key;

	return a->kind == b->kind && a->base == b->base && a->flags == b->flags && a->count == b->count &&
	       a->align == b->align && (a->name == b->name || (a->name && b->name && !strcmp(a->name, b->name)));
}

/* The one record of a pointer, array, vector or alias that looks like `wanted`; made when there is none yet. */
static int derive(bf_types *ts, const bf_type *wanted, const bf_type **out, bf_error *err)
{
	uint32_t hash = bf_hash_word(wanted->kind, (uintptr_t)wanted->base);
	uint64_t size = wanted->size;
	bf_type *t;

	if (wanted->base->depth >= BF_MAX_DEPTH)
		return bf_error_set(err, BF_EUNSUPPORTED, "a type nests deeper than %d levels", BF_MAX_DEPTH);

	hash = bf_hash_word(hash, wanted->count ^ ((uint64_t)wanted->flags << 48) ^ ((uint64_t)wanted->align << 24));
	if (wanted->name)
		hash = bf_hash(hash, wanted->name, strlen(wanted->name));
	t = bf_table_find(&ts->derived, hash, derived_equal, wanted);
	if (!t) {
		t = bf_type_record(ts, sizeof *t, wanted->kind);
		if (!t)
			return bf_no_memory(err);
		t->base = wanted->base;
		t->flags = wanted->flags;
		t->count = wanted->count;
		t->align = wanted->align;
		t->size = size;
		t->depth = wanted->base->depth + 1;
		if (wanted->name && !(t->name = bf_types_strdup(ts, wanted->name, strlen(wanted->name))))
			return bf_no_memory(err);
		if (bf_table_add(&ts->derived, hash, t))
			return bf_no_memory(err);
	}
	*out = t;
	return BF_OK;
}

int bf_type_pointer(bf_types *ts, const bf_type *to, const bf_type **out, bf_error *err)
{
	bf_type wanted = {.kind = BF_POINTER, .base = to, .size = sizeof(void *), .align = (uint32_t) _Alignof(void *)};

	return derive(ts, &wanted, out, err);
}

static int check_element(const bf_type *element, bf_error *err)
{
	bf_spelling room;

	if (bf_type_strip(element)->kind == BF_FUNCTION || bf_type_strip(element)->kind == BF_VOID)
		return bf_error_set(err, BF_ETYPE, "an array of '%s' cannot be", bf_type_words(element, &room));
	if (!bf_type_is_complete(element))
		return bf_error_set(err, BF_ETYPE, "an array needs a complete element type, '%s' is incomplete",
				    bf_type_words(element, &room));
	/* As gcc and clang: the second element could not stand where its alignment wants it. */
	if (element->size && element->align > element->size)
		return bf_error_set(err, BF_ETYPE, "an array of '%s' cannot be: it is aligned to more than its size",
				    bf_type_words(element, &room));
	return BF_OK;
}

int bf_type_array(bf_types *ts, const bf_type *element, uint64_t count, const bf_type **out, bf_error *err)
{
	bf_type wanted = {.kind = BF_ARRAY, .base = element, .count = count, .align = element->align};
	bf_spelling room;
	int rc = check_element(element, err);

	if (rc)
		return rc;
	if (__builtin_mul_overflow(element->size, count, &wanted.size) || wanted.size > PTRDIFF_MAX)
		return bf_error_set(err, BF_ERANGE, "an array of %llu '%s' is too large", (unsigned long long)count,
				    bf_type_words(element, &room));
	return derive(ts, &wanted, out, err);
}

int bf_type_flexible(bf_types *ts, const bf_type *element, const bf_type **out, bf_error *err)
{
	bf_type wanted = {
	    .kind = BF_ARRAY, .base = element, .flags = BF_FLAG_FLEXIBLE | BF_FLAG_INCOMPLETE, .align = element->align};
	int rc = check_element(element, err);

	return rc ? rc : derive(ts, &wanted, out, err);
}

int bf_type_vector(bf_types *ts, const bf_type *element, uint64_t size, const bf_type **out, bf_error *err)
{
	bf_type wanted = {.kind = BF_VECTOR, .base = element, .size = size};
	const bf_type *bare = bf_type_strip(element);
	bf_spelling room;

	/* _Float16 and its like are scalars, though nothing here can use them. */
	if ((bare->kind < BF_BOOL || bare->kind > BF_FLOAT128) && !(bare->kind == BF_VECTOR && !bare->base))
		return bf_error_set(err, BF_ETYPE, "a vector of '%s' cannot be", bf_type_words(element, &room));
	if (!size || size % bare->size || !bf_is_power_of_two(size / bare->size) || size > UINT32_MAX / 2)
		return bf_error_set(err, BF_ERANGE, "a vector of '%s' cannot have %llu bytes",
				    bf_type_words(element, &room), (unsigned long long)size);
	wanted.count = size / bare->size;
	/* Without -mavx and its like, which no ABI promises, nothing is aligned to more. */
	wanted.align = size > BF_TARGET_LARGEST_ALIGN ? BF_TARGET_LARGEST_ALIGN : (uint32_t)size;
	return derive(ts, &wanted, out, err);
}

/* Lets the definition of an incomplete type reach an alias of it. */
static int await(bf_types *ts, const bf_type *alias, bf_error *err)
{
	bf_type *bare = (bf_type *)bf_type_strip(alias);
	bf_tagged *tagged = (bf_tagged *)bare;
	bf_dependent *d;

	if (!(bare->flags & BF_FLAG_INCOMPLETE) || bare->kind < BF_STRUCT || bare->kind > BF_ENUM ||
	    tagged->owner != ts)
		return BF_OK;
	d = bf_arena_alloc(&ts->arena, sizeof *d);
	if (!d)
		return bf_no_memory(err);
	d->alias = (bf_type *)alias;
	d->next = tagged->dependents;
	tagged->dependents = d;
	return BF_OK;
}

void bf_tagged_complete(bf_tagged *tagged)
{
	const bf_type *t = &tagged->type;
	bf_dependent *d;

	for (d = tagged->dependents; d; d = d->next) {
		d->alias->size = t->size;
		/* Its own alignment stands, if it has one: an alias without one had 0 so far. */
		if (!d->alias->align)
			d->alias->align = t->align;
		d->alias->flags &= (uint16_t)~BF_FLAG_INCOMPLETE;
		d->alias->flags |= t->flags & BF_FLAG_FLEXIBLE;
	}
	tagged->dependents = NULL;
}

int bf_type_aligned(bf_types *ts, const char *name, const bf_type *base, unsigned qualifiers, uint32_t align,
		    const bf_type **out, bf_error *err)
{
	unsigned inherited = BF_FLAG_INCOMPLETE | BF_FLAG_FLEXIBLE | BF_FLAG_VLIST;
	bf_type wanted = {.kind = BF_ALIAS, .name = name, .base = base, .size = base->size, .align = align};
	uint32_t count = ts->derived.count;
	int rc;

	if (align && !bf_is_power_of_two(align))
		return bf_error_set(err, BF_ERANGE, "an alignment of %u is no power of two", align);
	wanted.flags = (uint16_t)((qualifiers & (BF_FLAG_CONST | BF_FLAG_VOLATILE)) | (base->flags & inherited));
	rc = derive(ts, &wanted, out, err);
	if (rc || ts->derived.count == count)
		return rc;
	return await(ts, *out, err);
}

int bf_type_alias(bf_types *ts, const char *name, const bf_type *base, unsigned qualifiers, const bf_type **out,
		  bf_error *err)
{
	if (!name && !(qualifiers & ~bf_type_qualifiers(base) & (BF_FLAG_CONST | BF_FLAG_VOLATILE))) {
		*out = base;
		return BF_OK;
	}
	return bf_type_aligned(ts, name, base, qualifiers, base->align, out, err);
}

/* A parameter's type as the function sees it: C11 6.7.6.3, paragraphs 7 and 8. */
static int adjust(bf_types *ts, const bf_type *t, const bf_type **out, bf_error *err)
{
	const bf_type *bare = bf_type_strip(t), *element = bare->base;
	int rc;

	*out = t;
	if (bare->kind == BF_FUNCTION)
		return bf_type_pointer(ts, t, out, err);
	if (bare->kind != BF_ARRAY)
		return BF_OK;
	/* A const array is an array of const elements. */
	rc = bf_type_alias(ts, NULL, element, bf_type_qualifiers(t), &element, err);
	if (!rc)
		rc = bf_type_pointer(ts, element, out, err);
	/* va_list as a parameter is still known as one. */
	if (!rc && t->flags & BF_FLAG_VLIST) {
		bf_type wanted = {.kind = BF_ALIAS,
				  .name = t->name,
				  .base = *out,
				  .size = (*out)->size,
				  .align = (*out)->align,
				  .flags = BF_FLAG_VLIST};

		rc = derive(ts, &wanted, out, err);
	}
	return rc;
}

int bf_type_function(bf_types *ts, const bf_type *result, const bf_param *params, uint32_t nparams, unsigned flags,
		     const bf_type **out, bf_error *err)
{
	const bf_type *bare = bf_type_strip(result);
	bf_spelling room;
	bf_param *copy;
	bf_type *t;
	uint32_t i;
	int rc;

	if (bare->kind == BF_FUNCTION || bare->kind == BF_ARRAY)
		return bf_error_set(err, BF_ETYPE, "a function cannot return '%s'", bf_type_words(result, &room));
	t = bf_type_record(ts, sizeof *t, BF_FUNCTION);
	copy = bf_types_alloc(ts, nparams * sizeof *copy);
	if (!t || !copy)
		return bf_no_memory(err);
	t->base = result;
	t->flags = flags & (BF_FLAG_VARIADIC | BF_FLAG_NOPROTO);
	t->params = copy;
	t->nparams = nparams;
	t->depth = result->depth;

	for (i = 0; i < nparams; i++) {
		if (bf_type_strip(params[i].type)->kind == BF_VOID)
			return bf_error_set(err, BF_ETYPE, "parameter %u cannot have type '%s'", i + 1,
					    bf_type_words(params[i].type, &room));
		rc = adjust(ts, params[i].type, &copy[i].type, err);
		if (rc)
			return rc;
		if (params[i].name) {
			copy[i].name = bf_types_strdup(ts, params[i].name, strlen(params[i].name));
			if (!copy[i].name)
				return bf_no_memory(err);
		}
		if (copy[i].type->depth > t->depth)
			t->depth = copy[i].type->depth;
	}
	if (++t->depth > BF_MAX_DEPTH)
		return bf_error_set(err, BF_EUNSUPPORTED, "a type nests deeper than %d levels", BF_MAX_DEPTH);
	*out = t;
	return BF_OK;
}

int bf_type_tagged(bf_types *ts, bf_kind kind, const char *tag, bf_type **out, bf_error *err)
{
	bf_tagged *tagged;

	if (kind < BF_STRUCT || kind > BF_ENUM)
		return bf_error_set(err, BF_ETYPE, "only a struct, a union or an enum has a tag");
	tagged = (bf_tagged *)bf_type_record(ts, sizeof *tagged, kind);
	if (!tagged || (tag && !(tagged->type.name = bf_types_strdup(ts, tag, strlen(tag)))))
		return bf_no_memory(err);
	tagged->owner = ts;
	tagged->type.flags = BF_FLAG_INCOMPLETE;
	*out = &tagged->type;
	return BF_OK;
}
