#include "type.h"

#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "throw.h"

static void handle_free(napi_env napi, void *data, void *hint)
{
	bf_type_handle *h = data;

	(void)napi;
	(void)hint;
	bf_types_unref(h->types);
	free(h);
}

napi_value bf_type_handle_new(napi_env napi, const bf_type *type, bf_types *types)
{
	bf_type_handle *h = malloc(sizeof(*h));
	napi_value value = NULL;

	if (h == NULL)
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	h->type = type;
	h->types = types != NULL ? bf_types_ref(types) : NULL;
	if (napi_create_external(napi, h, handle_free, NULL, &value) != napi_ok) {
		handle_free(napi, h, NULL);
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	}
	return value;
}

bf_type_handle *bf_type_handle_get(napi_env napi, napi_value value)
{
	void *data = NULL;

	if (value == NULL || napi_get_value_external(napi, value, &data) != napi_ok) {
		bf_throw(napi, BF_ETYPE, "not a type handle");
		return NULL;
	}
	return data;
}

const bf_type *bf_type_of(bf_env *env, napi_value type_object)
{
	napi_value handle = bf_env_property(env, type_object, BF_KEY_HANDLE);
	void *data = NULL;

	if (handle == NULL || napi_get_value_external(env->napi, handle, &data) != napi_ok)
		return NULL;
	return ((bf_type_handle *)data)->type;
}

/* --- describing ------------------------------------------------------------- */

static void set_value(napi_env napi, napi_value object, const char *name, napi_value value)
{
	if (value != NULL)
		napi_set_named_property(napi, object, name, value);
}

static void set_number(napi_env napi, napi_value object, const char *name, double number)
{
	napi_value value = NULL;

	napi_create_double(napi, number, &value);
	set_value(napi, object, name, value);
}

static void set_text(napi_env napi, napi_value object, const char *name, const char *text)
{
	napi_value value = NULL;

	if (text != NULL && napi_create_string_utf8(napi, text, NAPI_AUTO_LENGTH, &value) == napi_ok)
		set_value(napi, object, name, value);
}

static void set_type(napi_env napi, napi_value object, const char *name, const bf_type *type, bf_types *types)
{
	if (type != NULL)
		set_value(napi, object, name, bf_type_handle_new(napi, type, types));
}

static void set_spelling(napi_env napi, napi_value object, const bf_type *type)
{
	char small[256], *text = small;
	size_t n = bf_type_spell(type, NULL, small, sizeof(small));

	if (n >= sizeof(small)) {
		text = malloc(n + 1);
		if (text == NULL)
			return;
		bf_type_spell(type, NULL, text, n + 1);
	}
	set_text(napi, object, "spelling", text);
	if (text != small)
		free(text);
}

static napi_value describe_members(napi_env napi, const bf_type *t, bf_types *types)
{
	napi_value list = NULL;

	napi_create_array_with_length(napi, t->nmembers, &list);
	for (uint32_t i = 0; i < t->nmembers; i++) {
		const bf_member *m = &t->members[i];
		napi_value item = NULL;

		napi_create_object(napi, &item);
		set_text(napi, item, "name", m->name);
		set_type(napi, item, "type", m->type, types);
		set_number(napi, item, "offset", (double)m->offset);
		set_number(napi, item, "bitOffset", m->bit_offset);
		set_number(napi, item, "bitWidth", m->bit_width);
		set_text(napi, item, "doc", m->doc);
		napi_set_element(napi, list, i, item);
	}
	return list;
}

static napi_value describe_enumerators(napi_env napi, const bf_type *t)
{
	napi_value list = NULL;
	bool is_signed = bf_type_is_signed(t);

	napi_create_array_with_length(napi, (size_t)t->nenumerators * 2, &list);
	for (uint32_t i = 0; i < t->nenumerators; i++) {
		napi_value name = NULL, value;

		napi_create_string_utf8(napi, t->enumerators[i].name, NAPI_AUTO_LENGTH, &name);
		value = is_signed ? bf_value_int64(napi, t->enumerators[i].value, 0)
				  : bf_value_uint64(napi, (uint64_t)t->enumerators[i].value, 0);
		napi_set_element(napi, list, i * 2, name);
		napi_set_element(napi, list, i * 2 + 1, value);
	}
	return list;
}

