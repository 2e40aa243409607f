/* struct, union and enum specifiers: C11 6.7.2.1 to 6.7.2.3. */
#include "parser.h"

#include <stdio.h>
#include <string.h>

static const char *tag_word(bf_kind kind)
{
	return kind == BF_STRUCT ? "struct" : kind == BF_UNION ? "union" : "enum";
}

/* The type of a tag, made when it is mentioned first; of a new anonymous type when `tag` is no name. */
static bf_type *tagged(bf_parser *p, bf_kind kind, const bf_token *tag)
{
	bf_ident *ident = tag->ident;
	bf_type *t = NULL;
	bf_symbol *s;
	bf_error err;

	if (ident && ident->tag) {
		t = (bf_type *)ident->tag->type;
		if (t->kind == kind)
			return t;
		bf_fail_at(p, tag, BF_ETYPE, "'%s' is declared as a %s already", ident->name, tag_word(t->kind));
		return NULL;
	}
	if (bf_type_tagged(p->d->types, kind, ident ? ident->name : NULL, &t, &err)) {
		bf_fail_type(p, tag, &err);
		return NULL;
	}
	if (ident) {
		s = bf_symbol_add(p, BF_SYMBOL_TAG, ident, tag);
		if (!s)
			return NULL;
		s->type = t;
	}
	return t;
}

/* Before a body: nobody may have given one yet. */
static bool may_define(bf_parser *p, const bf_type *t, const bf_token *tag, const bf_token *keyword)
{
	if (t->flags & BF_FLAG_INCOMPLETE)
		return true;
	bf_fail_at(p, tag->ident ? tag : keyword, BF_ETYPE, "'%s %s' is defined already", tag_word(t->kind),
		   t->name ? t->name : "{...}");
	return false;
}

static char *doc_of(bf_parser *p, const char *comment)
{
	return comment ? bf_comment_text(&p->d->arena, comment, p->lex.end) : NULL;
}

/* --- members -------------------------------------------------------------------------- */

static bf_member_spec *spec_at(bf_parser *p, size_t index)
{
	return (bf_member_spec *)p->specs.items + index;
}

static void add_spec(bf_parser *p, const bf_specifiers *specs, bf_declarator *d, const char *doc)
{
	bf_member_spec *spec;
	bf_value width = {.i = -1};
	char where[80];
	const bf_token at = p->tok;

	if (bf_accept(p, ':')) {
		width = bf_expression_integer(p, "a bit-field's width");
		if (!p->failed && (width.i < 0 || width.i > INT16_MAX))
			bf_fail_at(p, &at, BF_ERANGE, "a bit-field of %lld bits", (long long)width.i);
		bf_attributes_parse(p, &d->attrs);
	}
	spec = bf_push(p, &p->specs, sizeof *spec);
	if (!spec)
		return;
	spec->name = d->name.ident ? d->name.ident->name : NULL;
	spec->type = d->type;
	spec->bit_width = (int)width.i;
	spec->align = d->attrs.aligned > specs->attrs.aligned ? d->attrs.aligned : specs->attrs.aligned;
	spec->packed = d->attrs.packed || specs->attrs.packed;
	spec->doc = doc;
	if (p->tok.kind != ',' && p->tok.kind != ';' && !p->failed) {
		snprintf(where, sizeof where, "after member '%.60s'", spec->name ? spec->name : "(unnamed)");
		bf_expect(p, ';', where);
	}
}

