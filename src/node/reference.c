#include "reference.h"

#include <stdlib.h>
#include <string.h>
#include <uchar.h>

#include "function.h"
#include "throw.h"
#include "type.h"

/* --- strings in ----------------------------------------------------------------- */

static int no_memory(bf_context *cx, bf_converter *c)
{
	return bf_context_throw(cx, c, BF_ENOMEM, "out of memory");
}

static int inner_nul(bf_context *cx, bf_converter *c)
{
	return bf_context_throw(cx, c, BF_ETYPE, "expected a string without NUL characters, got one that has them");
}

static int utf8_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	enum { LONGEST_CHARACTER = 4 };
	size_t room = 0, length = 0;
	char *text = bf_scratch_room(cx->scratch, &room);

	/* Straight into the room that is left; what did not surely fit is asked for again with its length. */
	if (room > LONGEST_CHARACTER)
		napi_get_value_string_utf8(cx->env->napi, value, text, room, &length);
	if (length + LONGEST_CHARACTER >= room) {
		napi_get_value_string_utf8(cx->env->napi, value, NULL, 0, &length);
		text = bf_scratch_alloc(cx->scratch, length + 1);
		if (text == NULL)
			return no_memory(cx, c);
		napi_get_value_string_utf8(cx->env->napi, value, text, length + 1, &length);
	} else {
		bf_scratch_alloc(cx->scratch, length + 1);
	}
	if (memchr(text, '\0', length) != NULL)
		return inner_nul(cx, c);
	*(char **)slot = text;
	return 0;
}

/* One code point of UTF-16; a lone surrogate becomes U+FFFD. */
static char32_t next_code_point(const char16_t *s, size_t length, size_t *i)
{
	char16_t unit = s[(*i)++];

	if (unit < 0xd800 || unit > 0xdfff)
		return unit;
	if (unit > 0xdbff || *i == length || s[*i] < 0xdc00 || s[*i] > 0xdfff)
		return 0xfffd;
	return 0x10000 + ((char32_t)(unit - 0xd800) << 10) + (s[(*i)++] - 0xdc00);
}

static int wide_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	size_t length = 0, n = 0;
	char16_t *text;
	char32_t *wide;

	napi_get_value_string_utf16(cx->env->napi, value, NULL, 0, &length);
	text = bf_scratch_alloc(cx->scratch, (length + 1) * sizeof(*text));
	if (text == NULL)
		return no_memory(cx, c);
	napi_get_value_string_utf16(cx->env->napi, value, text, length + 1, &length);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == 0)
			return inner_nul(cx, c);
	}
	if (c->target->size == sizeof(char16_t)) {
		*(char16_t **)slot = text;
		return 0;
	}
	wide = bf_scratch_alloc(cx->scratch, (length + 1) * sizeof(*wide));
	if (wide == NULL)
		return no_memory(cx, c);
	for (size_t i = 0; i < length;)
		wide[n++] = next_code_point(text, length, &i);
	wide[n] = 0;
	*(char32_t **)slot = wide;
	return 0;
}

int bf_string_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	bool bytes = c->conversion == BF_CONV_STRING ||
		     (c->conversion == BF_CONV_POINTER && (c->target->kind <= BF_UINT8 && c->target->kind != BF_BOOL));

	if (!bytes && c->conversion != BF_CONV_STRING16 && c->conversion != BF_CONV_STRING32)
		return bf_context_expected(cx, c, BF_ETYPE, "a pointer, a buffer or null", value);
	if (!(c->flags & BF_CONV_CONST))
		return bf_context_throw(cx, c, BF_ETYPE,
					"expected a buffer, got a string, which only a pointer to const can take");
	if (cx->scratch == NULL)
		return bf_context_throw(
		    cx, c, BF_ETYPE, "expected memory that outlives the assignment (cstring() makes it), got a string");
	return bytes ? utf8_in(cx, c, value, slot) : wide_in(cx, c, value, slot);
}

int bf_context_address(bf_context *cx, bf_converter *c, napi_value value, void **address, size_t *size)
{
	int found = bf_value_address(cx->env, value, address, size);

	return found < 0
		   ? bf_context_throw(cx, c, BF_ECLOSED, "the memory of what was given is freed, or it was released")
		   : found;
}

/* --- pointers in ------------------------------------------------------------------- */

static bool is_byte(const bf_type *t)
{
	return t->kind == BF_INT8 || t->kind == BF_UINT8;
}

