/* What all emitters share, and what there is where the host has none. */
#include "emit.h"

#include "abi.h"
#include "code.h"

/* What comes in must cover every argument of the plan once, in order. */
static bool well_formed(const bf_plan *plan, const bf_emit_adapter *how)
{
	uint32_t next = 0;

	if (how->nin > BF_EMIT_MAX_IN)
		return false;
	for (uint32_t i = 0; i < how->nin; i++)
		if (how->in[i].arg >= 0 && (uint32_t)how->in[i].arg != next++)
			return false;
	return next == plan->nargs && plan->nargs == plan->abi->nargs;
}

bool bf_emit_adapter_new(const bf_plan *plan, const bf_emit_adapter *how, void (*target)(void), bf_adapter *out)
{
	return plan->abi != NULL && well_formed(plan, how) && bf_emit_machine_adapter(plan, how, target, out);
}

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

bool bf_emit_machine_adapter(const bf_plan *plan, const bf_emit_adapter *how, void (*target)(void), bf_adapter *out)
{
	(void)plan;
	(void)how;
	(void)target;
	(void)out;
	return false;
}

#endif
