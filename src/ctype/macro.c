/*
 * Macros that are constants. The text of declarations has been through the
 * preprocessor already, but what its #define lines say has not: here they are
 * expanded, as C11 6.10.3 has it, and computed. A macro that is no constant
 * expression is left out without a word, as most macros are something else.
 */
#include "parser.h"

#include <stdlib.h>
#include <string.h>

typedef struct text {
	char *bytes;
	size_t len, room;
} text;

/* One expansion: what all its levels share. */
typedef struct expansion {
	bf_decls *d;
	size_t total; /* bytes written at all levels */
	int depth;
	bool failed;
	bool no_memory; /* and that is why */
} expansion;

static void put(expansion *e, text *t, const char *bytes, size_t len)
{
	size_t room;
	char *more;

	e->total += len;
	if (e->total > BF_EXPANSION)
		e->failed = true;
	if (e->failed)
		return;
	if (t->room - t->len < len + 1) {
		room = (t->len + len + 1) * 2;
		more = realloc(t->bytes, room);
		if (!more) {
			e->failed = e->no_memory = true;
			return;
		}
		t->bytes = more;
		t->room = room;
	}
	memcpy(t->bytes + t->len, bytes, len);
	t->len += len;
	t->bytes[t->len] = '\0';
}

/* Between two tokens: # turns a blank into one, and a seam into nothing. */
static void put_gap(expansion *e, text *t, bool spaced)
{
	const char gap = spaced ? ' ' : BF_SEAM;

	if (t->len)
		put(e, t, &gap, 1);
}

static void open_lexer(expansion *e, bf_lexer *lex, const char *bytes, size_t len)
{
	bf_lexer_init(lex, bytes, len, &e->d->arena, &e->d->idents, NULL);
	lex->line_start = false;
}

static void expand(expansion *e, const char *bytes, size_t len, text *out, bool spaced);

/* --- function-like macros ----------------------------------------------------------------- */

typedef struct arguments {
	text *raw;
	uint32_t count;
} arguments;

static void free_arguments(arguments *args)
{
	uint32_t i;

	for (i = 0; i < args->count; i++)
		free(args->raw[i].bytes);
	free(args->raw);
}

/* Behind the opening parenthesis: one text for each parameter. */
static bool collect(expansion *e, bf_lexer *lex, const bf_macro *m, arguments *args)
{
	uint32_t most = m->nparams ? m->nparams : 1, i = 0, depth = 0;
	bf_token tok;

	args->raw = calloc(most, sizeof *args->raw);
	if (!args->raw) {
		e->no_memory = true;
		return false;
	}
	args->count = most;
	for (;;) {
		bf_lexer_next(lex, &tok);
		e->no_memory |= lex->complaint == bf_lexer_no_memory;
		if (tok.kind == T_END || tok.kind == T_BAD || e->failed)
			return false;
		if (tok.kind == ')' && !depth)
			return i + 1 >= m->nparams || (m->variadic && i + 2 >= m->nparams);
		if (tok.kind == ',' && !depth && !(m->variadic && i + 1 == m->nparams)) {
			if (++i >= most)
				return false;
			continue;
		}
		if (tok.kind == '(' || tok.kind == '[')
			depth++;
		else if (tok.kind == ')' || tok.kind == ']')
			depth -= depth > 0;
		put_gap(e, &args->raw[i], tok.spaced);
		put(e, &args->raw[i], tok.start, tok.len);
	}
}

static text *argument(const bf_macro *m, arguments *args, const bf_token *tok)
{
	uint32_t i;

	for (i = 0; tok->ident && i < m->nparams; i++)
		if (m->params[i] == tok->ident)
			return &args->raw[i];
	return NULL;
}

static void put_stringized(expansion *e, text *out, const text *arg)
{
	size_t i;

	put(e, out, "\"", 1);
	for (i = 0; i < arg->len; i++) {
		if (arg->bytes[i] == BF_SEAM)
			continue;
		if (arg->bytes[i] == '"' || arg->bytes[i] == '\\')
			put(e, out, "\\", 1);
		put(e, out, arg->bytes + i, 1);
	}
	put(e, out, "\"", 1);
}

/* The body with parameters replaced; `out` still has to be expanded. */
static void substitute(expansion *e, const bf_macro *m, arguments *args, text *out)
{
	bf_lexer lex;
	bf_token tok, next;
	bool glued = false; /* the token before was ## */
	text *arg;

	open_lexer(e, &lex, m->body, m->len);
	bf_lexer_next(&lex, &tok);
	for (; tok.kind != T_END && !e->failed; tok = next, glued = false) {
		if (tok.kind == T_BAD) {
			e->failed = true;
			e->no_memory |= lex.complaint == bf_lexer_no_memory;
			return;
		}
		if (tok.kind == T_PASTE) {
			bf_lexer_next(&lex, &tok);
			glued = true;
		}
		bf_lexer_next(&lex, &next);
		if (tok.kind == '#' && m->function_like && (arg = argument(m, args, &next))) {
			put_gap(e, out, tok.spaced);
			put_stringized(e, out, arg);
			bf_lexer_next(&lex, &next);
			continue;
		}
		arg = m->function_like ? argument(m, args, &tok) : NULL;
		if (!glued)
			put_gap(e, out, tok.spaced);
		if (!arg)
			put(e, out, tok.start, tok.len);
		else if (glued || next.kind == T_PASTE)
			put(e, out, arg->bytes ? arg->bytes : "", arg->len);
		else
			expand(e, arg->bytes ? arg->bytes : "", arg->len, out, false);
	}
}

