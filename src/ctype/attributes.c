/*
 * Attributes: of the many that compilers know only those count here that change
 * a layout or a type; the others are skipped.
 */
#include "parser.h"

#include <string.h>

/* A name without the underscores that may surround it. */
static bool is_called(const bf_token *tok, const char *name)
{
	const char *s = tok->start;
	size_t len = tok->len;

	if (len > 4 && !memcmp(s, "__", 2) && !memcmp(s + len - 2, "__", 2)) {
		s += 2;
		len -= 4;
	}
	return strlen(name) == len && !memcmp(s, name, len);
}

static uint32_t alignment_of_value(bf_parser *p, const bf_token *at, const bf_value *v)
{
	if (v->kind != BF_VALUE_INT) {
		bf_fail_value(p, v, "an alignment");
		return 0;
	}
	if (v->i == 0)
		return 0;
	if (v->i < 0 || v->i > 1 << 28 || !bf_is_power_of_two((uint64_t)v->i)) {
		bf_fail_at(p, at, BF_ERANGE, "an alignment of %lld is no power of two up to 2^28", (long long)v->i);
		return 0;
	}
	return (uint32_t)v->i;
}

static void aligned(bf_parser *p, bf_attributes *attrs, const bf_token *at)
{
	uint32_t align = BF_TARGET_LARGEST_ALIGN;

	if (bf_accept(p, '(')) {
		bf_value v = bf_expression_parse(p);

		align = alignment_of_value(p, at, &v);
		bf_expect(p, ')', "after the alignment");
	}
	if (align > attrs->aligned)
		attrs->aligned = align;
	attrs->at = *at;
}

static void vector_size(bf_parser *p, bf_attributes *attrs, const bf_token *at)
{
	bf_value v;

	bf_expect(p, '(', "after vector_size");
	v = bf_expression_integer(p, "a vector size");
	attrs->vector = true;
	attrs->vector_size = (uint64_t)v.i;
	attrs->at = *at;
	bf_expect(p, ')', "after the vector size");
}

static void mode(bf_parser *p, bf_attributes *attrs, const bf_token *at)
{
	const char *s;
	size_t len;

	bf_expect(p, '(', "after mode");
	s = p->tok.start;
	len = p->tok.len;
	if (p->tok.kind == T_IDENT) {
		if (len > 4 && !memcmp(s, "__", 2)) {
			s += 2;
			len -= 4;
		}
		if (len < sizeof attrs->mode) {
			memcpy(attrs->mode, s, len);
			attrs->mode[len] = '\0';
		}
		bf_advance(p);
	}
	attrs->at = *at;
	bf_expect(p, ')', "after the mode");
}

/* One attribute of a list; gnu: in __attribute__, where alignments and modes may stand. */
static void attribute(bf_parser *p, bf_attributes *attrs)
{
	bf_token at = p->tok;

	if (!at.ident) /* an empty one */
		return;
	bf_advance(p);
	if (is_called(&at, "packed"))
		attrs->packed = true;
	else if (is_called(&at, "aligned"))
		aligned(p, attrs, &at);
	else if (is_called(&at, "vector_size"))
		vector_size(p, attrs, &at);
	else if (is_called(&at, "mode"))
		mode(p, attrs, &at);
	else if (is_called(&at, "transparent_union"))
		attrs->transparent = true;
	else if (is_called(&at, "ms_struct") || is_called(&at, "scalar_storage_order"))
		bf_fail_at(p, &at, BF_EUNSUPPORTED, "the attribute '%.*s' gives a layout that biffi does not know",
			   (int)at.len, at.start);
	if (p->tok.kind == '(')
		bf_skip_balanced(p);
}

static void gnu_attributes(bf_parser *p, bf_attributes *attrs)
{
	bf_advance(p);
	if (!bf_expect(p, '(', "after '__attribute__'") || !bf_expect(p, '(', "after '__attribute__ ('"))
		return;
	do
		attribute(p, attrs);
	while (bf_accept(p, ','));
	if (bf_expect(p, ')', "after an attribute"))
		bf_expect(p, ')', "after the attributes");
}