static napi_value describe_params(napi_env napi, const bf_type *t, bf_types *types)
{
	napi_value list = NULL;

	napi_create_array_with_length(napi, t->nparams, &list);
	for (uint32_t i = 0; i < t->nparams; i++) {
		napi_value item = NULL;

		napi_create_object(napi, &item);
		set_text(napi, item, "name", t->params[i].name);
		set_type(napi, item, "type", t->params[i].type, types);
		napi_set_element(napi, list, i, item);
	}
	return list;
}

/* The one argument of those that look at a type. NULL: an exception is pending. */
static bf_type_handle *handle_argument(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1];

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	return bf_type_handle_get(napi, argv[0]);
}

/* describe(handle): everything about a type, one level deep; its parts are handles. */
static napi_value type_describe(napi_env napi, napi_callback_info info)
{
	bf_type_handle *h = handle_argument(napi, info);
	napi_value object = NULL;
	bf_converter c;

	if (h == NULL)
		return NULL;

	const bf_type *t = h->type;

	napi_create_object(napi, &object);
	bf_converter_init(&c, t, NULL, 0, 0);
	set_number(napi, object, "id", t->id);
	set_number(napi, object, "kind", t->kind);
	set_number(napi, object, "flags", t->flags);
	set_number(napi, object, "size", (double)t->size);
	set_number(napi, object, "align", t->align);
	set_number(napi, object, "conversion", c.conversion);
	set_text(napi, object, "name", t->name);
	set_spelling(napi, object, t);
	set_type(napi, object, "base", t->base, h->types);
	if (t->kind == BF_ARRAY)
		set_number(napi, object, "count", (double)t->count);
	else if (t->kind == BF_STRUCT || t->kind == BF_UNION)
		set_value(napi, object, "members", describe_members(napi, t, h->types));
	else if (t->kind == BF_ENUM)
		set_value(napi, object, "enumerators", describe_enumerators(napi, t));
	else if (t->kind == BF_FUNCTION)
		set_value(napi, object, "params", describe_params(napi, t, h->types));
	return object;
}

/* typeId(handle): unique in the process. */
static napi_value type_id(napi_env napi, napi_callback_info info)
{
	bf_type_handle *h = handle_argument(napi, info);
	napi_value value = NULL;

	if (h != NULL)
		napi_create_uint32(napi, h->type->id, &value);
	return value;
}

/* sameType(a, b): the same for a C compiler. */
static napi_value type_same(napi_env napi, napi_callback_info info)
{
	size_t argc = 2;
	napi_value argv[2], value = NULL;
	bf_type_handle *a, *b;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	a = bf_type_handle_get(napi, argv[0]);
	b = a != NULL ? bf_type_handle_get(napi, argv[1]) : NULL;
	if (b != NULL)
		napi_get_boolean(napi, bf_type_same(a->type, b->type), &value);
	return value;
}

/* isSigned(handle): of an integer or enum type. */
static napi_value type_is_signed(napi_env napi, napi_callback_info info)
{
	bf_type_handle *h = handle_argument(napi, info);
	napi_value value = NULL;

	if (h != NULL)
		napi_get_boolean(napi, bf_type_is_signed(h->type), &value);
	return value;
}

/* --- making ----------------------------------------------------------------- */

enum { MAKER_ARGUMENTS = 4 };

/* A type being made: its own bf_types, which keeps its parts' alive. */
typedef struct maker {
	napi_env napi;
	napi_value argv[MAKER_ARGUMENTS]; /* undefined beyond argc */
	size_t argc;
	bf_types *types;
	bf_error err;
	bool thrown;
} maker;

static int maker_begin(maker *m, napi_env napi, napi_callback_info info)
{
	*m = (maker){.napi = napi, .argc = MAKER_ARGUMENTS};
	napi_get_cb_info(napi, info, &m->argc, m->argv, NULL, NULL);
	if (bf_types_new(&m->types) != 0) {
		bf_throw(napi, BF_ENOMEM, "out of memory");
		return -1;
	}
	return 0;
}

/* The type of a handle, adopted. */
static const bf_type *maker_part(maker *m, napi_value value)
{
	bf_type_handle *h = bf_type_handle_get(m->napi, value);

	if (h == NULL) {
		m->thrown = true;
		return NULL;
	}
	if (h->types != NULL && bf_types_adopt(m->types, h->types) != 0) {
		bf_error_set(&m->err, BF_ENOMEM, "out of memory");
		return NULL;
	}
	return h->type;
}

