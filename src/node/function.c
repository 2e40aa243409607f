#include "function.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "plans.h"
#include "throw.h"
#include "tier.h"
#include "type.h"
#include "variadic.h"

enum {
	STACK_FRAME = 2048, /* frames up to this size lie on the stack, larger ones in scratch */
	STACK_ARGUMENTS = 16
};

/* --- the record ----------------------------------------------------------------- */

static void function_unlink(bf_function *f)
{
	if (f->link == NULL)
		return;
	*f->link = f->next;
	if (f->next != NULL)
		f->next->link = f->link;
	f->link = NULL;
}

static void function_free(bf_function *f)
{
	if (f->tier_release != NULL)
		f->tier_release(f);
	function_unlink(f);
	bf_converter_clear(&f->result, f->env);
	for (uint32_t i = 0; f->args != NULL && i < f->nargs; i++)
		bf_converter_clear(&f->args[i], f->env);
	bf_variants_free(f);
	free(f->args);
	bf_plan_free(f->plan);
	bf_types_unref(f->types);
	bf_library_handle_unref(f->library);
	bf_env_unref(f->env);
	free(f->name);
	free(f);
}

bf_function *bf_function_ref(bf_function *f)
{
	f->refs++;
	return f;
}

void bf_function_unref(bf_function *f)
{
	if (--f->refs == 0)
		function_free(f);
}

/* Can C reach JavaScript through a value of this type? */
static bool may_call_back(const bf_type *t)
{
	t = bf_type_strip(t);
	if (t->kind == BF_POINTER) {
		const bf_type *to = bf_type_strip(t->base);

		return to->kind == BF_FUNCTION || to->kind == BF_VOID || to->kind == BF_STRUCT || to->kind == BF_UNION;
	}
	return t->kind == BF_STRUCT || t->kind == BF_UNION;
}

/* Step three and four: a converter an argument, and the plan of the call. */
static int function_prepare(bf_function *f, unsigned converter_flags, bf_error *err)
{
	const bf_type *t = f->type;
	bf_error inner = {0};
	int rc = bf_plans_get(f->env, f->types, t, &f->plan, &inner);

	if (rc != 0)
		return bf_error_set(err, rc, "%s(): %s", f->name, inner.message);
	f->nargs = f->plan->nargs;
	f->args = calloc(f->nargs + 1, sizeof(*f->args));
	if (f->args == NULL)
		return bf_error_set(err, BF_ENOMEM, "out of memory");
	for (uint32_t i = 0; i < f->nargs; i++) {
		bf_converter_init(&f->args[i], t->params[i].type, t->params[i].name, f->plan->args[i].offset, 0);
		if (may_call_back(t->params[i].type))
			f->flags |= BF_FUNCTION_CALLBACKS;
	}
	bf_converter_init(&f->result, t->base, NULL, 0, converter_flags);
	if (t->flags & BF_FLAG_VARIADIC)
		f->flags |= BF_FUNCTION_VARIADIC | BF_FUNCTION_CALLBACKS;
	return 0;
}

int bf_function_sketch(bf_env *env, const char *name, bf_types *types, const bf_type *type, unsigned flags,
		       unsigned converter_flags, bf_function *out, bf_error *err)
{
	int rc;

	*out = (bf_function){
	    .env = env, .name = (char *)name, .types = types, .type = bf_type_strip(type), .flags = flags};
	rc = function_prepare(out, converter_flags, err);
	if (rc != 0)
		bf_function_sketch_end(out);
	return rc;
}

void bf_function_sketch_end(bf_function *sketch)
{
	free(sketch->args);
	bf_plan_free(sketch->plan);
}

int bf_function_new(bf_env *env, const char *name, void *target, bf_library_handle *library, bf_types *types,
		    const bf_type *type, unsigned flags, unsigned converter_flags, bf_function **out, bf_error *err)
{
	bf_function *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL) {
		bf_error_set(err, BF_ENOMEM, "out of memory");
		return BF_ENOMEM;
	}
	f->refs = 1;
	f->env = bf_env_ref(env);
	f->flags = flags;
	memcpy(&f->target, &target, sizeof(target)); /* POSIX: an object pointer can hold a function's */
	f->type = bf_type_strip(type);
	f->types = types != NULL ? bf_types_ref(types) : NULL;
	if (library != NULL) {
		f->library = bf_library_handle_ref(library);
		f->next = library->functions;
		f->link = &library->functions;
		if (f->next != NULL)
			f->next->link = &f->next;
		library->functions = f;
	}
	f->name = strdup(name);
	if (f->name == NULL)
		rc = bf_error_set(err, BF_ENOMEM, "out of memory");
	else
		rc = function_prepare(f, converter_flags, err);
	if (rc != 0) {
		function_free(f);
		return rc;
	}
	*out = f;
	return 0;
}

/* --- the call --------------------------------------------------------------------- */

