#define _GNU_SOURCE
#include "dlfcn_raw.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#include "rawmem.h"

/* A string argument; NULL and an exception when it is none, or cannot be had. The caller frees it. */
static char *take_string(napi_env env, napi_value value, const char *message)
{
	size_t length;
	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
		napi_throw_type_error(env, NULL, message);
		return NULL;
	}
	char *s = malloc(length + 1);
	if (s == NULL)
		napi_throw_error(env, NULL, "out of memory");
	else
		napi_get_value_string_utf8(env, value, s, length + 1, &length);
	return s;
}

static napi_value raw_dlopen(napi_env env, napi_callback_info info)
{
	napi_value args[2];
	size_t n = 2;
	int32_t mode = RTLD_LAZY;
	napi_valuetype type;
	char *path = NULL;

	napi_get_cb_info(env, info, &n, args, NULL, NULL);
	napi_get_value_int32(env, args[1], &mode);
	napi_typeof(env, args[0], &type);
	if (type != napi_null) {
		path = take_string(env, args[0], "dlopen: a path or null is required");
		if (path == NULL)
			return NULL;
	}
	void *handle = dlopen(path, mode);
	free(path);
	return bf_rawmem_number(env, handle);
}

static napi_value raw_dlsym(napi_env env, napi_callback_info info)
{
	napi_value args[2];
	size_t n = 2;
	void *handle;

	napi_get_cb_info(env, info, &n, args, NULL, NULL);
	if (bf_rawmem_address(env, args[0], &handle) != 0) {
		napi_throw_type_error(env, NULL, "dlsym: a handle is required");
		return NULL;
	}
	char *name = take_string(env, args[1], "dlsym: a name is required");
	if (name == NULL)
		return NULL;
	void *symbol = dlsym(handle, name);
	free(name);
	return bf_rawmem_number(env, symbol);
}

static napi_value raw_dlclose(napi_env env, napi_callback_info info)
{
	napi_value arg, result = NULL;
	size_t n = 1;
	void *handle;

	napi_get_cb_info(env, info, &n, &arg, NULL, NULL);
	if (bf_rawmem_address(env, arg, &handle) != 0 || handle == NULL) {
		napi_throw_type_error(env, NULL, "dlclose: a handle is required");
		return NULL;
	}
	napi_create_int32(env, dlclose(handle), &result);
	return result;
}

static napi_value raw_dlerror(napi_env env, napi_callback_info info)
{
	napi_value result = NULL;
	(void)info;
	const char *message = dlerror();
	if (message == NULL)
		napi_get_null(env, &result);
	else
		napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &result);
	return result;
}

static napi_value raw_is_loaded(napi_env env, napi_callback_info info)
{
	napi_value arg, result = NULL;
	size_t n = 1;
	void *address = NULL;
	Dl_info found;

	napi_get_cb_info(env, info, &n, &arg, NULL, NULL);
	bool loaded = bf_rawmem_address(env, arg, &address) == 0 && dladdr(address, &found) != 0;
	napi_get_boolean(env, loaded, &result);
	return result;
}

static void set_flag(napi_env env, napi_value flags, const char *name, int value)
{
	napi_value number;
	napi_create_int32(env, value, &number);
	napi_set_named_property(env, flags, name, number);
}

napi_status bf_dlfcn_raw_init(napi_env env, napi_value room)
{
	const napi_property_descriptor functions[] = {
	    {"dlopen", NULL, raw_dlopen, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"dlsym", NULL, raw_dlsym, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"dlclose", NULL, raw_dlclose, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"dlerror", NULL, raw_dlerror, NULL, NULL, NULL, napi_enumerable, NULL},
	    {"isLoaded", NULL, raw_is_loaded, NULL, NULL, NULL, napi_enumerable, NULL},
	};
	napi_value flags;
	napi_status status = napi_define_properties(env, room, sizeof functions / sizeof functions[0], functions);
	if (status == napi_ok)
		status = napi_create_object(env, &flags);
	if (status != napi_ok)
		return status;
	set_flag(env, flags, "RTLD_LAZY", RTLD_LAZY);
	set_flag(env, flags, "RTLD_NOW", RTLD_NOW);
	set_flag(env, flags, "RTLD_LOCAL", RTLD_LOCAL);
	set_flag(env, flags, "RTLD_GLOBAL", RTLD_GLOBAL);
	set_flag(env, flags, "RTLD_NOLOAD", RTLD_NOLOAD);
	set_flag(env, flags, "RTLD_NODELETE", RTLD_NODELETE);
	napi_set_named_property(env, flags, "RTLD_NEXT", bf_rawmem_number(env, RTLD_NEXT));
	napi_set_named_property(env, flags, "RTLD_DEFAULT", bf_rawmem_number(env, RTLD_DEFAULT));
	return napi_set_named_property(env, room, "RTLD", flags);
}
