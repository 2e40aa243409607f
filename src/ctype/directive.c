/*
 * Directives that are left in the output of `cc -E -dD`: line markers, #define,
 * #undef and #pragma pack. Others have no meaning without a preprocessor.
 */
#include "parser.h"

#include <limits.h>
#include <string.h>

typedef struct file_key {
	const char *name;
	size_t len;
	bool system;
} file_key;

static bool file_equal(const void *item, const void *key)
{
	const bf_file *f = item;
	const file_key *k = key;

	return f->system == k->system && strlen(f->name) == k->len && !memcmp(f->name, k->name, k->len);
}

static const bf_file *file_of(bf_parser *p, const char *name, size_t len, bool system)
{
	file_key key = {name, len, system};
	uint32_t hash = bf_hash(system, name, len);
	bf_file *f = bf_table_find(&p->d->files, hash, file_equal, &key);

	if (f)
		return f;
	f = bf_arena_alloc(&p->d->arena, sizeof *f);
	if (!f || !(f->name = bf_arena_strdup(&p->d->arena, name, len)) || bf_table_add(&p->d->files, hash, f)) {
		p->lex.complaint = bf_lexer_no_memory;
		return NULL;
	}
	f->system = system;
	/* gcc's names for what no file holds: the predefined macros, and -D. */
	f->builtin = len > 1 && name[0] == '<' && name[len - 1] == '>';
	return f;
}

/* # 12 "file" 1 3 4: the next line is line 12 of the file; 3: a system header. */
static void line_marker(bf_parser *p, bf_lexer *line, bf_token *tok)
{
	bf_value number = bf_literal_number(p, tok);
	const char *name = NULL;
	bool system = false;
	size_t len = 0;

	if (number.kind != BF_VALUE_INT || number.i < 0 || number.i > INT_MAX) {
		p->lex.complaint = "a line marker without a line number";
		return;
	}
	bf_lexer_next(line, tok);
	if (tok->kind == T_STRING && tok->len >= 2) {
		name = tok->start + 1;
		len = tok->len - 2;
		bf_lexer_next(line, tok);
	}
	for (; tok->kind == T_NUMBER; bf_lexer_next(line, tok))
		system |= tok->len == 1 && *tok->start == '3';
	if (name) {
		const bf_file *f = file_of(p, name, len, system);

		if (f)
			p->lex.file = f;
	}
	p->lex.line = (int)number.i - 1; /* the newline that ends the marker counts */
}

/* --- #define ----------------------------------------------------------------------- */

static bool macro_params(bf_parser *p, bf_lexer *line, bf_macro *m)
{
	bf_ident **params = NULL, **more;
	uint32_t room = 0;
	bf_token tok;

	m->function_like = true;
	bf_lexer_next(line, &tok);
	while (tok.kind != ')') {
		if (tok.kind == T_ELLIPSIS) {
			m->variadic = true;
			tok.ident = bf_ident_of(&p->d->arena, &p->d->idents, "__VA_ARGS__", 11);
		}
		if (!tok.ident)
			return false;
		if (!params || m->nparams == room) {
			room = room * 2 + 4;
			more = bf_arena_alloc(&p->d->arena, room * sizeof(bf_ident *));
			if (!more) {
				p->lex.complaint = bf_lexer_no_memory;
				return false;
			}
			if (params)
				memcpy(more, params, m->nparams * sizeof(bf_ident *));
			params = more;
		}
		params[m->nparams++] = tok.ident;
		bf_lexer_next(line, &tok);
		if (tok.kind == T_ELLIPSIS) { /* gcc's named rest: args... */
			m->variadic = true;
			bf_lexer_next(line, &tok);
		}
		if (tok.kind == ',')
			bf_lexer_next(line, &tok);
		else if (tok.kind != ')')
			return false;
	}
	m->params = params;
	return true;
}

/* "#define N 1 // what it is": the comment that ends the line, if one does. */
static const char *comment_behind(const char *body, size_t len)
{
	const char *p = body, *end = body + len, *last = NULL;

	while (p < end) {
		if (*p == '"' || *p == '\'') {
			char quote = *p++;

			for (; p < end && *p != quote; p++)
				if (*p == '\\' && p + 1 < end)
					p++;
			p++;
			last = NULL;
		} else if (p[0] == '/' && p[1] == '/') {
			return p;
		} else if (p[0] == '/' && p[1] == '*') {
			last = p;
			for (p += 2; p < end && !(p[0] == '*' && p[1] == '/'); p++)
				;
			p += 2;
		} else {
			if (*p != ' ' && *p != '\t')
				last = NULL;
			p++;
		}
	}
	return last;
}