int bf_function_check(bf_function *f, size_t argc)
{
	napi_env napi = f->env->napi;
	bool more = (f->flags & BF_FUNCTION_VARIADIC) != 0;

	if (f->library != NULL && !bf_library_handle_open(f->library)) {
		const char *path = bf_library_path(f->library->library);

		bf_throw(napi, BF_ECLOSED, "%s(): its library (%s) is closed", f->name,
			 path != NULL ? path : "the process");
		return -1;
	}
	if (argc == f->nargs || (more && argc > f->nargs))
		return 0;
	bf_throw(napi, BF_EARGUMENTS, "%s(): expected %s%u argument%s, got %zu", f->name, more ? "at least " : "",
		 f->nargs, f->nargs == 1 ? "" : "s", argc);
	return -1;
}

/* { value, errno }, for functions bound with the errno option. */
napi_value bf_function_with_errno(bf_env *env, napi_value value, int number)
{
	napi_value object = NULL, errno_value = NULL;

	if (value == NULL)
		return NULL;
	napi_create_object(env->napi, &object);
	napi_create_int32(env->napi, number, &errno_value);
	napi_set_named_property(env->napi, object, "value", value);
	napi_set_named_property(env->napi, object, "errno", errno_value);
	return object;
}

int bf_function_arguments(bf_function *f, bf_context *cx, char *frame, const napi_value *argv)
{
	for (uint32_t i = 0; i < f->nargs; i++) {
		cx->index = (int)i + 1;
		if (bf_convert_in(cx, &f->args[i], argv[i], frame + f->args[i].offset) != 0)
			return -1;
	}
	return 0;
}

napi_value bf_function_call(bf_function *f, size_t argc, const napi_value *argv)
{
	napi_value result = bf_function_call_value(f, argc, argv);

	return f->flags & BF_FUNCTION_ERRNO ? bf_function_with_errno(f->env, result, f->env->saved_errno) : result;
}

napi_value bf_function_call_value(bf_function *f, size_t argc, const napi_value *argv)
{
	bf_env *env = f->env;
	const bf_plan *plan = f->plan;
	bf_variant *variant = NULL;
	bf_lent lent = {NULL};
	bf_context cx = {.env = env, .types = f->types, .owner = f->name, .scratch = &env->scratch, .lent = &lent};
	bf_mark mark;
	napi_value result = NULL;
	_Alignas(32) char stack[STACK_FRAME];
	char *frame = stack;
	bool rethrown;

	if (bf_function_check(f, argc) != 0)
		return NULL;
	mark = bf_scratch_mark(&env->scratch);
	if (argc > f->nargs) {
		variant = bf_variant_get(f, argc, argv);
		if (variant == NULL)
			return NULL;
		plan = variant->plan;
	}
	if (plan->frame_size > STACK_FRAME || plan->frame_align > 32) {
		frame = bf_scratch_alloc(&env->scratch, plan->frame_size + plan->frame_align);
		if (frame == NULL)
			return bf_throw(env->napi, BF_ENOMEM, "%s(): out of memory", f->name);
		frame += -(uintptr_t)frame & (plan->frame_align - 1);
	}
	if (variant != NULL ? bf_variant_arguments(f, variant, &cx, frame, argv) != 0
			    : bf_function_arguments(f, &cx, frame, argv) != 0)
		goto done;

	env->depth++;
	errno = env->saved_errno;
	bf_plan_call(plan, f->target, frame);
	env->saved_errno = errno;
	env->depth--;

	rethrown = bf_env_rethrow(env);
	if (!rethrown) {
		cx.index = -1;
		result = bf_convert_out(&cx, &f->result, frame);
	}
done:
	bf_lent_return(&lent);
	bf_scratch_release(&env->scratch, mark);
	errno = env->saved_errno; /* where the first errno() looks for it */
	return result;
}

/* --- the libffi tier ------------------------------------------------------------------ */

static napi_value ffi_called(napi_env napi, napi_callback_info info)
{
	size_t argc = STACK_ARGUMENTS;
	napi_value few[STACK_ARGUMENTS];
	void *data = NULL;

	napi_get_cb_info(napi, info, &argc, few, NULL, &data);
	if (argc <= STACK_ARGUMENTS)
		return bf_function_call(data, argc, few);

	/* More than that were passed: argc says how many. */
	napi_value *all = malloc(argc * sizeof(*all));
	napi_value result = NULL;

	if (all == NULL)
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	napi_get_cb_info(napi, info, &argc, all, NULL, &data);
	result = bf_function_call(data, argc, all);
	free(all);
	return result;
}

int bf_function_create(bf_function *f, napi_callback called, napi_value record, napi_value *out)
{
	const napi_property_descriptor list[] = {
	    {NULL, bf_env_key(f->env, BF_KEY_RECORD), NULL, NULL, NULL, record, napi_default, NULL},
	};
	napi_env napi = f->env->napi;

	return napi_create_function(napi, f->name, NAPI_AUTO_LENGTH, called, f, out) == napi_ok &&
		       napi_define_properties(napi, *out, 1, list) == napi_ok
		   ? 0
		   : -1;
}

