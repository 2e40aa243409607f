#include "variadic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "throw.h"
#include "type.h"

enum { INTEGER_BYTES = 8 };

/* const char * and void *, made once an environment. */
static int common_types(bf_env *env)
{
	const bf_type *character;
	bf_error err = {0};

	if (env->common != NULL)
		return 0;
	if (bf_types_new(&env->common) != 0 ||
	    bf_type_alias(env->common, NULL, bf_type_named("char", 4), BF_FLAG_CONST, &character, &err) != 0 ||
	    bf_type_pointer(env->common, character, &env->const_char_pointer, &err) != 0 ||
	    bf_type_pointer(env->common, bf_type_builtin(BF_VOID), &env->void_pointer, &err) != 0) {
		bf_throw(env->napi, BF_ENOMEM, "out of memory");
		return -1;
	}
	return 0;
}

static const bf_type *number_type(napi_env napi, napi_value value)
{
	double d = 0;

	napi_get_value_double(napi, value, &d);
	if (d != trunc(d) || fabs(d) > 0x1p53)
		return bf_type_builtin(BF_DOUBLE);
	return bf_type_builtin(d >= INT32_MIN && d <= INT32_MAX ? BF_INT32 : BF_INT64);
}

static const bf_type *bigint_type(napi_env napi, napi_value value)
{
	int64_t v;
	bool exact = false;

	napi_get_value_bigint_int64(napi, value, &v, &exact);
	return bf_type_builtin(exact ? BF_INT64 : BF_UINT64);
}

/* as(type, value): the type and where it lives; NULL: it is not one. */
static const bf_type *explicit_type(bf_env *env, napi_value value, bf_types **types)
{
	napi_value type, handle;
	void *data = NULL;

	if (bf_env_property(env, value, BF_KEY_VALUE) == NULL)
		return NULL;
	type = bf_env_property(env, value, BF_KEY_TYPE);
	handle = type != NULL ? bf_env_property(env, type, BF_KEY_HANDLE) : NULL;
	if (handle == NULL || napi_get_value_external(env->napi, handle, &data) != napi_ok)
		return NULL;
	*types = ((bf_type_handle *)data)->types;
	return ((bf_type_handle *)data)->type;
}

/* The type of one value by the rules of the header. NULL: an exception is pending. */
static const bf_type *value_type(bf_function *f, uint32_t index, napi_value value, bf_types **types)
{
	bf_env *env = f->env;
	napi_valuetype kind = napi_undefined;
	const bf_type *type;
	char got[160];

	napi_typeof(env->napi, value, &kind);
	switch (kind) {
	case napi_number:
		return number_type(env->napi, value);
	case napi_bigint:
		return bigint_type(env->napi, value);
	case napi_boolean:
		return bf_type_builtin(BF_BOOL);
	case napi_string:
		return env->const_char_pointer;
	case napi_null:
		return env->void_pointer;
	case napi_object:
		type = explicit_type(env, value, types);
		return type != NULL ? type : env->void_pointer;
	case napi_function:
		if (bf_function_of(env, value) != NULL)
			return env->void_pointer;
		break;
	default:
		break;
	}
	bf_throw(env->napi, BF_ETYPE,
		 "%s(): argument %u (...): expected a number, bigint, string, pointer, null or as(type, value), got %s",
		 f->name, index + 1, bf_describe(env->napi, value, got, sizeof(got)));
	return NULL;
}

static bf_variant *variant_new(bf_function *f, uint32_t nextra, const bf_type *const *given, bf_types *const *owners)
{
	bf_variant *v = calloc(1, sizeof(*v) + nextra * sizeof(v->extra[0]));
	bf_error err = {0};
	int rc = BF_ENOMEM;

	if (v == NULL || bf_types_new(&v->types) != 0)
		goto failed;
	v->nextra = nextra;
	for (uint32_t i = 0; i < nextra; i++) {
		if (owners[i] != NULL && bf_types_adopt(v->types, owners[i]) != 0)
			goto failed;
	}
	rc = bf_plan_new(f->type, given, nextra, &v->plan, &err);
	if (rc != 0)
		goto failed;
	if (f->plan->caller != NULL) /* not on the libffi tier */
		bf_plan_emit(v->plan);
	for (uint32_t i = 0; i < nextra; i++) {
		v->extra[i].given = given[i];
		bf_converter_init(&v->extra[i].converter, given[i], NULL, v->plan->args[f->nargs + i].offset, 0);
	}
	v->next = f->variants;
	f->variants = v;
	return v;
failed:
	if (v != NULL) {
		bf_types_unref(v->types);
		free(v);
	}
	bf_throw(f->env->napi, rc, "%s(): %s", f->name, err.code != 0 ? err.message : "out of memory");
	return NULL;
}

