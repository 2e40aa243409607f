/*
 * Inside the parser: its state, and what its files call in each other.
 *
 * Errors: the first one is kept and the token becomes T_END for good, so every
 * loop ends and every function returns to its caller; nobody needs to look for
 * errors but who would do harm with half a result. Types that are asked for
 * after an error are `int`, never NULL.
 *
 * Depth: whatever recurses calls bf_enter and bf_leave.
 */
#ifndef BF_CTYPE_PARSER_H
#define BF_CTYPE_PARSER_H

#include "lexer.h"
#include "types.h"

enum {
	BF_NESTING = 256,      /* of parentheses, structs, parameters ... together */
	BF_EXPANSION = 1 << 16 /* bytes that one macro may grow to */
};

struct bf_macro {
	bf_macro *next; /* in the order of the text */
	bf_ident *ident;
	const char *body; /* NUL-terminated */
	size_t len;
	bf_ident **params; /* of a function-like macro */
	uint32_t nparams;
	bool function_like, variadic;
	bool busy; /* being expanded: its own name stays as it is */
	bool dead; /* #undef, or defined again */
	const char *doc;
	const bf_file *file;
	int line;
};

struct bf_decls {
	bf_types *types;
	bf_arena arena; /* symbols, names, macros */
	bf_table idents, files;
	bf_symbol **symbols;
	size_t nsymbols, room;
	bf_macro *new_macros, **last_macro; /* not yet looked at */
	bf_file text;
	void *locale; /* of C, for strtod */
};

/* Growing arrays that the recursive parts share as stacks: everybody leaves them as found. */
typedef struct bf_stack {
	char *items;
	size_t count, room;
} bf_stack;

typedef struct bf_parser {
	bf_decls *d;
	bf_lexer lex;
	bf_token tok, ahead;
	bool has_ahead;
	bool failed;
	bf_error *err;
	int depth;
	unsigned linkage; /* open braces of extern "C" */
	uint32_t pack;    /* #pragma pack, 0: none */
	bf_stack packs;   /* uint32_t: #pragma pack(push) */
	bf_stack ops, params, specs, enumerators;
} bf_parser;

/* --- parse.c: tokens, errors ---------------------------------------------------- */

void bf_parser_init(bf_parser *p, bf_decls *d, const char *text, size_t len, bf_error *err);
void bf_parser_done(bf_parser *p);

void bf_advance(bf_parser *p);
const bf_token *bf_peek(bf_parser *p); /* the token after this one */
bool bf_accept(bf_parser *p, int kind);

/* "expected ';' after member 'x', got 'int'": `where` is the part from "after" on; NULL: none. */
bool bf_expect(bf_parser *p, int kind, const char *where);

