/*
 * The types that need no declaration: C's own, and the names that <stdint.h>,
 * <stddef.h>, <sys/types.h> and their like give to them. All are constants of
 * the program, so every bf_types shares them.
 */
#include "types.h"

#include <string.h>

#define CHAR_KIND (BF_TARGET_CHAR_SIGNED ? BF_INT8 : BF_UINT8)
#define WCHAR_KIND (BF_TARGET_WCHAR_SIGNED ? BF_INT32 : BF_UINT32)

/* Kind, size (and alignment) and name of the builtin types; the enum below numbers them in this order. */
#define BUILTINS(X)                                                                                                    \
	X(VOID, BF_VOID, 0, 0, "void")                                                                                 \
	X(BOOL, BF_BOOL, 1, 0, "_Bool")                                                                                \
	X(SCHAR, BF_INT8, 1, 0, "signed char")                                                                         \
	X(UCHAR, BF_UINT8, 1, 0, "unsigned char")                                                                      \
	X(SHORT, BF_INT16, 2, 0, "short")                                                                              \
	X(USHORT, BF_UINT16, 2, 0, "unsigned short")                                                                   \
	X(INT, BF_INT32, 4, 0, "int")                                                                                  \
	X(UINT, BF_UINT32, 4, 0, "unsigned int")                                                                       \
	X(LONG, BF_INT64, 8, 0, "long")                                                                                \
	X(ULONG, BF_UINT64, 8, 0, "unsigned long")                                                                     \
	X(INT128, BF_INT128, 16, 0, "__int128")                                                                        \
	X(UINT128, BF_UINT128, 16, 0, "unsigned __int128")                                                             \
	X(FLOAT, BF_FLOAT, 4, 0, "float")                                                                              \
	X(DOUBLE, BF_DOUBLE, 8, 0, "double")                                                                           \
	X(LDOUBLE, BF_LDOUBLE, 16, 0, "long double")                                                                   \
	X(FLOAT128, BF_FLOAT128, 16, 0, "_Float128")                                                                   \
	X(CFLOAT, BF_CFLOAT, 8, 0, "_Complex float")                                                                   \
	X(CDOUBLE, BF_CDOUBLE, 16, 0, "_Complex double")                                                               \
	X(CLDOUBLE, BF_CLDOUBLE, 32, 0, "_Complex long double")                                                        \
	X(CHAR, CHAR_KIND, 1, BF_FLAG_CHAR, "char")                                                                    \
	X(WCHAR, WCHAR_KIND, 4, BF_FLAG_CHAR, "wchar_t")                                                               \
	X(CHAR8, BF_UINT8, 1, BF_FLAG_CHAR, "char8_t")                                                                 \
	X(CHAR16, BF_UINT16, 2, BF_FLAG_CHAR, "char16_t")                                                              \
	X(CHAR32, BF_UINT32, 4, BF_FLAG_CHAR, "char32_t")                                                              \
	X(LLONG, BF_INT64, 8, 0, "long long")                                                                          \
	X(ULLONG, BF_UINT64, 8, 0, "unsigned long long")                                                               \
	X(FLOAT16, BF_VECTOR, 2, 0, "_Float16")                                                                        \
	X(BFLOAT16, BF_VECTOR, 2, 0, "__bf16")                                                                         \
	X(DECIMAL32, BF_VECTOR, 4, 0, "_Decimal32")                                                                    \
	X(DECIMAL64, BF_VECTOR, 8, 0, "_Decimal64")                                                                    \
	X(DECIMAL128, BF_VECTOR, 16, 0, "_Decimal128")                                                                 \
	X(FLOAT32, BF_FLOAT, 4, 0, "_Float32")                                                                         \
	X(CFLOAT32, BF_CFLOAT, 8, 0, "_Complex _Float32")                                                              \
	X(FLOAT64, BF_DOUBLE, 8, 0, "_Float64")                                                                        \
	X(CFLOAT64, BF_CDOUBLE, 16, 0, "_Complex _Float64")                                                            \
	X(FLOAT32X, BF_DOUBLE, 8, 0, "_Float32x")                                                                      \
	X(CFLOAT32X, BF_CDOUBLE, 16, 0, "_Complex _Float32x")                                                          \
	X(FLOAT64X, BF_LDOUBLE, 16, 0, "_Float64x")                                                                    \
	X(CFLOAT64X, BF_CLDOUBLE, 32, 0, "_Complex _Float64x")                                                         \
	X(CFLOAT16, BF_VECTOR, 4, 0, "_Complex _Float16")                                                              \
	X(CFLOAT128, BF_VECTOR, 32, 0, "_Complex _Float128")

