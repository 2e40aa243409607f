/*
 * Declarations: a bf_decls reads C text and remembers, in order, what the text
 * declares. It owns a bf_types for the types of the text. Text can be fed in
 * several pieces; later pieces see what earlier ones declared.
 */
#ifndef BF_CTYPE_DECLS_H
#define BF_CTYPE_DECLS_H

#include "ctype.h"

typedef enum bf_symbol_kind {
	BF_SYMBOL_FUNCTION, /* type: BF_FUNCTION */
	BF_SYMBOL_VARIABLE, /* type: its type */
	BF_SYMBOL_CONSTANT, /* an enumerator, a #define, or a "static const" number; value */
	BF_SYMBOL_TYPEDEF,  /* type: BF_ALIAS with that name */
	BF_SYMBOL_TAG,      /* type: BF_STRUCT, BF_UNION or BF_ENUM; name is the tag */
} bf_symbol_kind;

typedef enum bf_constant_kind {
	BF_CONSTANT_INT,
	BF_CONSTANT_UINT,
	BF_CONSTANT_FLOAT,
	BF_CONSTANT_STRING
} bf_constant_kind;

typedef struct bf_constant {
	bf_constant_kind kind;
	union {
		int64_t i;
		uint64_t u;
		double d;
		struct {
			const char *bytes; /* NUL-terminated as well */
			size_t length;     /* without that NUL */
		} s;
	};
} bf_constant;

typedef struct bf_symbol {
	bf_symbol_kind kind;
	const char *name;
	const char *link_name; /* what to look up in a library: the name, or its asm label */
	const bf_type *type;   /* of a #define: the pointer type it is cast to, or NULL */
	bf_constant value;     /* BF_SYMBOL_CONSTANT */
	const char *doc;       /* the comment before it, without its stars; NULL: none */
	const char *file;      /* from line markers; NULL: the text itself */
	int line;              /* from 1 */
	bool system;           /* the line marker called its file a system header */
} bf_symbol;

typedef struct bf_decls bf_decls;

int bf_decls_new(bf_decls **out);
void bf_decls_free(bf_decls *d);
bf_types *bf_decls_types(bf_decls *d); /* borrowed; bf_types_ref to keep the types longer */

/*
 * Reads C declarations: plain text, or the output of `cc -E -dD` with its line
 * markers and #define lines (and -CC, for the comments, those behind a #define
 * too). Nothing after the first error is read; what was declared before it stays.
 * BF_ESYNTAX has line, column and what was expected.
 */
int bf_decls_parse(bf_decls *d, const char *text, size_t len, bf_error *err);

/*
 * Makes a type of other declarations known here, as a typedef of that name or, with
 * BF_SYMBOL_TAG, as the struct, union or enum of that tag. It is not listed among
 * the symbols. `owner` is kept alive. BF_ETYPE when the name is taken by something else.
 */
int bf_decls_import(bf_decls *d, bf_types *owner, bf_symbol_kind kind, const char *name, size_t len,
		    const bf_type *type, bf_error *err);

/* A type name alone, as in a cast: "const char *", "int (*)(void)". */
int bf_decls_parse_type(bf_decls *d, const char *text, size_t len, const bf_type **out, bf_error *err);

size_t bf_decls_count(const bf_decls *d);
const bf_symbol *bf_decls_at(const bf_decls *d, size_t index);

/* Among functions, variables, constants and typedefs. NULL: not declared. */
const bf_symbol *bf_decls_find(const bf_decls *d, const char *name, size_t len);

/* Among tags. */
const bf_symbol *bf_decls_find_tag(const bf_decls *d, const char *name, size_t len);

#endif
