/* A bf_decls: its symbols, and the ways into the parser. */
#define _GNU_SOURCE
#include "parser.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

int bf_decls_new(bf_decls **out)
{
	bf_decls *d = calloc(1, sizeof *d);

	if (!d)
		return BF_ENOMEM;
	d->last_macro = &d->new_macros;
	if (bf_types_new(&d->types) || bf_keywords_add(&d->arena, &d->idents)) {
		bf_decls_free(d);
		return BF_ENOMEM;
	}
	*out = d;
	return BF_OK;
}

void bf_decls_free(bf_decls *d)
{
	if (!d)
		return;
	bf_types_unref(d->types);
	bf_table_free(&d->idents);
	bf_table_free(&d->files);
	bf_arena_free(&d->arena);
	free(d->symbols);
	if (d->locale)
		freelocale(d->locale);
	free(d);
}

bf_types *bf_decls_types(bf_decls *d)
{
	return d->types;
}

/* --- symbols -------------------------------------------------------------------- */

void bf_symbol_place(bf_symbol *s, const bf_file *file, int line)
{
	s->file = file ? file->name : NULL;
	s->system = file && file->system;
	s->line = line;
}

bf_symbol *bf_symbol_new(bf_parser *p, bf_symbol_kind kind, bf_ident *ident, const bf_token *at)
{
	bf_symbol *s = bf_arena_alloc(&p->d->arena, sizeof *s);

	if (!s) {
		bf_fail_at(p, at, BF_ENOMEM, "out of memory");
		return NULL;
	}
	s->kind = kind;
	s->name = s->link_name = ident->name;
	bf_symbol_place(s, at->file, at->line);
	if (kind == BF_SYMBOL_TAG)
		ident->tag = s;
	else
		ident->symbol = s;
	return s;
}

bool bf_symbol_list(bf_parser *p, bf_symbol *s)
{
	bf_decls *d = p->d;
	bf_symbol **more;

	if (d->nsymbols == d->room) {
		more = realloc(d->symbols, (d->room * 2 + 64) * sizeof(bf_symbol *));
		if (!more) {
			bf_fail_at(p, &p->tok, BF_ENOMEM, "out of memory");
			return false;
		}
		d->symbols = more;
		d->room = d->room * 2 + 64;
	}
	d->symbols[d->nsymbols++] = s;
	return true;
}

bf_symbol *bf_symbol_add(bf_parser *p, bf_symbol_kind kind, bf_ident *ident, const bf_token *at)
{
	bf_symbol *s = bf_symbol_new(p, kind, ident, at);

	return s && bf_symbol_list(p, s) ? s : NULL;
}

size_t bf_decls_count(const bf_decls *d)
{
	return d->nsymbols;
}

const bf_symbol *bf_decls_at(const bf_decls *d, size_t index)
{
	return index < d->nsymbols ? d->symbols[index] : NULL;
}

static bool ident_is(const void *item, const void *key)
{
	const bf_ident *ident = item;
	const bf_ident *wanted = key;

	return ident->len == wanted->len && !memcmp(ident->name, wanted->name, wanted->len);
}

static const bf_ident *find(const bf_decls *d, const char *name, size_t len)
{
	bf_ident key = {.name = name, .len = (uint32_t)len};

	return len > UINT32_MAX ? NULL : bf_table_find(&d->idents, bf_ident_hash(name, len), ident_is, &key);
}

const bf_symbol *bf_decls_find(const bf_decls *d, const char *name, size_t len)
{
	const bf_ident *ident = find(d, name, len);

	return ident ? ident->symbol : NULL;
}

const bf_symbol *bf_decls_find_tag(const bf_decls *d, const char *name, size_t len)
{
	const bf_ident *ident = find(d, name, len);

	return ident ? ident->tag : NULL;
}

int bf_decls_import(bf_decls *d, bf_types *owner, bf_symbol_kind kind, const char *name, size_t len,
		    const bf_type *type, bf_error *err)
{
	const bf_type *bare = bf_type_strip(type);
	bf_ident *ident = bf_ident_of(&d->arena, &d->idents, name, len);
	bf_symbol *s = bf_arena_alloc(&d->arena, sizeof *s), **place;

	if (!ident || !s || bf_types_adopt(d->types, owner))
		return bf_no_memory(err);
	if (ident->keyword)
		return bf_error_set(err, BF_ETYPE, "'%s' is a word of C, no type can be called so", ident->name);
	if (kind == BF_SYMBOL_TAG && (bare->kind < BF_STRUCT || bare->kind > BF_ENUM))
		return bf_error_set(err, BF_ETYPE, "'%s' would not be a struct, union or enum", ident->name);
	place = kind == BF_SYMBOL_TAG ? &ident->tag : &ident->symbol;
	if (*place) {
		if ((*place)->kind == kind && bf_type_same((*place)->type, type))
			return BF_OK;
		return bf_error_set(err, BF_ETYPE, "'%s' is declared already", ident->name);
	}
	*s = (bf_symbol){.kind = kind, .name = ident->name, .link_name = ident->name};
	s->type = kind == BF_SYMBOL_TAG ? bare : type;
	*place = s;
	return BF_OK;
}

/* --- reading ---------------------------------------------------------------------- */

/* A copy with the NUL that the lexer needs. */
static char *terminated(const char *text, size_t len)
{
	char *copy = len < SIZE_MAX - 16 ? malloc(len + 16) : NULL;

	if (copy) {
		memcpy(copy, text, len);
		memset(copy + len, 0, 16);
	}
	return copy;
}

int bf_decls_parse(bf_decls *d, const char *text, size_t len, bf_error *err)
{
	bf_error own = {0};
	bf_parser p;
	char *copy = terminated(text, len);

	if (!copy)
		return bf_no_memory(err);
	bf_parser_init(&p, d, copy, len, &own);
	bf_advance(&p);
	bf_unit_parse(&p);
	bf_macros_settle(&p);
	bf_parser_done(&p);
	free(copy);
	if (own.code && err)
		*err = own;
	return own.code;
}

int bf_decls_parse_type(bf_decls *d, const char *text, size_t len, const bf_type **out, bf_error *err)
{
	bf_error own = {0};
	bf_parser p;
	char *copy = terminated(text, len), got[64];
	const bf_type *t;

	if (!copy)
		return bf_no_memory(err);
	bf_parser_init(&p, d, copy, len, &own);
	bf_advance(&p);
	t = bf_type_name_parse(&p);
	if (p.tok.kind != T_END)
		bf_fail(&p, "expected the end of the type, got %s", bf_token_words(&p.tok, got, sizeof got));
	bf_parser_done(&p);
	free(copy);
	if (own.code && err)
		*err = own;
	if (!own.code)
		*out = t;
	return own.code;
}
