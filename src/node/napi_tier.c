#include "napi_tier.h"

#include <errno.h>
#include <stdlib.h>

#include "throw.h"

enum {
	ARGUMENTS = 16, /* more than that, and frames larger than FRAME, are the generic call's business */
	FRAME = 1024
};

/* Numbers only, in the range of their type; anything else is for the table. */
static bool number_in(napi_env napi, const bf_converter *c, napi_value value, void *slot)
{
	double d;

	if (napi_get_value_double(napi, value, &d) != napi_ok)
		return false;
	switch (c->conversion) {
#define INTEGER(conversion, type, min, max)                                                                            \
	case conversion:                                                                                               \
		if (!(d >= (double)(min) && d <= (double)(max)) || d != (double)(type)d)                               \
			return false;                                                                                  \
		*(type *)slot = (type)d;                                                                               \
		return true;
		INTEGER(BF_CONV_INT8, int8_t, INT8_MIN, INT8_MAX)
		INTEGER(BF_CONV_UINT8, uint8_t, 0, UINT8_MAX)
		INTEGER(BF_CONV_INT16, int16_t, INT16_MIN, INT16_MAX)
		INTEGER(BF_CONV_UINT16, uint16_t, 0, UINT16_MAX)
		INTEGER(BF_CONV_INT32, int32_t, INT32_MIN, INT32_MAX)
		INTEGER(BF_CONV_UINT32, uint32_t, 0, UINT32_MAX)
		INTEGER(BF_CONV_INT64, int64_t, -0x1p53, 0x1p53)
		INTEGER(BF_CONV_UINT64, uint64_t, 0, 0x1p53)
#undef INTEGER
	case BF_CONV_FLOAT:
		*(float *)slot = (float)d;
		return true;
	default:
		*(double *)slot = d;
		return true;
	}
}

/* Whether this function is called below; else all its calls are generic ones. */
static bool is_quick(const bf_function *f)
{
	if (f->flags & (BF_FUNCTION_ERRNO | BF_FUNCTION_VARIADIC) || f->nargs > ARGUMENTS ||
	    f->plan->frame_size > FRAME || f->plan->frame_align > 16)
		return false;
	for (uint32_t i = 0; i < f->nargs; i++) {
		uint8_t c = f->args[i].conversion;

		if ((c < BF_CONV_INT8 || c > BF_CONV_UINT64) && c != BF_CONV_FLOAT && c != BF_CONV_DOUBLE)
			return false;
	}
	return true;
}

static napi_value called_with(napi_env napi, napi_callback_info info, size_t argc, bf_function *f)
{
	napi_value *all = malloc(argc * sizeof(*all)), result;

	if (!all)
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	napi_get_cb_info(napi, info, &argc, all, NULL, NULL);
	result = bf_function_call(f, argc, all);
	free(all);
	return result;
}

static napi_value generic_called(napi_env napi, napi_callback_info info)
{
	napi_value argv[ARGUMENTS];
	size_t argc = ARGUMENTS;
	void *data = NULL;

	napi_get_cb_info(napi, info, &argc, argv, NULL, &data);
	return argc <= ARGUMENTS ? bf_function_call(data, argc, argv) : called_with(napi, info, argc, data);
}

static napi_value quick_called(napi_env napi, napi_callback_info info)
{
	_Alignas(16) char frame[FRAME];
	napi_value argv[ARGUMENTS], result;
	size_t argc = ARGUMENTS;
	void *data = NULL;
	bf_function *f;
	bf_env *env;

	napi_get_cb_info(napi, info, &argc, argv, NULL, &data);
	f = data;
	env = f->env;
	if (argc > ARGUMENTS)
		return called_with(napi, info, argc, f);
	if (argc != f->nargs || (f->library && !bf_library_handle_open(f->library)))
		return bf_function_call(f, argc, argv);
	for (uint32_t i = 0; i < argc; i++)
		if (!number_in(napi, &f->args[i], argv[i], frame + f->args[i].offset))
			return bf_function_call(f, argc, argv);
	env->depth++;
	errno = env->saved_errno;
	bf_plan_call(f->plan, f->target, frame);
	env->saved_errno = errno;
	env->depth--;
	if (env->failed && bf_env_rethrow(env))
		return NULL;
	if (f->result.conversion == BF_CONV_VOID)
		return NULL;

	bf_context cx = {.env = env, .types = f->types, .owner = f->name, .index = -1, .scratch = &env->scratch};

	result = bf_convert_out(&cx, &f->result, frame);
	errno = env->saved_errno;
	return result;
}

static int napi_make(bf_function *f, napi_value record, napi_value *out)
{
	bf_plan_emit(f->plan);
	if (!f->plan->caller)
		return -1;
	return bf_function_create(f, is_quick(f) ? quick_called : generic_called, record, out);
}

const bf_tier bf_tier_napi = {"napi", napi_make};
