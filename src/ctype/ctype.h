/*
 * C types: what a declaration means. A bf_type is an immutable record in the
 * arena of the bf_types that made it; it says a type's size, alignment and
 * parts, and nothing about how a value travels in a call.
 *
 * Ownership: a bf_types owns every type made in it. It is counted; a bf_types
 * that uses another one's type (bf_types_adopt) keeps that one alive.
 * Threads: a bf_types belongs to one thread at a time.
 *
 * Layout rules: System V psABI x86-64 section 3.1.2 and AAPCS64 section 5, with
 * the attributes packed and aligned(N) as gcc and clang define them.
 */
#ifndef BF_CTYPE_H
#define BF_CTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef enum bf_kind {
	BF_VOID,
	BF_BOOL,
	BF_INT8, /* the integers are in this order: signed even offset, unsigned odd */
	BF_UINT8,
	BF_INT16,
	BF_UINT16,
	BF_INT32,
	BF_UINT32,
	BF_INT64,
	BF_UINT64,
	BF_INT128,
	BF_UINT128,
	BF_FLOAT,
	BF_DOUBLE,
	BF_LDOUBLE,
	BF_FLOAT128,
	BF_CFLOAT, /* _Complex float, double, long double */
	BF_CDOUBLE,
	BF_CLDOUBLE,
	BF_POINTER,  /* base: what it points to */
	BF_ARRAY,    /* base: the element; count, or BF_FLAG_FLEXIBLE */
	BF_STRUCT,   /* members; base NULL */
	BF_UNION,    /* members */
	BF_ENUM,     /* base: its integer type; enumerators */
	BF_FUNCTION, /* base: the result; params */
	BF_VECTOR,   /* a name and a layout; nothing can use it by value */
	BF_ALIAS,    /* base, under another name (typedef) and/or with qualifiers */
} bf_kind;

enum {
	BF_FLAG_CONST = 1 << 0,      /* BF_ALIAS only */
	BF_FLAG_VOLATILE = 1 << 1,   /* BF_ALIAS only */
	BF_FLAG_INCOMPLETE = 1 << 2, /* declared, not defined: struct, union, enum, array */
	BF_FLAG_FLEXIBLE = 1 << 3,   /* array without a count; struct that ends in one */
	BF_FLAG_PACKED = 1 << 4,
	BF_FLAG_VARIADIC = 1 << 5,    /* function with ... */
	BF_FLAG_CHAR = 1 << 6,        /* integer that holds text: char, wchar_t, char16_t, char32_t, char8_t */
	BF_FLAG_VLIST = 1 << 7,       /* the target's va_list */
	BF_FLAG_NOPROTO = 1 << 8,     /* function declared with (): called like (void) */
	BF_FLAG_TRANSPARENT = 1 << 9, /* union that is passed as its first member (gcc's transparent_union) */
};

/* No type nests deeper than this (pointers, arrays, functions, aliases and members all count): readers may recurse. */
#define BF_MAX_DEPTH 512

typedef struct bf_type bf_type;

typedef struct bf_member {
	const char *name; /* NULL: anonymous struct or union, or unnamed bit-field */
	const bf_type *type;
	uint64_t offset; /* bytes; for a bit-field: of the storage unit that its type spells */
	/*
	 * The bits of a bit-field start at bit offset * 8 + bit_offset (from the least significant one). In a packed
	 * struct they may run beyond the storage unit, and the unit beyond the struct: touch only bytes that hold them.
	 */
	uint16_t bit_offset;
	uint16_t bit_width; /* 0: not a bit-field (an unnamed zero-width one leaves no member) */
	const char *doc;    /* comment text, or NULL */
} bf_member;

typedef struct bf_enumerator {
	const char *name;
	int64_t value; /* as two's complement of the enum's integer type */
	const char *doc;
} bf_enumerator;

typedef struct bf_param {
	const char *name;    /* NULL: not named */
	const bf_type *type; /* arrays and functions already adjusted to pointers */
} bf_param;

struct bf_type {
	uint8_t kind;    /* bf_kind */
	uint8_t natural; /* struct, union: log2 of the alignment without an aligned(N) of the whole; calls ask for it */
	uint16_t flags;
	uint32_t align; /* bytes; 0 while incomplete, and for functions */
	uint64_t size;  /* bytes; 0 while incomplete, and for void and functions */
	uint32_t id;    /* unique in the process, for caches */
	uint32_t depth; /* at most BF_MAX_DEPTH */
	const char *
	    name; /* builtin: its C spelling; struct, union, enum: the tag or NULL; alias: the typedef's name or NULL */
	const bf_type *base; /* see bf_kind */
	union {
		uint64_t count; /* BF_ARRAY */
		struct {
			const bf_member *members;
			uint32_t nmembers;
		};
		struct {
			const bf_enumerator *enumerators;
			uint32_t nenumerators;
		};
		struct {
			const bf_param *params;
			uint32_t nparams;
		};
	};
};

/* --- the builtin types: static, shared by all ------------------------------- */

/* Any kind from BF_VOID to BF_CLDOUBLE, by its plainest C name (BF_INT64: "long"). */
const bf_type *bf_type_builtin(bf_kind kind);

/*
 * The type that a name of the C standard or of POSIX stands for: "int",
 * "unsigned long long", "uint8_t", "size_t", "wchar_t", "ssize_t", "_Bool",
 * "va_list" ... NULL: not one of them. `len` bytes are read.
 */
