#include "ffi_type.h"

#include <stdlib.h>

#include "abi.h"

struct bf_ffi_chunk {
	struct bf_ffi_chunk *next;
	ffi_type type;
	ffi_type *elements[];
};

/* Beyond this size no ABI looks inside an aggregate any more: the largest that travels in registers is four quads. */
enum { OPAQUE_SIZE = 64 };

/*
 * Inside of an aggregate, this makes libffi's System V classification say
 * MEMORY, which it says of every struct beyond 32 bytes.
 */
static ffi_type *memory_elements[] = {&ffi_type_uint8, NULL};
static ffi_type memory_type = {.size = 64, .alignment = 1, .type = FFI_TYPE_STRUCT, .elements = memory_elements};

/* An aggregate of `n` elements whose layout is t's, already known: libffi lays out only what has size 0. */
static ffi_type *new_aggregate(bf_ffi_types *ts, const bf_type *t, uint64_t n)
{
	struct bf_ffi_chunk *chunk = calloc(1, sizeof(*chunk) + (n + 1) * sizeof(ffi_type *));
	if (chunk == NULL)
		return NULL;

	chunk->next = ts->chunks;
	ts->chunks = chunk;
	chunk->type.size = t->size;
	/* libffi looks at it only where an argument goes on the stack, and there it asks for 8 at least. */
	chunk->type.alignment = (unsigned short)(t->align <= 8 ? t->align : bf_abi_stack_align(bf_abi_host(), t));
	chunk->type.type = FFI_TYPE_STRUCT;
	chunk->type.elements = chunk->elements;
	return &chunk->type;
}

void bf_ffi_types_clear(bf_ffi_types *ts)
{
	while (ts->chunks != NULL) {
		struct bf_ffi_chunk *next = ts->chunks->next;
		free(ts->chunks);
		ts->chunks = next;
	}
}

static ffi_type *scalar(const bf_type *t)
{
	switch ((bf_kind)t->kind) {
	case BF_VOID:
		return &ffi_type_void;
	case BF_BOOL:
	case BF_UINT8:
		return &ffi_type_uint8;
	case BF_INT8:
		return &ffi_type_sint8;
	case BF_INT16:
		return &ffi_type_sint16;
	case BF_UINT16:
		return &ffi_type_uint16;
	case BF_INT32:
		return &ffi_type_sint32;
	case BF_UINT32:
		return &ffi_type_uint32;
	case BF_INT64:
		return &ffi_type_sint64;
	case BF_UINT64:
		return &ffi_type_uint64;
	case BF_FLOAT:
		return &ffi_type_float;
	case BF_DOUBLE:
		return &ffi_type_double;
	case BF_LDOUBLE:
		return &ffi_type_longdouble;
#ifdef FFI_TARGET_HAS_COMPLEX_TYPE
	case BF_CFLOAT:
		return &ffi_type_complex_float;
	case BF_CDOUBLE:
		return &ffi_type_complex_double;
	case BF_CLDOUBLE:
		return &ffi_type_complex_longdouble;
#endif
	case BF_POINTER:
		return &ffi_type_pointer;
	case BF_ENUM:
		return scalar(bf_type_strip(t->base));
	default:
		return NULL;
	}
}

/* A walk over the scalars that an aggregate is made of. */
struct walk {
	ffi_type **elements; /* NULL: they are only counted */
	uint64_t n;
	uint64_t end;   /* where the last one ended */
	uint64_t align; /* the largest one's */
};

static uint64_t round_up(uint64_t offset, uint64_t align)
{
	return (offset + align - 1) / align * align;
}

/*
 * Walks over `t` in order, while libffi would put each scalar where C does.
 * Returns false as soon as it would not, or if `t` has a part with no scalar.
 */
