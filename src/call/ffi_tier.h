/*
 * The libffi tier: what a plan looks like to libffi. Private to src/call;
 * bf_plan_call and the bf_callback functions of call.h are implemented here.
 */
#ifndef BF_CALL_FFI_TIER_H
#define BF_CALL_FFI_TIER_H

#include "call.h"

typedef struct bf_cif bf_cif;

/* Errors: BF_EUNSUPPORTED with the argument's index and type for what libffi has no type for. */
int bf_cif_new(const bf_plan *plan, bf_cif **out, bf_error *err);
void bf_cif_free(bf_cif *cif); /* NULL: nothing happens */

#endif