static void member_declaration(bf_parser *p)
{
	const char *comment = p->tok.before, *doc;
	bf_specifiers specs;
	bf_declarator d;
	size_t first = p->specs.count;

	bf_specifiers_parse(p, &specs, false);
	if (p->tok.kind == ';') {
		/* Only a struct or union without a tag is an anonymous member; with one it is just declared here. */
		if (specs.anonymous && bf_type_strip(specs.type)->kind != BF_ENUM) {
			d = (bf_declarator){.type = specs.type};
			add_spec(p, &specs, &d, doc_of(p, comment));
		}
		bf_advance(p);
		return;
	}
	doc = doc_of(p, comment);
	do {
		if (p->tok.kind == ':') {
			d = (bf_declarator){.type = bf_attributes_apply(p, &specs.attrs, specs.type)};
			d.name = p->tok;
			d.name.ident = NULL;
		} else {
			bf_declarator_parse(p, &specs, BF_NAMED, &d);
		}
		add_spec(p, &specs, &d, doc);
		if (p->failed)
			return;
		if (p->tok.kind == ',' && bf_peek(p)->behind && !spec_at(p, p->specs.count - 1)->doc)
			spec_at(p, p->specs.count - 1)->doc = doc_of(p, bf_peek(p)->behind);
	} while (bf_accept(p, ','));
	bf_advance(p); /* ';', which add_spec has seen */

	/* A comment behind the declaration is its documentation, unless one before it is. */
	if (p->tok.behind && (!doc || bf_comment_points_back(p->tok.behind))) {
		doc = doc_of(p, p->tok.behind);
		for (; first < p->specs.count; first++)
			if (!spec_at(p, first)->doc || bf_comment_points_back(p->tok.behind))
				spec_at(p, first)->doc = doc;
	}
}

void bf_static_assert_parse(bf_parser *p)
{
	bf_token at = p->tok;
	bf_value v, text = {0};

	bf_advance(p);
	if (!bf_expect(p, '(', "after '_Static_assert'"))
		return;
	v = bf_expression_integer(p, "an assertion");
	if (bf_accept(p, ',') && p->tok.kind == T_STRING)
		text = bf_literal_string(p);
	bf_expect(p, ')', "after the assertion");
	if (!v.i)
		bf_fail_at(p, &at, BF_ETYPE, "the static assertion fails%s%.200s", text.length ? ": " : "",
			   text.length && text.kind == BF_VALUE_STRING ? text.bytes : "");
	bf_expect(p, ';', "after the assertion");
}

static void body(bf_parser *p, bf_layout_options *options)
{
	bf_advance(p);
	while (p->tok.kind != '}' && p->tok.kind != T_END) {
		if (p->tok.kind == ';')
			bf_advance(p);
		else if (p->tok.kind == K_STATIC_ASSERT)
			bf_static_assert_parse(p);
		else if (p->tok.kind == K_PRAGMA)
			bf_attributes_parse(p, &(bf_attributes){0});
		else
			member_declaration(p);
	}
	/* Now, before the token behind the brace brings in a #pragma pack(pop). */
	options->pack = p->pack;
	bf_expect(p, '}', "after the members");
}

const bf_type *bf_record_parse(bf_parser *p, bf_specifiers *out)
{
	const bf_token keyword = p->tok;
	bf_kind kind = keyword.kind == K_UNION ? BF_UNION : BF_STRUCT;
	bf_layout_options options = {0};
	bf_attributes attrs = {0};
	bf_token tag = {0};
	size_t first = p->specs.count;
	char got[64];
	bf_error err;
	bf_type *t;

	bf_advance(p);
	bf_attributes_parse(p, &attrs);
	if (p->tok.kind == T_IDENT) {
		tag = p->tok;
		bf_advance(p);
		bf_attributes_parse(p, &attrs);
	} else if (p->tok.kind != '{') {
		bf_fail(p, "expected a tag or '{' after '%s', got %s", tag_word(kind),
			bf_token_words(&p->tok, got, sizeof got));
	}
	out->tag_only = true;
	if (p->failed || !(t = tagged(p, kind, &tag)))
		return bf_type_builtin(BF_INT32);
	if (p->tok.kind != '{') {
		/* Without a body the attributes speak of what is declared, not of the type. */
		if (attrs.aligned > out->attrs.aligned)
			out->attrs.aligned = attrs.aligned;
		return t;
	}

	out->anonymous = !tag.ident;
	if (!may_define(p, t, &tag, &keyword) || !bf_enter(p))
		return t;
	if (tag.ident) {
		bf_symbol_place(tag.ident->tag, keyword.file, keyword.line);
		if (!tag.ident->tag->doc)
			tag.ident->tag->doc = doc_of(p, keyword.before);
	}
	body(p, &options);
	bf_leave(p);
	bf_attributes_parse(p, &attrs);
	options.packed = attrs.packed;
	options.align = attrs.aligned;
	options.transparent = attrs.transparent;
	if (!p->failed) {
		/* Its members may have declared it meanwhile. */
		if (may_define(p, t, &tag, &keyword) &&
		    bf_type_define(p->d->types, t, p->specs.items ? spec_at(p, first) : NULL,
				   (uint32_t)(p->specs.count - first), &options, &err))
			bf_fail_type(p, tag.ident ? &tag : &keyword, &err);
	}
	p->specs.count = first;
	return t;
}

