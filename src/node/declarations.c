#include "declarations.h"

#include <stdlib.h>
#include <string.h>

#include "../ctype/decls.h"
#include "../ctype/describe.h"
#include "function.h"
#include "library.h"
#include "throw.h"
#include "tier.h"
#include "type.h"
#include "v8_script.h"
#include "v8_tier.h"
#include "value.h"

static void decls_finalize(napi_env napi, void *data, void *hint)
{
	(void)napi;
	(void)hint;
	bf_decls_free(data);
}

static bf_decls *decls_get(napi_env napi, napi_value value)
{
	void *data = NULL;

	if (napi_get_value_external(napi, value, &data) != napi_ok)
		bf_throw(napi, BF_ETYPE, "not a declarations handle");
	return data;
}

/* The text of a string argument, to be freed; NULL: an exception is pending. */
static char *text_of(napi_env napi, napi_value value, size_t *length)
{
	char *text;

	if (napi_get_value_string_utf8(napi, value, NULL, 0, length) != napi_ok) {
		bf_throw(napi, BF_ETYPE, "declarations: expected a string");
		return NULL;
	}
	text = malloc(*length + 1);
	if (text == NULL)
		bf_throw(napi, BF_ENOMEM, "out of memory");
	else
		napi_get_value_string_utf8(napi, value, text, *length + 1, length);
	return text;
}

/* declare(handle | undefined, text): reads C text into the handle, or into a new one, and returns it. */
static napi_value declare(napi_env napi, napi_callback_info info)
{
	size_t argc = 2, length = 0;
	napi_value argv[2], handle = NULL;
	napi_valuetype type = napi_undefined;
	bf_decls *d = NULL;
	bf_error err = {0};
	char *text;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	text = text_of(napi, argv[1], &length);
	if (text == NULL)
		return NULL;
	napi_typeof(napi, argv[0], &type);
	if (type == napi_undefined) {
		if (bf_decls_new(&d) != 0 || napi_create_external(napi, d, decls_finalize, NULL, &handle) != napi_ok) {
			bf_decls_free(d);
			free(text);
			return bf_throw(napi, BF_ENOMEM, "out of memory");
		}
	} else {
		handle = argv[0];
		d = decls_get(napi, handle);
	}
	if (d != NULL && bf_decls_parse(d, text, length, &err) != 0)
		handle = bf_throw_error(napi, &err);
	free(text);
	return handle;
}

static napi_value constant_value(napi_env napi, const bf_constant *c)
{
	napi_value value = NULL;

	switch (c->kind) {
	case BF_CONSTANT_INT:
		return bf_value_int64(napi, c->i, 0);
	case BF_CONSTANT_UINT:
		return bf_value_uint64(napi, c->u, 0);
	case BF_CONSTANT_FLOAT:
		napi_create_double(napi, c->d, &value);
		return value;
	default:
		napi_create_string_utf8(napi, c->s.bytes, c->s.length, &value);
		return value;
	}
}

static napi_value text_value(napi_env napi, const char *text)
{
	napi_value value = NULL;

	if (text == NULL)
		napi_get_null(napi, &value);
	else
		napi_create_string_utf8(napi, text, NAPI_AUTO_LENGTH, &value);
	return value;
}

/* All names with a space behind each. One string, since JavaScript cuts it up faster than Node-API makes many. */
static napi_value all_names(napi_env napi, bf_decls *d)
{
	size_t n = bf_decls_count(d), size = 1;
	napi_value value = NULL;
	char *text, *end;

	for (size_t i = 0; i < n; i++)
		size += strlen(bf_decls_at(d, i)->name) + 1;
	text = end = malloc(size);
	if (text == NULL)
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		end = stpcpy(end, bf_decls_at(d, i)->name);
		*end++ = ' ';
	}
	napi_create_string_utf8(napi, text, (size_t)(end - text), &value);
	free(text);
	return value;
}

/* declared(handle): { kinds, text } in the order of the text: a Uint8Array of bf_symbol_kind, and all_names. */
static napi_value declared(napi_env napi, napi_callback_info info)
{
	size_t argc = 1, n;
	napi_value argv[1], buffer, kinds = NULL, names, object = NULL;
	void *bytes = NULL;
	bf_decls *d;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	d = decls_get(napi, argv[0]);
	if (d == NULL)
		return NULL;
	n = bf_decls_count(d);
	if (napi_create_arraybuffer(napi, n, &bytes, &buffer) != napi_ok ||
	    napi_create_typedarray(napi, napi_uint8_array, n, buffer, 0, &kinds) != napi_ok ||
	    (names = all_names(napi, d)) == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)bf_decls_at(d, i)->kind;
	napi_create_object(napi, &object);
	napi_set_named_property(napi, object, "kinds", kinds);
	napi_set_named_property(napi, object, "text", names);
	return object;
}

