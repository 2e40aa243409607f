/*
 * AAPCS64, section 6.8.2, "Parameter passing rules", stages B and C, for the
 * base standard as Linux uses it: variadic arguments travel as named ones do.
 * A complex number is a homogeneous aggregate of two floats; long double is a
 * quad-precision number and travels in one vector register.
 */
#include "abi.h"

enum { GP_ARGUMENTS = 8, FP_ARGUMENTS = 8, HFA_MAX = 4, RESULT_REGISTER = 8 };

static uint32_t scalar_size(bf_kind kind)
{
	return kind == BF_FLOAT ? 4 : kind == BF_DOUBLE ? 8 : 16;
}

/*
 * How many floats of one kind `t` is made of; -1: it has another part. `*base`
 * is BF_VOID until the first float says what kind it is; BF_FLOAT128 stands for
 * long double too, they are one format.
 */
static int64_t count_floats(const bf_type *t, bf_kind *base)
{
	int64_t count = 0;
	bf_kind kind;

	t = bf_type_strip(t);
	switch ((bf_kind)t->kind) {
	case BF_FLOAT:
	case BF_CFLOAT:
		kind = BF_FLOAT;
		break;
	case BF_DOUBLE:
	case BF_CDOUBLE:
		kind = BF_DOUBLE;
		break;
	case BF_LDOUBLE:
	case BF_FLOAT128:
	case BF_CLDOUBLE:
		kind = BF_FLOAT128;
		break;
	case BF_ARRAY:
		if (t->flags & BF_FLAG_FLEXIBLE)
			return -1;
		if (t->count == 0)
			return 0;
		count = count_floats(t->base, base);
		if (count <= 0 || t->count > HFA_MAX)
			return count == 0 ? 0 : -1;
		return count * (int64_t)t->count;
	case BF_STRUCT:
	case BF_UNION:
		for (uint32_t i = 0; i < t->nmembers; i++) {
			const bf_member *m = &t->members[i];
			int64_t n = m->bit_width != 0 ? -1 : count_floats(m->type, base);

			if (n < 0)
				return -1;
			count = t->kind == BF_STRUCT ? count + n : count > n ? count : n;
			if (count > HFA_MAX)
				return -1;
		}
		/* No padding: neither between the members nor behind them. */
		return (uint64_t)count * (count > 0 ? scalar_size(*base) : 0) == t->size ? count : -1;
	default:
		return -1;
	}
	if (*base != BF_VOID && *base != kind)
		return -1;
	*base = kind;
	return (int64_t)(t->size / scalar_size(kind));
}

/* The number of vector registers that a float or a homogeneous aggregate of floats takes; 0: it is neither. */
static uint32_t homogeneous(const bf_type *t, bf_kind *base)
{
	*base = BF_VOID;
	int64_t n = count_floats(t, base);
	return n >= 1 && n <= HFA_MAX ? (uint32_t)n : 0;
}

/*
 * Section 5.1 and 5.9: alignment before any adjustment of the whole. An
 * aligned(16) on the struct does not count, a member that wants 16 does.
 */
static uint32_t natural_alignment(const bf_type *t)
{
	return t->kind == BF_STRUCT || t->kind == BF_UNION ? 1u << t->natural : t->align;
}

/* C.4, C.14: an alignment of 16 counts, a larger one does not; of what travels by reference, none does. */
uint32_t bf_abi_arm64_stack_align(const bf_type *t)
{
	bf_kind base;

	if (t->size > 16 && homogeneous(t, &base) == 0)
		return 8;
	return natural_alignment(t) >= 16 ? 16 : 8;
}

static int to_stack(bf_abi_builder *b, const bf_slot *slot, bool address)
{
	uint64_t size = address ? 8 : ((uint64_t)slot->size + 7) & ~(uint64_t)7;
	uint64_t align = bf_abi_arm64_stack_align(slot->type);

	b->stack = (b->stack + align - 1) & ~(align - 1);
	bf_abi_add(b, BF_PLACE_STACK, (uint32_t)b->stack, slot->offset, slot->size,
		   address ? BF_EXTEND_NONE : bf_abi_extension(slot->type), address);
	b->stack += size;
	return BF_OK;
}

static void to_general(bf_abi_builder *b, uint32_t first, const bf_slot *slot)
{
	for (uint32_t done = 0; done < slot->size; done += 8) {
		uint32_t width = slot->size - done < 8 ? slot->size - done : 8;
		bf_abi_add(b, BF_PLACE_GP, first++, slot->offset + done, width, bf_abi_extension(slot->type), false);
	}
}

static void to_vector(bf_abi_builder *b, uint32_t first, const bf_slot *slot, bf_kind base, uint32_t n)
{
	uint32_t width = scalar_size(base);
	for (uint32_t i = 0; i < n; i++)
		bf_abi_add(b, BF_PLACE_FP, first + i, slot->offset + i * width, width, BF_EXTEND_NONE, false);
}

/* The comments name the rules of stage C. */
int bf_abi_arm64_argument(bf_abi_builder *b, const bf_slot *slot, uint32_t index)
{
	bf_kind base;
	uint32_t n = homogeneous(slot->type, &base);

	(void)index;
	if (n > 0) {
		/* C.1, C.2 */
		if (b->fp + n <= FP_ARGUMENTS) {
			to_vector(b, b->fp, slot, base, n);
			b->fp += n;
			return BF_OK;
		}
		/* C.3 to C.5 */
		b->fp = FP_ARGUMENTS;
		return to_stack(b, slot, false);
	}

	/* B.4: a larger composite is copied, and the copy's address passed. */
	if (slot->size > 16) {
		if (b->gp >= GP_ARGUMENTS)
			return to_stack(b, slot, true);
		bf_abi_add(b, BF_PLACE_GP, b->gp++, slot->offset, slot->size, BF_EXTEND_NONE, true);
		return BF_OK;
	}

	/* C.8, C.10: what is aligned to 16 starts in an even register. */
	if (natural_alignment(slot->type) >= 16)
		b->gp += b->gp % 2;
	n = (slot->size + 7) / 8;
	if (b->gp + n <= GP_ARGUMENTS) {
		to_general(b, b->gp, slot);
		b->gp += n;
		return BF_OK;
	}
	/* C.13 */
	b->gp = GP_ARGUMENTS;
	return to_stack(b, slot, false);
}

/* Section 6.9: as if it were the first argument, and in memory behind x8 where that would be a copy's address. */
int bf_abi_arm64_result(bf_abi_builder *b, const bf_slot *slot)
{
	bf_kind base;
	uint32_t n = homogeneous(slot->type, &base);

	if (n > 0) {
		to_vector(b, 0, slot, base, n);
	} else if (slot->size <= 16) {
		to_general(b, 0, slot);
	} else {
		b->abi->result_in_memory = true;
		b->abi->result_register = RESULT_REGISTER;
	}
	return BF_OK;
}

uint32_t bf_abi_arm64_pieces(const bf_type *t, bf_kind pieces[BF_MAX_PIECES])
{
	bf_kind base;
	uint32_t n = homogeneous(t, &base), count = 0;

	for (; count < n; count++)
		pieces[count] = base == BF_FLOAT128 ? BF_LDOUBLE : base;
	if (n > 0 || t->size > 16)
		return count;
	for (uint64_t left = t->size; left > 0; left -= left >= 8 ? 8 : 1)
		pieces[count++] = left >= 8 ? BF_UINT64 : BF_UINT8;
	return count;
}
