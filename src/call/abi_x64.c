/*
 * System V psABI for x86-64, section 3.2.3, "Parameter Passing": every type is
 * cut into eightbytes, every eightbyte gets a class, and the classes decide.
 * Vector types do not occur, so that an aggregate larger than two eightbytes
 * always has class MEMORY.
 */
#include "abi.h"

#include <string.h>

typedef enum eightbyte {
	NO_CLASS,
	INTEGER,
	SSE,
	SSEUP,
	X87,
	X87UP,
	COMPLEX_X87,
	MEMORY,
} eightbyte;

enum { GP_ARGUMENTS = 6, FP_ARGUMENTS = 8 };

/* "If two classes are merged ...": the rules (a) to (f) in their order. */
static eightbyte merge(eightbyte a, eightbyte b)
{
	if (a == b || b == NO_CLASS)
		return a;
	if (a == NO_CLASS)
		return b;
	if (a == MEMORY || b == MEMORY)
		return MEMORY;
	if (a == INTEGER || b == INTEGER)
		return INTEGER;
	if (a == X87 || a == X87UP || a == COMPLEX_X87 || b == X87 || b == X87UP || b == COMPLEX_X87)
		return MEMORY;
	return SSE;
}

static void mark(eightbyte classes[2], uint64_t offset, eightbyte class)
{
	classes[offset / 8] = merge(classes[offset / 8], class);
}

/*
 * Merges `t`, which begins `offset` bytes into the value, into the value's
 * classes. The value is 16 bytes at most. Returns false if it has class MEMORY,
 * because of a part that is not aligned as its type wants to be.
 */
static bool classify_part(const bf_type *t, uint64_t offset, eightbyte classes[2])
{
	t = bf_type_strip(t);
	switch ((bf_kind)t->kind) {
	case BF_STRUCT:
	case BF_UNION:
		for (uint32_t i = 0; i < t->nmembers; i++) {
			const bf_member *m = &t->members[i];

			if (m->bit_width == 0) {
				if (!classify_part(m->type, offset + m->offset, classes))
					return false;
				continue;
			}
			/* A bit-field has class INTEGER whatever its alignment; an unnamed one is padding. */
			if (m->name == NULL)
				continue;
			uint64_t first = (offset + m->offset) * 8 + m->bit_offset;
			for (uint64_t bit = first & ~(uint64_t)63; bit < first + m->bit_width; bit += 64)
				mark(classes, bit / 8, INTEGER);
		}
		return true;
	case BF_ARRAY:
		if ((t->flags & BF_FLAG_FLEXIBLE) || t->base->size == 0)
			return true;
		for (uint64_t i = 0; i < t->count; i++)
			if (!classify_part(t->base, offset + i * t->base->size, classes))
				return false;
		return true;
	case BF_FLOAT:
	case BF_DOUBLE:
		mark(classes, offset, SSE);
		break;
	case BF_CFLOAT:
	case BF_CDOUBLE:
		mark(classes, offset, SSE);
		mark(classes, offset + t->size / 2, SSE);
		break;
	case BF_FLOAT128:
		mark(classes, offset, SSE);
		classes[1] = merge(classes[1], SSEUP);
		break;
	case BF_LDOUBLE:
		mark(classes, offset, X87);
		classes[1] = merge(classes[1], X87UP);
		break;
	default:
		mark(classes, offset, INTEGER);
		if (t->size == 16)
			mark(classes, offset + 8, INTEGER);
		break;
	}
	return t->align == 0 || offset % t->align == 0;
}

/* The classes of a whole value. Returns how many eightbytes have one; 0: MEMORY, or no bytes. */
static uint32_t classify(const bf_type *t, eightbyte classes[2])
{
	classes[0] = classes[1] = NO_CLASS;
	if (t->size == 0 || t->size > 16)
		return 0;
	if (!classify_part(t, 0, classes))
		return 0;

	/* "Then a post merger cleanup is done." */
	if (classes[0] == MEMORY || classes[1] == MEMORY)
		return 0;
	if (classes[1] == X87UP && classes[0] != X87)
		return 0;
	if (classes[1] == SSEUP && classes[0] != SSE)
		classes[1] = SSE;
	return t->size > 8 ? 2 : 1;
}