/* --- enums ------------------------------------------------------------------------------ */

typedef struct enum_state {
	const bf_type *type, *fixed; /* fixed: after ':' */
	uint64_t next;
	bool next_unsigned; /* `next` is beyond INT64_MAX */
	bool overflow;      /* there is no next */
	bool any_negative, any_huge;
} enum_state;

static void enumerator(bf_parser *p, enum_state *st)
{
	bf_enumerator *e;
	bf_attributes ignored = {0};
	bf_token name = p->tok;
	bf_symbol *s;
	bf_value v;
	char got[64];

	if (name.kind != T_IDENT) {
		bf_fail(p, "expected the name of an enumerator, got %s", bf_token_words(&name, got, sizeof got));
		return;
	}
	bf_advance(p);
	bf_attributes_parse(p, &ignored);
	if (bf_accept(p, '=')) {
		v = bf_expression_integer(p, "an enumerator's value");
		st->next = (uint64_t)v.i;
		st->next_unsigned = v.i < 0 && bf_value_is_unsigned(&v);
		st->overflow = false;
	}
	if (st->overflow)
		bf_fail_at(p, &name, BF_ERANGE, "the value of '%s' is beyond 64 bits", name.ident->name);
	if (name.ident->symbol && !p->failed)
		bf_fail_at(p, &name, BF_ETYPE, "'%s' is declared already", name.ident->name);
	if (p->failed)
		return;
	if (st->next_unsigned)
		st->any_huge = true;
	else if ((int64_t)st->next < 0)
		st->any_negative = true;

	e = bf_push(p, &p->enumerators, sizeof *e);
	s = bf_symbol_add(p, BF_SYMBOL_CONSTANT, name.ident, &name);
	if (!e || !s)
		return;
	e->name = name.ident->name;
	e->value = (int64_t)st->next;
	e->doc = s->doc = doc_of(p, name.before);
	s->type = st->type;
	s->value.kind = st->next_unsigned ? BF_CONSTANT_UINT : BF_CONSTANT_INT;
	s->value.i = (int64_t)st->next;
	/* After -1 comes 0 again; only the largest of all numbers has no successor. */
	st->overflow = st->next == (st->next_unsigned ? UINT64_MAX : (uint64_t)INT64_MAX) && st->next_unsigned;
	st->next++;
	if (st->next == (uint64_t)1 << 63)
		st->next_unsigned = true;
}

/* "A = 1, // what A is": the comment stands behind the comma, or before the closing brace. */
static void enumerator_doc(bf_parser *p)
{
	bf_enumerator *e = (bf_enumerator *)p->enumerators.items + p->enumerators.count - 1;
	const char *comment = p->tok.behind;

	if (comment && (!e->doc || bf_comment_points_back(comment)))
		e->doc = doc_of(p, comment);
}