static int ffi_make(bf_function *f, napi_value record, napi_value *out)
{
	return bf_function_create(f, ffi_called, record, out);
}

const bf_tier bf_tier_ffi = {"ffi", ffi_make};

/* --- the JavaScript function ------------------------------------------------------------ */

static void record_finalize(napi_env napi, void *data, void *hint)
{
	(void)napi;
	(void)hint;
	bf_function_unref(data);
}

bf_function *bf_function_of(bf_env *env, napi_value value)
{
	void *data = NULL;

	value = bf_env_property(env, value, BF_KEY_RECORD);
	if (value == NULL || napi_get_value_external(env->napi, value, &data) == napi_ok)
		return data;
	/* What stands behind a wrapper of the V8 tier, which makes the record when it is asked for it. */
	if (napi_get_property(env->napi, value, bf_env_key(env, BF_KEY_RECORD), &value) == napi_ok)
		napi_get_value_external(env->napi, value, &data);
	return data;
}

napi_value bf_function_record(bf_function *f)
{
	napi_env napi = f->env->napi;
	napi_value record;

	if (napi_create_external(napi, f, record_finalize, NULL, &record) != napi_ok) {
		bf_function_unref(f);
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	}
	return record;
}

/* The function for the External of a record, from the fastest tier that can carry it. */
static napi_value value_of_record(napi_env napi, napi_value record)
{
	napi_value function = NULL;
	void *data = NULL;
	bf_function *f;

	if (napi_get_value_external(napi, record, &data) != napi_ok)
		return bf_throw(napi, BF_ETYPE, "expected a record");
	f = data;
	f->tier_name = bf_tier_make(f, record, &function);
	return function != NULL ? function : bf_throw(napi, BF_ENOMEM, "out of memory");
}

napi_value bf_function_value(bf_function *f)
{
	napi_env napi = f->env->napi;
	napi_value record = bf_function_record(f);

	return record != NULL ? value_of_record(napi, record) : NULL;
}

/* functionOfRecord(External of a record) */
static napi_value function_of_record(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1];

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	return value_of_record(napi, argv[0]);
}

/*
 * makeFunction(name, address, library | null, handle of the function type, flags,
 * converter flags): steps three to five. Flags are BF_FUNCTION_ERRNO; the
 * result's: BF_INT64_..., BF_CONV_OWNED.
 */
static napi_value function_make(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	size_t argc = 6;
	napi_value argv[6];
	char name[512] = "";
	void *address = NULL;
	bf_library_handle *lib = NULL;
	bf_type_handle *h;
	uint32_t flags = 0, converter_flags = 0;
	napi_valuetype type = napi_undefined;
	bf_function *f = NULL;
	bf_error err = {0};

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_get_value_string_utf8(napi, argv[0], name, sizeof(name), NULL);
	bf_value_to_address(napi, argv[1], &address);
	napi_typeof(napi, argv[2], &type);
	if (type == napi_external && (lib = bf_library_handle_get(napi, argv[2])) == NULL)
		return NULL;
	h = bf_type_handle_get(napi, argv[3]);
	if (h == NULL)
		return NULL;
	napi_get_value_uint32(napi, argv[4], &flags);
	napi_get_value_uint32(napi, argv[5], &converter_flags);
	if (bf_function_new(env, name, address, lib, h->types, h->type, flags, converter_flags, &f, &err) != 0)
		return bf_throw_error(napi, &err);
	return bf_function_value(f);
}

/* functionAddress(function), functionType(function), functionTier(function); undefined if it is not ours. */
static bf_function *record_argument(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1];
	napi_valuetype type = napi_undefined;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_typeof(napi, argv[0], &type);
	return type == napi_function ? bf_function_of(bf_env_get(napi), argv[0]) : NULL;
}

static napi_value function_address(napi_env napi, napi_callback_info info)
{
	bf_function *f = record_argument(napi, info);

	return f != NULL ? bf_value_from_address(napi, (void *)f->target) : NULL;
}

static napi_value function_type(napi_env napi, napi_callback_info info)
{
	bf_function *f = record_argument(napi, info);

	return f != NULL ? bf_type_handle_new(napi, f->type, f->types) : NULL;
}

static napi_value function_tier(napi_env napi, napi_callback_info info)
{
	bf_function *f = record_argument(napi, info);
	napi_value value = NULL;

	if (f != NULL)
		napi_create_string_utf8(napi, f->tier_name, NAPI_AUTO_LENGTH, &value);
	return value;
}

napi_status bf_function_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"makeFunction", NULL, function_make, NULL, NULL, NULL, napi_default, NULL},
	    {"functionOfRecord", NULL, function_of_record, NULL, NULL, NULL, napi_default, NULL},
	    {"functionAddress", NULL, function_address, NULL, NULL, NULL, napi_default, NULL},
	    {"functionTypeOf", NULL, function_type, NULL, NULL, NULL, napi_default, NULL},
	    {"functionTier", NULL, function_tier, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof(list) / sizeof(*list), list);
}
