#include "libffi_raw.h"

#include <errno.h>
#include <ffi.h>
#include <stdlib.h>
#include <string.h>

#include "framecb.h"
#include "rawmem.h"

#define DEPTH_MAX 64
#define FIELDS_MAX 65536

/* The bytes of a Buffer argument that must have `size` of them; NULL: an exception is pending. */
static void *take_bytes(napi_env env, napi_value value, size_t size, const char *message)
{
	void *bytes;
	size_t length;
	if (bf_rawmem_bytes(env, value, &bytes, &length) != 0 || bytes == NULL || length < size) {
		napi_throw_type_error(env, NULL, message);
		return NULL;
	}
	return bytes;
}

/* The address that a Buffer is, whatever its length. */
static void *take_pointer(napi_env env, napi_value value, const char *message)
{
	return take_bytes(env, value, 0, message);
}

/* --- cif ------------------------------------------------------------------------ */

static napi_value prep_cif(napi_env env, napi_callback_info info)
{
	napi_value args[5], result = NULL;
	size_t n = 5, length;
	uint32_t nargs = 0;
	int32_t abi = 0;
	void *types;

	napi_get_cb_info(env, info, &n, args, NULL, NULL);
	napi_get_value_uint32(env, args[1], &nargs);
	napi_get_value_int32(env, args[4], &abi);
	ffi_cif *cif = take_bytes(env, args[0], sizeof *cif, "prepCif(): Buffer required as cif arg");
	ffi_type *rtype = cif == NULL ? NULL : take_pointer(env, args[2], "prepCif(): Buffer required as rtype arg");
	if (rtype == NULL)
		return NULL;
	if (bf_rawmem_bytes(env, args[3], &types, &length) != 0 || length / sizeof(void *) < nargs) {
		napi_throw_type_error(env, NULL, "prepCif(): Buffer required as atypes arg");
		return NULL;
	}
	napi_create_int32(env, (int32_t)ffi_prep_cif(cif, (ffi_abi)abi, nargs, rtype, types), &result);
	return result;
}

static napi_value prep_cif_var(napi_env env, napi_callback_info info)
{
	napi_value args[6], result = NULL;
	size_t n = 6, length;
	uint32_t nfixed = 0, nargs = 0;
	int32_t abi = 0;
	void *types;

	napi_get_cb_info(env, info, &n, args, NULL, NULL);
	napi_get_value_uint32(env, args[1], &nfixed);
	napi_get_value_uint32(env, args[2], &nargs);
	napi_get_value_int32(env, args[5], &abi);
	ffi_cif *cif = take_bytes(env, args[0], sizeof *cif, "prepCifVar(): Buffer required as cif arg");
	ffi_type *rtype = cif == NULL ? NULL : take_pointer(env, args[3], "prepCifVar(): Buffer required as rtype arg");
	if (rtype == NULL)
		return NULL;
	if (bf_rawmem_bytes(env, args[4], &types, &length) != 0 || length / sizeof(void *) < nargs) {
		napi_throw_type_error(env, NULL, "prepCifVar(): Buffer required as atypes arg");
		return NULL;
	}
	napi_create_int32(env, (int32_t)ffi_prep_cif_var(cif, (ffi_abi)abi, nfixed, nargs, rtype, types), &result);
	return result;
}

/* callCif(cif, target, result, args): `args` holds the arguments' addresses. */
static napi_value call_cif(napi_env env, napi_callback_info info)
{
	napi_value args[4];
	size_t n = 4, length;
	void *data, *values;
	static const char message[] = "ffi_call() requires 4 Buffer arguments!";

	napi_get_cb_info(env, info, &n, args, NULL, &data);
	bf_frames *f = data;
	ffi_cif *cif = take_bytes(env, args[0], sizeof *cif, message);
	void *target = cif == NULL ? NULL : take_pointer(env, args[1], message);
	void *result = target == NULL ? NULL : take_bytes(env, args[2], sizeof(ffi_arg), message);
	if (result == NULL)
		return NULL;
	if (bf_rawmem_bytes(env, args[3], &values, &length) != 0 || length / sizeof(void *) < cif->nargs) {
		napi_throw_type_error(env, NULL, message);
		return NULL;
	}

	atomic_fetch_add_explicit(&f->serial, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&f->depth, 1, memory_order_relaxed);
	errno = f->saved_errno;
	ffi_call(cif, FFI_FN(target), result, values);
	f->saved_errno = errno;
	atomic_fetch_sub_explicit(&f->depth, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&f->serial, 1, memory_order_relaxed);
	bf_frames_rethrow(f);
	return NULL;
}

/* --- closures with an ABI that plans don't know -------------------------------------- */