static bool variant_matches(const bf_variant *v, uint32_t nextra, const bf_type *const *given)
{
	if (v->nextra != nextra)
		return false;
	for (uint32_t i = 0; i < nextra; i++) {
		if (v->extra[i].given != given[i])
			return false;
	}
	return true;
}

bf_variant *bf_variant_find(bf_function *f, uint32_t nextra, const bf_type *const *given)
{
	for (bf_variant *v = f->variants; v != NULL; v = v->next) {
		if (variant_matches(v, nextra, given))
			return v;
	}
	return NULL;
}

bf_variant *bf_variant_get(bf_function *f, size_t argc, const napi_value *argv)
{
	uint32_t nextra = (uint32_t)(argc - f->nargs);
	const bf_type *given[BF_MAX_ARGUMENTS];
	bf_types *owners[BF_MAX_ARGUMENTS] = {NULL};

	if (argc > BF_MAX_ARGUMENTS) {
		bf_throw(f->env->napi, BF_EARGUMENTS, "%s(): expected at most %d arguments, got %zu", f->name,
			 BF_MAX_ARGUMENTS, argc);
		return NULL;
	}
	if (common_types(f->env) != 0)
		return NULL;
	for (uint32_t i = 0; i < nextra; i++) {
		given[i] = value_type(f, f->nargs + i, argv[f->nargs + i], &owners[i]);
		if (given[i] == NULL)
			return NULL;
	}

	bf_variant *known = bf_variant_find(f, nextra, given);

	return known != NULL ? known : variant_new(f, nextra, given, owners);
}

/* What was converted as the given type becomes what "..." carries: a float a double, a narrow integer an int. */
static void promote(const bf_converter *c, void *slot)
{
	switch (c->conversion) {
	case BF_CONV_FLOAT:
		*(double *)slot = *(const float *)slot;
		break;
	case BF_CONV_INT8:
		*(int64_t *)slot = (int64_t)((const int8_t *)slot)[0];
		break;
	case BF_CONV_INT16:
		*(int64_t *)slot = *(const int16_t *)slot;
		break;
	default: /* the bytes above an unsigned one are zero */
		break;
	}
}

int bf_variant_arguments(bf_function *f, bf_variant *variant, bf_context *cx, char *frame, const napi_value *argv)
{
	const bf_plan *plan = variant->plan;

	/* The same fixed arguments lie elsewhere in this plan's frame. */
	for (uint32_t i = 0; i < plan->nargs; i++) {
		bf_converter *c = i < f->nargs ? &f->args[i] : &variant->extra[i - f->nargs].converter;
		napi_value value = argv[i], inner;
		napi_valuetype kind = napi_undefined;

		if (i >= f->nargs) {
			napi_typeof(cx->env->napi, value, &kind);
			inner = kind == napi_object ? bf_env_property(cx->env, value, BF_KEY_VALUE) : NULL;
			if (inner != NULL)
				napi_get_element(cx->env->napi, inner, 0, &value);
			memset(frame + plan->args[i].offset, 0, INTEGER_BYTES);
		}
		cx->index = (int)i + 1;
		if (bf_convert_in(cx, c, value, frame + plan->args[i].offset) != 0)
			return -1;
		if (i >= f->nargs)
			promote(c, frame + plan->args[i].offset);
	}
	return 0;
}

void bf_variants_free(bf_function *f)
{
	while (f->variants != NULL) {
		bf_variant *v = f->variants;

		f->variants = v->next;
		for (uint32_t i = 0; i < v->nextra; i++)
			bf_converter_clear(&v->extra[i].converter, f->env);
		bf_plan_free(v->plan);
		bf_types_unref(v->types);
		free(v);
	}
}