enum builtin {
#define X(id, kind, size, flags, name) id,
	BUILTINS(X)
#undef X
	    NBUILTINS
};

static const bf_type builtins[NBUILTINS] = {
#define X(index, knd, bytes, flgs, spelling)                                                                           \
	[index] = {.kind = (knd),                                                                                      \
		   .flags = (flgs),                                                                                    \
		   .size = (bytes),                                                                                    \
		   .align = (knd) == BF_CFLOAT || (knd) == BF_CDOUBLE || (knd) == BF_CLDOUBLE ||                       \
				    (index) == CFLOAT128 || (index) == CFLOAT16                                        \
				? (bytes) / 2                                                                          \
				: (bytes),                                                                             \
		   .id = 1 + (index),                                                                                  \
		   .depth = 1,                                                                                         \
		   .name = (spelling)},
    BUILTINS(X)
#undef X
};

const bf_type *bf_type_builtin(bf_kind kind)
{
	return kind <= BF_CLDOUBLE ? &builtins[kind] : NULL;
}

_Static_assert((int)VOID == BF_VOID && (int)CLDOUBLE == BF_CLDOUBLE,
	       "the first builtins stand in the order of bf_kind");

/* --- standard typedef names -------------------------------------------------- */

#define ALIASES(X)                                                                                                     \
	X(bool, BOOL)                                                                                                  \
	X(int8_t, SCHAR)                                                                                               \
	X(uint8_t, UCHAR)                                                                                              \
	X(int16_t, SHORT)                                                                                              \
	X(uint16_t, USHORT)                                                                                            \
	X(int32_t, INT)                                                                                                \
	X(uint32_t, UINT)                                                                                              \
	X(int64_t, LONG)                                                                                               \
	X(uint64_t, ULONG)                                                                                             \
	X(int_least8_t, SCHAR)                                                                                         \
	X(uint_least8_t, UCHAR)                                                                                        \
	X(int_least16_t, SHORT)                                                                                        \
	X(uint_least16_t, USHORT)                                                                                      \
	X(int_least32_t, INT)                                                                                          \
	X(uint_least32_t, UINT)                                                                                        \
	X(int_least64_t, LONG)                                                                                         \
	X(uint_least64_t, ULONG)                                                                                       \
	X(int_fast8_t, SCHAR)                                                                                          \
	X(uint_fast8_t, UCHAR)                                                                                         \
	X(int_fast16_t, LONG)                                                                                          \
	X(uint_fast16_t, ULONG)                                                                                        \
	X(int_fast32_t, LONG)                                                                                          \
	X(uint_fast32_t, ULONG)                                                                                        \
	X(int_fast64_t, LONG)                                                                                          \
	X(uint_fast64_t, ULONG)                                                                                        \
	X(intptr_t, LONG)                                                                                              \
	X(uintptr_t, ULONG)                                                                                            \
	X(intmax_t, LONG)                                                                                              \
	X(uintmax_t, ULONG)                                                                                            \
	X(size_t, ULONG)                                                                                               \
	X(ssize_t, LONG)                                                                                               \
	X(ptrdiff_t, LONG)                                                                                             \
	X(wint_t, UINT)                                                                                                \
	X(off_t, LONG)                                                                                                 \
	X(off64_t, LONG)                                                                                               \
	X(time_t, LONG)                                                                                                \
	X(clock_t, LONG)                                                                                               \
	X(clockid_t, INT)                                                                                              \
	X(suseconds_t, LONG)                                                                                           \
	X(useconds_t, UINT)                                                                                            \
	X(pid_t, INT)                                                                                                  \
	X(id_t, UINT)                                                                                                  \
	X(uid_t, UINT)                                                                                                 \
	X(gid_t, UINT)                                                                                                 \
	X(mode_t, UINT)                                                                                                \
	X(dev_t, ULONG)                                                                                                \
	X(ino_t, ULONG)                                                                                                \
	X(ino64_t, ULONG)                                                                                              \
	X(nlink_t, NLINK)                                                                                              \
	X(blksize_t, BLKSIZE)                                                                                          \
	X(blkcnt_t, LONG)                                                                                              \
	X(fsblkcnt_t, ULONG)                                                                                           \
	X(fsfilcnt_t, ULONG)                                                                                           \
	X(key_t, INT)                                                                                                  \
	X(socklen_t, UINT)                                                                                             \
	X(sa_family_t, USHORT)                                                                                         \
	X(in_addr_t, UINT)                                                                                             \
	X(in_port_t, USHORT)                                                                                           \
	X(pthread_t, ULONG)                                                                                            \
	X(pthread_key_t, UINT)                                                                                         \
	X(u_char, UCHAR)                                                                                               \
	X(u_short, USHORT)                                                                                             \
	X(u_int, UINT)                                                                                                 \
	X(u_long, ULONG)                                                                                               \
	X(ushort, USHORT)                                                                                              \
	X(uint, UINT)                                                                                                  \
	X(ulong, ULONG)                                                                                                \
	X(u_int8_t, UCHAR)                                                                                             \
	X(u_int16_t, USHORT)                                                                                           \
	X(u_int32_t, UINT)                                                                                             \
	X(u_int64_t, ULONG)                                                                                            \
	X(__int128_t, INT128)                                                                                          \
	X(__uint128_t, UINT128)                                                                                        \
	X(__float128, FLOAT128)                                                                                        \
	X(__float80, LDOUBLE)

