/* External declarations: C11 6.9. What they declare becomes symbols. */
#include "parser.h"

#include <string.h>

static char *doc_of(bf_parser *p, const char *comment)
{
	return comment ? bf_comment_text(&p->d->arena, comment, p->lex.end) : NULL;
}

/* wchar_t and its like are plain integers in <stddef.h>; that they hold text is known by their name. */
static const bf_type *text_type(const bf_ident *name, const bf_type *t)
{
	const bf_type *builtin;

	if (name->len < 7 || name->len > 8 || memcmp(name->name + name->len - 2, "_t", 2))
		return t;
	builtin = bf_type_named(name->name, name->len);
	if (builtin && builtin->flags & BF_FLAG_CHAR && builtin->kind == bf_type_strip(t)->kind)
		return builtin;
	return t;
}

static const char *kind_word(bf_symbol_kind kind)
{
	switch (kind) {
	case BF_SYMBOL_FUNCTION:
		return "function";
	case BF_SYMBOL_VARIABLE:
		return "variable";
	case BF_SYMBOL_CONSTANT:
		return "constant";
	case BF_SYMBOL_TYPEDEF:
		return "typedef";
	default:
		return "tag";
	}
}

static void add_typedef(bf_parser *p, const bf_declarator *d, const bf_specifiers *specs, const char *comment)
{
	uint32_t align = d->attrs.aligned > specs->attrs.aligned ? d->attrs.aligned : specs->attrs.aligned;
	bf_ident *ident = d->name.ident;
	const bf_type *base = text_type(ident, d->type), *t;
	bf_spelling room;
	bf_symbol *s = ident->symbol;
	bf_error err;
	int rc;

	if (s && s->kind == BF_SYMBOL_TYPEDEF) {
		if (!bf_type_same(s->type, base))
			bf_fail_at(p, &d->name, BF_ETYPE, "'%s' is a typedef of '%s' already", ident->name,
				   bf_type_words(s->type->base, &room));
		return;
	}
	rc = align ? bf_type_aligned(p->d->types, ident->name, base, 0, align, &t, &err)
		   : bf_type_alias(p->d->types, ident->name, base, 0, &t, &err);
	if (rc) {
		bf_fail_type(p, &d->name, &err);
		return;
	}
	/* glibc gives the attribute to the typedef of a union that has no other name. */
	if ((d->attrs.transparent || specs->attrs.transparent) && base->kind == BF_UNION && !base->name &&
	    base->nmembers)
		((bf_type *)base)->flags |= BF_FLAG_TRANSPARENT;
	s = bf_symbol_add(p, BF_SYMBOL_TYPEDEF, ident, &d->name);
	if (s) {
		s->type = t;
		s->doc = doc_of(p, comment);
	}
}

/* A second declaration adds what the first one left open. */
static void merge(bf_parser *p, bf_symbol *s, const bf_declarator *d)
{
	const bf_type *old = bf_type_strip(s->type), *new = bf_type_strip(d->type);
	bf_spelling room;

	if (!bf_type_same(old, new)) {
		bf_fail_at(p, &d->name, BF_ETYPE, "'%s' is declared as '%s' already", s->name,
			   bf_type_words(s->type, &room));
		return;
	}
	if ((old->flags & (BF_FLAG_NOPROTO | BF_FLAG_FLEXIBLE)) && !(new->flags &(BF_FLAG_NOPROTO | BF_FLAG_FLEXIBLE)))
		s->type = s->kind == BF_SYMBOL_FUNCTION ? new : d->type;
}

static void add_object(bf_parser *p, const bf_declarator *d, const bf_specifiers *specs, const char *comment)
{
	bf_symbol_kind kind = bf_type_strip(d->type)->kind == BF_FUNCTION ? BF_SYMBOL_FUNCTION : BF_SYMBOL_VARIABLE;
	bf_ident *ident = d->name.ident;
	bf_symbol *s = ident->symbol;

	/* What a macro of an earlier text was called gives way to what C declares. */
	if (s && s->kind == BF_SYMBOL_CONSTANT && !s->type)
		s = NULL;
	if (s && s->kind != kind) {
		bf_fail_at(p, &d->name, BF_ETYPE, "'%s' is declared as a %s already", ident->name, kind_word(s->kind));
		return;
	}
	if (s) {
		merge(p, s, d);
	} else {
		s = bf_symbol_new(p, kind, ident, &d->name);
		if (!s)
			return;
		s->type = kind == BF_SYMBOL_FUNCTION ? bf_type_strip(d->type) : d->type;
		/* A static one is in no library: expressions may name it, nobody else. */
		if (specs->storage != BF_STORAGE_STATIC && !bf_symbol_list(p, s))
			return;
	}
	if (d->link_name)
		s->link_name = d->link_name;
	if (!s->doc)
		s->doc = doc_of(p, comment);
}

