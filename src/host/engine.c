#include "engine.h"
#include "bytes.h"

static bool scoped(napi_env env, void (*run)(void *data), void *data)
{
	napi_handle_scope scope;

	if (napi_open_handle_scope(env, &scope) != napi_ok) {
		return false;
	}
	run(data);
	napi_close_handle_scope(env, scope);
	return true;
}

static void *keep(napi_env env, napi_value function)
{
	napi_ref ref;

	return napi_create_reference(env, function, 1, &ref) == napi_ok ? ref : NULL;
}

static bool call(napi_env env, void *kept, size_t argc, const napi_value *argv, napi_value *result)
{
	napi_value function, error;

	if (napi_get_reference_value(env, kept, &function) == napi_ok &&
	    napi_call_function(env, function, function, argc, argv, result) == napi_ok) {
		return true;
	}
	napi_get_and_clear_last_exception(env, &error);
	return false;
}

static napi_value latin1(napi_env env, const char *bytes, size_t length)
{
	napi_value value;

	return napi_create_string_latin1(env, bytes, length, &value) == napi_ok ? value : NULL;
}

static enum bf_taken take(napi_env env, napi_value value, size_t front, char **bytes, size_t *length)
{
	napi_valuetype type;

	if (napi_typeof(env, value, &type) != napi_ok || type == napi_undefined) {
		return BF_NONE;
	}
	return bf_bytes_behind(env, value, front, bytes, length) ? BF_TAKEN : BF_UNTAKEN;
}

const bf_engine bf_engine_napi = {scoped, keep, call, latin1, take};
