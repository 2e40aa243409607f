#include "ffi_tier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "emit.h"

/* At most one argument is two for libffi, and less than eight registers are skipped. */
enum { MORE_ARGUMENTS = 8, ARGUMENTS_MAX = BF_MAX_ARGUMENTS + MORE_ARGUMENTS };

/*
 * Two mistakes of libffi on x86-64 with structs of more than 8 bytes in
 * registers. Before 3.4.7 it copies all of the struct to the image of the
 * general register that takes the first 8 bytes; if that is the last one, the
 * rest lands in xmm0, where an earlier argument was. And its
 * closures take a second half that is padding for one in a general register.
 * Such a struct is described as the scalars that its registers hold; they may be
 * 8 bytes wide, the frame has room.
 */
static bool travels_as_scalars(const bf_plan *plan, uint32_t i)
{
	if (bf_abi_host() != BF_ARCH_X64 || plan->args[i].size <= 8)
		return false;
	const bf_passage *p = &plan->abi->args[i];
	if (p->nmoves == 0 || p->moves[0].place == BF_PLACE_STACK || p->moves[0].width > 8)
		return false;
	return p->nmoves == 1 || (p->moves[0].place == BF_PLACE_GP && p->moves[0].at == 5);
}

static void add(bf_cif *c, ffi_type *type, uint32_t offset)
{
	c->args[c->nargs] = type;
	c->offsets[c->nargs++] = offset;
}

/*
 * AAPCS64 starts what is aligned to 16 in an even register (rule C.8), and
 * libffi in the next one. `*next` is the next one after the arguments so far.
 */
static void skip_register(bf_cif *c, const bf_passage *p, uint32_t *next)
{
	if (p->nmoves == 0 || p->moves[0].place != BF_PLACE_GP)
		return;
	if (p->moves[0].at > *next)
		add(c, &ffi_type_uint64, BF_CIF_PADDING);
	*next = p->moves[p->nmoves - 1].at + 1;
}

int bf_cif_new(const bf_plan *plan, bf_cif **out, bf_error *err)
{
	*out = NULL;
	size_t room = (size_t)plan->nargs + MORE_ARGUMENTS;
	size_t offsets = sizeof(bf_cif) + room * sizeof(ffi_type *);
	bf_cif *c = calloc(1, offsets + room * sizeof(uint32_t));
	if (c == NULL)
		return bf_error_set(err, BF_ENOMEM, "out of memory");
	c->offsets = (uint32_t *)((char *)c + offsets);

	ffi_type *result = &ffi_type_void;
	int rc = BF_OK;
	/* A struct of one long double: libffi looks for it in rax. */
	if (bf_abi_host() == BF_ARCH_X64 && plan->abi->result.nmoves == 1 &&
	    plan->abi->result.moves[0].place == BF_PLACE_X87)
		result = &ffi_type_longdouble;
	else if (plan->result.size > 0)
		rc = bf_ffi_type(&c->types, plan->result.type, "result", &result, err);

	uint32_t nfixed = 0, next = 0;
	for (uint32_t i = 0; rc == BF_OK && i < plan->nargs; i++) {
		const bf_slot *slot = &plan->args[i];
		char what[32];
		ffi_type *type;

		if (slot->size == 0)
			continue;
		if (bf_abi_host() == BF_ARCH_ARM64)
			skip_register(c, &plan->abi->args[i], &next);
		if (travels_as_scalars(plan, i)) {
			const bf_passage *p = &plan->abi->args[i];
			for (uint32_t j = 0; j < p->nmoves; j++)
				add(c, p->moves[j].place == BF_PLACE_GP ? &ffi_type_uint64 : &ffi_type_double,
				    p->moves[j].frame);
		} else {
			snprintf(what, sizeof(what), "argument %u", i + 1);
			rc = bf_ffi_type(&c->types, i < plan->nfixed ? bf_abi_passed_as(slot->type) : slot->type, what,
					 &type, err);
			add(c, type, slot->offset);
		}
		if (i < plan->nfixed)
			nfixed = c->nargs;
	}
	if (rc != BF_OK) {
		bf_cif_free(c);
		return rc;
	}

	/* A variadic function called without variadic arguments still wants al, on x86-64. */
	ffi_status status = (plan->function->flags & BF_FLAG_VARIADIC) != 0
				? ffi_prep_cif_var(&c->cif, FFI_DEFAULT_ABI, nfixed, c->nargs, result, c->args)
				: ffi_prep_cif(&c->cif, FFI_DEFAULT_ABI, c->nargs, result, c->args);
	if (status != FFI_OK) {
		bf_cif_free(c);
		return bf_error_set(err, BF_EUNSUPPORTED, "libffi refuses the call interface (status %d)", (int)status);
	}
	*out = c;
	return BF_OK;
}

void bf_cif_free(bf_cif *c)
{
	if (c == NULL)
		return;
	bf_ffi_types_clear(&c->types);
	free(c);
}

/* libffi hands integer results over as ffi_arg; the frame has them in their own width at its start. */
static void narrow_result(const bf_plan *plan, void *frame)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	if (bf_type_is_integer(plan->result.type) && plan->result.size < sizeof(ffi_arg))
		memmove(frame, (char *)frame + sizeof(ffi_arg) - plan->result.size, plan->result.size);
#else
	(void)plan;
	(void)frame;
#endif
}

void bf_plan_call(const bf_plan *plan, void (*target)(void), void *frame)
{
	bf_cif *c = plan->cif;
	void *values[ARGUMENTS_MAX];
	bf_caller *caller = __atomic_load_n(&plan->caller, __ATOMIC_ACQUIRE);

	if (caller != NULL) {
		caller(frame, target);
		return;
	}
	for (uint32_t i = 0; i < c->nargs; i++)
		values[i] = (char *)frame + (c->offsets[i] != BF_CIF_PADDING ? c->offsets[i] : 0);
	ffi_call(&c->cif, target, frame, values);
	narrow_result(plan, frame);
}

void bf_plan_call_errno(const bf_plan *plan, void (*target)(void), void *frame, int *error)
{
	errno = *error;
	bf_plan_call(plan, target, frame);
	*error = errno;
}
