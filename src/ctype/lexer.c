#include "lexer.h"

#include <string.h>

enum { SPACE = 1, LETTER = 2, DIGIT = 4 };

static const unsigned char classes[256] = {
    ['\1'] = SPACE, /* BF_SEAM */
    [' '] = SPACE,  ['\t'] = SPACE,        ['\r'] = SPACE,           ['\f'] = SPACE,
    ['\v'] = SPACE, ['0' ... '9'] = DIGIT, ['a' ... 'z'] = LETTER,   ['A' ... 'Z'] = LETTER,
    ['_'] = LETTER, ['$'] = LETTER,        [0x80 ... 0xff] = LETTER, /* UTF-8 */
};

static bool is(char c, int class)
{
	return classes[(unsigned char)c] & class;
}

const char bf_lexer_no_memory[] = "out of memory";

void bf_lexer_init(bf_lexer *lex, const char *text, size_t len, bf_arena *arena, bf_table *idents, const bf_file *file)
{
	*lex = (bf_lexer){.p = text,
			  .end = text + len,
			  .text = text,
			  .arena = arena,
			  .idents = idents,
			  .file = file,
			  .line = 1,
			  .line_start = true};
}

int bf_token_column(const bf_lexer *lex, const char *start)
{
	const char *p = start;

	while (p > lex->text && p[-1] != '\n')
		p--;
	return (int)(start - p) + 1;
}

/* --- identifiers -------------------------------------------------------------- */

static bf_ident *intern(bf_arena *arena, bf_table *t, const char *name, size_t len, uint32_t hash)
{
	uint32_t i, mask = t->capacity - 1;
	bf_ident *ident;

	if (t->capacity) {
		for (i = hash & mask; (ident = t->entries[i].item); i = (i + 1) & mask)
			if (t->entries[i].hash == hash && ident->len == len && !memcmp(ident->name, name, len))
				return ident;
	}
	ident = bf_arena_alloc(arena, sizeof *ident);
	if (!ident || len > UINT32_MAX || !(ident->name = bf_arena_strdup(arena, name, len)))
		return NULL;
	ident->len = (uint32_t)len;
	return bf_table_add(t, hash, ident) ? NULL : ident;
}

static uint32_t step(uint32_t hash, char c)
{
	return (hash ^ (unsigned char)c) * 16777619U;
}

static uint32_t settle(uint32_t hash)
{
	return hash ^ hash >> 15;
}

uint32_t bf_ident_hash(const char *name, size_t len)
{
	uint32_t hash = 2166136261U;
	size_t i;

	for (i = 0; i < len; i++)
		hash = step(hash, name[i]);
	return settle(hash);
}

bf_ident *bf_ident_of(bf_arena *arena, bf_table *idents, const char *name, size_t len)
{
	return intern(arena, idents, name, len, bf_ident_hash(name, len));
}

/* --- blanks and comments ------------------------------------------------------ */

typedef struct gap {
	const char *before, *behind;
	int newlines; /* since the last comment's end */
	bool lines;   /* `before` is a run of line comments */
	bool fresh;   /* no newline yet since the token before */
} gap;

static bool is_documentation(const char *comment)
{
	return comment[2] == '!' || (comment[2] == comment[1] && comment[3] != '/' && comment[3] != comment[1]);
}

/* `lex->p` is at a comment. */
static bool skip_comment(bf_lexer *lex, gap *g)
{
	const char *start = lex->p;
	bool line = start[1] == '/';
	int first = lex->line;

	if (line) {
		while (lex->p < lex->end && *lex->p != '\n')
			lex->p++;
	} else {
		for (lex->p += 2;; lex->p++) {
			if (lex->p >= lex->end) {
				lex->p = start;
				lex->line = first;
				lex->complaint = "a comment without an end";
				return false;
			}
			if (*lex->p == '\n')
				lex->line++;
			if (*lex->p == '*' && lex->p[1] == '/')
				break;
		}
		lex->p += 2;
	}
	if (g->fresh) {
		if (!g->behind)
			g->behind = start;
		return true;
	}
	/* Line comments on lines that follow each other are one comment. */
	if (!(g->before && g->lines && line && g->newlines <= 1))
		g->before = start;
	g->lines = line;
	g->newlines = 0;
	return true;
}