/* C23: [[gnu::packed, deprecated("...")]] */
static void bracket_attributes(bf_parser *p, bf_attributes *attrs)
{
	bf_advance(p);
	bf_advance(p);
	do {
		if (p->tok.ident && bf_peek(p)->kind == ':') {
			bf_advance(p);
			bf_advance(p);
			bf_expect(p, ':', "in the attribute's name");
		}
		attribute(p, attrs);
	} while (bf_accept(p, ','));
	if (bf_expect(p, ']', "after an attribute"))
		bf_expect(p, ']', "after the attributes");
}

/* _Alignas(type) or _Alignas(expression) */
static void alignas_specifier(bf_parser *p, bf_attributes *attrs)
{
	bf_token at = p->tok;
	uint32_t align;

	bf_advance(p);
	if (!bf_expect(p, '(', "after '_Alignas'"))
		return;
	if (bf_starts_type(p, &p->tok)) {
		align = bf_type_name_parse(p)->align;
	} else {
		bf_value v = bf_expression_parse(p);

		align = alignment_of_value(p, &at, &v);
	}
	bf_expect(p, ')', "after the alignment");
	if (align > attrs->aligned)
		attrs->aligned = align;
	attrs->at = at;
}

void bf_attributes_parse(bf_parser *p, bf_attributes *attrs)
{
	for (;;) {
		switch (p->tok.kind) {
		case K_ATTRIBUTE:
			gnu_attributes(p, attrs);
			break;
		case K_ALIGNAS:
			alignas_specifier(p, attrs);
			break;
		case '[':
			if (bf_peek(p)->kind != '[')
				return;
			bracket_attributes(p, attrs);
			break;
		case K_DECLSPEC:
			bf_advance(p);
			if (p->tok.kind == '(')
				bf_skip_balanced(p);
			break;
		case K_PRAGMA:
			bf_pragma_operator(p);
			break;
		case K_EXTENSION:
		case K_NULLABILITY:
			bf_advance(p);
			break;
		default:
			return;
		}
	}
}

/* gcc's machine modes (gccint, "Machine Modes"); the sign is the type's own. */
static const bf_type *type_of_mode(const char *mode, const bf_type *t)
{
	static const struct {
		const char *mode;
		uint8_t kind;
	} modes[] = {
	    {"QI", BF_INT8},     {"byte", BF_INT8},  {"HI", BF_INT16},      {"SI", BF_INT32},
	    {"DI", BF_INT64},    {"word", BF_INT64}, {"pointer", BF_INT64}, {"unwind_word", BF_INT64},
	    {"TI", BF_INT128},   {"SF", BF_FLOAT},   {"DF", BF_DOUBLE},     {"XF", BF_LDOUBLE},
	    {"TF", BF_FLOAT128}, {"SC", BF_CFLOAT},  {"DC", BF_CDOUBLE},    {"XC", BF_CLDOUBLE},
	};
	bool is_unsigned = bf_type_is_integer(t) && !bf_type_is_signed(t);
	size_t i;

	for (i = 0; i < sizeof modes / sizeof *modes; i++)
		if (!strcmp(mode, modes[i].mode))
			return bf_type_builtin(modes[i].kind + (modes[i].kind <= BF_INT128 && is_unsigned));
	return NULL;
}

const bf_type *bf_attributes_apply(bf_parser *p, const bf_attributes *attrs, const bf_type *t)
{
	const bf_type *changed;
	bf_error err;

	if (attrs->mode[0]) {
		changed = type_of_mode(attrs->mode, t);
		if (!changed) {
			bf_fail_at(p, &attrs->at, BF_EUNSUPPORTED, "the mode '%s' is none that biffi knows",
				   attrs->mode);
			return t;
		}
		t = changed;
	}
	if (attrs->vector) {
		if (bf_type_vector(p->d->types, t, attrs->vector_size, &changed, &err))
			bf_fail_type(p, &attrs->at, &err);
		else
			t = changed;
	}
	return t;
}