/* "= ..." up to the comma or semicolon that ends it. */
static void skip_initializer(bf_parser *p)
{
	while (p->tok.kind != ',' && p->tok.kind != ';' && p->tok.kind != T_END) {
		if (p->tok.kind == '(' || p->tok.kind == '[' || p->tok.kind == '{')
			bf_skip_balanced(p);
		else
			bf_advance(p);
	}
}

/* "static const int N = 3;": no library has it, but its value is known. */
static void static_constant(bf_parser *p, const bf_declarator *d)
{
	const bf_type *bare = bf_type_strip(d->type);
	bf_symbol *s = d->name.ident->symbol;
	bf_constant constant;
	bf_value v;

	bf_advance(p);
	if (p->tok.kind == '{' || !s || s->kind != BF_SYMBOL_VARIABLE ||
	    !(bf_type_qualifiers(d->type) & BF_FLAG_CONST) ||
	    (!bf_type_is_integer(bare) && bare->kind != BF_FLOAT && bare->kind != BF_DOUBLE)) {
		skip_initializer(p);
		return;
	}
	v = bf_expression_parse(p);
	if (p->failed || v.kind == BF_VALUE_UNKNOWN)
		return;
	v = bf_value_cast(v, d->type);
	if (bf_value_constant(&v, &constant))
		return;
	s->kind = BF_SYMBOL_CONSTANT;
	s->value = constant;
	s->type = NULL;
	bf_symbol_list(p, s);
}

/* The declarations of parameters between a K&R list and its body. */
static void refuse_kr(bf_parser *p, const bf_declarator *d)
{
	if (d->is_function && bf_starts_type(p, &p->tok) && p->tok.kind != K_ATTRIBUTE)
		bf_fail(p, "parameters in K&R style are not read: write them as a prototype of '%s'",
			d->name.ident->name);
}

static void trailing_doc(bf_parser *p, bf_ident *ident)
{
	if (p->tok.behind && ident && ident->symbol && (!ident->symbol->doc || bf_comment_points_back(p->tok.behind)))
		ident->symbol->doc = doc_of(p, p->tok.behind);
}

static void declaration(bf_parser *p)
{
	const char *comment = p->tok.before;
	bf_specifiers specs;
	bf_declarator d = {0};
	char got[64];

	bf_specifiers_parse(p, &specs, true);
	if (p->tok.kind == ';') { /* a tag alone */
		bf_advance(p);
		return;
	}
	do {
		bf_declarator_parse(p, &specs, BF_NAMED, &d);
		if (p->failed)
			return;
		if (specs.storage == BF_STORAGE_TYPEDEF)
			add_typedef(p, &d, &specs, comment);
		else
			add_object(p, &d, &specs, comment);
		if (p->tok.kind == '=' && specs.storage == BF_STORAGE_STATIC && d.name.ident) {
			static_constant(p, &d);
		} else if (p->tok.kind == '=') {
			skip_initializer(p);
		} else if (p->tok.kind == '{' && d.is_function) {
			bf_skip_balanced(p);
			return;
		}
		refuse_kr(p, &d);
	} while (bf_accept(p, ','));

	if (p->tok.kind != ';' && !p->failed) {
		bf_fail(p, "expected ';' after '%.*s', got %s", d.name.len > 60 ? 60 : (int)d.name.len, d.name.start,
			bf_token_words(&p->tok, got, sizeof got));
		return;
	}
	bf_advance(p);
	trailing_doc(p, d.name.ident);
}

void bf_unit_parse(bf_parser *p)
{
	for (;;) {
		switch (p->tok.kind) {
		case T_END:
			if (p->linkage && !p->failed)
				bf_fail(p, "expected '}' after extern \"C\" {, got the end");
			return;
		case ';':
			bf_advance(p);
			break;
		case '}':
			if (!p->linkage) {
				bf_fail(p, "a '}' without a '{'");
				return;
			}
			p->linkage--;
			bf_advance(p);
			break;
		case K_STATIC_ASSERT:
			bf_static_assert_parse(p);
			break;
		case K_ASM:
			bf_advance(p);
			while (p->tok.kind == K_VOLATILE)
				bf_advance(p);
			if (p->tok.kind == '(')
				bf_skip_balanced(p);
			break;
		case K_PRAGMA:
			bf_attributes_parse(p, &(bf_attributes){0});
			break;
		case K_EXTERN:
			/* extern "C", as headers for both languages have it */
			if (bf_peek(p)->kind == T_STRING) {
				bf_advance(p);
				bf_advance(p);
				if (bf_accept(p, '{'))
					p->linkage++;
				break;
			}
			declaration(p);
			break;
		default:
			declaration(p);
		}
	}
}
