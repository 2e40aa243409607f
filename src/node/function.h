/*
 * Functions: one C function as JavaScript calls it. The record says all that a
 * tier needs; the generic path (bf_function_call: convert, call through libffi,
 * convert back) is the slow path of every tier and the reference for it.
 *
 * Ownership: the JavaScript function owns the record (through an External on
 * its RECORD key, or on that of what it has there); a tier that must keep code
 * longer takes a reference.
 */
#ifndef BF_NODE_FUNCTION_H
#define BF_NODE_FUNCTION_H

#include "../call/call.h"
#include "convert.h"
#include "library.h"

enum {
	BF_FUNCTION_ERRNO = 1 << 0,    /* results are { value, errno } */
	BF_FUNCTION_VARIADIC = 1 << 1, /* more arguments than nargs may come */
	BF_FUNCTION_CALLBACKS =
	    1 << 2, /* has a parameter that takes a function, or a void * / struct that may hide one */
};

typedef struct bf_function {
	bf_env *env;
	uint32_t refs;
	char *name;
	void (*target)(void);
	bf_library_handle *library; /* counted; NULL: called by address */
	bf_types *types;            /* counted: owns `type` */
	const bf_type *type;        /* stripped BF_FUNCTION */
	bf_plan *plan;              /* of the fixed arguments */
	uint32_t nargs;             /* without variadic ones */
	bf_converter *args;
	bf_converter result;
	unsigned flags;
	struct bf_variant *variants; /* plans for variadic argument lists met so far, see variadic.h */

	/* The library's list; a tier's state and what it does when the library closes. */
	struct bf_function *next, **link;
	const char *tier_name;
	void *tier;
	void (*tier_closed)(struct bf_function *f);  /* no call may reach `target` after this */
	void (*tier_release)(struct bf_function *f); /* the record is about to be freed */
} bf_function;

/*
 * Makes the record: step four (prepare the call) and the converters of step
 * three. `library` may be NULL. Errors: BF_ETYPE, BF_EUNSUPPORTED with the
 * function's name.
 */
int bf_function_new(bf_env *env, const char *name, void *target, bf_library_handle *library, bf_types *types,
		    const bf_type *type, unsigned flags, unsigned converter_flags, bf_function **out, bf_error *err);
/*
 * As much of a record as says how calls pass (types, flags, plan, converters), with nothing that has to be released
 * but by bf_function_sketch_end. `types` must outlive it. Errors as those of bf_function_new.
 */
int bf_function_sketch(bf_env *env, const char *name, bf_types *types, const bf_type *type, unsigned flags,
		       unsigned converter_flags, bf_function *out, bf_error *err);
void bf_function_sketch_end(bf_function *sketch);

bf_function *bf_function_ref(bf_function *f);
void bf_function_unref(bf_function *f);

/*
 * Step five: the JavaScript function, from the fastest tier that can carry it.
 * Takes over the caller's reference. NULL: an exception is pending.
 */
napi_value bf_function_value(bf_function *f);

/* The External of a record alone. Takes over the caller's reference. NULL: an exception is pending. */
napi_value bf_function_record(bf_function *f);

/*
 * The generic call. NULL: an exception is pending. Arguments that are missing
 * in argv count as not passed (argc decides).
 */
napi_value bf_function_call(bf_function *f, size_t argc, const napi_value *argv);

/* The same without errno in the result, which `saved_errno` has. */
napi_value bf_function_call_value(bf_function *f, size_t argc, const napi_value *argv);

/* Throws unless the library is open and the number of arguments is right. Non-zero: an exception is pending. */
int bf_function_check(bf_function *f, size_t argc);

/* For tiers: a function of Node-API, with `record`, the External of f, as a property. Non-zero: there is none. */
int bf_function_create(bf_function *f, napi_callback called, napi_value record, napi_value *out);

/* The record behind a JavaScript function made here. NULL: it is none, or (an exception is pending) no memory. */
bf_function *bf_function_of(bf_env *env, napi_value value);

/* The parts of a call that async.c shares: the fixed arguments into a frame; { value, errno }. */
int bf_function_arguments(bf_function *f, bf_context *cx, char *frame, const napi_value *argv);
napi_value bf_function_with_errno(bf_env *env, napi_value value, int number);

/* makeFunction, functionAddress ... for lib/. */
napi_status bf_function_exports(napi_env napi, napi_value exports);

#endif
