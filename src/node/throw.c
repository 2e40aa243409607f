#include "throw.h"

#include <stdio.h>
#include <string.h>

static napi_value error_object(napi_env napi, int code, const char *text)
{
	napi_value name = NULL, message = NULL, error = NULL;

	if (napi_create_string_utf8(napi, bf_error_name(code), NAPI_AUTO_LENGTH, &name) != napi_ok ||
	    napi_create_string_utf8(napi, text, NAPI_AUTO_LENGTH, &message) != napi_ok)
		return NULL;
	switch (code) {
	case BF_ETYPE:
	case BF_EARGUMENTS:
		napi_create_type_error(napi, name, message, &error);
		break;
	case BF_ERANGE:
		napi_create_range_error(napi, name, message, &error);
		break;
	case BF_ESYNTAX: {
		/* Node-API 8 has no node_api_create_syntax_error; the constructor is JavaScript's own. */
		napi_value global, constructor;

		if (napi_get_global(napi, &global) != napi_ok ||
		    napi_get_named_property(napi, global, "SyntaxError", &constructor) != napi_ok ||
		    napi_new_instance(napi, constructor, 1, &message, &error) != napi_ok)
			return NULL;
		napi_set_named_property(napi, error, "code", name);
		break;
	}
	default:
		napi_create_error(napi, name, message, &error);
	}
	return error;
}

static void throw_object(napi_env napi, napi_value error)
{
	bool pending = false;

	if (napi_is_exception_pending(napi, &pending) == napi_ok && pending)
		return;
	if (error != NULL)
		napi_throw(napi, error);
	else
		napi_throw_error(napi, "BF_ENOMEM", "out of memory");
}

napi_value bf_throw(napi_env napi, int code, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	throw_object(napi, error_object(napi, code, text));
	return NULL;
}

napi_value bf_error_value(napi_env napi, const bf_error *err)
{
	napi_value error = error_object(napi, err->code, err->message), number;

	if (error != NULL && err->line > 0) {
		if (napi_create_int32(napi, err->line, &number) == napi_ok)
			napi_set_named_property(napi, error, "line", number);
		if (napi_create_int32(napi, err->column, &number) == napi_ok)
			napi_set_named_property(napi, error, "column", number);
	}
	return error;
}

napi_value bf_throw_error(napi_env napi, const bf_error *err)
{
	throw_object(napi, bf_error_value(napi, err));
	return NULL;
}

/* --- describing ------------------------------------------------------------- */

/* object.constructor.name, if reading it runs into nothing. */
static int constructor_name(napi_env napi, napi_value value, char *buf, size_t size)
{
	napi_value constructor, name, ignored;
	napi_valuetype type;
	size_t length = 0;

	if (napi_get_named_property(napi, value, "constructor", &constructor) != napi_ok ||
	    napi_typeof(napi, constructor, &type) != napi_ok || type != napi_function ||
	    napi_get_named_property(napi, constructor, "name", &name) != napi_ok ||
	    napi_get_value_string_utf8(napi, name, buf, size, &length) != napi_ok) {
		napi_get_and_clear_last_exception(napi, &ignored);
		return -1;
	}
	return length > 0 ? 0 : -1;
}

static void describe_text(napi_env napi, const char *kind, napi_value value, const char *end, char *buf, size_t size)
{
	char text[44];
	size_t length = 0, whole = 0;

	napi_get_value_string_utf8(napi, value, NULL, 0, &whole);
	napi_get_value_string_utf8(napi, value, text, sizeof(text), &length);
	snprintf(buf, size, "%s%s%s%s", kind, text, whole > length ? "..." : "", end);
}

const char *bf_describe(napi_env napi, napi_value value, char *buf, size_t size)
{
	napi_valuetype type = napi_undefined;
	napi_value text = NULL;
	char name[64];

	napi_typeof(napi, value, &type);
	switch (type) {
	case napi_undefined:
		snprintf(buf, size, "undefined");
		break;
	case napi_null:
		snprintf(buf, size, "null");
		break;
	case napi_boolean: {
		bool b = false;

		napi_get_value_bool(napi, value, &b);
		snprintf(buf, size, "boolean %s", b ? "true" : "false");
		break;
	}
	case napi_number:
		snprintf(buf, size, "a number");
		if (napi_coerce_to_string(napi, value, &text) == napi_ok)
			describe_text(napi, "number ", text, "", buf, size);
		break;
	case napi_bigint:
		snprintf(buf, size, "a bigint");
		if (napi_coerce_to_string(napi, value, &text) == napi_ok)
			describe_text(napi, "bigint ", text, "n", buf, size);
		break;
	case napi_string:
		describe_text(napi, "string '", value, "'", buf, size);
		break;
	case napi_symbol:
		snprintf(buf, size, "a symbol");
		break;
	case napi_function:
		if (napi_get_named_property(napi, value, "name", &text) == napi_ok &&
		    napi_get_value_string_utf8(napi, text, name, sizeof(name), NULL) == napi_ok && name[0] != '\0')
			snprintf(buf, size, "function %s", name);
		else
			snprintf(buf, size, "a function");
		napi_get_and_clear_last_exception(napi, &text);
		break;
	case napi_object:
		if (constructor_name(napi, value, name, sizeof(name)) == 0)
			snprintf(buf, size, "%s %s", strchr("AEIOU", name[0]) != NULL ? "an" : "a", name);
		else
			snprintf(buf, size, "an object");
		break;
	default:
		snprintf(buf, size, "an external value");
	}
	return buf;
}
