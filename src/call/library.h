/*
 * Shared libraries: dlopen, dlsym, dlclose, with the dynamic linker's own words
 * in the error. Step one and two of binding a function.
 */
#ifndef BF_CALL_LIBRARY_H
#define BF_CALL_LIBRARY_H

#include "../ctype/error.h"

typedef struct bf_library bf_library;

/*
 * Opens `path` as dlopen(3) finds it; NULL is the running process. A GNU ld
 * script in a library's place (libc.so of the -dev packages) is followed to the
 * first library it names. `flags`: RTLD_*, 0 for RTLD_NOW | RTLD_LOCAL.
 * Errors: BF_ELIBRARY with the path tried and the linker's message.
 */
int bf_library_open(const char *path, int flags, bf_library **out, bf_error *err);

/* BF_ESYMBOL with the symbol and the library; BF_ECLOSED after close. */
int bf_library_symbol(bf_library *lib, const char *name, void **out, bf_error *err);

const char *bf_library_path(const bf_library *lib); /* as given; NULL for the process */

/*
 * The file that the dynamic linker took the library from, for as long as it is
 * open; NULL for the process and after close.
 */
const char *bf_library_file(const bf_library *lib);

int bf_library_is_open(const bf_library *lib);
void bf_library_close(bf_library *lib); /* dlclose; the record stays */
void bf_library_free(bf_library *lib);
void bf_library_forget(bf_library *lib); /* the record only: the library stays loaded */

#endif
