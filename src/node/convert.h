/*
 * The conversion table: one JavaScript value to one C value in memory, and back,
 * by C type. Arguments, results, callback arguments, callback results, variables
 * and struct members all pass here, on every tier's slow path; a faster path may
 * only do what the table does.
 *
 * In (JavaScript to C), anything else is a TypeError or RangeError:
 *
 *   integers, enum   Number or BigInt, integral and in range; enum: also a member's name
 *   bool             true, false
 *   float, double    Number
 *   long double      Number; BigInt or { mantissa, exponent } where it holds them exactly
 *   char *           null, string (if const; UTF-8, no inner NUL), and what a pointer takes
 *   char16_t * ...   the same, as UTF-16 or UTF-32; wchar_t * by its size
 *   T *              null, Pointer to T or void, T value, Buffer, TypedArray, DataView,
 *                    ArrayBuffer of at least sizeof(T) (or empty); for const T also what
 *                    makes a T or an array of T
 *   function *       null, a function, a callback, a Pointer, a function made by biffi
 *   struct, union    a value of the type, or an object that makes one
 *
 * Out (C to JavaScript): integers up to 32 bits, float, double: Number; 64 bits:
 * Number when safe, else BigInt (or always one of them, by flag); long double: Number
 * where that is exact, else LongDouble; bool; char * and
 * the like: string or null; T *: Pointer, function, or null; struct, union: a new
 * value.
 *
 * Nothing is allocated in between but strings (scratch) and what JavaScript makes.
 */
#ifndef BF_NODE_CONVERT_H
#define BF_NODE_CONVERT_H

#include "env.h"
#include "value.h"

typedef enum bf_conversion {
	BF_CONV_VOID,
	BF_CONV_BOOL,
	BF_CONV_INT8, /* in the order of bf_kind */
	BF_CONV_UINT8,
	BF_CONV_INT16,
	BF_CONV_UINT16,
	BF_CONV_INT32,
	BF_CONV_UINT32,
	BF_CONV_INT64,
	BF_CONV_UINT64,
	BF_CONV_INT128,
	BF_CONV_UINT128,
	BF_CONV_FLOAT,
	BF_CONV_DOUBLE,
	BF_CONV_LDOUBLE,
	BF_CONV_COMPLEX,  /* any _Complex: {re, im} */
	BF_CONV_STRING,   /* char *, char8_t *: UTF-8 */
	BF_CONV_STRING16, /* pointer to 16-bit characters */
	BF_CONV_STRING32,
	BF_CONV_POINTER,
	BF_CONV_CALLBACK, /* pointer to a function */
	BF_CONV_MEMORY,   /* struct, union, array (in memory): copied */
	BF_CONV_UNSUPPORTED,
} bf_conversion;

enum {
	BF_CONV_CONST = 1 << 0, /* pointer to const: temporaries and strings may be passed */
	BF_CONV_ENUM = 1 << 1,  /* integer of an enum */
	BF_CONV_OWNED = 1 << 4, /* string out: free(3) it after reading */
};

typedef struct bf_converter {
	uint8_t conversion;             /* bf_conversion */
	uint8_t flags;                  /* BF_CONV_..., BF_INT64_... */
	uint32_t offset;                /* in the frame */
	uint64_t size;                  /* bytes of the C value */
	const bf_type *type;            /* as declared, with its typedef names, for messages */
	const bf_type *target;          /* pointers: what it points to, stripped */
	const char *name;               /* of the parameter or member; NULL: none */
	napi_ref js_type;               /* the type object, once it was needed */
	struct bf_signature *signature; /* function pointers: how to be called, once it was needed; counted */
} bf_converter;

/* Fills a converter. Its type's bf_types must outlive it. Never fails: what nothing can carry is BF_CONV_UNSUPPORTED.
 */
void bf_converter_init(bf_converter *c, const bf_type *type, const char *name, uint32_t offset, unsigned flags);
void bf_converter_clear(bf_converter *c, bf_env *env);

/* What a conversion belongs to: where temporaries go, and what an error names. */
typedef struct bf_context {
	bf_env *env;
	bf_types *types;   /* owner of the types converted, for type objects made on the way; may be NULL */
	const char *owner; /* "cos": its argument (index from 1) or result (-1); "Point.x": itself (0) */
	int index;
	int argument;         /* the owner is the callback passed as this argument of the function; 0: it is not */
	bf_scratch *scratch;  /* strings; NULL: refused */
	struct bf_lent *lent; /* functions passed as arguments, see callback.h; NULL: refused */
	napi_value keep;      /* Array that keeps temporaries alive beyond this call (async), or NULL */
	bool async;           /* C will run on another thread */
} bf_context;

/* JavaScript to C at `slot`. Non-zero: an exception is pending. */
int bf_convert_in(bf_context *cx, bf_converter *c, napi_value value, void *slot);

/* C at `slot` to JavaScript. NULL: an exception is pending. */
napi_value bf_convert_out(bf_context *cx, bf_converter *c, const void *slot);

/* The type object of a converter, made on first use. NULL: an exception is pending. */
napi_value bf_converter_type(bf_context *cx, bf_converter *c);

/* Throws "owner(): argument 1 'x' (double): " and the rest; see bf_context. Returns -1. */
int bf_context_throw(bf_context *cx, const bf_converter *c, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Throws "...: expected <expected>, got <value>". Returns -1. */
int bf_context_expected(bf_context *cx, const bf_converter *c, int code, const char *expected, napi_value value);

#endif