static napi_value maker_end(maker *m, int failed, const bf_type *type)
{
	napi_value value = NULL;

	if (m->err.code == 0 && (failed || type == NULL)) /* bf_types_alloc says nothing */
		bf_error_set(&m->err, BF_ENOMEM, "out of memory");
	if (m->err.code == 0)
		value = bf_type_handle_new(m->napi, type, m->types);
	else if (!m->thrown)
		bf_throw_error(m->napi, &m->err);
	bf_types_unref(m->types);
	return value;
}

static const char *maker_text(maker *m, napi_value value)
{
	size_t length = 0;
	char *text;

	if (napi_get_value_string_utf8(m->napi, value, NULL, 0, &length) != napi_ok)
		return NULL; /* undefined: no name */
	text = bf_types_alloc(m->types, length + 1);
	if (text != NULL)
		napi_get_value_string_utf8(m->napi, value, text, length + 1, &length);
	else /* not to be taken for one without a name */
		bf_error_set(&m->err, BF_ENOMEM, "out of memory");
	return text;
}

static napi_value element(napi_env napi, napi_value array, uint32_t i)
{
	napi_value value = NULL;

	napi_get_element(napi, array, i, &value);
	return value;
}

static int32_t int_element(napi_env napi, napi_value array, uint32_t i)
{
	int32_t n = 0;

	napi_get_value_int32(napi, element(napi, array, i), &n);
	return n;
}

/* pointerType(base) */
static napi_value type_pointer(napi_env napi, napi_callback_info info)
{
	const bf_type *base, *type = NULL;
	int failed;
	maker m;

	if (maker_begin(&m, napi, info) != 0)
		return NULL;
	base = maker_part(&m, m.argv[0]);
	failed = base == NULL || bf_type_pointer(m.types, base, &type, &m.err) != 0;
	return maker_end(&m, failed, type);
}

/* arrayType(element, count): count -1 for a flexible one. */
static napi_value type_array(napi_env napi, napi_callback_info info)
{
	const bf_type *base, *type = NULL;
	double count = 0;
	int failed;
	maker m;

	if (maker_begin(&m, napi, info) != 0)
		return NULL;
	napi_get_value_double(napi, m.argv[1], &count);
	base = maker_part(&m, m.argv[0]);
	if (base == NULL)
		failed = -1;
	else if (count < 0)
		failed = bf_type_flexible(m.types, base, &type, &m.err);
	else
		failed = bf_type_array(m.types, base, (uint64_t)count, &type, &m.err);
	return maker_end(&m, failed, type);
}

/* aliasType(name | undefined, base, qualifiers) */
static napi_value type_alias(napi_env napi, napi_callback_info info)
{
	const bf_type *base, *type = NULL;
	uint32_t qualifiers = 0;
	int failed;
	maker m;

	if (maker_begin(&m, napi, info) != 0)
		return NULL;
	napi_get_value_uint32(napi, m.argv[2], &qualifiers);
	base = maker_part(&m, m.argv[1]);
	failed =
	    base == NULL || bf_type_alias(m.types, maker_text(&m, m.argv[0]), base, qualifiers, &type, &m.err) != 0;
	return maker_end(&m, failed, type);
}

/* functionType(result, [name | undefined, type, ...], flags) */
static napi_value type_function(napi_env napi, napi_callback_info info)
{
	const bf_type *result, *type = NULL;
	bf_param *params = NULL;
	uint32_t n = 0, flags = 0;
	int failed = -1;
	maker m;

	if (maker_begin(&m, napi, info) != 0)
		return NULL;
	napi_get_array_length(napi, m.argv[1], &n);
	napi_get_value_uint32(napi, m.argv[2], &flags);
	n /= 2;
	result = maker_part(&m, m.argv[0]);
	params = bf_types_alloc(m.types, (n + 1) * sizeof(*params));
	if (result == NULL || params == NULL)
		goto done;
	for (uint32_t i = 0; i < n; i++) {
		params[i].name = maker_text(&m, element(napi, m.argv[1], i * 2));
		params[i].type = maker_part(&m, element(napi, m.argv[1], i * 2 + 1));
		if (params[i].type == NULL)
			goto done;
	}
	failed = bf_type_function(m.types, result, params, n, flags, &type, &m.err);
done:
	return maker_end(&m, failed, type);
}

/*
 * structType(kind, tag | undefined, members | undefined, [packed, pack, align]): members are
 * name, handle, bit width (-1: none), align, packed, one after the other; undefined leaves
 * the type incomplete.
 */