static const bf_symbol *symbol_argument(napi_env napi, napi_callback_info info, bf_decls **d)
{
	size_t argc = 2;
	napi_value argv[2];
	uint32_t index = 0;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	*d = decls_get(napi, argv[0]);
	napi_get_value_uint32(napi, argv[1], &index);
	return *d != NULL && index < bf_decls_count(*d) ? bf_decls_at(*d, index) : NULL;
}

/* declaredThing(handle, index): the link name of a function or variable, a constant's value, a tag's bf_kind, null. */
static napi_value declared_thing(napi_env napi, napi_callback_info info)
{
	bf_decls *d = NULL;
	const bf_symbol *s = symbol_argument(napi, info, &d);
	napi_value kind = NULL;

	if (s == NULL)
		return NULL;
	switch (s->kind) {
	case BF_SYMBOL_CONSTANT:
		return constant_value(napi, &s->value);
	case BF_SYMBOL_TAG:
		napi_create_int32(napi, s->type->kind, &kind);
		return kind;
	default:
		return text_value(napi, s->kind == BF_SYMBOL_TYPEDEF ? NULL : s->link_name);
	}
}

/* declaredType(handle, index): the handle of a symbol's type; undefined if it has none (#define). */
static napi_value declared_type(napi_env napi, napi_callback_info info)
{
	bf_decls *d = NULL;
	const bf_symbol *s = symbol_argument(napi, info, &d);

	return s != NULL && s->type != NULL ? bf_type_handle_new(napi, s->type, bf_decls_types(d)) : NULL;
}

/*
 * findDeclared(handle, library, addresses): the addresses of all functions into the elements, of a Float64Array with
 * one for each symbol, that are 0. Throws for the first that the library lacks.
 */
static napi_value find_declared(napi_env napi, napi_callback_info info)
{
	size_t argc = 3, length = 0;
	napi_value argv[3];
	napi_typedarray_type type = napi_int8_array;
	bf_library_handle *lib;
	double *addresses = NULL;
	bf_error err = {0};
	bf_decls *d;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	d = decls_get(napi, argv[0]);
	lib = d != NULL ? bf_library_handle_get(napi, argv[1]) : NULL;
	if (lib == NULL)
		return NULL;
	napi_get_typedarray_info(napi, argv[2], &type, &length, (void **)&addresses, NULL, NULL);
	if (type != napi_float64_array || length != bf_decls_count(d))
		return bf_throw(napi, BF_ETYPE, "findDeclared takes a Float64Array with an element for each symbol");
	for (size_t i = 0; i < length; i++) {
		const bf_symbol *s = bf_decls_at(d, i);
		void *address = NULL;

		if (s->kind != BF_SYMBOL_FUNCTION || addresses[i] != 0)
			continue;
		if (bf_library_symbol(lib->library, s->link_name, &address, &err) != 0)
			return bf_throw_error(napi, &err);
		addresses[i] = (double)(uintptr_t)address;
	}
	return NULL;
}

/* A symbol by the first two arguments; NULL: it is no function, an exception is pending. */
static const bf_symbol *function_symbol(napi_env napi, const napi_value *argv, bf_decls **d)
{
	uint32_t index = 0;

	*d = decls_get(napi, argv[0]);
	if (*d == NULL)
		return NULL;
	napi_get_value_uint32(napi, argv[1], &index);
	if (index < bf_decls_count(*d) && bf_decls_at(*d, index)->kind == BF_SYMBOL_FUNCTION)
		return bf_decls_at(*d, index);
	bf_throw(napi, BF_ETYPE, "expected the index of a function");
	return NULL;
}

/* declaredRecord(handle, index, address, library, flags, converter flags): a record, for flags see makeFunction. */
static napi_value declared_record(napi_env napi, napi_callback_info info)
{
	size_t argc = 6;
	napi_value argv[6];
	uint32_t flags = 0, converter_flags = 0;
	bf_library_handle *lib;
	const bf_symbol *s;
	void *address = NULL;
	bf_function *f = NULL;
	bf_error err = {0};
	bf_decls *d;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	s = function_symbol(napi, argv, &d);
	lib = s != NULL ? bf_library_handle_get(napi, argv[3]) : NULL;
	if (lib == NULL)
		return NULL;
	bf_value_to_address(napi, argv[2], &address);
	napi_get_value_uint32(napi, argv[4], &flags);
	napi_get_value_uint32(napi, argv[5], &converter_flags);
	if (bf_function_new(bf_env_get(napi), s->name, address, lib, bf_decls_types(d), s->type, flags, converter_flags,
			    &f, &err) != 0)
		return bf_throw_error(napi, &err);
	f->tier_name = bf_tier_v8.name; /* unless functionOfRecord says another */
	return bf_function_record(f);
}

/*
 * declaredWrap(handle, index, flags, converter flags): what makes a function's wrapper of a State of lib/wrap.js, which
 * needs the record when it is called; undefined: the V8 tier can't have it. Throws where there could be no record
 * either.
 */
