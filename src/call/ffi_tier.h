/*
 * The libffi tier: what a plan looks like to libffi. Private to src/call;
 * bf_plan_call of call.h is implemented here.
 */
#ifndef BF_CALL_FFI_TIER_H
#define BF_CALL_FFI_TIER_H

#include "call.h"
#include "ffi_type.h"

/*
 * libffi's arguments are not always the plan's: those without bytes (empty
 * structs) do not exist, one in two registers may be two, and one may only be
 * there to fill a register.
 */
#define BF_CIF_PADDING UINT32_MAX

typedef struct bf_cif {
	ffi_cif cif;
	bf_ffi_types types;
	uint32_t nargs;
	uint32_t *offsets; /* in the plan's frame, of libffi's arguments, or BF_CIF_PADDING */
	ffi_type *args[];
} bf_cif;

/* Errors: BF_EUNSUPPORTED with the argument's index and type for what libffi has no type for. */
int bf_cif_new(const bf_plan *plan, bf_cif **out, bf_error *err);
void bf_cif_free(bf_cif *cif); /* NULL: nothing happens */

/* A function pointer for C that runs `handler` as bf_callback_new says. */
typedef struct bf_closure bf_closure;

int bf_closure_new(const bf_plan *plan, bf_callback_handler *handler, void *data, bf_closure **out, bf_error *err);
void *bf_closure_code(const bf_closure *closure);
void bf_closure_free(bf_closure *closure);

#endif
