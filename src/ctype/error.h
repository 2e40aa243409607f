/*
 * What went wrong, for every floor: a C function that can fail returns 0 or one
 * of the negative BF_E codes and, when it fails, has described the failure in
 * the caller's bf_error. Nothing here allocates; a description that is too long
 * is cut at the end.
 */
#ifndef BF_CTYPE_ERROR_H
#define BF_CTYPE_ERROR_H

#include <stdarg.h>

enum {
	BF_OK = 0,
	BF_ENOMEM = -1,       /* out of memory */
	BF_ESYNTAX = -2,      /* malformed declaration; message has line and column */
	BF_ETYPE = -3,        /* a value or a type of the wrong kind */
	BF_ERANGE = -4,       /* a value outside of its type's range */
	BF_ELIBRARY = -5,     /* a library that cannot be opened */
	BF_ESYMBOL = -6,      /* a symbol that is not in the library */
	BF_ECLOSED = -7,      /* use after close() or free() */
	BF_EUNSUPPORTED = -8, /* right in C, but this ABI, tier or build can't carry it */
	BF_EARGUMENTS = -9,   /* wrong number of arguments */
	BF_ESYSTEM = -10,     /* the system refused; message has the errno text */
};

typedef struct bf_error {
	int code;           /* one of BF_E..., 0 while nothing failed */
	int line, column;   /* of the declaration text, from 1; 0: does not apply */
	char message[1024]; /* NUL-terminated */
} bf_error;

/*
 * Fills `err` (which may be NULL) and returns `code`, so that a function can
 * end with `return bf_error_set(err, BF_ETYPE, "...", ...)`.
 */
int bf_error_set(bf_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* clang-tidy sees one file at a time; it is told that the result is the code. */
#define bf_error_set(err, code, ...) ((void)(bf_error_set)(err, code, __VA_ARGS__), (code))
#endif

int bf_error_setv(bf_error *err, int code, const char *format, va_list args);

/* The name of a code, as JavaScript sees it in error.code: "BF_ESYNTAX". */
const char *bf_error_name(int code);

#endif