static uint32_t minimum(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

/* The width of the move that carries eightbyte `i` of a value that is `size` bytes long. */
static uint32_t eightbyte_width(const eightbyte classes[2], uint32_t i, uint64_t size)
{
	if (classes[i] == SSE && i == 0 && classes[1] == SSEUP)
		return 16;
	uint32_t width = minimum(8, size - 8 * i);
	/* Vector registers are loaded by 4 or 8; beyond the float there is padding. */
	if (classes[i] == SSE && width != 8)
		return 4;
	return width;
}

int bf_abi_x64_argument(bf_abi_builder *b, const bf_slot *slot, uint32_t index)
{
	const bf_type *t = slot->type;
	eightbyte classes[2];
	uint32_t n = classify(t, classes), gp = 0, fp = 0;
	bool memory = n == 0;

	for (uint32_t i = 0; i < n; i++) {
		gp += classes[i] == INTEGER;
		fp += classes[i] == SSE;
		memory |= classes[i] == X87;
	}

	/* "If there are no registers available for any eightbyte of an argument, the whole argument is passed on the
	 * stack." */
	if (memory || b->gp + gp > GP_ARGUMENTS || b->fp + fp > FP_ARGUMENTS) {
		uint32_t align = bf_abi_stack_align(BF_ARCH_X64, t);

		if (align > 16) {
			char name[128];
			bf_type_spell(t, NULL, name, sizeof(name));
			return bf_error_set(b->err, BF_EUNSUPPORTED,
					    "argument %u: %s is aligned to %u bytes, the stack of a call to 16",
					    index + 1, name, align);
		}
		b->stack = (b->stack + align - 1) & ~(uint64_t)(align - 1);
		bf_abi_add(b, BF_PLACE_STACK, (uint32_t)b->stack, slot->offset, slot->size, bf_abi_extension(t), false);
		b->stack += (slot->size + 7) & ~(uint64_t)7;
		return BF_OK;
	}

	for (uint32_t i = 0; i < n; i++) {
		uint32_t width = eightbyte_width(classes, i, t->size);

		if (classes[i] == INTEGER)
			bf_abi_add(b, BF_PLACE_GP, b->gp++, slot->offset + 8 * i, width, bf_abi_extension(t), false);
		else if (classes[i] == SSE)
			bf_abi_add(b, BF_PLACE_FP, b->fp++, slot->offset + 8 * i, width, BF_EXTEND_NONE, false);
	}
	return BF_OK;
}

int bf_abi_x64_result(bf_abi_builder *b, const bf_slot *slot)
{
	const bf_type *t = slot->type;
	eightbyte classes[2];

	if (t->kind == BF_CLDOUBLE) {
		bf_abi_add(b, BF_PLACE_X87, 0, slot->offset, 16, BF_EXTEND_NONE, false);
		bf_abi_add(b, BF_PLACE_X87, 1, slot->offset + 16, 16, BF_EXTEND_NONE, false);
		return BF_OK;
	}

	uint32_t n = classify(t, classes), gp = 0, fp = 0;
	if (n == 0) {
		b->abi->result_in_memory = true;
		b->abi->result_register = 0;
		b->gp = 1;
		return BF_OK;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t width = eightbyte_width(classes, i, t->size);

		if (classes[i] == INTEGER)
			bf_abi_add(b, BF_PLACE_GP, gp++, slot->offset + 8 * i, width, bf_abi_extension(t), false);
		else if (classes[i] == SSE)
			bf_abi_add(b, BF_PLACE_FP, fp++, slot->offset + 8 * i, width, BF_EXTEND_NONE, false);
		else if (classes[i] == X87)
			bf_abi_add(b, BF_PLACE_X87, 0, slot->offset, 16, BF_EXTEND_NONE, false);
	}
	return BF_OK;
}

uint32_t bf_abi_x64_pieces(const bf_type *t, bf_kind pieces[BF_MAX_PIECES])
{
	eightbyte classes[2];
	uint32_t n = classify(t, classes), count = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t width = minimum(8, t->size - 8 * i);

		if (classes[i] == INTEGER)
			while (width-- > 0)
				pieces[count++] = BF_UINT8;
		else if (classes[i] == SSE)
			pieces[count++] = width < 8 ? BF_FLOAT : BF_DOUBLE;
		else if (classes[i] == X87)
			pieces[count++] = BF_LDOUBLE;
	}
	return count;
}