static void expand_macro(expansion *e, bf_macro *m, bf_lexer *lex, text *out, bool spaced)
{
	arguments args = {0};
	text body = {0};

	if (m->function_like && !collect(e, lex, m, &args)) {
		e->failed = true;
	} else {
		substitute(e, m, &args, &body);
		m->busy = true;
		if (body.len && !e->failed)
			expand(e, body.bytes, body.len, out, spaced);
		m->busy = false;
	}
	free(body.bytes);
	free_arguments(&args);
}

/* `spaced`: a blank stood before what is expanded. */
static void expand(expansion *e, const char *bytes, size_t len, text *out, bool spaced)
{
	bool first = true;
	bf_macro *m;
	bf_lexer lex, behind;
	bf_token tok, next;

	if (e->failed || ++e->depth > BF_NESTING / 4) {
		e->failed = true;
		return;
	}
	open_lexer(e, &lex, bytes, len);
	for (bf_lexer_next(&lex, &tok); tok.kind != T_END && !e->failed; bf_lexer_next(&lex, &tok)) {
		if (tok.kind == T_BAD) {
			e->failed = true;
			e->no_memory |= lex.complaint == bf_lexer_no_memory;
			break;
		}
		if (first)
			tok.spaced = spaced;
		first = false;
		m = tok.ident ? tok.ident->macro : NULL;
		if (m && !m->busy && m->function_like) {
			behind = lex;
			bf_lexer_next(&behind, &next);
			if (next.kind == '(')
				lex = behind;
			else
				m = NULL;
		}
		if (m && !m->busy)
			expand_macro(e, m, &lex, out, tok.spaced);
		else {
			put_gap(e, out, tok.spaced);
			put(e, out, tok.start, tok.len);
		}
	}
	e->depth--;
}

/* --- values ---------------------------------------------------------------------------------- */

/* Most macros that are no constants can be told by how they begin. */
static bool may_be_constant(const bf_macro *m)
{
	const char c = m->body[0];

	return m->len && !m->function_like && c != '{' && c != '#' && c != ';' && c != ',' && c != '=' && c != '[';
}

bf_value bf_macro_value(bf_parser *outer, bf_macro *m)
{
	bf_value v = {.kind = BF_VALUE_UNKNOWN, .why = "is a macro that is no constant"};
	expansion e = {.d = outer->d};
	text expanded = {0};
	bf_error ignored = {0};
	bf_parser p;

	v.at = outer->tok;
	if (!may_be_constant(m) || m->busy || outer->depth >= BF_NESTING / 2)
		return v;
	m->busy = true;
	expand(&e, m->body, m->len, &expanded, false);
	if (!e.failed && expanded.len) {
		bf_parser_init(&p, outer->d, expanded.bytes, expanded.len, &ignored);
		p.lex.directive = NULL;
		p.depth = outer->depth + 1;
		bf_advance(&p);
		v = bf_expression_parse(&p);
		if (p.failed || p.tok.kind != T_END)
			v = (bf_value){.kind = BF_VALUE_UNKNOWN};
		if (v.kind == BF_VALUE_UNKNOWN)
			v.why = "is a macro that is no constant";
		bf_parser_done(&p);
		v.at = outer->tok; /* the expanded text is gone */
	}
	m->busy = false;
	free(expanded.bytes);
	if (e.no_memory || ignored.code == BF_ENOMEM)
		bf_fail_at(outer, &outer->tok, BF_ENOMEM, "out of memory");
	return v;
}

void bf_macros_settle(bf_parser *p)
{
	bf_macro *m;
	bf_symbol *s;
	bf_constant constant;
	bf_token at = {0};
	bf_value v;

	for (m = p->d->new_macros; m; m = m->next) {
		/* What the compiler itself defines is no constant of the header, but may be part of one. */
		if (m->dead || (m->file && m->file->builtin) || !may_be_constant(m))
			continue;
		s = m->ident->symbol;
		if (s && (s->kind != BF_SYMBOL_CONSTANT || (s->type && bf_type_strip(s->type)->kind == BF_ENUM)))
			continue;
		v = bf_macro_value(p, m);
		if (bf_value_constant(&v, &constant))
			continue;
		at.file = m->file;
		at.line = m->line;
		if (!s)
			s = bf_symbol_add(p, BF_SYMBOL_CONSTANT, m->ident, &at);
		if (!s)
			return;
		s->value = constant;
		s->type = v.kind == BF_VALUE_INT && bf_type_strip(v.type)->kind == BF_POINTER ? v.type : NULL;
		s->doc = m->doc;
	}
	p->d->new_macros = NULL;
	p->d->last_macro = &p->d->new_macros;
}
