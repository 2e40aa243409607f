#include "library.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "function.h"
#include "throw.h"
#include "value.h"

bf_library_handle *bf_library_handle_ref(bf_library_handle *lib)
{
	lib->refs++;
	return lib;
}

void bf_library_handle_unref(bf_library_handle *lib)
{
	if (lib == NULL || --lib->refs > 0)
		return;
	/* Never closed: what C code keeps of the library must stay valid, so it stays loaded. */
	if (bf_library_handle_open(lib))
		bf_library_forget(lib->library);
	else
		bf_library_free(lib->library);
	free(lib);
}

static void library_finalize(napi_env napi, void *data, void *hint)
{
	(void)napi;
	(void)hint;
	bf_library_handle_unref(data);
}

bf_library_handle *bf_library_handle_get(napi_env napi, napi_value value)
{
	void *data = NULL;

	if (napi_get_value_external(napi, value, &data) != napi_ok)
		bf_throw(napi, BF_ETYPE, "not a library handle");
	return data;
}

/* A string argument in memory of its own; undefined and null give NULL. Non-zero: thrown. */
static int text_argument(napi_env napi, napi_value value, char **out)
{
	size_t length = 0;

	*out = NULL;
	if (napi_get_value_string_utf8(napi, value, NULL, 0, &length) != napi_ok)
		return 0;
	*out = malloc(length + 1);
	if (*out == NULL) {
		bf_throw(napi, BF_ENOMEM, "out of memory");
		return -1;
	}
	napi_get_value_string_utf8(napi, value, *out, length + 1, &length);
	return 0;
}

/* openLibrary(path | null, flags): step one. */
static napi_value library_open(napi_env napi, napi_callback_info info)
{
	size_t argc = 2;
	napi_value argv[2], value = NULL;
	int32_t flags = 0;
	char *path = NULL;
	bf_error err = {0};
	bf_library_handle *lib = calloc(1, sizeof(*lib));

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_get_value_int32(napi, argv[1], &flags);
	if (lib == NULL || text_argument(napi, argv[0], &path) != 0) {
		free(lib);
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	}
	lib->refs = 1;
	if (bf_library_open(path, flags, &lib->library, &err) != 0) {
		free(lib);
		bf_throw_error(napi, &err);
	} else if (napi_create_external(napi, lib, library_finalize, NULL, &value) != napi_ok) {
		bf_library_handle_unref(lib);
		bf_throw(napi, BF_ENOMEM, "out of memory");
	}
	free(path);
	return value;
}

/* librarySymbol(library, name): step two, the symbol's address. */
static napi_value library_symbol(napi_env napi, napi_callback_info info)
{
	size_t argc = 2;
	napi_value argv[2], value = NULL;
	bf_library_handle *lib;
	char *name = NULL;
	void *address = NULL;
	bf_error err = {0};

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	lib = bf_library_handle_get(napi, argv[0]);
	if (lib == NULL || text_argument(napi, argv[1], &name) != 0)
		return NULL;
	if (bf_library_symbol(lib->library, name != NULL ? name : "", &address, &err) != 0)
		bf_throw_error(napi, &err);
	else
		value = bf_value_from_address(napi, address);
	free(name);
	return value;
}

/*
 * closeLibrary(library): its functions throw from here on. False: C code of it
 * may be running (this is a callback, or an async call is under way), so the
 * library itself stays loaded; to be called again later.
 */
static napi_value library_close(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1], value = NULL;
	bf_env *env = bf_env_get(napi);
	bf_library_handle *lib;
	bool idle;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	lib = bf_library_handle_get(napi, argv[0]);
	if (lib == NULL)
		return NULL;
	if (!lib->closed) {
		lib->closed = true;
		for (bf_function *f = lib->functions; f != NULL; f = f->next) {
			if (f->tier_closed != NULL)
				f->tier_closed(f);
		}
	}
	/* JavaScript runs here: if a call is on the stack, then below a callback. */
	idle = lib->busy == 0 && env->callbacks == 0;
	if (idle)
		bf_library_close(lib->library);
	napi_get_boolean(napi, idle, &value);
	return value;
}

/* libraryIsOpen(library) */
static napi_value library_is_open(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1], value = NULL;
	bf_library_handle *lib;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	lib = bf_library_handle_get(napi, argv[0]);
	if (lib != NULL)
		napi_get_boolean(napi, bf_library_handle_open(lib), &value);
	return value;
}

/* libraryFile(library): the file that the dynamic linker found; undefined for the process. */
static napi_value library_file(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1], value = NULL;
	const char *file;
	bf_library_handle *lib;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	lib = bf_library_handle_get(napi, argv[0]);
	file = lib != NULL ? bf_library_file(lib->library) : NULL;
	if (file != NULL)
		napi_create_string_utf8(napi, file, NAPI_AUTO_LENGTH, &value);
	return value;
}

static void set_flag(napi_env napi, napi_value object, const char *name, int flag)
{
	napi_value value;

	if (napi_create_int32(napi, flag, &value) == napi_ok)
		napi_set_named_property(napi, object, name, value);
}

napi_status bf_library_exports(napi_env napi, napi_value exports)
{
	napi_value flags;
	const napi_property_descriptor list[] = {
	    {"openLibrary", NULL, library_open, NULL, NULL, NULL, napi_default, NULL},
	    {"librarySymbol", NULL, library_symbol, NULL, NULL, NULL, napi_default, NULL},
	    {"closeLibrary", NULL, library_close, NULL, NULL, NULL, napi_default, NULL},
	    {"libraryFile", NULL, library_file, NULL, NULL, NULL, napi_default, NULL},
	    {"libraryIsOpen", NULL, library_is_open, NULL, NULL, NULL, napi_default, NULL},
	};

	napi_create_object(napi, &flags);
	set_flag(napi, flags, "RTLD_LAZY", RTLD_LAZY);
	set_flag(napi, flags, "RTLD_NOW", RTLD_NOW);
	set_flag(napi, flags, "RTLD_LOCAL", RTLD_LOCAL);
	set_flag(napi, flags, "RTLD_GLOBAL", RTLD_GLOBAL);
	set_flag(napi, flags, "RTLD_NOLOAD", RTLD_NOLOAD);
	set_flag(napi, flags, "RTLD_NODELETE", RTLD_NODELETE);
#ifdef RTLD_DEEPBIND
	set_flag(napi, flags, "RTLD_DEEPBIND", RTLD_DEEPBIND);
#endif
	napi_set_named_property(napi, exports, "flags", flags);
	return napi_define_properties(napi, exports, sizeof(list) / sizeof(*list), list);
}
