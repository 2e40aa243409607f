#include "refinstance.h"

#include <stdlib.h>

#include "rawmem.h"

/*
 * Itanium C++ ABI, section 2.5: an object of a class with virtual functions
 * starts with a pointer to the table of those functions, in the order of their
 * declaration; `this` is their first argument.
 */
typedef struct instance {
	const void *const *table;
	napi_env env;
	napi_ref wrap;
} instance;

static napi_value wrap_pointer(instance *self, char *p, size_t length)
{
	napi_value wrap, undefined, args[2], result = NULL;
	napi_get_reference_value(self->env, self->wrap, &wrap);
	napi_get_undefined(self->env, &undefined);
	args[0] = bf_rawmem_number(self->env, p);
	napi_create_double(self->env, (double)length, &args[1]);
	napi_call_function(self->env, undefined, wrap, 2, args, &result);
	return result;
}

static char *get_buffer_data(instance *self, napi_value value)
{
	void *data = NULL;
	size_t length;
	bf_rawmem_bytes(self->env, value, &data, &length);
	return data;
}

/* The original keeps a table of ArrayBuffers here; windows on foreign memory need none. */
static void register_array_buffer(instance *self, napi_value value)
{
	(void)self;
	(void)value;
}

static const void *const table[] = {(const void *)wrap_pointer, (const void *)get_buffer_data,
				    (const void *)register_array_buffer};

static void finalize(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	free(data);
}

/* instance(wrap) */
static napi_value make_instance(napi_env env, napi_callback_info info)
{
	napi_value wrap, result = NULL;
	size_t n = 1;
	napi_get_cb_info(env, info, &n, &wrap, NULL, NULL);

	instance *self = calloc(1, sizeof *self);
	if (self == NULL) {
		napi_throw_error(env, NULL, "out of memory");
		return NULL;
	}
	self->table = table;
	self->env = env;
	if (napi_create_reference(env, wrap, 1, &self->wrap) != napi_ok ||
	    napi_create_external(env, self, finalize, NULL, &result) != napi_ok) {
		free(self);
		napi_throw_type_error(env, NULL, "instance: a function is required");
		return NULL;
	}
	return result;
}

napi_status bf_refinstance_init(napi_env env, napi_value exports)
{
	napi_value function;
	napi_status status = napi_create_function(env, "instance", NAPI_AUTO_LENGTH, make_instance, NULL, &function);
	if (status == napi_ok)
		status = napi_set_named_property(env, exports, "instance", function);
	return status;
}
