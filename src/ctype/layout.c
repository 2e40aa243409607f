/*
 * Where members stand: offsets, sizes and alignments of structs and unions, and
 * the integer type of enums.
 *
 * The rules are those of the System V psABI (x86-64 section 3.1.2, AAPCS64
 * section 10.1.8) with gcc's attributes. In one paragraph: a member starts at
 * the next multiple of its alignment. A bit-field starts at the next bit, but
 * where it would touch more storage units of its type than one it moves to the
 * next unit; a width of zero moves to the next unit always. packed and #pragma
 * pack take the alignment away and let bit-fields straddle. Everything is
 * counted in bits here, in 128-bit numbers so that no sum can overflow.
 */
#include "types.h"

#include <string.h>

typedef unsigned __int128 bits;

typedef struct record {
	bool is_union;
	bool packed;
	uint32_t pack; /* bits; 0: none */
	bits position; /* after the last member */
	bits size;
	uint64_t align; /* bits; what the members want */
} record;

static bits round_up(bits n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static uint64_t at_most(uint64_t n, uint64_t limit)
{
	return limit && n > limit ? limit : n;
}

static uint64_t at_least(uint64_t n, uint64_t limit)
{
	return n < limit ? limit : n;
}

/* The largest power of two that divides a position; "all" for zero. */
static uint64_t alignment_of(bits position)
{
	uint64_t low = (uint64_t)position;

	return low ? low & -low : UINT64_MAX;
}

/* Advances to the member's first bit, which is returned. */
static bits place(record *r, uint64_t align, bits width)
{
	bits start = r->is_union ? 0 : round_up(r->position, align);

	r->position = start + width;
	if (r->position > r->size)
		r->size = r->position;
	return start;
}

static bits place_plain(record *r, const bf_member_spec *spec)
{
	bool packed = spec->packed || r->packed;
	uint64_t align = packed ? (spec->align ? spec->align : 1) : at_least(spec->align, spec->type->align);

	align = at_most(at_least(align, 1) * 8, r->pack);
	r->align = at_least(r->align, align);
	return place(r, align, (bits)spec->type->size * 8);
}

static bits place_bits(record *r, const bf_member_spec *spec)
{
	uint64_t width = (uint64_t)spec->bit_width, unit = (uint64_t)spec->type->align * 8;
	uint64_t align = at_least((uint64_t)spec->align * 8, 1), record_align = unit, start;
	bool packed = (spec->packed || r->packed) && width;
	bool whole = false; /* it is an ordinary integer that happens to be written as a bit-field */

	if (!width) {
		/* Neither packed nor #pragma pack has a say in a zero width. */
		align = at_least(align, unit);
	} else {
		/* gcc takes a field of exactly 8, 16, 32 or 64 bits for an integer where the position allows it. */
		if (width >= 8 && bf_is_power_of_two(width) && !(width > 8 && packed) &&
		    (r->is_union || alignment_of(r->position) >= width)) {
			whole = true;
			align = at_least(align, width);
		}
		if (packed && !spec->align)
			align = at_most(align, 8);
		align = at_most(align, r->pack);
		record_align = r->pack ? at_most(unit, r->pack) : packed ? 8 : unit;
	}
	if (spec->name || BF_TARGET_UNNAMED_ALIGNS)
		r->align = at_least(at_least(r->align, align), record_align);
	if (r->is_union)
		return place(r, 1, width);

	r->position = round_up(r->position, align);
	if (width && !whole && !packed && !r->pack) {
		start = (uint64_t)(r->position % unit);
		if ((start + width + unit - 1) / unit > spec->type->size * 8 / unit)
			r->position = round_up(r->position, unit);
	}
	return place(r, 1, width);
}

/* --- what a member list may not be --------------------------------------- */

static const char *subject(const bf_type *tagged)
{
	return tagged->kind == BF_UNION ? "union" : "struct";
}

static int check_bit_field(const bf_member_spec *spec, const char *name, bf_error *err)
{
	const bf_type *bare = bf_type_strip(spec->type);
	uint64_t most = bare->kind == BF_BOOL ? 1 : bare->size * 8;
	bf_spelling room;

	if (!bf_type_is_integer(bare) || !bf_type_is_complete(bare))
		return bf_error_set(err, BF_ETYPE, "bit-field '%s' needs an integer type, '%s' is none", name,
				    bf_type_words(spec->type, &room));
	if (!spec->bit_width && spec->name)
		return bf_error_set(err, BF_ERANGE, "bit-field '%s' has a width of 0 and a name", name);
	if ((uint64_t)spec->bit_width > most)
		return bf_error_set(err, BF_ERANGE, "bit-field '%s' is wider (%d bits) than its type '%s'", name,
				    spec->bit_width, bf_type_words(spec->type, &room));
	return BF_OK;
}

static int check_member(const bf_type *tagged, const bf_member_spec *spec, bool last, bf_error *err)
{
	const bf_type *bare = bf_type_strip(spec->type);
	const char *name = spec->name ? spec->name : "(unnamed)";
	bf_spelling room;

	if (spec->align && !bf_is_power_of_two(spec->align))
		return bf_error_set(err, BF_ERANGE, "member '%s': an alignment of %u is no power of two", name,
				    spec->align);
	if (spec->bit_width >= 0)
		return check_bit_field(spec, name, err);
	if (!spec->name && bare->kind != BF_STRUCT && bare->kind != BF_UNION)
		return bf_error_set(err, BF_ETYPE, "a member of type '%s' has no name",
				    bf_type_words(spec->type, &room));
	if (bare->kind == BF_FUNCTION || bare->kind == BF_VOID)
		return bf_error_set(err, BF_ETYPE, "member '%s' cannot have type '%s'", name,
				    bf_type_words(spec->type, &room));
	if (bare->kind == BF_ARRAY && bare->flags & BF_FLAG_FLEXIBLE) {
		if (!last && tagged->kind == BF_STRUCT)
			return bf_error_set(err, BF_ETYPE, "flexible array member '%s' is not the last of its struct",
					    name);
		return BF_OK;
	}
	if (!bf_type_is_complete(spec->type))
		return bf_error_set(err, BF_ETYPE, "member '%s' has the incomplete type '%s'", name,
				    bf_type_words(spec->type, &room));
	return BF_OK;
}

static bool name_equal(const void *item, const void *key)
{
	return !strcmp(item, key);
}

static int check_name(bf_table *names, const bf_type *tagged, const char *name, bf_error *err)
{
	uint32_t hash = bf_hash(0, name, strlen(name));

	if (bf_table_find(names, hash, name_equal, name))
		return bf_error_set(err, BF_ETYPE, "two members of %s '%s' are named '%s'", subject(tagged),
				    tagged->name ? tagged->name : "(anonymous)", name);
	return bf_table_add(names, hash, (void *)name) ? bf_no_memory(err) : BF_OK;
}

/* Names of anonymous members' members are names of the whole as well. */
static int check_inner_names(bf_table *names, const bf_type *tagged, const bf_type *inner, bf_error *err)
{
	uint32_t i;
	int rc = BF_OK;

	inner = bf_type_strip(inner);
	for (i = 0; i < inner->nmembers && !rc; i++) {
		const bf_member *m = &inner->members[i];

		if (m->name)
			rc = check_name(names, tagged, m->name, err);
		else if (!m->bit_width)
			rc = check_inner_names(names, tagged, m->type, err);
	}
	return rc;
}

/* One member: its place goes to `m`. */
static int add_member(bf_types *ts, record *r, const bf_member_spec *spec, bf_member *m, bf_error *err)
{
	uint64_t unit = spec->type->size * 8;
	bits start;

	if (spec->bit_width >= 0) {
		start = place_bits(r, spec);
		m->offset = (uint64_t)(start / unit) * spec->type->size;
		m->bit_offset = (uint16_t)(start % unit);
		m->bit_width = (uint16_t)spec->bit_width;
	} else {
		m->offset = (uint64_t)(place_plain(r, spec) / 8);
	}
	m->type = spec->type;
	if (r->size / 8 > PTRDIFF_MAX)
		return bf_error_set(err, BF_ERANGE, "the type is too large at member '%s'",
				    spec->name ? spec->name : "(unnamed)");
	if (spec->name && !(m->name = bf_types_strdup(ts, spec->name, strlen(spec->name))))
		return bf_no_memory(err);
	if (spec->doc && !(m->doc = bf_types_strdup(ts, spec->doc, strlen(spec->doc))))
		return bf_no_memory(err);
	return BF_OK;
}

static int check_owner(const bf_types *ts, const bf_type *tagged, bf_error *err)
{
	bf_spelling room;

	if (!(tagged->flags & BF_FLAG_INCOMPLETE))
		return bf_error_set(err, BF_ETYPE, "'%s' is defined already", bf_type_words(tagged, &room));
	if (((const bf_tagged *)tagged)->owner != ts)
		return bf_error_set(err, BF_ETYPE, "'%s' belongs to other declarations", bf_type_words(tagged, &room));
	return BF_OK;
}

int bf_type_define(bf_types *ts, bf_type *tagged, const bf_member_spec *specs, uint32_t n,
		   const bf_layout_options *options, bf_error *err)
{
	record r = {.is_union = tagged->kind == BF_UNION, .packed = options && options->packed, .align = 8};
	uint32_t i, used = 0, depth = 0, flexible = 0;
	uint64_t align;
	bf_table names = {0};
	bf_member *members;
	bits size;
	int rc;

	if (tagged->kind != BF_STRUCT && tagged->kind != BF_UNION)
		return bf_error_set(err, BF_ETYPE, "only a struct or a union has members");
	rc = check_owner(ts, tagged, err);
	if (rc)
		return rc;
	if (options && ((options->pack && !bf_is_power_of_two(options->pack)) ||
			(options->align && !bf_is_power_of_two(options->align))))
		return bf_error_set(err, BF_ERANGE, "an alignment of %u is no power of two",
				    options->align ? options->align : options->pack);
	if (options)
		r.pack = options->pack > 16 ? 0 : options->pack * 8;
	members = bf_types_alloc(ts, n * sizeof *members);
	if (!members)
		return bf_no_memory(err);

	for (i = 0; i < n; i++) {
		const bf_member_spec *spec = &specs[i];
		const bf_type *bare = bf_type_strip(spec->type);

		rc = check_member(tagged, spec, i + 1 == n, err);
		if (!rc && spec->name)
			rc = check_name(&names, tagged, spec->name, err);
		else if (!rc && spec->bit_width < 0)
			rc = check_inner_names(&names, tagged, spec->type, err);
		if (!rc)
			rc = add_member(ts, &r, spec, &members[used], err);
		if (rc)
			goto done;
		if (spec->bit_width) /* a zero width leaves nothing behind */
			used++;
		if (spec->type->depth > depth)
			depth = spec->type->depth;
		if (bare->kind >= BF_ARRAY && bare->kind <= BF_UNION)
			flexible |= bare->flags & BF_FLAG_FLEXIBLE;
	}

	align = at_least(r.align, options ? (uint64_t)options->align * 8 : 0);
	size = round_up(round_up(r.size, 8), align) / 8;
	if (size > PTRDIFF_MAX || depth + 1 > BF_MAX_DEPTH) {
		rc = size > PTRDIFF_MAX
			 ? bf_error_set(err, BF_ERANGE, "the type is too large")
			 : bf_error_set(err, BF_EUNSUPPORTED, "a type nests deeper than %d levels", BF_MAX_DEPTH);
		goto done;
	}
	tagged->size = (uint64_t)size;
	tagged->align = (uint32_t)(align / 8);
	tagged->natural = (uint8_t)__builtin_ctzll(r.align / 8);
	tagged->members = members;
	tagged->nmembers = used;
	tagged->depth = depth + 1;
	tagged->flags = (uint16_t)((tagged->flags & ~BF_FLAG_INCOMPLETE) | flexible);
	if (r.packed)
		tagged->flags |= BF_FLAG_PACKED;
	if (options && options->transparent && r.is_union && used)
		tagged->flags |= BF_FLAG_TRANSPARENT;
	bf_tagged_complete((bf_tagged *)tagged);
done:
	bf_table_free(&names);
	return rc;
}

/* --- enums ------------------------------------------------------------------ */

int bf_type_define_enum_as(bf_types *ts, bf_type *tagged, const bf_type *base, const bf_enumerator *list, uint32_t n,
			   bf_error *err)
{
	bf_enumerator *copy;
	bf_spelling room;
	uint32_t i;
	int rc;

	if (tagged->kind != BF_ENUM)
		return bf_error_set(err, BF_ETYPE, "only an enum has enumerators");
	rc = check_owner(ts, tagged, err);
	if (rc)
		return rc;
	if (!bf_type_is_integer(base) || !bf_type_is_complete(base) || bf_type_strip(base)->size > 8)
		return bf_error_set(err, BF_ETYPE, "'%s' cannot be the integer type of an enum",
				    bf_type_words(base, &room));
	copy = bf_types_alloc(ts, n * sizeof *copy);
	if (!copy)
		return bf_no_memory(err);
	for (i = 0; i < n; i++) {
		copy[i].value = list[i].value;
		copy[i].name = bf_types_strdup(ts, list[i].name, strlen(list[i].name));
		if (list[i].doc)
			copy[i].doc = bf_types_strdup(ts, list[i].doc, strlen(list[i].doc));
		if (!copy[i].name || (list[i].doc && !copy[i].doc))
			return bf_no_memory(err);
	}
	tagged->base = base;
	tagged->size = base->size;
	tagged->align = base->align;
	tagged->enumerators = copy;
	tagged->nenumerators = n;
	tagged->flags &= (uint16_t)~BF_FLAG_INCOMPLETE;
	bf_tagged_complete((bf_tagged *)tagged);
	return BF_OK;
}

int bf_type_define_enum(bf_types *ts, bf_type *tagged, const bf_enumerator *list, uint32_t n, bool packed,
			bf_error *err)
{
	int64_t low = 0, high = 0;
	uint32_t i, width;
	bf_kind kind;

	for (i = 0; i < n; i++) {
		low = list[i].value < low ? list[i].value : low;
		high = list[i].value > high ? list[i].value : high;
	}
	/* The smallest of 1, 2, 4 and 8 bytes that holds all values; 4 at least when not packed. */
	for (width = packed ? 8 : 32; width < 64; width *= 2)
		if (low < 0 ? low >= -((int64_t)1 << (width - 1)) && high < (int64_t)1 << (width - 1)
			    : high < (int64_t)1 << width)
			break;
	kind = width == 8 ? BF_INT8 : width == 16 ? BF_INT16 : width == 32 ? BF_INT32 : BF_INT64;
	return bf_type_define_enum_as(ts, tagged, bf_type_builtin(low < 0 ? kind : kind + 1), list, n, err);
}