static void enum_body(bf_parser *p, enum_state *st)
{
	size_t first = p->enumerators.count;
	bf_ident *ident;

	bf_advance(p);
	while (p->tok.kind != '}' && p->tok.kind != T_END) {
		enumerator(p, st);
		if (p->failed)
			break;
		if (p->tok.kind == '}') {
			enumerator_doc(p);
			break;
		}
		if (!bf_expect(p, ',', "after an enumerator"))
			break;
		enumerator_doc(p);
	}
	bf_expect(p, '}', "after the enumerators");
	for (; first < p->enumerators.count && !p->failed; first++) {
		const bf_enumerator *e = (bf_enumerator *)p->enumerators.items + first;

		ident = bf_ident_of(&p->d->arena, &p->d->idents, e->name, strlen(e->name));
		if (ident && ident->symbol)
			ident->symbol->doc = e->doc;
	}
}

const bf_type *bf_enum_parse(bf_parser *p, bf_specifiers *out)
{
	const bf_token keyword = p->tok;
	enum_state st = {0};
	bf_attributes attrs = {0};
	bf_specifiers base;
	bf_token tag = {0};
	size_t first = p->enumerators.count;
	const bf_enumerator *list;
	uint32_t n;
	char got[64];
	bf_error err;
	bf_type *t;
	int rc;

	bf_advance(p);
	bf_attributes_parse(p, &attrs);
	if (p->tok.kind == T_IDENT) {
		tag = p->tok;
		bf_advance(p);
		bf_attributes_parse(p, &attrs);
	} else if (p->tok.kind != '{' && p->tok.kind != ':') {
		bf_fail(p, "expected a tag or '{' after 'enum', got %s", bf_token_words(&p->tok, got, sizeof got));
	}
	out->tag_only = true;
	if (p->failed || !(t = tagged(p, BF_ENUM, &tag)))
		return bf_type_builtin(BF_INT32);
	/* As a member, "enum e : 3" is a bit-field: a type has to follow. */
	if (p->tok.kind == ':' && bf_starts_type(p, bf_peek(p)) && bf_enter(p)) {
		bf_advance(p);
		bf_specifiers_parse(p, &base, false);
		bf_leave(p);
		st.fixed = base.type;
	}
	if (p->tok.kind != '{') {
		if (st.fixed && t->flags & BF_FLAG_INCOMPLETE && !p->failed &&
		    bf_type_define_enum_as(p->d->types, t, st.fixed, NULL, 0, &err))
			bf_fail_type(p, &keyword, &err);
		return t;
	}

	out->anonymous = !tag.ident;
	if (!may_define(p, t, &tag, &keyword) || !bf_enter(p))
		return t;
	if (tag.ident) {
		bf_symbol_place(tag.ident->tag, keyword.file, keyword.line);
		if (!tag.ident->tag->doc)
			tag.ident->tag->doc = doc_of(p, keyword.before);
	}
	st.type = t;
	enum_body(p, &st);
	bf_leave(p);
	bf_attributes_parse(p, &attrs);
	if (p->failed || !may_define(p, t, &tag, &keyword))
		return t;

	n = (uint32_t)(p->enumerators.count - first);
	list = n ? (const bf_enumerator *)p->enumerators.items + first : NULL;
	if (!st.fixed && attrs.mode[0])
		st.fixed = bf_attributes_apply(p, &attrs, bf_type_builtin(st.any_negative ? BF_INT32 : BF_UINT32));
	if (!st.fixed && st.any_huge) {
		if (st.any_negative)
			bf_fail_at(p, &keyword, BF_ERANGE, "no integer type holds all values of the enum");
		st.fixed = bf_type_builtin(BF_UINT64);
	}
	rc = st.fixed ? bf_type_define_enum_as(p->d->types, t, st.fixed, list, n, &err)
		      : bf_type_define_enum(p->d->types, t, list, n, attrs.packed, &err);
	if (rc)
		bf_fail_type(p, &keyword, &err);
	p->enumerators.count = first;
	return t;
}