/* Fails at the current token. */
void bf_fail(bf_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bf_fail_at(bf_parser *p, const bf_token *at, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* For what the type room reported: puts the place before its words. */
void bf_fail_type(bf_parser *p, const bf_token *at, const bf_error *err);

bool bf_enter(bf_parser *p);
void bf_leave(bf_parser *p);

/* From an opening bracket to behind its closing one. */
void bf_skip_balanced(bf_parser *p);

/* One more item, zeroed; NULL: no memory, and the parser has failed. */
void *bf_push(bf_parser *p, bf_stack *stack, size_t size);

/* How the current token is named in a message. */
const char *bf_token_words(const bf_token *tok, char *room, size_t size);

/* --- attributes.c ------------------------------------------------------------------ */

typedef struct bf_attributes {
	uint32_t aligned; /* 0: none */
	uint64_t vector_size;
	bool packed, transparent, vector;
	bool unsupported; /* ms_struct, scalar_storage_order */
	char mode[16];    /* without underscores; "": none */
	bf_token at;      /* of the last that matters, for messages */
} bf_attributes;

/* Any number of __attribute__((...)), [[...]], __declspec(...), _Alignas(...) and words that mean nothing here. */
void bf_attributes_parse(bf_parser *p, bf_attributes *attrs);

/* vector_size and mode change the type itself. */
const bf_type *bf_attributes_apply(bf_parser *p, const bf_attributes *attrs, const bf_type *t);

/* --- specifiers.c --------------------------------------------------------------------- */

typedef enum bf_storage { BF_STORAGE_NONE, BF_STORAGE_TYPEDEF, BF_STORAGE_EXTERN, BF_STORAGE_STATIC } bf_storage;

typedef struct bf_specifiers {
	const bf_type *type; /* with qualifiers */
	bf_storage storage;
	bool is_inline;
	bool tag_only;  /* the type is a struct, union or enum spelled with its keyword */
	bool anonymous; /* ... defined here without a tag */
	bf_attributes attrs;
} bf_specifiers;

bool bf_starts_type(bf_parser *p, const bf_token *tok);
void bf_specifiers_parse(bf_parser *p, bf_specifiers *out, bool storage_allowed);
const bf_type *bf_qualified(bf_parser *p, const bf_type *t, unsigned qualifiers);

/* --- tagged.c: struct, union, enum ------------------------------------------------------ */

const bf_type *bf_record_parse(bf_parser *p, bf_specifiers *out);
const bf_type *bf_enum_parse(bf_parser *p, bf_specifiers *out);
void bf_static_assert_parse(bf_parser *p);

/* --- declarator.c -------------------------------------------------------------------------- */

typedef struct bf_declarator {
	bf_token name; /* kind T_END: abstract */
	const bf_type *type;
	const char *link_name; /* asm label, NULL: none */
	bf_attributes attrs;
	bool is_function; /* declares one, not just has its type by a typedef */
} bf_declarator;

enum { BF_NAMED = 1, BF_ABSTRACT = 2, BF_PARAMETER = 4 };

/* `what`: BF_NAMED, BF_ABSTRACT or both: which forms are right here; BF_PARAMETER: arrays may have any length. */
void bf_declarator_parse(bf_parser *p, const bf_specifiers *specs, int what, bf_declarator *out);

/* A type name as in a cast. */
const bf_type *bf_type_name_parse(bf_parser *p);

/* --- arithmetic.c --------------------------------------------------------------------------- */

typedef enum bf_value_kind {
	BF_VALUE_UNKNOWN, /* not constant; `why`, and `at` where */
	BF_VALUE_INT,     /* type says how to read the bits; a pointer type: an address */
	BF_VALUE_FLOAT,
	BF_VALUE_STRING,
	BF_VALUE_PLACE, /* an object at a constant address */
} bf_value_kind;

typedef struct bf_value {
	bf_value_kind kind;
	const bf_type *type; /* NULL: not known */
	int64_t i;
	double f;
	const char *bytes; /* BF_VALUE_STRING, in the arena */
	size_t length;
	const char *why;
	bf_token at;
} bf_value;

bf_value bf_value_unknown(const bf_token *at, const bf_type *type, const char *why);
bf_value bf_value_integer(const bf_token *at, const bf_type *type, int64_t i);

/* An object at an address; unknown when that is not known, or the type is not. */
bf_value bf_value_place(const bf_token *at, const bf_type *type, bool known, uint64_t address);

bf_value bf_value_cast(bf_value v, const bf_type *type);
bf_value bf_value_unary(bf_value v, const bf_token *at, int op);
bf_value bf_value_binary(const bf_token *at, int op, const bf_value *a, const bf_value *b);

/* 0 or 1; -1: not known. */
int bf_value_truth(const bf_value *v);
bool bf_value_is_unsigned(const bf_value *v);

/* The type of the sum of an `a` and a `b`. */
const bf_type *bf_type_common(const bf_type *a, const bf_type *b);
int bf_value_constant(const bf_value *v, bf_constant *out); /* 0, or -1: not constant */

/* --- expression.c ------------------------------------------------------------------------------ */

/* Up to a comma, or what else cannot go on. */
bf_value bf_expression_parse(bf_parser *p);

/* With commas. */
bf_value bf_expression_parse_all(bf_parser *p);

/* An integer or a failure. `for_what`: "an array size". */
bf_value bf_expression_integer(bf_parser *p, const char *for_what);
void bf_fail_value(bf_parser *p, const bf_value *v, const char *for_what);

/* --- literal.c ------------------------------------------------------------------------------------ */

bf_value bf_literal_number(bf_parser *p, const bf_token *tok);
bf_value bf_literal_char(bf_parser *p, const bf_token *tok);

/* The current string token and those that follow it. */
bf_value bf_literal_string(bf_parser *p);

/* --- directive.c, macro.c ------------------------------------------------------------------------- */

bool bf_directive(void *parser, bf_lexer *line, const char *before);

/* _Pragma("..."): the current token is its name. */
void bf_pragma_operator(bf_parser *p);

/* Makes constants of the macros that are. */
void bf_macros_settle(bf_parser *p);

/* The value of an object-like macro. */
bf_value bf_macro_value(bf_parser *p, bf_macro *m);

/* The macro as text, with everything in it expanded. 0, or -1: too long, too deep, or malformed. */
int bf_macro_expand(bf_decls *d, bf_macro *m, char **text, size_t *len);

/* --- unit.c: declarations outside of everything --------------------------------------------- */

void bf_unit_parse(bf_parser *p);

/* --- decls.c -------------------------------------------------------------------------------------- */

/* A symbol that the identifier means from now on; listed as well, or not. NULL: no memory, and the parser has failed.
 */
bf_symbol *bf_symbol_add(bf_parser *p, bf_symbol_kind kind, bf_ident *ident, const bf_token *at);
bf_symbol *bf_symbol_new(bf_parser *p, bf_symbol_kind kind, bf_ident *ident, const bf_token *at);
bool bf_symbol_list(bf_parser *p, bf_symbol *s);

/* The type that an identifier names, or NULL. */
const bf_type *bf_ident_type(const bf_ident *ident);
void bf_symbol_place(bf_symbol *s, const bf_file *file, int line);

#endif