static napi_value type_struct(napi_env napi, napi_callback_info info)
{
	enum { FIELDS = 5 };
	bf_type *type = NULL;
	bf_member_spec *specs;
	uint32_t kind = BF_STRUCT, n = 0;
	bf_layout_options options = {0};
	bool complete;
	int failed = -1;
	maker m;

	if (maker_begin(&m, napi, info) != 0)
		return NULL;
	napi_get_value_uint32(napi, m.argv[0], &kind);
	complete = napi_get_array_length(napi, m.argv[2], &n) == napi_ok;
	n /= FIELDS;
	if (m.argc > 3) {
		options.packed = int_element(napi, m.argv[3], 0) != 0;
		options.pack = (uint32_t)int_element(napi, m.argv[3], 1);
		options.align = (uint32_t)int_element(napi, m.argv[3], 2);
	}
	specs = bf_types_alloc(m.types, (n + 1) * sizeof(*specs));
	if (specs == NULL || bf_type_tagged(m.types, kind, maker_text(&m, m.argv[1]), &type, &m.err) != 0)
		goto done;
	for (uint32_t i = 0; i < n; i++) {
		specs[i].name = maker_text(&m, element(napi, m.argv[2], i * FIELDS));
		specs[i].type = maker_part(&m, element(napi, m.argv[2], i * FIELDS + 1));
		specs[i].bit_width = int_element(napi, m.argv[2], i * FIELDS + 2);
		specs[i].align = (uint32_t)int_element(napi, m.argv[2], i * FIELDS + 3);
		specs[i].packed = int_element(napi, m.argv[2], i * FIELDS + 4) != 0;
		if (specs[i].type == NULL)
			goto done;
	}
	failed = complete ? bf_type_define(m.types, type, specs, n, &options, &m.err) : 0;
done:
	return maker_end(&m, failed, type);
}

/* enumType(tag | undefined, [name, value, ...]): values Number or BigInt. */
static napi_value type_enum(napi_env napi, napi_callback_info info)
{
	bf_type *type = NULL;
	bf_enumerator *list;
	uint32_t n = 0;
	int failed = -1;
	bool exact;
	maker m;

	if (maker_begin(&m, napi, info) != 0)
		return NULL;
	napi_get_array_length(napi, m.argv[1], &n);
	n /= 2;
	list = bf_types_alloc(m.types, (n + 1) * sizeof(*list));
	if (list == NULL || bf_type_tagged(m.types, BF_ENUM, maker_text(&m, m.argv[0]), &type, &m.err) != 0)
		goto done;
	for (uint32_t i = 0; i < n; i++) {
		napi_value value = element(napi, m.argv[1], i * 2 + 1);

		list[i].name = maker_text(&m, element(napi, m.argv[1], i * 2));
		if (napi_get_value_int64(napi, value, &list[i].value) != napi_ok)
			napi_get_value_bigint_int64(napi, value, &list[i].value, &exact);
	}
	failed = bf_type_define_enum(m.types, type, list, n, false, &m.err);
done:
	return maker_end(&m, failed, type);
}

/* namedType('unsigned int'): what C and POSIX call so, or undefined. */
static napi_value type_named(napi_env napi, napi_callback_info info)
{
	size_t argc = 1, length = 0;
	napi_value argv[1];
	char name[64];
	const bf_type *type;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	if (napi_get_value_string_utf8(napi, argv[0], name, sizeof(name), &length) != napi_ok)
		return NULL;
	type = bf_type_named(name, length);
	return type != NULL ? bf_type_handle_new(napi, type, NULL) : NULL;
}

napi_status bf_type_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"describe", NULL, type_describe, NULL, NULL, NULL, napi_default, NULL},
	    {"typeId", NULL, type_id, NULL, NULL, NULL, napi_default, NULL},
	    {"sameType", NULL, type_same, NULL, NULL, NULL, napi_default, NULL},
	    {"isSigned", NULL, type_is_signed, NULL, NULL, NULL, napi_default, NULL},
	    {"pointerType", NULL, type_pointer, NULL, NULL, NULL, napi_default, NULL},
	    {"arrayType", NULL, type_array, NULL, NULL, NULL, napi_default, NULL},
	    {"aliasType", NULL, type_alias, NULL, NULL, NULL, napi_default, NULL},
	    {"functionType", NULL, type_function, NULL, NULL, NULL, napi_default, NULL},
	    {"structType", NULL, type_struct, NULL, NULL, NULL, napi_default, NULL},
	    {"enumType", NULL, type_enum, NULL, NULL, NULL, napi_default, NULL},
	    {"namedType", NULL, type_named, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof(list) / sizeof(*list), list);
}
