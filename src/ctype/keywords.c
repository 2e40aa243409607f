/* The words that C and the compilers of the GNU family reserve, in all their spellings. */
#include "lexer.h"
#include "types.h"

#include <string.h>

static const struct {
	const char *text;
	uint16_t kind;
	uint32_t word;
} keywords[] = {
    {"_Alignas", K_ALIGNAS, 0},
    {"alignas", K_ALIGNAS, 0},
    {"_Alignof", K_ALIGNOF, 0},
    {"__alignof", K_ALIGNOF, 0},
    {"__alignof__", K_ALIGNOF, 0},
    {"alignof", K_ALIGNOF, 0},
    {"asm", K_ASM, 0},
    {"__asm", K_ASM, 0},
    {"__asm__", K_ASM, 0},
    {"_Atomic", K_ATOMIC, 0},
    {"__attribute", K_ATTRIBUTE, 0},
    {"__attribute__", K_ATTRIBUTE, 0},
    {"auto", K_AUTO, 0},
    {"register", K_AUTO, 0},
    {"const", K_CONST, 0},
    {"__const", K_CONST, 0},
    {"__const__", K_CONST, 0},
    {"__declspec", K_DECLSPEC, 0},
    {"enum", K_ENUM, 0},
    {"__extension__", K_EXTENSION, 0},
    {"extern", K_EXTERN, 0},
    {"_Generic", K_GENERIC, 0},
    {"inline", K_INLINE, 0},
    {"__inline", K_INLINE, 0},
    {"__inline__", K_INLINE, 0},
    {"_Noreturn", K_NORETURN, 0},
    {"_Nonnull", K_NULLABILITY, 0},
    {"_Nullable", K_NULLABILITY, 0},
    {"_Null_unspecified", K_NULLABILITY, 0},
    {"_Pragma", K_PRAGMA, 0},
    {"__pragma", K_PRAGMA, 0},
    {"restrict", K_RESTRICT, 0},
    {"__restrict", K_RESTRICT, 0},
    {"__restrict__", K_RESTRICT, 0},
    {"sizeof", K_SIZEOF, 0},
    {"static", K_STATIC, 0},
    {"_Static_assert", K_STATIC_ASSERT, 0},
    {"static_assert", K_STATIC_ASSERT, 0},
    {"struct", K_STRUCT, 0},
    {"_Thread_local", K_THREAD, 0},
    {"__thread", K_THREAD, 0},
    {"thread_local", K_THREAD, 0},
    {"typedef", K_TYPEDEF, 0},
    {"typeof", K_TYPEOF, 0},
    {"__typeof", K_TYPEOF, 0},
    {"__typeof__", K_TYPEOF, 0},
    {"typeof_unqual", K_TYPEOF, 0},
    {"union", K_UNION, 0},
    {"volatile", K_VOLATILE, 0},
    {"__volatile", K_VOLATILE, 0},
    {"__volatile__", K_VOLATILE, 0},
    {"__builtin_offsetof", K_OFFSETOF, 0},
    {"offsetof", K_OFFSETOF, 0},
    {"__builtin_choose_expr", K_CHOOSE_EXPR, 0},
    {"__builtin_types_compatible_p", K_TYPES_COMPATIBLE, 0},
    {"__builtin_constant_p", K_CONSTANT_P, 0},

    {"void", K_WORD, BF_WORD_VOID},
    {"_Bool", K_WORD, BF_WORD_BOOL},
    {"char", K_WORD, BF_WORD_CHAR},
    {"short", K_WORD, BF_WORD_SHORT},
    {"int", K_WORD, BF_WORD_INT},
    {"long", K_WORD, BF_WORD_LONG},
    {"float", K_WORD, BF_WORD_FLOAT},
    {"double", K_WORD, BF_WORD_DOUBLE},
    {"signed", K_WORD, BF_WORD_SIGNED},
    {"__signed", K_WORD, BF_WORD_SIGNED},
    {"__signed__", K_WORD, BF_WORD_SIGNED},
    {"unsigned", K_WORD, BF_WORD_UNSIGNED},
    {"__int128", K_WORD, BF_WORD_INT128},
    {"_Complex", K_WORD, BF_WORD_COMPLEX},
    {"__complex", K_WORD, BF_WORD_COMPLEX},
    {"__complex__", K_WORD, BF_WORD_COMPLEX},
    {"_Float128", K_WORD, BF_WORD_FLOAT128},
    {"__float128", K_WORD, BF_WORD_FLOAT128},
    {"_Float64x", K_WORD, BF_WORD_FLOAT64 + BF_WORD_EXTENDED},
    {"_Float64", K_WORD, BF_WORD_FLOAT64},
    {"_Float32x", K_WORD, BF_WORD_FLOAT32 + BF_WORD_EXTENDED},
    {"_Float32", K_WORD, BF_WORD_FLOAT32},
};

int bf_keywords_add(bf_arena *arena, bf_table *idents)
{
	bf_ident *ident;
	size_t i;

	for (i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		ident = bf_ident_of(arena, idents, keywords[i].text, strlen(keywords[i].text));
		if (!ident)
			return -1;
		ident->keyword = keywords[i].kind;
		ident->word = keywords[i].word;
	}
	return 0;
}