#define NLINK (BF_TARGET_X64 ? ULONG : UINT)
#define BLKSIZE (BF_TARGET_X64 ? LONG : INT)

enum alias {
#define X(name, of) ALIAS_##name,
	ALIASES(X)
#undef X
	    NALIASES
};

static const bf_type aliases[NALIASES] = {
#define X(spelling, of)                                                                                                \
	[ALIAS_##spelling] = {.kind = BF_ALIAS,                                                                        \
			      .size = (of) == BOOL || (of) == SCHAR || (of) == UCHAR                             ? 1   \
				      : (of) == SHORT || (of) == USHORT                                          ? 2   \
				      : (of) == INT || (of) == UINT || (of) == FLOAT                             ? 4   \
				      : (of) == LDOUBLE || (of) == FLOAT128 || (of) == INT128 || (of) == UINT128 ? 16  \
														 : 8,  \
			      .align = (of) == BOOL || (of) == SCHAR || (of) == UCHAR                             ? 1  \
				       : (of) == SHORT || (of) == USHORT                                          ? 2  \
				       : (of) == INT || (of) == UINT || (of) == FLOAT                             ? 4  \
				       : (of) == LDOUBLE || (of) == FLOAT128 || (of) == INT128 || (of) == UINT128 ? 16 \
														  : 8, \
			      .id = 1 + NBUILTINS + ALIAS_##spelling,                                                  \
			      .depth = 2,                                                                              \
			      .name = #spelling,                                                                       \
			      .base = &builtins[of]},
    ALIASES(X)
#undef X
};

/* --- va_list and FILE --------------------------------------------------------- */

enum { FIRST_OWN_ID = 1 + NBUILTINS + NALIASES };

static const bf_type void_pointer = {
    .kind = BF_POINTER, .size = 8, .align = 8, .id = FIRST_OWN_ID, .depth = 2, .base = &builtins[VOID]};