const bf_type *bf_type_named(const char *name, size_t len);

/* --- making types ----------------------------------------------------------- */

typedef struct bf_types bf_types;

int bf_types_new(bf_types **out);
bf_types *bf_types_ref(bf_types *ts);
void bf_types_unref(bf_types *ts); /* NULL: nothing happens */

/* Keeps `other` alive as long as `ts`. */
int bf_types_adopt(bf_types *ts, bf_types *other);

/* Memory that lives as long as `ts`, zeroed, aligned for anything; NULL: no memory. */
void *bf_types_alloc(bf_types *ts, size_t size);
char *bf_types_strdup(bf_types *ts, const char *s, size_t len);

/* Bytes that `ts` holds now, for tests and for the benchmark. */
size_t bf_types_memory(const bf_types *ts);

/* Equal requests give the same record for pointer, array and alias. */
int bf_type_pointer(bf_types *ts, const bf_type *to, const bf_type **out, bf_error *err);
int bf_type_array(bf_types *ts, const bf_type *element, uint64_t count, const bf_type **out, bf_error *err);
int bf_type_flexible(bf_types *ts, const bf_type *element, const bf_type **out, bf_error *err);
int bf_type_alias(bf_types *ts, const char *name, const bf_type *base, unsigned qualifiers, const bf_type **out,
		  bf_error *err);

/*
 * An alias with an alignment of its own, more or less than that of `base`, as a
 * typedef with the attribute aligned(N). `align` is a power of two.
 */
int bf_type_aligned(bf_types *ts, const char *name, const bf_type *base, unsigned qualifiers, uint32_t align,
		    const bf_type **out, bf_error *err);

/* `size` bytes of `element`, as the attribute vector_size(N). */
int bf_type_vector(bf_types *ts, const bf_type *element, uint64_t size, const bf_type **out, bf_error *err);

/* `params` and their names are copied. flags: BF_FLAG_VARIADIC, BF_FLAG_NOPROTO or 0. */
int bf_type_function(bf_types *ts, const bf_type *result, const bf_param *params, uint32_t nparams, unsigned flags,
		     const bf_type **out, bf_error *err);

/*
 * An incomplete struct, union or enum (`kind`); `tag` may be NULL. When it is
 * defined, the aliases of it in the same bf_types get its size and alignment.
 */
int bf_type_tagged(bf_types *ts, bf_kind kind, const char *tag, bf_type **out, bf_error *err);

/* What a member list can ask for; zero-initialised means "as C says". */
typedef struct bf_layout_options {
	bool packed;
	uint32_t pack;    /* #pragma pack(N), 0: none */
	uint32_t align;   /* attribute aligned(N) of the whole, 0: none */
	bool transparent; /* attribute transparent_union */
} bf_layout_options;

typedef struct bf_member_spec {
	const char *name; /* NULL: anonymous */
	const bf_type *type;
	int bit_width;  /* -1: not a bit-field; 0: zero-width, ends the storage unit */
	uint32_t align; /* _Alignas or aligned(N), 0: none */
	bool packed;
	const char *doc;
} bf_member_spec;

/*
 * Completes a struct or union: computes offsets, size, alignment. Errors:
 * BF_ETYPE for an incomplete or function member, a flexible array that is not
 * last, a bit-field of a non-integer type, a duplicate name; BF_ERANGE for a
 * bit-field wider than its type or a size beyond PTRDIFF_MAX.
 */
int bf_type_define(bf_types *ts, bf_type *tagged, const bf_member_spec *specs, uint32_t n,
		   const bf_layout_options *options, bf_error *err);

/*
 * Completes an enum; its integer type is unsigned int, else int, else 64 bits,
 * as gcc chooses; the smallest one that fits when `packed`.
 */
int bf_type_define_enum(bf_types *ts, bf_type *tagged, const bf_enumerator *list, uint32_t n, bool packed,
			bf_error *err);

/* Completes an enum whose integer type is known: C23's and clang's "enum e : T", or values beyond INT64_MAX. */
int bf_type_define_enum_as(bf_types *ts, bf_type *tagged, const bf_type *base, const bf_enumerator *list, uint32_t n,
			   bf_error *err);

/* --- reading types ---------------------------------------------------------- */

/* Without typedef names and qualifiers. */
const bf_type *bf_type_strip(const bf_type *t);

/* BF_FLAG_CONST and BF_FLAG_VOLATILE of all the aliases around `t`. */
unsigned bf_type_qualifiers(const bf_type *t);

/* Of a stripped or unstripped type. Enums and bool count as integers. */
bool bf_type_is_integer(const bf_type *t);
bool bf_type_is_signed(const bf_type *t);
bool bf_type_is_complete(const bf_type *t);

/* Same type for a C compiler: aliases and qualifiers do not count, tags by identity, the rest by structure. */
bool bf_type_same(const bf_type *a, const bf_type *b);

/*
 * Writes the type as C spells it, around `name` if that is not NULL:
 * "const char *", "int (*compar)(const void *, const void *)". Like snprintf:
 * returns the length that was needed, writes at most `size` bytes with the NUL.
 */
size_t bf_type_spell(const bf_type *t, const char *name, char *buf, size_t size);

/*
 * The member of that name, also inside anonymous structs and unions; `offset`
 * then is from the start of `t`. Returns NULL when there is none.
 */
const bf_member *bf_type_member(const bf_type *t, const char *name, size_t len, uint64_t *offset);

#endif
