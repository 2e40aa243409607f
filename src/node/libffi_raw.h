/*
 * libffi's own interface, for programs that bring ffi_type and ffi_cif
 * structures of their own or name an ABI: addresses of its types, prep_cif,
 * call, closures. The ordinary way to call is frames.h.
 */
#ifndef BF_NODE_LIBFFI_RAW_H
#define BF_NODE_LIBFFI_RAW_H

#include "frames.h"

/*
 * Adds to `room`: libffi = { version, constants, types: name -> address,
 * prepCif(cif, nargs, rtype, types, abi), prepCifVar(cif, nfixed, nargs, rtype, types, abi),
 * callCif(cif, target, result, args), closure(plan, id, cif) -> [handle, address],
 * describe(view): the ffi_type there as frames.plan() takes types }.
 */
napi_status bf_libffi_raw_init(napi_env env, napi_value room, bf_frames *f);

/* Of a callback made by closure(). */
void bf_libffi_raw_closure_free(void *closure);

#endif