static bool flatten(const bf_type *t, uint64_t offset, struct walk *w)
{
	t = bf_type_strip(t);
	if (t->kind == BF_STRUCT) {
		for (uint32_t i = 0; i < t->nmembers; i++) {
			const bf_member *m = &t->members[i];

			if (m->bit_width != 0 || !flatten(m->type, offset + m->offset, w))
				return false;
		}
		return true;
	}
	if (t->kind == BF_ARRAY) {
		for (uint64_t i = 0; !(t->flags & BF_FLAG_FLEXIBLE) && i < t->count; i++)
			if (!flatten(t->base, offset + i * t->base->size, w))
				return false;
		return true;
	}

	ffi_type *type = scalar(t);
	if (type == NULL || round_up(w->end, type->alignment) != offset)
		return false;
	w->end = offset + type->size;
	if (w->align < type->alignment)
		w->align = type->alignment;
	if (w->elements != NULL)
		w->elements[w->n] = type;
	w->n++;
	return true;
}

static int out_of_memory(bf_error *err)
{
	return bf_error_set(err, BF_ENOMEM, "out of memory");
}

/* An aggregate, or an integer of 16 bytes, as the ABI sees it. */
static int from_pieces(bf_ffi_types *ts, const bf_type *t, const char *what, ffi_type **out, bf_error *err)
{
	bf_kind pieces[BF_MAX_PIECES];

	if (bf_abi_host() == BF_ARCH_NONE) {
		char name[256];
		bf_type_spell(t, NULL, name, sizeof(name));
		return bf_error_set(err, BF_EUNSUPPORTED, "%s of type %s: libffi can't carry it on this architecture",
				    what, name);
	}
	uint32_t n = bf_abi_pieces(bf_abi_host(), t, pieces);
	ffi_type *type = new_aggregate(ts, t, n > 0 ? n : 1);
	if (type == NULL)
		return out_of_memory(err);
	type->elements[0] = &memory_type;
	for (uint32_t i = 0; i < n; i++)
		type->elements[i] = scalar(bf_type_builtin(pieces[i]));
	*out = type;
	return BF_OK;
}

static int aggregate(bf_ffi_types *ts, const bf_type *t, const char *what, ffi_type **out, bf_error *err)
{
	struct walk w = {.align = 1};

	if (t->size > OPAQUE_SIZE) {
		ffi_type *type = new_aggregate(ts, t, 1);
		if (type == NULL)
			return out_of_memory(err);
		type->elements[0] = &ffi_type_uint8;
		*out = type;
		return BF_OK;
	}
	/* libffi takes padding at the end, beyond what the scalars need, for none. */
	if (!flatten(t, 0, &w) || w.n == 0 || round_up(w.end, w.align) != t->size)
		return from_pieces(ts, t, what, out, err);

	ffi_type *type = new_aggregate(ts, t, w.n);
	if (type == NULL)
		return out_of_memory(err);
	w = (struct walk){.elements = type->elements, .align = 1};
	flatten(t, 0, &w);
	*out = type;
	return BF_OK;
}

int bf_ffi_type(bf_ffi_types *ts, const bf_type *t, const char *what, ffi_type **out, bf_error *err)
{
	*out = scalar(t);
	if (*out != NULL)
		return BF_OK;
	if (t->kind == BF_STRUCT || t->kind == BF_UNION)
		return aggregate(ts, t, what, out, err);
	/* Travels as a struct of two longs with an alignment of 16 does. */
	if ((t->kind == BF_INT128 || t->kind == BF_UINT128) && bf_abi_host() != BF_ARCH_NONE)
		return from_pieces(ts, t, what, out, err);
	/* The same format there, the same registers. */
	if (t->kind == BF_FLOAT128 && bf_abi_host() == BF_ARCH_ARM64) {
		*out = &ffi_type_longdouble;
		return BF_OK;
	}
	char name[256];
	bf_type_spell(t, NULL, name, sizeof(name));
	return bf_error_set(err, BF_EUNSUPPORTED, "%s of type %s: libffi has no such type", what, name);
}
