#include "ffi_tier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "ffi_type.h"

/*
 * Arguments without bytes (empty structs) exist in the plan but not for libffi;
 * one argument in two registers may be two for libffi, see `travels_as_scalars`.
 */
enum { ARGUMENTS_MAX = BF_MAX_ARGUMENTS + 1 };

struct bf_cif {
	ffi_cif cif;
	bf_ffi_types types;
	uint32_t nargs;
	uint32_t *offsets; /* in the plan's frame, of libffi's arguments */
	ffi_type *args[];
};

/*
 * Two mistakes of libffi on x86-64 with structs of more than 8 bytes in
 * registers. Before 3.4.7 it copies all of the struct to the image of the
 * general register that takes the first 8 bytes; if that is the last one, the
 * rest lands in xmm0, where an earlier argument was (libffi issue 574). And its
 * closures take a second half that is padding for one in a general register.
 * Such a struct is described as the scalars that its registers hold; they may be
 * 8 bytes wide, the frame has room.
 */
static bool travels_as_scalars(const bf_plan *plan, uint32_t i)
{
	if (BF_ARCH_HOST != BF_ARCH_X64 || plan->args[i].size <= 8)
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

int bf_cif_new(const bf_plan *plan, bf_cif **out, bf_error *err)
{
	*out = NULL;
	size_t offsets = sizeof(bf_cif) + (plan->nargs + 1) * sizeof(ffi_type *);
	bf_cif *c = calloc(1, offsets + (plan->nargs + 1) * sizeof(uint32_t));
	if (c == NULL)
		return bf_error_set(err, BF_ENOMEM, "out of memory");
	c->offsets = (uint32_t *)((char *)c + offsets);

	ffi_type *result = &ffi_type_void;
	int rc = BF_OK;
	if (plan->result.size > 0)
		rc = bf_ffi_type(&c->types, plan->result.type, "result", &result, err);

	uint32_t nfixed = 0;
	for (uint32_t i = 0; rc == BF_OK && i < plan->nargs; i++) {
		const bf_slot *slot = &plan->args[i];
		char what[32];
		ffi_type *type;

		if (slot->size == 0)
			continue;
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

	for (uint32_t i = 0; i < c->nargs; i++)
		values[i] = (char *)frame + c->offsets[i];
	ffi_call(&c->cif, target, frame, values);
	narrow_result(plan, frame);
}

void bf_plan_call_errno(const bf_plan *plan, void (*target)(void), void *frame, int *error)
{
	errno = *error;
	bf_plan_call(plan, target, frame);
	*error = errno;
}

/* --- callbacks ---------------------------------------------------------------- */

struct bf_callback {
	const bf_plan *plan;
	bf_callback_handler *handler;
	void *data;
	ffi_closure *closure;
	void *code;
};

/* The inverse of narrow_result: C finds integer results filled up to ffi_arg. */
static void widen_result(const bf_type *t, const void *frame, void *ret)
{
	switch (t->size) {
	case 1:
		*(ffi_arg *)ret = bf_type_is_signed(t) ? (ffi_arg) * (const int8_t *)frame : *(const uint8_t *)frame;
		break;
	case 2:
		*(ffi_arg *)ret = bf_type_is_signed(t) ? (ffi_arg) * (const int16_t *)frame : *(const uint16_t *)frame;
		break;
	case 4:
		*(ffi_arg *)ret = bf_type_is_signed(t) ? (ffi_arg) * (const int32_t *)frame : *(const uint32_t *)frame;
		break;
	default:
		memcpy(ret, frame, t->size);
		break;
	}
}

static void run_closure(ffi_cif *cif, void *ret, void **values, void *data)
{
	const bf_callback *cb = data;
	const bf_plan *plan = cb->plan;
	const bf_cif *c = plan->cif;
	unsigned char room[plan->frame_size + plan->frame_align];
	unsigned char *frame =
	    (unsigned char *)(((uintptr_t)room + plan->frame_align - 1) & ~(uintptr_t)(plan->frame_align - 1));

	(void)cif;
	for (uint32_t i = 0; i < c->nargs; i++)
		memcpy(frame + c->offsets[i], values[i], c->args[i]->size);
	cb->handler(cb->data, frame);

	if (plan->result.size == 0)
		return;
	if (bf_type_is_integer(plan->result.type))
		widen_result(plan->result.type, frame, ret);
	else
		memcpy(ret, frame, plan->result.size);
}

int bf_callback_new(const bf_plan *plan, bf_callback_handler *handler, void *data, bf_callback **out, bf_error *err)
{
	*out = NULL;
	bf_callback *cb = calloc(1, sizeof(*cb));
	if (cb == NULL)
		return bf_error_set(err, BF_ENOMEM, "out of memory");

	cb->plan = plan;
	cb->handler = handler;
	cb->data = data;
	cb->closure = ffi_closure_alloc(sizeof(*cb->closure), &cb->code);
	if (cb->closure == NULL) {
		free(cb);
		return bf_error_set(err, BF_ESYSTEM, "no executable memory for a callback");
	}
	ffi_status status = ffi_prep_closure_loc(cb->closure, &plan->cif->cif, run_closure, cb, cb->code);
	if (status != FFI_OK) {
		bf_callback_free(cb);
		return bf_error_set(err, BF_EUNSUPPORTED, "libffi refuses the callback (status %d)", (int)status);
	}
	*out = cb;
	return BF_OK;
}

void *bf_callback_code(const bf_callback *cb)
{
	return cb->code;
}

void bf_callback_free(bf_callback *cb)
{
	if (cb == NULL)
		return;
	ffi_closure_free(cb->closure);
	free(cb);
}
