#include "call.h"

#include <stdlib.h>

#include "abi.h"
#include "code.h"
#include "emit.h"
#include "entry.h"
#include "ffi_tier.h"

/* The values of a call live on the stack of whoever calls; a frame larger than this is refused. */
#define FRAME_MAX (1u << 20)

/* What arrays and functions decay to when they are passed through "...". */
static const bf_type decayed_pointer = {
    .kind = BF_POINTER, .align = sizeof(void *), .size = sizeof(void *), .name = NULL};

/* Whoever says what cannot be passed says it this way. `index` is from 0; UINT32_MAX is the result. */
static int refuse(bf_error *err, int code, uint32_t index, const bf_type *t, const char *why)
{
	char name[256];

	bf_type_spell(t, NULL, name, sizeof(name));
	if (index == UINT32_MAX)
		return bf_error_set(err, code, "result of type %s %s", name, why);
	return bf_error_set(err, code, "argument %u of type %s %s", index + 1, name, why);
}

static int check_value(const bf_type *t, uint32_t index, bf_error *err)
{
	switch ((bf_kind)t->kind) {
	case BF_VECTOR:
		return refuse(err, BF_EUNSUPPORTED, index, t, "is a vector, which a call can't carry");
	case BF_STRUCT:
	case BF_UNION:
	case BF_ENUM:
		if (!bf_type_is_complete(t))
			return refuse(err, BF_EUNSUPPORTED, index, t,
				      "is declared but not defined: its size is unknown");
		break;
	case BF_VOID:
		return refuse(err, BF_ETYPE, index, t, "has no value to pass");
	case BF_ARRAY:
	case BF_FUNCTION:
		return refuse(err, BF_ETYPE, index, t, "can only be passed as a pointer");
	default:
		break;
	}
	if (t->size > FRAME_MAX)
		return refuse(err, BF_EUNSUPPORTED, index, t, "is too large to be passed by value");
	return BF_OK;
}

/* C11 6.5.2.2: the default argument promotions, and the decay of arrays and functions (6.3.2.1). */
static const bf_type *promote(const bf_type *t)
{
	if (t->kind == BF_ARRAY || t->kind == BF_FUNCTION)
		return &decayed_pointer;
	if (t->kind == BF_FLOAT)
		return bf_type_builtin(BF_DOUBLE);
	if (bf_type_is_integer(t) && t->size < sizeof(int))
		return bf_type_builtin(BF_INT32);
	return t;
}

/* Gives the value the next place in the frame. Every piece can be moved by whole eightbytes, see abi.h. */
static int place(bf_plan *plan, bf_slot *slot, const bf_type *t, uint32_t index, bf_error *err)
{
	uint32_t align = t->align > 8 ? t->align : 8;
	uint64_t offset = ((uint64_t)plan->frame_size + align - 1) & ~(uint64_t)(align - 1);
	uint64_t end = offset + ((t->size + 7) & ~(uint64_t)7);

	if (align > FRAME_MAX || end > FRAME_MAX)
		return refuse(err, BF_EUNSUPPORTED, index, t, "makes the call's values too large for the stack");
	*slot = (bf_slot){.type = t, .offset = (uint32_t)offset, .size = (uint32_t)t->size};
	plan->frame_size = (uint32_t)end;
	if (plan->frame_align < align)
		plan->frame_align = align;
	return BF_OK;
}

static int lay_out(bf_plan *plan, bf_slot *args, const bf_type *const *extra, bf_error *err)
{
	const bf_type *fn = plan->function;
	const bf_type *result = bf_type_strip(fn->base);

	if (result->kind != BF_VOID) {
		int rc = check_value(result, UINT32_MAX, err);
		if (rc != BF_OK)
			return rc;
	}
	plan->frame_align = 16;
	int rc = place(plan, &plan->result, result, UINT32_MAX, err);
	if (rc != BF_OK)
		return rc;
	/* Both result registers may be stored whole, whatever the result's size. */
	if (plan->frame_size < 16)
		plan->frame_size = 16;

	for (uint32_t i = 0; i < plan->nargs; i++) {
		const bf_type *t = i < plan->nfixed ? bf_type_strip(fn->params[i].type)
						    : promote(bf_type_strip(extra[i - plan->nfixed]));
		rc = check_value(t, i, err);
		if (rc == BF_OK)
			rc = place(plan, &args[i], t, i, err);
		if (rc != BF_OK)
			return rc;
	}
	plan->frame_size = (plan->frame_size + plan->frame_align - 1) & ~(plan->frame_align - 1);
	return BF_OK;
}

int bf_plan_new(const bf_type *fn, const bf_type *const *extra, uint32_t nextra, bf_plan **out, bf_error *err)
{
	*out = NULL;
	fn = bf_type_strip(fn);
	if (fn->kind != BF_FUNCTION) {
		char name[256];
		bf_type_spell(fn, NULL, name, sizeof(name));
		return bf_error_set(err, BF_ETYPE, "%s is not a function type", name);
	}
	if (nextra > 0 && (fn->flags & BF_FLAG_VARIADIC) == 0)
		return bf_error_set(err, BF_EARGUMENTS, "%u arguments too many: the function is not variadic", nextra);
	if ((uint64_t)fn->nparams + nextra > BF_MAX_ARGUMENTS)
		return bf_error_set(err, BF_EUNSUPPORTED, "%llu arguments: a call carries at most %d",
				    (unsigned long long)fn->nparams + nextra, BF_MAX_ARGUMENTS);

	uint32_t nargs = fn->nparams + nextra;
	bf_plan *plan = calloc(1, sizeof(*plan) + nargs * sizeof(bf_slot));
	if (plan == NULL)
		return bf_error_set(err, BF_ENOMEM, "out of memory");

	bf_slot *args = (bf_slot *)(plan + 1);
	plan->refs = 1;
	plan->function = fn;
	plan->nargs = nargs;
	plan->nfixed = fn->nparams;
	plan->args = args;

	plan->entry = calloc(1, sizeof(*plan->entry));
	int rc = plan->entry != NULL ? lay_out(plan, args, extra, err) : bf_error_set(err, BF_ENOMEM, "out of memory");
	if (rc == BF_OK && bf_abi_host() != BF_ARCH_NONE)
		rc = bf_abi_new(bf_abi_host(), plan, &plan->abi, err);
	if (rc == BF_OK)
		rc = bf_cif_new(plan, &plan->cif, err);
	if (rc != BF_OK) {
		bf_plan_free(plan);
		return rc;
	}
	*out = plan;
	return BF_OK;
}

bf_plan *bf_plan_ref(bf_plan *plan)
{
	plan->refs++;
	return plan;
}

void bf_plan_free(bf_plan *plan)
{
	if (plan == NULL || --plan->refs > 0)
		return;
	bf_plan_entry_free(plan->entry);
	bf_code_free((void *)plan->caller, plan->caller_size);
	bf_cif_free(plan->cif);
	bf_abi_free(plan->abi);
	free(plan);
}

void bf_plan_emit(bf_plan *plan)
{
	if (plan->caller == NULL)
		__atomic_store_n(&plan->caller, bf_emit_caller(plan, &plan->caller_size), __ATOMIC_RELEASE);
}