static void enter(ffi_cif *cif, void *result, void **args, void *data)
{
	bf_frame_callback *cb = data;
	const bf_plan *plan = cb->plan->plan;
	(void)cif;

	void *frame = aligned_alloc(64, (plan->frame_size + 127) & ~63u);
	if (frame == NULL) {
		memset(result, 0, plan->result.size < sizeof(ffi_arg) ? sizeof(ffi_arg) : plan->result.size);
		return;
	}
	for (uint32_t i = 0; i < plan->nargs; i++)
		memcpy((char *)frame + plan->args[i].offset, args[i], plan->args[i].size);
	bf_frame_callback_run(cb, frame);
	/* libffi wants narrow integers widened; what is beyond the result's bytes is never read for other types. */
	if (plan->result.size > 0 && plan->result.size < sizeof(ffi_arg) && bf_type_is_integer(plan->result.type)) {
		uint64_t bits = 0;
		memcpy(&bits, frame, plan->result.size);
		unsigned unused = 64 - 8 * plan->result.size;
		if (bf_type_is_signed(plan->result.type))
			bits = (uint64_t)((int64_t)(bits << unused) >> unused);
		memcpy(result, &bits, sizeof bits);
	} else {
		memcpy(result, frame, plan->result.size);
	}
	free(frame);
}

void bf_libffi_raw_closure_free(void *closure)
{
	ffi_closure_free(closure);
}

/* closure(plan, id, cif) -> [handle, address]; the cif must live as long. */
static napi_value make_closure(napi_env env, napi_callback_info info)
{
	napi_value args[3];
	size_t n = 3;
	void *data, *code;
	uint32_t id = 0;

	napi_get_cb_info(env, info, &n, args, NULL, &data);
	bf_frames *f = data;
	bf_frame_plan *p = bf_frame_plan_of(env, args[0]);
	if (p == NULL || !bf_framecb_prepare(f))
		return NULL;
	napi_get_value_uint32(env, args[1], &id);
	ffi_cif *cif = take_bytes(env, args[2], sizeof *cif, "Signature: Buffer, int, int, Function, Function");
	if (cif == NULL)
		return NULL;

	bf_frame_callback *cb = calloc(1, sizeof *cb);
	ffi_closure *closure = cb == NULL ? NULL : ffi_closure_alloc(sizeof *closure, &code);
	if (closure == NULL || ffi_prep_closure_loc(closure, cif, enter, cb, code) != FFI_OK) {
		if (closure != NULL)
			ffi_closure_free(closure);
		free(cb);
		napi_throw_error(env, NULL, "ffi_prep_closure() Returned Error");
		return NULL;
	}
	cb->frames = f;
	cb->plan = p;
	cb->id = id;
	cb->closure = closure;
	p->refs++;
	return bf_framecb_give(env, cb, code);
}

/* --- types ------------------------------------------------------------------------------ */

static int kind_of(const ffi_type *t)
{
	static const int kinds[] = {
	    [FFI_TYPE_VOID] = BF_VOID,     [FFI_TYPE_INT] = BF_INT32,      [FFI_TYPE_FLOAT] = BF_FLOAT,
	    [FFI_TYPE_DOUBLE] = BF_DOUBLE, [FFI_TYPE_UINT8] = BF_UINT8,    [FFI_TYPE_SINT8] = BF_INT8,
	    [FFI_TYPE_UINT16] = BF_UINT16, [FFI_TYPE_SINT16] = BF_INT16,   [FFI_TYPE_UINT32] = BF_UINT32,
	    [FFI_TYPE_SINT32] = BF_INT32,  [FFI_TYPE_UINT64] = BF_UINT64,  [FFI_TYPE_SINT64] = BF_INT64,
	    [FFI_TYPE_STRUCT] = -1,        [FFI_TYPE_POINTER] = BF_POINTER};
	if (t->type == FFI_TYPE_LONGDOUBLE && FFI_TYPE_LONGDOUBLE != FFI_TYPE_DOUBLE)
		return BF_LDOUBLE;
	return t->type < sizeof kinds / sizeof kinds[0] ? kinds[t->type] : -1;
}

/* As frames.plan() takes it. NULL: an exception is pending. */
static napi_value describe(napi_env env, const ffi_type *t, unsigned depth)
{
	napi_value result = NULL;
	int kind = kind_of(t);
	if (t->type != FFI_TYPE_STRUCT && kind >= 0) {
		napi_create_int32(env, kind, &result);
		return result;
	}
	if (t->type != FFI_TYPE_STRUCT || t->elements == NULL || depth > DEPTH_MAX) {
		napi_throw_type_error(env, NULL, "the ffi_type is none that a call can carry");
		return NULL;
	}
	napi_value tag;
	napi_create_array(env, &result);
	napi_create_string_utf8(env, "struct", NAPI_AUTO_LENGTH, &tag);
	napi_set_element(env, result, 0, tag);
	for (uint32_t i = 0; i < FIELDS_MAX && t->elements[i] != NULL; i++) {
		napi_value member = describe(env, t->elements[i], depth + 1);
		if (member == NULL)
			return NULL;
		napi_set_element(env, result, i + 1, member);
	}
	return result;
}

