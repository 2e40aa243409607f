#include <stdlib.h>
#include <string.h>

#include "ffi_tier.h"

struct bf_closure {
	const bf_plan *plan;
	bf_callback_handler *handler;
	void *data;
	ffi_closure *writable;
	void *code;
};

/* The inverse of what bf_plan_call does: C finds integer results filled up to ffi_arg. */
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
	const bf_closure *closure = data;
	const bf_plan *plan = closure->plan;
	const bf_cif *c = plan->cif;
	unsigned char room[plan->frame_size + plan->frame_align];
	unsigned char *frame =
	    (unsigned char *)(((uintptr_t)room + plan->frame_align - 1) & ~(uintptr_t)(plan->frame_align - 1));

	(void)cif;
	for (uint32_t i = 0; i < c->nargs; i++)
		if (c->offsets[i] != BF_CIF_PADDING)
			memcpy(frame + c->offsets[i], values[i], c->args[i]->size);
	closure->handler(closure->data, frame);

	if (plan->result.size == 0)
		return;
	if (bf_type_is_integer(plan->result.type))
		widen_result(plan->result.type, frame, ret);
	else
		memcpy(ret, frame, plan->result.size);
}

int bf_closure_new(const bf_plan *plan, bf_callback_handler *handler, void *data, bf_closure **out, bf_error *err)
{
	*out = NULL;
	bf_closure *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return bf_error_set(err, BF_ENOMEM, "out of memory");

	c->plan = plan;
	c->handler = handler;
	c->data = data;
	c->writable = ffi_closure_alloc(sizeof(*c->writable), &c->code);
	if (c->writable == NULL) {
		free(c);
		return bf_error_set(err, BF_ESYSTEM, "no executable memory for a closure");
	}
	ffi_status status = ffi_prep_closure_loc(c->writable, &plan->cif->cif, run_closure, c, c->code);
	if (status != FFI_OK) {
		bf_closure_free(c);
		return bf_error_set(err, BF_EUNSUPPORTED, "libffi refuses the closure (status %d)", (int)status);
	}
	*out = c;
	return BF_OK;
}

void *bf_closure_code(const bf_closure *c)
{
	return c->code;
}

void bf_closure_free(bf_closure *c)
{
	if (c == NULL)
		return;
	ffi_closure_free(c->writable);
	free(c);
}