#if BF_TARGET_X64
/* System V psABI x86-64, figure 3.34: an array of one struct. */
static const bf_member va_members[] = {
    {.name = "gp_offset", .type = &builtins[UINT], .offset = 0},
    {.name = "fp_offset", .type = &builtins[UINT], .offset = 4},
    {.name = "overflow_arg_area", .type = &void_pointer, .offset = 8},
    {.name = "reg_save_area", .type = &void_pointer, .offset = 16},
};
static const bf_type va_struct = {.kind = BF_STRUCT,
				  .size = 24,
				  .align = 8,
				  .id = FIRST_OWN_ID + 1,
				  .depth = 3,
				  .name = "__va_list_tag",
				  .members = va_members,
				  .nmembers = 4};
static const bf_type va_target = {
    .kind = BF_ARRAY, .size = 24, .align = 8, .id = FIRST_OWN_ID + 2, .depth = 4, .base = &va_struct, .count = 1};
#else
/* AAPCS64 10.1.5: a struct. */
static const bf_member va_members[] = {
    {.name = "__stack", .type = &void_pointer, .offset = 0},
    {.name = "__gr_top", .type = &void_pointer, .offset = 8},
    {.name = "__vr_top", .type = &void_pointer, .offset = 16},
    {.name = "__gr_offs", .type = &builtins[INT], .offset = 24},
    {.name = "__vr_offs", .type = &builtins[INT], .offset = 28},
};
static const bf_type va_target = {.kind = BF_STRUCT,
				  .size = 32,
				  .align = 8,
				  .id = FIRST_OWN_ID + 2,
				  .depth = 3,
				  .name = "__va_list",
				  .members = va_members,
				  .nmembers = 5};
#endif

#define VA_SIZE (BF_TARGET_X64 ? 24 : 32)

static const bf_type va_lists[] = {
    {.kind = BF_ALIAS,
     .flags = BF_FLAG_VLIST,
     .size = VA_SIZE,
     .align = 8,
     .id = FIRST_OWN_ID + 3,
     .depth = 5,
     .name = "va_list",
     .base = &va_target},
    {.kind = BF_ALIAS,
     .flags = BF_FLAG_VLIST,
     .size = VA_SIZE,
     .align = 8,
     .id = FIRST_OWN_ID + 4,
     .depth = 5,
     .name = "__builtin_va_list",
     .base = &va_target},
};

/* FILE is whatever the C library makes of it: only its address is ever used. */
static const bf_tagged io_file = {
    .type = {.kind = BF_STRUCT, .flags = BF_FLAG_INCOMPLETE, .id = FIRST_OWN_ID + 5, .depth = 1, .name = "_IO_FILE"}};
static const bf_type file = {.kind = BF_ALIAS,
			     .flags = BF_FLAG_INCOMPLETE,
			     .id = FIRST_OWN_ID + 6,
			     .depth = 2,
			     .name = "FILE",
			     .base = &io_file.type};

/* --- words -------------------------------------------------------------------- */

uint32_t bf_word(const char *text, size_t len)
{
	static const struct {
		const char *text;
		uint32_t word;
	} words[] = {
	    {"void", BF_WORD_VOID},          {"_Bool", BF_WORD_BOOL},      {"char", BF_WORD_CHAR},
	    {"short", BF_WORD_SHORT},        {"int", BF_WORD_INT},         {"long", BF_WORD_LONG},
	    {"float", BF_WORD_FLOAT},        {"double", BF_WORD_DOUBLE},   {"signed", BF_WORD_SIGNED},
	    {"unsigned", BF_WORD_UNSIGNED},  {"__int128", BF_WORD_INT128}, {"_Complex", BF_WORD_COMPLEX},
	    {"_Float128", BF_WORD_FLOAT128},
	};
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].text) == len && !memcmp(words[i].text, text, len))
			return words[i].word;
	return 0;
}