static void directive(bf_lexer *lex, gap *g)
{
	const char *start = ++lex->p;
	bf_lexer line = *lex;
	int lines = 0;

	/* To the end of the line; comments and continued lines belong to it. */
	for (; lex->p < lex->end && *lex->p != '\n'; lex->p++) {
		if (*lex->p == '\\' && lex->p[1] == '\n') {
			lex->p++;
			lines++;
		} else if (*lex->p == '"') {
			for (lex->p++; lex->p < lex->end && *lex->p != '"' && *lex->p != '\n'; lex->p++)
				if (*lex->p == '\\' && lex->p[1] != '\n')
					lex->p++;
			if (*lex->p == '\n' || lex->p >= lex->end)
				break;
		} else if (*lex->p == '/' && lex->p[1] == '*') {
			const char *open = lex->p;

			for (lex->p += 2; lex->p < lex->end && !(*lex->p == '*' && lex->p[1] == '/'); lex->p++)
				lines += *lex->p == '\n';
			if (lex->p >= lex->end) {
				lex->p = open;
				lex->complaint = "a comment without an end";
				return;
			}
			lex->p++;
		} else if (*lex->p == '/' && lex->p[1] == '/') {
			while (lex->p < lex->end && *lex->p != '\n')
				lex->p++;
			break;
		}
	}
	if (lex->p > lex->end)
		lex->p = lex->end;
	line.p = start;
	line.end = lex->p;
	line.directive = NULL;
	line.line_start = false;
	lex->line += lines;
	if (lex->directive(lex->context, &line, g->before && g->newlines <= 1 ? g->before : NULL))
		g->before = NULL;
}

/* Up to the next token's first byte. */
static bool skip_blanks(bf_lexer *lex, bf_token *token)
{
	gap g = {.fresh = lex->p > lex->text && !lex->line_start};
	bool documentation;

	for (;;) {
		while (is(*lex->p, SPACE))
			lex->p++;
		if (lex->p >= lex->end)
			break;
		if (*lex->p == '\n') {
			lex->p++;
			lex->line++;
			lex->line_start = true;
			g.newlines++;
			g.fresh = false;
		} else if (*lex->p == '\\' && (lex->p[1] == '\n' || (lex->p[1] == '\r' && lex->p[2] == '\n'))) {
			lex->p++;
		} else if (*lex->p == '/' && (lex->p[1] == '*' || lex->p[1] == '/')) {
			if (!skip_comment(lex, &g))
				return false;
		} else if (*lex->p == '#' && lex->line_start && lex->directive) {
			directive(lex, &g);
			if (lex->complaint)
				return false;
			/* Neither the line nor its end separate a comment from what it is about; a #define takes it. */
			if (lex->p < lex->end && *lex->p == '\n' && g.newlines)
				g.newlines--;
		} else {
			break;
		}
	}
	documentation = g.before && is_documentation(g.before);
	token->before = g.before && (g.newlines <= 1 || (documentation && g.newlines <= 2)) ? g.before : NULL;
	token->behind = g.behind;
	return true;
}

bool bf_comment_points_back(const char *comment)
{
	return (comment[2] == '*' || comment[2] == '!' || comment[2] == '/') && comment[3] == '<';
}

/* Appends one line of a comment without what only decorates it. */
static char *copy_line(char *to, const char *from, const char *end, bool first)
{
	const char *p = from;

	while (p < end && (is(*p, SPACE)))
		p++;
	while (p < end && (*p == '*' || (first && (*p == '!' || *p == '/'))))
		p++;
	if (first && p < end && *p == '<')
		p++;
	if (p < end && *p == ' ')
		p++;
	while (end > p && (is(end[-1], SPACE)))
		end--;
	memcpy(to, p, (size_t)(end - p));
	return to + (end - p);
}

char *bf_comment_text(bf_arena *arena, const char *comment, const char *end)
{
	const char *p = comment, *stop, *line;
	bool block = comment[1] == '*', first = true;
	char *text, *to, *start;

	if (block) {
		stop = p + 2;
		while (stop + 1 < end && !(stop[0] == '*' && stop[1] == '/'))
			stop++;
		p += 2;
		while (stop > p && stop[-1] == '*')
			stop--;
	} else {
		/* The run goes on while lines begin with "//". */
		for (stop = p; stop < end; stop = line) {
			for (line = stop; line < end && *line != '\n'; line++)
				;
			stop = line;
			while (line < end && (*line == '\n' || is(*line, SPACE)))
				line++;
			if (line + 1 >= end || line[0] != '/' || line[1] != '/')
				break;
		}
	}
	text = to = bf_arena_alloc(arena, (size_t)(stop - p) + 1);
	if (!text)
		return NULL;
	while (p < stop) {
		for (line = p; line < stop && *line != '\n'; line++)
			;
		if (!block) {
			while (p < line && is(*p, SPACE))
				p++;
			p = p + 2 <= line ? p + 2 : line;
			first = true; /* a third slash, or '!', decorates every line */
		}
		to = copy_line(to, p, line, first);
		*to++ = '\n';
		first = false;
		p = line + 1;
	}
	while (to > text && to[-1] == '\n')
		to--;
	*to = '\0';
	for (start = text; *start == '\n'; start++)
		;
	return *start ? start : NULL;
}

/* --- tokens ------------------------------------------------------------------- */

static void number(bf_lexer *lex)
{
	for (;;) {
		char c = *lex->p;

		if ((c == 'e' || c == 'E' || c == 'p' || c == 'P') && (lex->p[1] == '+' || lex->p[1] == '-'))
			lex->p += 2;
		else if (is(c, LETTER | DIGIT) || c == '.')
			lex->p++;
		else
			return;
	}
}

