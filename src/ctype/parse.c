/* The parser's tokens and errors, which all its other files stand on. */
#include "parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bf_parser_init(bf_parser *p, bf_decls *d, const char *text, size_t len, bf_error *err)
{
	*p = (bf_parser){.d = d, .err = err};
	bf_lexer_init(&p->lex, text, len, &d->arena, &d->idents, &d->text);
	p->lex.directive = bf_directive;
	p->lex.context = p;
}

void bf_parser_done(bf_parser *p)
{
	free(p->ops.items);
	free(p->params.items);
	free(p->specs.items);
	free(p->enumerators.items);
	free(p->packs.items);
}

/* --- errors ------------------------------------------------------------------- */

static void fail(bf_parser *p, const bf_token *at, int code, const char *message)
{
	int column = bf_token_column(&p->lex, at->start);

	if (p->failed)
		return;
	p->failed = true;
	if (at->file && at->file->name)
		bf_error_set(p->err, code, "%s: line %d, column %d: %s", at->file->name, at->line, column, message);
	else
		bf_error_set(p->err, code, "line %d, column %d: %s", at->line, column, message);
	if (p->err) {
		p->err->line = at->line;
		p->err->column = column;
	}
	p->tok.kind = T_END;
	p->tok.ident = NULL;
	p->tok.before = p->tok.behind = NULL;
	p->has_ahead = false;
}

void bf_fail_at(bf_parser *p, const bf_token *at, int code, const char *format, ...)
{
	char message[sizeof((bf_error *)0)->message];
	va_list args;

	if (p->failed)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	fail(p, at, code, message);
}

void bf_fail(bf_parser *p, const char *format, ...)
{
	char message[sizeof((bf_error *)0)->message];
	va_list args;

	if (p->failed)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	fail(p, &p->tok, BF_ESYNTAX, message);
}

void bf_fail_type(bf_parser *p, const bf_token *at, const bf_error *err)
{
	fail(p, at, err->code, err->message);
}

const char *bf_token_words(const bf_token *tok, char *room, size_t size)
{
	int len = tok->len > 40 ? 40 : (int)tok->len;

	if (tok->kind == T_END)
		snprintf(room, size, "the end");
	else
		snprintf(room, size, tok->len > 40 ? "'%.*s...'" : "'%.*s'", len, tok->start);
	return room;
}

/* --- tokens ------------------------------------------------------------------- */

static void lex(bf_parser *p, bf_token *token)
{
	bf_lexer_next(&p->lex, token);
	if (token->kind == T_BAD && !p->failed) {
		p->tok = *token;
		bf_fail_at(p, token, p->lex.complaint == bf_lexer_no_memory ? BF_ENOMEM : BF_ESYNTAX, "%s",
			   p->lex.complaint);
	}
}

void bf_advance(bf_parser *p)
{
	if (p->failed)
		return;
	if (p->has_ahead) {
		p->tok = p->ahead;
		p->has_ahead = false;
		return;
	}
	lex(p, &p->tok);
	if (p->failed)
		p->tok.kind = T_END;
}

const bf_token *bf_peek(bf_parser *p)
{
	if (p->failed || p->tok.kind == T_END)
		return &p->tok;
	if (!p->has_ahead) {
		lex(p, &p->ahead);
		if (p->failed)
			return &p->tok;
		p->has_ahead = true;
	}
	return &p->ahead;
}

bool bf_accept(bf_parser *p, int kind)
{
	if (p->tok.kind != kind || p->failed)
		return false;
	bf_advance(p);
	return true;
}

static const char *kind_words(int kind, char room[8])
{
	if (kind < 256)
		snprintf(room, 8, "'%c'", kind);
	else
		snprintf(room, 8, "%s", kind == T_STRING ? "a text" : "a name");
	return room;
}

bool bf_expect(bf_parser *p, int kind, const char *where)
{
	char wanted[8], got[64];

	if (bf_accept(p, kind))
		return true;
	bf_fail(p, "expected %s%s%s, got %s", kind_words(kind, wanted), where ? " " : "", where ? where : "",
		bf_token_words(&p->tok, got, sizeof got));
	return false;
}

bool bf_enter(bf_parser *p)
{
	if (p->depth >= BF_NESTING) {
		bf_fail_at(p, &p->tok, BF_ESYNTAX, "nested deeper than %d levels", BF_NESTING);
		return false;
	}
	p->depth++;
	return true;
}

void bf_leave(bf_parser *p)
{
	p->depth--;
}

void bf_skip_balanced(bf_parser *p)
{
	bf_token open = p->tok;
	int close = open.kind == '(' ? ')' : open.kind == '[' ? ']' : '}';
	uint64_t depth = 0;

	do {
		if (p->tok.kind == T_END) {
			if (!p->failed)
				bf_fail_at(p, &open, BF_ESYNTAX, "this '%c' has no '%c'", open.kind, close);
			return;
		}
		if (p->tok.kind == open.kind)
			depth++;
		else if (p->tok.kind == close)
			depth--;
		bf_advance(p);
	} while (depth);
}

void *bf_push(bf_parser *p, bf_stack *stack, size_t size)
{
	size_t room;
	char *items;

	if (stack->count == stack->room) {
		room = stack->room ? stack->room * 2 : 16;
		items = realloc(stack->items, room * size);
		if (!items) {
			bf_fail_at(p, &p->tok, BF_ENOMEM, "out of memory");
			return NULL;
		}
		stack->items = items;
		stack->room = room;
	}
	return memset(stack->items + size * stack->count++, 0, size);
}
