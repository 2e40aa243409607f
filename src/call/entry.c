/* What there is where the host has no emitter for callback entries. */
#include "entry.h"

#if !defined(__x86_64__) && !defined(__aarch64__)

bool bf_entry_stub(unsigned char out[BF_ENTRY_STUB_SIZE], const bf_entry_record *record)
{
	(void)out;
	(void)record;
	return false;
}

void *bf_entry_body(const bf_plan *plan, uint32_t *size)
{
	(void)plan;
	*size = 0;
	return NULL;
}

#endif
