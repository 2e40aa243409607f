/*
 * libFuzzer's target for the parser: any bytes are read without a crash, a leak,
 * undefined behaviour or a hang, and whatever was declared can be looked at.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/ctype/describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const bf_type *t)
{
	char small[40], *text;
	size_t n = bf_type_spell(t, "x", small, sizeof small);

	assert(strlen(small) <= n);
	text = malloc(n + 1);
	assert(text);
	assert(bf_type_spell(t, "x", text, n + 1) == n && strlen(text) == n);
	free(text);
	assert(bf_type_same(t, t));
	assert(bf_type_strip(t)->kind != BF_ALIAS);
	assert(t->depth && t->depth <= BF_MAX_DEPTH);
	if (bf_type_is_complete(t))
		assert(t->align && !(t->align & (t->align - 1)) && t->size <= PTRDIFF_MAX);
}

static void look_at_members(const bf_type *t)
{
	uint32_t i;

	for (i = 0; i < t->nmembers; i++) {
		const bf_member *m = &t->members[i];

		assert(m->offset <= t->size);
		if (m->bit_width)
			assert(m->offset * 8 + m->bit_offset + m->bit_width <= t->size * 8);
		else if (bf_type_is_complete(m->type))
			assert(m->offset + m->type->size <= t->size);
		if (m->name)
			assert(bf_type_member(t, m->name, strlen(m->name), NULL) == m);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	bf_error err = {0};
	const bf_type *type;
	size_t i, len;
	bf_decls *d;
	char *json;
	int rc;

	if (bf_decls_new(&d))
		return 0;
	/* An odd length is read in two pieces, so that what an error leaves behind is used again. */
	rc = bf_decls_parse(d, text, size % 2 ? size / 2 : size, &err);
	assert(rc == err.code);
	assert(!rc == !*err.message);
	if (size % 2)
		bf_decls_parse(d, text + size / 2, size - size / 2, &err);
	if (!bf_decls_parse_type(d, text, size, &type, &err))
		look_at(type);

	for (i = 0; i < bf_decls_count(d); i++) {
		const bf_symbol *s = bf_decls_at(d, i);

		assert(s->name && s->link_name);
		if (s->kind == BF_SYMBOL_TAG)
			assert(bf_decls_find_tag(d, s->name, strlen(s->name)));
		else
			assert(bf_decls_find(d, s->name, strlen(s->name)));
		if (s->type)
			look_at(s->type);
		if (s->kind == BF_SYMBOL_TAG && s->type->kind != BF_ENUM && bf_type_is_complete(s->type))
			look_at_members(s->type);
	}
	if (!bf_describe_json(d, NULL, NULL, &json, &len, &err)) {
		assert(strlen(json) == len);
		free(json);
	}
	bf_decls_free(d);
	return 0;
}
