#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bf_library {
	void *handle; /* NULL after close */
	char *path;   /* NULL: the process */
};

/* An ld script is a few lines; what is longer is not one. */
enum { SCRIPT_MAX = 64 * 1024 };

/*
 * The file that dlopen took for a library and could not read: its message
 * begins "/usr/lib/x86_64-linux-gnu/libc.so: invalid ELF header". Returns its
 * text, to be freed, or NULL if the file is none of a script's kind.
 */
static char *read_script(const char *message)
{
	const char *colon = strstr(message, ": ");
	if (message[0] != '/' || colon == NULL)
		return NULL;

	char *path = strndup(message, (size_t)(colon - message));
	char *text = malloc(SCRIPT_MAX + 1);
	FILE *file = path != NULL && text != NULL ? fopen(path, "re") : NULL;
	size_t length = file != NULL ? fread(text, 1, SCRIPT_MAX, file) : 0;

	if (file != NULL)
		fclose(file);
	free(path);
	if (length == 0 || length == SCRIPT_MAX || memchr(text, '\0', length) != NULL) {
		free(text);
		return NULL;
	}
	text[length] = '\0';
	return text;
}

/* The first library that GROUP ( ... ) or INPUT ( ... ) names, cut out of `script` in place; NULL: there is none. */
static char *first_input(char *script)
{
	/* Comments may hold anything, also the words looked for. */
	for (char *c = strstr(script, "/*"); c != NULL; c = strstr(c, "/*")) {
		char *end = strstr(c + 2, "*/");
		size_t length = end != NULL ? (size_t)(end + 2 - c) : strlen(c);
		memset(c, ' ', length);
	}

	char *group = strstr(script, "GROUP"), *input = strstr(script, "INPUT");
	char *at = group == NULL || (input != NULL && input < group) ? input : group;
	if (at == NULL)
		return NULL;

	at += strlen("GROUP");
	at += strspn(at, " \t\r\n");
	if (*at != '(')
		return NULL;
	at++;
	at += strspn(at, " \t\r\n,");
	at[strcspn(at, " \t\r\n,)")] = '\0';
	return *at != '\0' ? at : NULL;
}

/* Opens what the ld script behind a failed dlopen stands for; NULL: nothing, and the error is still the first one's. */
static void *open_script(const char *message, int flags)
{
	char *script = read_script(message);
	char *input = script != NULL ? first_input(script) : NULL;
	void *handle = input != NULL ? dlopen(input, flags) : NULL;

	free(script);
	return handle;
}

int bf_library_open(const char *path, int flags, bf_library **out, bf_error *err)
{
	*out = NULL;
	if (flags == 0)
		flags = RTLD_NOW | RTLD_LOCAL;
	if ((flags & (RTLD_NOW | RTLD_LAZY)) == 0)
		flags |= RTLD_NOW;

	bf_library *lib = calloc(1, sizeof(*lib));
	if (lib != NULL && path != NULL)
		lib->path = strdup(path);
	if (lib == NULL || (path != NULL && lib->path == NULL)) {
		free(lib);
		return bf_error_set(err, BF_ENOMEM, "out of memory");
	}

	lib->handle = dlopen(path, flags);
	if (lib->handle == NULL) {
		const char *reason = dlerror();
		/* The next dl call may overwrite the message. */
		char *message = strdup(reason != NULL ? reason : "unknown reason");

		if (message != NULL && path != NULL)
			lib->handle = open_script(message, flags);
		if (lib->handle == NULL) {
			bf_error_set(err, BF_ELIBRARY, "cannot open library '%s': %s",
				     path != NULL ? path : "(process)", message != NULL ? message : "out of memory");
			free(message);
			bf_library_free(lib);
			return BF_ELIBRARY;
		}
		free(message);
	}
	*out = lib;
	return BF_OK;
}

int bf_library_symbol(bf_library *lib, const char *name, void **out, bf_error *err)
{
	const char *library = lib->path != NULL ? lib->path : "(process)";

	*out = NULL;
	if (lib->handle == NULL)
		return bf_error_set(err, BF_ECLOSED, "symbol '%s': library '%s' is closed", name, library);

	/* A symbol's value may be 0 (a weak one, an absolute one): only dlerror tells it from a missing one. */
	dlerror();
	void *address = dlsym(lib->handle, name);
	const char *reason = address == NULL ? dlerror() : NULL;
	if (reason != NULL)
		return bf_error_set(err, BF_ESYMBOL, "no symbol '%s' in library '%s': %s", name, library, reason);
	if (address == NULL)
		return bf_error_set(err, BF_ESYMBOL, "symbol '%s' in library '%s' has no address", name, library);
	*out = address;
	return BF_OK;
}

const char *bf_library_path(const bf_library *lib)
{
	return lib->path;
}

int bf_library_is_open(const bf_library *lib)
{
	return lib->handle != NULL;
}

void bf_library_close(bf_library *lib)
{
	if (lib->handle != NULL)
		dlclose(lib->handle);
	lib->handle = NULL;
}

void bf_library_free(bf_library *lib)
{
	if (lib == NULL)
		return;
	bf_library_close(lib);
	free(lib->path);
	free(lib);
}

void bf_library_forget(bf_library *lib)
{
	lib->handle = NULL;
	bf_library_free(lib);
}

const char *bf_library_file(const bf_library *lib)
{
	struct link_map *map = NULL;

	if (lib->handle == NULL || lib->path == NULL || dlinfo(lib->handle, RTLD_DI_LINKMAP, &map) != 0 || map == NULL)
		return NULL;
	return map->l_name;
}