static napi_value describe_view(napi_env env, napi_callback_info info)
{
	napi_value arg;
	size_t n = 1;
	napi_get_cb_info(env, info, &n, &arg, NULL, NULL);
	const ffi_type *t = take_pointer(env, arg, "an ffi_type is required");
	return t == NULL ? NULL : describe(env, t, 0);
}

static void set_address(napi_env env, napi_value object, const char *name, const void *p)
{
	napi_value number;
	napi_create_double(env, (double)(uintptr_t)p, &number);
	napi_set_named_property(env, object, name, number);
}

static void set_number(napi_env env, napi_value object, const char *name, int32_t value)
{
	napi_value number;
	napi_create_int32(env, value, &number);
	napi_set_named_property(env, object, name, number);
}

static napi_status add_types(napi_env env, napi_value libffi)
{
	napi_value types;
	napi_create_object(env, &types);
	set_address(env, types, "void", &ffi_type_void);
	set_address(env, types, "uint8", &ffi_type_uint8);
	set_address(env, types, "int8", &ffi_type_sint8);
	set_address(env, types, "uint16", &ffi_type_uint16);
	set_address(env, types, "int16", &ffi_type_sint16);
	set_address(env, types, "uint32", &ffi_type_uint32);
	set_address(env, types, "int32", &ffi_type_sint32);
	set_address(env, types, "uint64", &ffi_type_uint64);
	set_address(env, types, "int64", &ffi_type_sint64);
	set_address(env, types, "uchar", &ffi_type_uchar);
	set_address(env, types, "char", &ffi_type_schar);
	set_address(env, types, "ushort", &ffi_type_ushort);
	set_address(env, types, "short", &ffi_type_sshort);
	set_address(env, types, "uint", &ffi_type_uint);
	set_address(env, types, "int", &ffi_type_sint);
	set_address(env, types, "float", &ffi_type_float);
	set_address(env, types, "double", &ffi_type_double);
	set_address(env, types, "pointer", &ffi_type_pointer);
	set_address(env, types, "ulonglong", &ffi_type_uint64);
	set_address(env, types, "longlong", &ffi_type_sint64);
	return napi_set_named_property(env, libffi, "types", types);
}

static napi_status add_constants(napi_env env, napi_value libffi)
{
	napi_value constants, version;
	napi_create_object(env, &constants);
	set_number(env, constants, "FFI_OK", FFI_OK);
	set_number(env, constants, "FFI_BAD_TYPEDEF", FFI_BAD_TYPEDEF);
	set_number(env, constants, "FFI_BAD_ABI", FFI_BAD_ABI);
	set_number(env, constants, "FFI_DEFAULT_ABI", FFI_DEFAULT_ABI);
	set_number(env, constants, "FFI_FIRST_ABI", FFI_FIRST_ABI);
	set_number(env, constants, "FFI_LAST_ABI", FFI_LAST_ABI);
#if defined(__x86_64__)
	set_number(env, constants, "FFI_UNIX64", FFI_UNIX64);
#elif defined(__aarch64__)
	set_number(env, constants, "FFI_SYSV", FFI_SYSV);
#endif
	set_number(env, constants, "FFI_ARG_SIZE", sizeof(ffi_arg));
	set_number(env, constants, "FFI_SARG_SIZE", sizeof(ffi_sarg));
	set_number(env, constants, "FFI_TYPE_SIZE", sizeof(ffi_type));
	set_number(env, constants, "FFI_CIF_SIZE", sizeof(ffi_cif));
	/* The version that the interface is that of; the original's bundled libffi says the same. */
	napi_create_string_utf8(env, "3.3", NAPI_AUTO_LENGTH, &version);
	napi_set_named_property(env, libffi, "version", version);
	return napi_set_named_property(env, libffi, "constants", constants);
}

napi_status bf_libffi_raw_init(napi_env env, napi_value room, bf_frames *f)
{
	const napi_property_descriptor functions[] = {
	    {"prepCif", NULL, prep_cif, NULL, NULL, NULL, napi_enumerable, f},
	    {"prepCifVar", NULL, prep_cif_var, NULL, NULL, NULL, napi_enumerable, f},
	    {"callCif", NULL, call_cif, NULL, NULL, NULL, napi_enumerable, f},
	    {"closure", NULL, make_closure, NULL, NULL, NULL, napi_enumerable, f},
	    {"describe", NULL, describe_view, NULL, NULL, NULL, napi_enumerable, f},
	};
	napi_value libffi;
	napi_status status = napi_create_object(env, &libffi);
	if (status == napi_ok)
		status = napi_define_properties(env, libffi, sizeof functions / sizeof functions[0], functions);
	if (status == napi_ok)
		status = add_types(env, libffi);
	if (status == napi_ok)
		status = add_constants(env, libffi);
	if (status == napi_ok)
		status = napi_set_named_property(env, room, "libffi", libffi);
	return status;
}