static napi_value declared_wrap(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	size_t argc = 4;
	napi_value argv[4], wrap;
	uint32_t flags = 0, converter_flags = 0;
	const bf_symbol *s;
	bf_function sketch;
	bf_error err = {0};
	bf_decls *d;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	s = function_symbol(napi, argv, &d);
	if (s == NULL || !bf_tier_is_v8(env))
		return NULL;
	napi_get_value_uint32(napi, argv[2], &flags);
	napi_get_value_uint32(napi, argv[3], &converter_flags);
	if (bf_function_sketch(env, s->name, bf_decls_types(d), s->type, flags, converter_flags, &sketch, &err) != 0)
		return bf_throw_error(napi, &err);
	wrap = bf_v8_wrap(&sketch);
	bf_function_sketch_end(&sketch);
	return wrap;
}

/* declaredSource(handle, index): { file, line, system, doc }. */
static napi_value declared_source(napi_env napi, napi_callback_info info)
{
	bf_decls *d = NULL;
	const bf_symbol *s = symbol_argument(napi, info, &d);
	napi_value object = NULL, value = NULL;

	if (s == NULL)
		return NULL;
	napi_create_object(napi, &object);
	napi_set_named_property(napi, object, "file", text_value(napi, s->file));
	napi_create_int32(napi, s->line, &value);
	napi_set_named_property(napi, object, "line", value);
	napi_get_boolean(napi, s->system, &value);
	napi_set_named_property(napi, object, "system", value);
	napi_set_named_property(napi, object, "doc", text_value(napi, s->doc));
	return object;
}

/* declaredFiles(handle): the file of every symbol, null for the text itself. */
static napi_value declared_files(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1], list = NULL, file = NULL;
	const char *last = NULL;
	bf_decls *d;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	d = decls_get(napi, argv[0]);
	if (d == NULL)
		return NULL;
	napi_create_array_with_length(napi, bf_decls_count(d), &list);
	for (size_t i = 0; i < bf_decls_count(d); i++) {
		const bf_symbol *s = bf_decls_at(d, i);

		/* Neighbours are from one file: its string is made once. */
		if (file == NULL || s->file != last)
			file = text_value(napi, s->file);
		last = s->file;
		napi_set_element(napi, list, (uint32_t)i, file);
	}
	return list;
}

/* declaredLayout(handle): all complete types as JSON, see src/ctype/describe.h. */
static napi_value declared_layout(napi_env napi, napi_callback_info info)
{
	size_t argc = 1, length = 0;
	napi_value argv[1], value = NULL;
	bf_error err = {0};
	char *text = NULL;
	bf_decls *d;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	d = decls_get(napi, argv[0]);
	if (d == NULL)
		return NULL;
	if (bf_describe_json(d, NULL, NULL, &text, &length, &err) != 0)
		return bf_throw_error(napi, &err);
	napi_create_string_utf8(napi, text, length, &value);
	free(text);
	return value;
}

/* parseType(handle | undefined, text): a type name as in a cast. */
static napi_value parse_type(napi_env napi, napi_callback_info info)
{
	size_t argc = 2, length = 0;
	napi_value argv[2], handle = NULL;
	napi_valuetype kind = napi_undefined;
	bf_decls *d = NULL, *own = NULL;
	const bf_type *type = NULL;
	bf_error err = {0};
	char *text;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	text = text_of(napi, argv[1], &length);
	if (text == NULL)
		return NULL;
	napi_typeof(napi, argv[0], &kind);
	if (kind != napi_undefined) {
		d = decls_get(napi, argv[0]);
	} else if (bf_decls_new(&own) == 0) {
		d = own;
	} else {
		bf_throw(napi, BF_ENOMEM, "out of memory");
	}
	if (d != NULL) {
		if (bf_decls_parse_type(d, text, length, &type, &err) != 0)
			bf_throw_error(napi, &err);
		else
			handle = bf_type_handle_new(napi, type, bf_decls_types(d));
	}
	bf_decls_free(own);
	free(text);
	return handle;
}

napi_status bf_declarations_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"declare", NULL, declare, NULL, NULL, NULL, napi_default, NULL},
	    {"declared", NULL, declared, NULL, NULL, NULL, napi_default, NULL},
	    {"declaredThing", NULL, declared_thing, NULL, NULL, NULL, napi_default, NULL},
	    {"declaredType", NULL, declared_type, NULL, NULL, NULL, napi_default, NULL},
	    {"findDeclared", NULL, find_declared, NULL, NULL, NULL, napi_default, NULL},
	    {"declaredRecord", NULL, declared_record, NULL, NULL, NULL, napi_default, NULL},
	    {"declaredWrap", NULL, declared_wrap, NULL, NULL, NULL, napi_default, NULL},
	    {"declaredSource", NULL, declared_source, NULL, NULL, NULL, napi_default, NULL},
	    {"declaredFiles", NULL, declared_files, NULL, NULL, NULL, napi_default, NULL},
	    {"declaredLayout", NULL, declared_layout, NULL, NULL, NULL, napi_default, NULL},
	    {"parseType", NULL, parse_type, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof(list) / sizeof(*list), list);
}
