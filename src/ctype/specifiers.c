/* Declaration specifiers: C11 6.7.1 to 6.7.5. */
#include "parser.h"

#include <string.h>

const bf_type *bf_ident_type(const bf_ident *ident)
{
	bf_ident *cache = (bf_ident *)ident;

	if (ident->symbol)
		return ident->symbol->kind == BF_SYMBOL_TYPEDEF ? ident->symbol->type : NULL;
	if (!cache->looked) {
		cache->looked = true;
		cache->builtin = bf_type_named(ident->name, ident->len);
	}
	return ident->builtin;
}

bool bf_starts_type(bf_parser *p, const bf_token *tok)
{
	(void)p;
	switch (tok->kind) {
	case K_WORD:
	case K_STRUCT:
	case K_UNION:
	case K_ENUM:
	case K_TYPEOF:
	case K_CONST:
	case K_VOLATILE:
	case K_ATOMIC:
	case K_RESTRICT:
	case K_EXTENSION:
	case K_ATTRIBUTE:
	case K_ALIGNAS:
	case K_AUTO:
		return true;
	case T_IDENT:
		return bf_ident_type(tok->ident) != NULL;
	default:
		return false;
	}
}

const bf_type *bf_qualified(bf_parser *p, const bf_type *t, unsigned qualifiers)
{
	bf_error err;

	if (qualifiers && bf_type_alias(p->d->types, NULL, t, qualifiers, &t, &err))
		bf_fail_type(p, &p->tok, &err);
	return t;
}

/* gcc aligns an atomic object to its size where the machine could handle it at once. */
static const bf_type *atomic(bf_parser *p, const bf_type *t)
{
	bf_error err;

	if (t->size > t->align && t->size <= 16 && bf_is_power_of_two(t->size) &&
	    bf_type_aligned(p->d->types, NULL, t, 0, (uint32_t)t->size, &t, &err))
		bf_fail_type(p, &p->tok, &err);
	return t;
}

static const bf_type *typeof_parse(bf_parser *p)
{
	const bf_type *t = NULL;
	bf_token at = p->tok;
	bool unqualified = at.len == 13;

	bf_advance(p);
	if (!bf_expect(p, '(', "after 'typeof'") || !bf_enter(p))
		return bf_type_builtin(BF_INT32);
	if (bf_starts_type(p, &p->tok))
		t = bf_type_name_parse(p);
	else
		t = bf_expression_parse_all(p).type;
	bf_leave(p);
	bf_expect(p, ')', "after typeof's operand");
	if (!t) {
		bf_fail_at(p, &at, BF_EUNSUPPORTED, "the type of this expression is not known to biffi");
		t = bf_type_builtin(BF_INT32);
	}
	while (unqualified && t->kind == BF_ALIAS && bf_type_qualifiers(t))
		t = t->base;
	return t;
}

static const char *storage_word(bf_storage s)
{
	return s == BF_STORAGE_TYPEDEF ? "typedef" : s == BF_STORAGE_EXTERN ? "extern" : "static";
}

static void storage(bf_parser *p, bf_specifiers *out, bool allowed, bf_storage s)
{
	if (!allowed)
		bf_fail(p, "'%s' cannot stand here", storage_word(s));
	else if (out->storage)
		bf_fail(p, "'%s' after '%s'", storage_word(s), storage_word(out->storage));
	out->storage = s;
	bf_advance(p);
}

static void no_type(bf_parser *p)
{
	char got[64];

	if (p->tok.kind == T_IDENT)
		bf_fail(p, "unknown type '%.*s'", (int)(p->tok.len > 100 ? 100 : p->tok.len), p->tok.start);
	else
		bf_fail(p, "expected a type, got %s", bf_token_words(&p->tok, got, sizeof got));
}

void bf_specifiers_parse(bf_parser *p, bf_specifiers *out, bool storage_allowed)
{
	unsigned qualifiers = 0;
	const bf_type *t = NULL, *named;
	bool is_atomic = false;
	uint32_t words = 0;
	bf_token first;

	*out = (bf_specifiers){0};
	first = p->tok;
	for (;;) {
		switch (p->tok.kind) {
		case K_WORD:
			if (t && p->tok.ident->word == BF_WORD_COMPLEX && bf_type_complex_of(t)) {
				t = bf_type_complex_of(t);
				bf_advance(p);
				continue;
			}
			if (t)
				goto two_types;
			words = bf_words_add(words, p->tok.ident->word);
			bf_advance(p);
			continue;
		case K_STRUCT:
		case K_UNION:
		case K_ENUM:
		case K_TYPEOF:
			if (t || words)
				goto two_types;
			t = p->tok.kind == K_TYPEOF ? typeof_parse(p)
			    : p->tok.kind == K_ENUM ? bf_enum_parse(p, out)
						    : bf_record_parse(p, out);
			continue;
		case T_IDENT:
			if (t || (words && words != BF_WORD_COMPLEX))
				break;
			named = bf_ident_type(p->tok.ident);
			if (named && words)
				named = bf_type_complex_of(named);
			if (!named)
				break;
			words = 0;
			t = named;
			bf_advance(p);
			continue;
		case K_CONST:
			qualifiers |= BF_FLAG_CONST;
			bf_advance(p);
			continue;
		case K_VOLATILE:
			qualifiers |= BF_FLAG_VOLATILE;
			bf_advance(p);
			continue;
		case K_ATOMIC:
			bf_advance(p);
			is_atomic = true;
			if (p->tok.kind == '(') {
				if (t || words)
					goto two_types;
				bf_advance(p);
				t = bf_type_name_parse(p);
				bf_expect(p, ')', "after _Atomic's type");
			}
			continue;
		case K_RESTRICT:
		case K_AUTO:
		case K_THREAD:
		case K_NORETURN:
			bf_advance(p);
			continue;
		case K_INLINE:
			out->is_inline = true;
			bf_advance(p);
			continue;
		case K_TYPEDEF:
			storage(p, out, storage_allowed, BF_STORAGE_TYPEDEF);
			continue;
		case K_EXTERN:
			storage(p, out, storage_allowed, BF_STORAGE_EXTERN);
			continue;
		case K_STATIC:
			storage(p, out, storage_allowed, BF_STORAGE_STATIC);
			continue;
		case '[':
			if (bf_peek(p)->kind != '[')
				break;
			bf_attributes_parse(p, &out->attrs);
			continue;
		case K_ATTRIBUTE:
		case K_ALIGNAS:
		case K_DECLSPEC:
		case K_PRAGMA:
		case K_EXTENSION:
		case K_NULLABILITY:
			bf_attributes_parse(p, &out->attrs);
			continue;
		default:
			break;
		}
		break;
	}
	if (words) {
		t = bf_type_of_words(words);
		if (!t) {
			bf_fail_at(p, &first, BF_ESYNTAX, "these words together are no type");
			t = bf_type_builtin(BF_INT32);
		}
	}
	if (!t) {
		no_type(p);
		t = bf_type_builtin(BF_INT32);
	}
	if (is_atomic)
		t = atomic(p, t);
	out->type = bf_qualified(p, t, qualifiers);
	return;
two_types:
	bf_fail(p, "'%.*s' after a type: a ';' or ',' may be missing before it", (int)p->tok.len, p->tok.start);
	out->type = bf_type_builtin(BF_INT32);
}
