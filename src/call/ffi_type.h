/*
 * A C type as libffi describes it. libffi has structs of ordinary members only:
 * a union, a struct with bit-fields, a packed one is described by the scalars
 * that travel as it does under the host's ABI (bf_abi_pieces).
 */
#ifndef BF_CALL_FFI_TYPE_H
#define BF_CALL_FFI_TYPE_H

#include <ffi.h>

#include "call.h"

/* Owns the descriptions of aggregates that were made for one cif. */
typedef struct bf_ffi_types {
	struct bf_ffi_chunk *chunks;
} bf_ffi_types;

/*
 * Describes `t`, a value that is not empty. `what` names it in an error
 * ("argument 2"). BF_EUNSUPPORTED if libffi has no way to carry it.
 */
int bf_ffi_type(bf_ffi_types *ts, const bf_type *t, const char *what, ffi_type **out, bf_error *err);

void bf_ffi_types_clear(bf_ffi_types *ts);

#endif