/* A string or character literal; `lex->p` is at its opening quote. */
static int quoted(bf_lexer *lex)
{
	char quote = *lex->p++;

	for (; *lex->p != quote; lex->p++) {
		if (*lex->p == '\\' && lex->p + 1 < lex->end && lex->p[1] != '\n')
			lex->p++;
		else if (lex->p >= lex->end || *lex->p == '\n') {
			lex->complaint = quote == '"' ? "a string without an end" : "a character without an end";
			return T_BAD;
		}
	}
	lex->p++;
	return quote == '"' ? T_STRING : T_CHAR;
}

static bool is_prefix(const char *start, size_t len)
{
	return (len == 1 && (*start == 'L' || *start == 'u' || *start == 'U')) ||
	       (len == 2 && start[0] == 'u' && start[1] == '8');
}

static int word(bf_lexer *lex, bf_token *token)
{
	const char *start = lex->p, *p = start;
	uint32_t hash = 2166136261U;

	while (is(*p, LETTER | DIGIT))
		hash = step(hash, *p++);
	lex->p = p;
	if ((*p == '"' || *p == '\'') && is_prefix(start, (size_t)(p - start)))
		return quoted(lex);
	token->ident = intern(lex->arena, lex->idents, start, (size_t)(p - start), settle(hash));
	if (!token->ident) {
		lex->complaint = bf_lexer_no_memory;
		return T_BAD;
	}
	return token->ident->keyword ? token->ident->keyword : T_IDENT;
}

static int punctuator(bf_lexer *lex)
{
	static const struct {
		char text[4];
		uint16_t kind;
	} longer[] = {
	    {"...", T_ELLIPSIS}, {"<<=", T_ASSIGN}, {">>=", T_ASSIGN}, {"->", T_ARROW},  {"++", T_INCREMENT},
	    {"--", T_DECREMENT}, {"<<", T_SHL},     {">>", T_SHR},     {"<=", T_LE},     {">=", T_GE},
	    {"==", T_EQ},        {"!=", T_NE},      {"&&", T_AND},     {"||", T_OR},     {"##", T_PASTE},
	    {"+=", T_ASSIGN},    {"-=", T_ASSIGN},  {"*=", T_ASSIGN},  {"/=", T_ASSIGN}, {"%=", T_ASSIGN},
	    {"&=", T_ASSIGN},    {"|=", T_ASSIGN},  {"^=", T_ASSIGN},  {"<:", '['},      {":>", ']'},
	    {"<%", '{'},         {"%>", '}'},
	};
	char c = *lex->p, next = lex->p[1];
	size_t i, n;

	switch (c) {
	case '(':
	case ')':
	case '[':
	case ']':
	case '{':
	case '}':
	case ',':
	case ';':
	case '~':
	case '?':
		lex->p++;
		return c;
	default:
		break;
	}
	/* Every longer one goes on with one of these. */
	if (next && strchr(".=<>+-&|#:%", next)) {
		for (i = 0; i < sizeof longer / sizeof *longer; i++) {
			n = strlen(longer[i].text);
			if (!strncmp(lex->p, longer[i].text, n)) {
				lex->p += n;
				return longer[i].kind;
			}
		}
	}
	if (!c || !strchr("+-*/%&|^!<>=.:#", c)) {
		lex->complaint = "a character that C does not have";
		return T_BAD;
	}
	lex->p++;
	return c;
}

void bf_lexer_next(bf_lexer *lex, bf_token *token)
{
	const char *from = lex->p;
	char c;

	token->ident = NULL;
	token->before = token->behind = NULL;
	c = *from;
	if (is(c, LETTER) || !skip_blanks(lex, token)) {
		if (lex->complaint) {
			token->kind = T_BAD;
			goto done;
		}
	}
	c = *lex->p;
	token->spaced = lex->p > from && (lex->p - from > 1 || *from != BF_SEAM);
	token->start = lex->p;
	token->line = lex->line;
	token->file = lex->file;
	if (lex->p >= lex->end) {
		token->kind = T_END;
		token->len = 0;
		return;
	}
	lex->line_start = false;
	if (is(c, LETTER))
		token->kind = (uint16_t)word(lex, token);
	else if (is(c, DIGIT) || (c == '.' && is(lex->p[1], DIGIT)))
		number(lex), token->kind = T_NUMBER;
	else if (c == '"' || c == '\'')
		token->kind = (uint16_t)quoted(lex);
	else
		token->kind = (uint16_t)punctuator(lex);
	if (lex->p > lex->end) /* a directive's line ends before the text does */
		lex->p = lex->end;
	token->len = (uint32_t)(lex->p - token->start);
	return;
done:
	token->start = lex->p;
	token->line = lex->line;
	token->file = lex->file;
	token->len = lex->p < lex->end;
}
