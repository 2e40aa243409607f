/*
 * Tokens of C text. The lexer interns identifiers, follows line markers, and
 * hands directives to the parser; comments travel with the token after them.
 *
 * A text must end in a NUL byte (not counted), so that no look ahead can leave it.
 */
#ifndef BF_CTYPE_LEXER_H
#define BF_CTYPE_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "decls.h"
#include "table.h"

/* In expanded macros: tokens that touched in the text, kept apart so that they don't become one. */
#define BF_SEAM '\1'

/* Tokens: a character that stands for itself is its own kind, the others follow. */
typedef enum bf_token_kind {
	T_END = 0,
	T_IDENT = 256,
	T_NUMBER,
	T_CHAR,   /* with its prefix and quotes */
	T_STRING, /* one literal, with its prefix and quotes */
	T_BAD,    /* lexer.complaint says why */

	T_ELLIPSIS,
	T_ARROW,
	T_INCREMENT,
	T_DECREMENT,
	T_SHL,
	T_SHR,
	T_LE,
	T_GE,
	T_EQ,
	T_NE,
	T_AND,
	T_OR,
	T_PASTE,  /* ## */
	T_ASSIGN, /* +=, <<= and their like */

	K_FIRST, /* keywords, all spellings of one under one name */
	K_ALIGNAS = K_FIRST,
	K_ALIGNOF,
	K_ASM,
	K_ATOMIC,
	K_ATTRIBUTE,
	K_AUTO, /* and register, constexpr: of no interest here */
	K_CONST,
	K_DECLSPEC,
	K_ENUM,
	K_EXTENSION,
	K_EXTERN,
	K_GENERIC,
	K_INLINE,
	K_NORETURN,
	K_NULLABILITY, /* clang's _Nonnull and _Nullable */
	K_PRAGMA,
	K_RESTRICT,
	K_SIZEOF,
	K_STATIC,
	K_STATIC_ASSERT,
	K_STRUCT,
	K_THREAD,
	K_TYPEDEF,
	K_TYPEOF,
	K_UNION,
	K_VOLATILE,
	K_WORD, /* int, unsigned and the other words of arithmetic types: ident->word */
	K_OFFSETOF,
	K_CHOOSE_EXPR,
	K_TYPES_COMPATIBLE,
	K_CONSTANT_P,
} bf_token_kind;

typedef struct bf_macro bf_macro;

/* One for each different identifier of a bf_decls; what it means at file scope hangs on it. */
typedef struct bf_ident {
	const char *name; /* NUL-terminated */
	uint32_t len;
	uint16_t keyword; /* bf_token_kind, 0: none */
	bool looked;      /* `builtin` has been asked for */
	uint32_t word;    /* BF_WORD_..., of K_WORD */
	bf_symbol *symbol;
	bf_symbol *tag;
	bf_macro *macro;
	const bf_type *builtin;
} bf_ident;

typedef struct bf_file {
	const char *name; /* NULL: the text itself */
	bool system, builtin;
} bf_file;

typedef struct bf_token {
	uint16_t kind;
	bool spaced; /* blanks stand before it */
	uint32_t len;
	int line;
	const char *start;
	bf_ident *ident; /* T_IDENT and keywords */
	const bf_file *file;
	const char *before; /* the comment that ends right before it, NULL: none */
	const char *behind; /* the comment on the line of the token before it, NULL: none */
} bf_token;

typedef struct bf_lexer bf_lexer;

/*
 * Gets a directive's text, from behind the '#' to the line's end, and reads it with the lexer it is given. True when it
 * has taken the comment before it, which is then nobody else's.
 */
typedef bool bf_directive_handler(void *context, bf_lexer *line, const char *before);

struct bf_lexer {
	const char *p, *end;
	const char *text; /* where it began, for columns */
	bf_arena *arena;
	bf_table *idents;
	const bf_file *file;
	int line;
	bool line_start; /* only blanks since the last newline */
	const char *complaint;
	bf_directive_handler *directive; /* NULL: '#' is a token like others */
	void *context;
};

/* A complaint that is no fault of the text. */
extern const char bf_lexer_no_memory[];

void bf_lexer_init(bf_lexer *lex, const char *text, size_t len, bf_arena *arena, bf_table *idents, const bf_file *file);
void bf_lexer_next(bf_lexer *lex, bf_token *token);

/* The ident of a name; NULL: no memory. */
bf_ident *bf_ident_of(bf_arena *arena, bf_table *idents, const char *name, size_t len);
uint32_t bf_ident_hash(const char *name, size_t len);

/* Makes the keywords known to an empty table. 0, or -1: no memory. */
int bf_keywords_add(bf_arena *arena, bf_table *idents);

/* From 1, in bytes. */
int bf_token_column(const bf_lexer *lex, const char *start);

/* A comment, or a run of line comments, without its stars and slashes; NULL: no memory, or nothing in it. */
char *bf_comment_text(bf_arena *arena, const char *comment, const char *end);

/* A comment that speaks about what stands before it, as in Doxygen's form with a '<'. */
bool bf_comment_points_back(const char *comment);

#endif