/* May a pointer to `from` (or an array of it, or a value) be passed where `target` is pointed to? */
static bool compatible(const bf_type *target, const bf_type *from)
{
	from = bf_type_strip(from);
	if (target->kind == BF_VOID || from->kind == BF_VOID || is_byte(target) || bf_type_same(target, from))
		return true;
	if (from->kind == BF_ARRAY)
		return compatible(target, from->base);
	if (target->kind == BF_ARRAY)
		return compatible(bf_type_strip(target->base), from);
	/* Integers of one size differ in nothing that memory could show; bytes stand for anything. */
	return is_byte(from) || (bf_type_is_integer(target) && bf_type_is_integer(from) && target->size == from->size);
}

bool bf_reference_takes(const bf_converter *c, const bf_type *from)
{
	return c->conversion == BF_CONV_MEMORY ? bf_type_same(from, c->type) : compatible(c->target, from);
}

static int check_size(bf_context *cx, bf_converter *c, size_t size)
{
	if (size >= c->target->size || size == 0)
		return 0;
	return bf_context_throw(cx, c, BF_ERANGE, "expected at least %llu bytes of memory, got %zu",
				(unsigned long long)c->target->size, size);
}

/* What only lib/ can make of a value: an object, an array, an untyped out(). */
static int convert_by_hook(bf_context *cx, bf_converter *c, bf_hook hook, napi_value value, napi_value *out)
{
	napi_env napi = cx->env->napi;
	napi_value argv[2] = {bf_converter_type(cx, c), value}, message = NULL, code = NULL;
	char text[512] = "", name[16] = "";
	bool failed = false;

	*out = argv[0] != NULL ? bf_env_call(cx->env, hook, 2, argv) : NULL;
	if (*out == NULL)
		return -1;
	if (napi_is_error(napi, *out, &failed) == napi_ok && failed) {
		napi_get_named_property(napi, *out, "message", &message);
		napi_get_named_property(napi, *out, "code", &code);
		napi_get_value_string_utf8(napi, message, text, sizeof(text), NULL);
		napi_get_value_string_utf8(napi, code, name, sizeof(name), NULL);
		return bf_context_throw(cx, c, strcmp(name, "BF_ERANGE") == 0 ? BF_ERANGE : BF_ETYPE, "%s", text);
	}
	if (cx->keep != NULL) {
		uint32_t length = 0;

		napi_get_array_length(napi, cx->keep, &length);
		napi_set_element(napi, cx->keep, length, *out);
	}
	return 0;
}

/* An object's address. 1: found; 0: it has none; -1: thrown. */
static int object_address(bf_context *cx, bf_converter *c, napi_value value, void **address)
{
	size_t size = 0;
	napi_value type;
	const bf_type *from;
	char got[160], spelled[160], expected[192];

	if (bf_value_bytes(cx->env->napi, value, address, &size))
		return check_size(cx, c, size) == 0 ? 1 : -1;
	type = bf_env_property(cx->env, value, BF_KEY_TYPE);
	if (type == NULL)
		return 0;
	from = bf_type_of(cx->env, type);
	if (from != NULL && !bf_reference_takes(c, from)) {
		bf_type_spell(from, NULL, spelled, sizeof(spelled));
		bf_type_spell(c->target, NULL, expected, sizeof(expected));
		bf_describe(cx->env->napi, value, got, sizeof(got));
		return bf_context_throw(cx, c, BF_ETYPE, "expected a pointer to %s, got %s (%s)", expected, got,
					spelled);
	}
	switch (bf_context_address(cx, c, value, address, &size)) {
	case 0:
		return 0;
	case 1:
		return check_size(cx, c, size) == 0 ? 1 : -1;
	default:
		return -1;
	}
}

int bf_pointer_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	napi_env napi = cx->env->napi;
	napi_valuetype type = napi_undefined;
	napi_value made = NULL;
	int found;

	napi_typeof(napi, value, &type);
	switch (type) {
	case napi_null:
		*(void **)slot = NULL;
		return 0;
	case napi_string:
		return bf_string_in(cx, c, value, slot);
	case napi_object:
		found = object_address(cx, c, value, slot);
		if (found != 0)
			return found > 0 ? 0 : -1;
		break;
	case napi_function: {
		bf_function *f = bf_function_of(cx->env, value);

		if (f == NULL)
			return bf_context_expected(cx, c, BF_ETYPE, "a pointer (callback() makes one of a function)",
						   value);
		*(void **)slot = (void *)f->target;
		return 0;
	}
	default:
		return bf_context_expected(cx, c, BF_ETYPE, "a pointer, a buffer or null", value);
	}
	if (convert_by_hook(cx, c, BF_HOOK_TO_POINTER, value, &made) != 0)
		return -1;
	napi_typeof(napi, made, &type);
	if (type == napi_null) {
		*(void **)slot = NULL;
		return 0;
	}
	found = object_address(cx, c, made, slot);
	if (found == 0)
		return bf_context_expected(cx, c, BF_ETYPE, "a pointer, a buffer or null", value);
	return found > 0 ? 0 : -1;
}