const bf_type *bf_type_of_words(uint32_t words)
{
	const uint32_t sign = BF_WORD_SIGNED | BF_WORD_UNSIGNED;
	bool is_unsigned = (words & BF_WORD_UNSIGNED * 3) != 0;
	uint32_t rest = words & ~(sign * 3);
	int first;

	switch (words) {
	case BF_WORD_VOID:
		return &builtins[VOID];
	case BF_WORD_BOOL:
		return &builtins[BOOL];
	case BF_WORD_CHAR:
		return &builtins[CHAR];
	case BF_WORD_FLOAT:
		return &builtins[FLOAT];
	case BF_WORD_DOUBLE:
		return &builtins[DOUBLE];
	case BF_WORD_LONG + BF_WORD_DOUBLE:
		return &builtins[LDOUBLE];
	case BF_WORD_FLOAT128:
		return &builtins[FLOAT128];
	case BF_WORD_COMPLEX + BF_WORD_FLOAT:
		return &builtins[CFLOAT];
	case BF_WORD_COMPLEX:
	case BF_WORD_COMPLEX + BF_WORD_DOUBLE:
		return &builtins[CDOUBLE];
	case BF_WORD_COMPLEX + BF_WORD_LONG + BF_WORD_DOUBLE:
		return &builtins[CLDOUBLE];
	case BF_WORD_COMPLEX + BF_WORD_FLOAT128:
		return &builtins[CFLOAT128];
	case BF_WORD_FLOAT32:
		return &builtins[FLOAT32];
	case BF_WORD_FLOAT64:
		return &builtins[FLOAT64];
	case BF_WORD_FLOAT32 + BF_WORD_EXTENDED:
		return &builtins[FLOAT32X];
	case BF_WORD_FLOAT64 + BF_WORD_EXTENDED:
		return &builtins[FLOAT64X];
	case BF_WORD_COMPLEX + BF_WORD_FLOAT32:
		return &builtins[CFLOAT32];
	case BF_WORD_COMPLEX + BF_WORD_FLOAT64:
		return &builtins[CFLOAT64];
	case BF_WORD_COMPLEX + BF_WORD_FLOAT32 + BF_WORD_EXTENDED:
		return &builtins[CFLOAT32X];
	case BF_WORD_COMPLEX + BF_WORD_FLOAT64 + BF_WORD_EXTENDED:
		return &builtins[CFLOAT64X];
	default:
		break;
	}

	/* What is left are the integers: at most one word of sign, then the size. */
	if ((words & sign * 3) & ((words & sign * 3) - 1))
		return NULL;
	switch (rest) {
	case BF_WORD_CHAR:
		first = SCHAR;
		break;
	case BF_WORD_SHORT:
	case BF_WORD_SHORT + BF_WORD_INT:
		first = SHORT;
		break;
	case 0:
		if (!words)
			return NULL;
		first = INT;
		break;
	case BF_WORD_INT:
		first = INT;
		break;
	case BF_WORD_LONG:
	case BF_WORD_LONG + BF_WORD_INT:
		first = LONG;
		break;
	case BF_WORD_LONG * 2:
	case BF_WORD_LONG * 2 + BF_WORD_INT:
		first = LLONG;
		break;
	case BF_WORD_INT128:
		first = INT128;
		break;
	default:
		return NULL;
	}
	return &builtins[first + is_unsigned];
}

const bf_type *bf_type_complex_of(const bf_type *t)
{
	return t == &builtins[FLOAT16] ? &builtins[CFLOAT16] : NULL;
}

static bool is_named(const bf_type *t, const char *name, size_t len)
{
	return strlen(t->name) == len && !memcmp(t->name, name, len);
}

static const bf_type *named_by_words(const char *name, size_t len)
{
	const char *end = name + len, *start;
	uint32_t words = 0, word;

	while (name < end) {
		for (start = name; name < end && *name != ' '; name++)
			;
		if (name > start) {
			word = bf_word(start, (size_t)(name - start));
			if (!word)
				return NULL;
			words = bf_words_add(words, word);
		}
		while (name < end && *name == ' ')
			name++;
	}
	return bf_type_of_words(words);
}

const bf_type *bf_type_named(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < NBUILTINS; i++)
		if (is_named(&builtins[i], name, len))
			return &builtins[i];
	for (i = 0; i < NALIASES; i++)
		if (is_named(&aliases[i], name, len))
			return &aliases[i];
	for (i = 0; i < sizeof va_lists / sizeof *va_lists; i++)
		if (is_named(&va_lists[i], name, len))
			return &va_lists[i];
	if (is_named(&file, name, len))
		return &file;
	return named_by_words(name, len);
}