static void define(bf_parser *p, bf_lexer *line, const char *before)
{
	bf_macro *m;
	bf_token tok;
	const char *end, *comment;

	bf_lexer_next(line, &tok);
	if (!tok.ident) {
		p->lex.complaint = "a #define without a name";
		return;
	}
	m = bf_arena_alloc(&p->d->arena, sizeof *m);
	if (!m) {
		p->lex.complaint = bf_lexer_no_memory;
		return;
	}
	m->ident = tok.ident;
	m->file = tok.file;
	m->line = tok.line;
	if (line->p < line->end && *line->p == '(') {
		line->p++;
		if (!macro_params(p, line, m)) {
			if (!p->lex.complaint)
				p->lex.complaint = "a #define with malformed parameters";
			return;
		}
	}
	while (line->p < line->end && (*line->p == ' ' || *line->p == '\t'))
		line->p++;
	for (end = line->end; end > line->p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r');)
		end--;
	m->len = (size_t)(end - line->p);
	m->body = bf_arena_strdup(&p->d->arena, line->p, m->len);
	if (!m->body) {
		p->lex.complaint = bf_lexer_no_memory;
		return;
	}
	comment = comment_behind(m->body, m->len);
	if (comment)
		m->doc = bf_comment_text(&p->d->arena, comment, m->body + m->len);
	else if (before)
		m->doc = bf_comment_text(&p->d->arena, before, p->lex.end);
	if (m->ident->macro)
		m->ident->macro->dead = true;
	m->ident->macro = m;
	*p->d->last_macro = m;
	p->d->last_macro = &m->next;
}

static void undef(bf_lexer *line)
{
	bf_token tok;

	bf_lexer_next(line, &tok);
	if (tok.ident && tok.ident->macro) {
		tok.ident->macro->dead = true;
		tok.ident->macro = NULL;
	}
}

/* --- #pragma pack --------------------------------------------------------------------- */

/*
 * pack(), pack(N), pack(push), pack(push, N), pack(push, name, N), pack(pop),
 * pack(pop, N): gcc's manual, "Structure-Layout Pragmas". Names are not kept:
 * headers pop in the order in which they pushed.
 */
static void pragma_pack(bf_parser *p, bf_lexer *line)
{
	bool push = false, pop = false, given = false;
	uint32_t *saved;
	bf_value v;
	bf_token tok;

	bf_lexer_next(line, &tok);
	if (tok.kind != '(')
		return;
	bf_lexer_next(line, &tok);
	for (; tok.kind != ')' && tok.kind != T_END && tok.kind != T_BAD; bf_lexer_next(line, &tok)) {
		if (tok.kind == T_IDENT && tok.len == 4 && !memcmp(tok.start, "push", 4)) {
			push = true;
			saved = bf_push(p, &p->packs, sizeof *saved);
			if (saved)
				*saved = p->pack;
		} else if (tok.kind == T_IDENT && tok.len == 3 && !memcmp(tok.start, "pop", 3)) {
			pop = true;
			if (p->packs.count)
				p->pack = ((uint32_t *)p->packs.items)[--p->packs.count];
		} else if (tok.kind == T_NUMBER) {
			v = bf_literal_number(p, &tok);
			if (v.kind != BF_VALUE_INT || v.i < 0 || v.i > 16 || (v.i & (v.i - 1))) {
				p->lex.complaint = "#pragma pack needs 1, 2, 4, 8 or 16";
				return;
			}
			p->pack = (uint32_t)v.i;
			given = true;
		}
	}
	if (!push && !pop && !given)
		p->pack = 0;
}

static bool word_is(const bf_token *tok, const char *word)
{
	return tok->ident && tok->len == strlen(word) && !memcmp(tok->start, word, tok->len);
}

static void pragma(bf_parser *p, bf_lexer *line)
{
	bf_token tok;

	bf_lexer_next(line, &tok);
	if (word_is(&tok, "pack"))
		pragma_pack(p, line);
	else if (word_is(&tok, "ms_struct")) {
		bf_lexer_next(line, &tok);
		if (word_is(&tok, "on"))
			p->lex.complaint = "#pragma ms_struct gives layouts that biffi does not know";
	} else if (word_is(&tok, "scalar_storage_order")) {
		p->lex.complaint = "#pragma scalar_storage_order gives layouts that biffi does not know";
	}
}

void bf_pragma_operator(bf_parser *p)
{
	bf_token at = p->tok;
	bf_lexer line;
	bf_value text;

	bf_advance(p);
	if (p->tok.kind == '(' && bf_peek(p)->kind != T_STRING) { /* __pragma(...), as another compiler has it */
		bf_skip_balanced(p);
		return;
	}
	bf_expect(p, '(', "after '_Pragma'");
	text = bf_literal_string(p);
	if (bf_expect(p, ')', "after _Pragma's text") && text.kind == BF_VALUE_STRING) {
		bf_lexer_init(&line, text.bytes, text.length, &p->d->arena, &p->d->idents, at.file);
		line.line_start = false;
		pragma(p, &line);
		if (p->lex.complaint)
			bf_fail_at(p, &at, BF_ESYNTAX, "%s", p->lex.complaint);
	}
}

static bool directive(bf_parser *p, bf_lexer *line, const char *before)
{
	static const char *const harmless[] = {"ident", "sccs", "assert", "unassert", "warning"};
	bf_token tok;
	size_t i;

	bf_lexer_next(line, &tok);
	if (tok.kind == T_END)
		return false;
	if (tok.kind == T_NUMBER) {
		line_marker(p, line, &tok);
	} else if (word_is(&tok, "define")) {
		define(p, line, before);
		return true;
	} else if (word_is(&tok, "undef")) {
		undef(line);
	} else if (word_is(&tok, "pragma")) {
		pragma(p, line);
	} else if (word_is(&tok, "line")) {
		bf_lexer_next(line, &tok);
		if (tok.kind == T_NUMBER)
			line_marker(p, line, &tok);
	} else {
		for (i = 0; i < sizeof harmless / sizeof *harmless; i++)
			if (word_is(&tok, harmless[i]))
				return false;
		/* The place to show is the directive's, not the line after it. */
		p->lex.p = tok.start;
		p->lex.complaint =
		    "a directive that needs the C preprocessor: give the header itself, or what it declares";
	}
	return false;
}

bool bf_directive(void *parser, bf_lexer *line, const char *before)
{
	bf_parser *p = parser;
	bool taken = directive(p, line, before);

	/* What looked malformed was not read. */
	if (line->complaint == bf_lexer_no_memory)
		p->lex.complaint = bf_lexer_no_memory;
	return taken;
}