/* --- structs, unions, arrays by value --------------------------------------------------- */

int bf_memory_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	napi_value type = NULL;
	napi_valuetype kind = napi_undefined;
	const bf_type *from = NULL;
	void *address = NULL;
	size_t size = 0;

	napi_typeof(cx->env->napi, value, &kind);
	if (kind == napi_object)
		type = bf_env_property(cx->env, value, BF_KEY_TYPE);
	if (type != NULL)
		from = bf_type_of(cx->env, type);
	if (from == NULL || !bf_reference_takes(c, from)) {
		if (convert_by_hook(cx, c, BF_HOOK_TO_MEMORY, value, &value) != 0)
			return -1;
	}
	switch (bf_context_address(cx, c, value, &address, &size)) {
	case 1:
		break;
	case 0:
		return bf_context_expected(cx, c, BF_ETYPE, "a value of this type", value);
	default:
		return -1;
	}
	if (size < c->size)
		return bf_context_throw(cx, c, BF_ERANGE, "expected at least %llu bytes of memory, got %zu",
					(unsigned long long)c->size, size);
	memmove(slot, address, c->size);
	return 0;
}

napi_value bf_memory_out(bf_context *cx, bf_converter *c, const void *slot)
{
	napi_value type = bf_converter_type(cx, c), value;
	void *address = NULL;
	size_t size = 0;

	if (type == NULL)
		return NULL;
	value = bf_env_call(cx->env, BF_HOOK_MAKE, 1, &type);
	if (value == NULL || bf_value_address(cx->env, value, &address, &size) != 1 || size < c->size)
		return NULL;
	memcpy(address, slot, c->size);
	return value;
}

/* --- strings and pointers out --------------------------------------------------------------- */

static napi_value utf16_out(bf_context *cx, const char16_t *text)
{
	napi_value value = NULL;
	size_t length = 0;

	while (text[length] != 0)
		length++;
	napi_create_string_utf16(cx->env->napi, text, length, &value);
	return value;
}

static napi_value utf32_out(bf_context *cx, const char32_t *text)
{
	bf_mark mark = bf_scratch_mark(&cx->env->scratch);
	napi_value value = NULL;
	size_t length = 0, n = 0;
	char16_t *units;

	while (text[length] != 0)
		length++;
	units = bf_scratch_alloc(&cx->env->scratch, (length * 2 + 1) * sizeof(*units));
	if (units == NULL)
		return bf_throw(cx->env->napi, BF_ENOMEM, "out of memory");
	for (size_t i = 0; i < length; i++) {
		char32_t c = text[i] > 0x10ffff ? 0xfffd : text[i];

		if (c < 0x10000) {
			units[n++] = (char16_t)c;
		} else {
			units[n++] = (char16_t)(0xd800 + ((c - 0x10000) >> 10));
			units[n++] = (char16_t)(0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	napi_create_string_utf16(cx->env->napi, units, n, &value);
	bf_scratch_release(&cx->env->scratch, mark);
	return value;
}

napi_value bf_string_out(bf_context *cx, bf_converter *c, void *address)
{
	napi_value value = NULL;

	if (address == NULL)
		napi_get_null(cx->env->napi, &value);
	else if (c->conversion == BF_CONV_STRING)
		napi_create_string_utf8(cx->env->napi, address, NAPI_AUTO_LENGTH, &value);
	else if (c->conversion == BF_CONV_STRING16)
		value = utf16_out(cx, address);
	else
		value = utf32_out(cx, address);
	if (c->flags & BF_CONV_OWNED)
		free(address);
	if (value == NULL)
		bf_throw(cx->env->napi, BF_ERANGE, "the string is too long for JavaScript");
	return value;
}

napi_value bf_pointer_out(bf_context *cx, bf_converter *c, void *address)
{
	napi_value argv[2], value = NULL;

	if (address == NULL) {
		napi_get_null(cx->env->napi, &value);
		return value;
	}
	argv[0] = bf_converter_type(cx, c);
	argv[1] = bf_value_from_address(cx->env->napi, address);
	return argv[0] != NULL ? bf_env_call(cx->env, BF_HOOK_POINTER, 2, argv) : NULL;
}
