/*
 * Executable memory: places finished machine code where it can run. Code is
 * built in ordinary memory first and must be position-independent; what may
 * change later (a call's target) is a literal of 8 bytes inside the code, read
 * by it relative to its own address.
 *
 * No page is ever writable and executable. Chunks of a memfd are mapped twice,
 * once to write and once to run, so that many functions share a page and
 * publishing one never stops another that is running on some thread. Where a
 * memfd can't be mapped for execution, each piece of code gets pages of its own
 * that are written first and made executable after. Where that is refused too,
 * bf_code_new returns NULL, and whoever asked uses libffi.
 *
 * Threads: any thread may call any function here; one lock guards all of it.
 * After fork() the child never writes to the chunks of its parent.
 */
#ifndef BF_CALL_CODE_H
#define BF_CALL_CODE_H

#include <stddef.h>
#include <stdint.h>

typedef enum bf_code_mode {
	BF_CODE_DUAL,    /* two mappings of one memfd */
	BF_CODE_PROTECT, /* pages of their own, mprotect */
	BF_CODE_DENIED,  /* this process may not have code at run time */
} bf_code_mode;

/* Every piece of code starts at a multiple of this. */
#define BF_CODE_ALIGN 64

/* How this process gets executable memory; finds it out when first asked. */
bf_code_mode bf_code_how(void);

/* "dual", "protect", "denied" */
const char *bf_code_mode_name(bf_code_mode mode);

/*
 * For tests: from now on as if the system permitted no better than `mode`. What
 * was made before stays as it is. The environment variable BIFFI_CODE, with one
 * of the three names, does the same from the start.
 */
void bf_code_restrict(bf_code_mode mode);

/* Copies `size` bytes of code to executable memory. NULL: denied, or no memory. */
void *bf_code_new(const void *bytes, size_t size);

/*
 * Replaces the literal at `literal`, 8 aligned bytes inside of code, at once:
 * who runs the code meanwhile reads either the old or the new one. Returns 0,
 * or BF_ESYSTEM if the system refused (the old literal is still there).
 */
int bf_code_set_literal(void *literal, uint64_t value);

/*
 * Gives code back for reuse. Nothing may be running in it or call it any more:
 * it is filled with trap instructions.
 */
void bf_code_free(void *code, size_t size);

/* Bytes of code in use, and bytes mapped for it, for tests and the benchmark. */
void bf_code_usage(size_t *used, size_t *mapped);

#endif
