/* What all emitters share, and what there is where the host has none. */
#include "emit.h"

#include "code.h"

int bf_emit_set_guard(bf_adapter *a, const uint8_t *guard)
{
	return bf_code_set_literal((char *)a->code + a->guard, (uint64_t)(uintptr_t)guard);
}

#if !defined(__x86_64__) && !defined(__aarch64__)

bf_caller *bf_emit_caller(const bf_plan *plan, uint32_t *size)
{
	(void)plan;
	(void)size;
	return NULL;
}

void *bf_emit_bind(void (*function)(void *argument, void *context), void *context, uint32_t *size)
{
	(void)function;
	(void)context;
	(void)size;
	return NULL;
}

bool bf_emit_adapter_new(const bf_plan *plan, const bf_emit_adapter *how, void (*target)(void), bf_adapter *out)
{
	(void)plan;
	(void)how;
	(void)target;
	(void)out;
	return false;
}

#endif
