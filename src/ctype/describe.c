#include "describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 256 << 20 };

typedef struct json {
	char *bytes;
	size_t len, room;
	int failed; /* BF_E... */
	bool comma; /* something stands before, in this array or object */
} json;

static void put(json *j, const char *s, size_t len)
{
	size_t room;
	char *more;

	if (!j->failed && j->len + len >= LARGEST)
		j->failed = BF_ERANGE;
	if (!j->failed && j->room - j->len <= len) {
		room = (j->len + len) * 2 + 256;
		more = realloc(j->bytes, room);
		if (more) {
			j->bytes = more;
			j->room = room;
		} else {
			j->failed = BF_ENOMEM;
		}
	}
	if (j->failed)
		return;
	memcpy(j->bytes + j->len, s, len);
	j->len += len;
	j->bytes[j->len] = '\0';
}

static void open_with(json *j, const char *bracket)
{
	if (j->comma)
		put(j, ",", 1);
	put(j, bracket, 1);
	j->comma = false;
}

static void close_with(json *j, const char *bracket)
{
	put(j, bracket, 1);
	j->comma = true;
}

static void put_string(json *j, const char *s)
{
	char escaped[8];
	size_t plain;

	put(j, "\"", 1);
	while (*s) {
		for (plain = 0; (unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\'; plain++)
			;
		put(j, s, plain);
		s += plain;
		if (*s) {
			snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned char)*s++);
			put(j, escaped, 6);
		}
	}
	put(j, "\"", 1);
}

static void put_key(json *j, const char *key)
{
	if (j->comma)
		put(j, ",", 1);
	put_string(j, key);
	put(j, ":", 1);
	j->comma = false;
}

static void put_text(json *j, const char *key, const char *text)
{
	put_key(j, key);
	put_string(j, text);
	j->comma = true;
}

static void put_number(json *j, const char *key, uint64_t n, bool negative)
{
	char text[32];
	bool large = n > (uint64_t)1 << 53;

	put_key(j, key);
	snprintf(text, sizeof text, "%s%s%" PRIu64 "%s", large ? "\"" : "", negative ? "-" : "", n, large ? "\"" : "");
	put(j, text, strlen(text));
	j->comma = true;
}

static void put_type(json *j, const char *key, const bf_type *t)
{
	char small[256], *text = small;
	size_t n = bf_type_spell(t, NULL, small, sizeof small);

	if (n >= sizeof small) {
		text = malloc(n + 1);
		if (!text) {
			j->failed = BF_ENOMEM;
			return;
		}
		bf_type_spell(t, NULL, text, n + 1);
	}
	put_text(j, key, text);
	if (text != small)
		free(text);
}

/* A struct or union that only its member can be asked about. */
static const bf_type *nameless(const bf_type *t)
{
	while (t->kind == BF_ARRAY || (t->kind == BF_ALIAS && !t->name))
		t = t->base;
	return (t->kind == BF_STRUCT || t->kind == BF_UNION) && !t->name ? t : NULL;
}

static void put_members(json *j, const bf_type *t, uint64_t offset)
{
	uint32_t i;

	for (i = 0; i < t->nmembers && !j->failed; i++) {
		const bf_member *m = &t->members[i];
		const bf_type *inner = nameless(m->type);

		if (!m->name) {
			if (!m->bit_width)
				put_members(j, bf_type_strip(m->type), offset + m->offset);
			continue;
		}
		open_with(j, "{");
		put_text(j, "name", m->name);
		put_type(j, "type", m->type);
		put_number(j, "offset", offset + m->offset, false);
		put_number(j, "size", m->type->size, false);
		put_number(j, "bitOffset", m->bit_offset, false);
		put_number(j, "bitWidth", m->bit_width, false);
		if (inner) {
			put_key(j, "members");
			open_with(j, "[");
			put_members(j, inner, 0);
			close_with(j, "]");
		}
		close_with(j, "}");
	}
}

static void put_values(json *j, const bf_type *t)
{
	uint32_t i;

	for (i = 0; i < t->nenumerators; i++) {
		const bf_enumerator *e = &t->enumerators[i];
		bool negative = e->value < 0 && bf_type_is_signed(t);

		open_with(j, "{");
		put_text(j, "name", e->name);
		put_number(j, "value", negative ? -(uint64_t)e->value : (uint64_t)e->value, negative);
		close_with(j, "}");
	}
}

static void put_symbol(json *j, const bf_symbol *s)
{
	const bf_type *t = bf_type_strip(s->type);

	open_with(j, "{");
	put_text(j, "name", s->name);
	put_text(j, "kind",
		 s->kind == BF_SYMBOL_TYPEDEF ? "typedef"
		 : t->kind == BF_STRUCT       ? "struct"
		 : t->kind == BF_UNION        ? "union"
					      : "enum");
	put_type(j, "cname", s->type);
	put_number(j, "size", s->type->size, false);
	put_number(j, "align", s->type->align, false);
	put_key(j, "members");
	open_with(j, "[");
	if (t->kind == BF_STRUCT || t->kind == BF_UNION)
		put_members(j, t, 0);
	close_with(j, "]");
	if (t->kind == BF_ENUM) {
		put_key(j, "values");
		open_with(j, "[");
		put_values(j, t);
		close_with(j, "]");
	}
	close_with(j, "}");
}

int bf_describe_json(const bf_decls *d, bf_describe_filter *filter, void *context, char **out, size_t *len,
		     bf_error *err)
{
	size_t i, n = bf_decls_count(d);
	json j = {0};

	open_with(&j, "[");
	for (i = 0; i < n && !j.failed; i++) {
		const bf_symbol *s = bf_decls_at(d, i);

		if ((s->kind != BF_SYMBOL_TYPEDEF && s->kind != BF_SYMBOL_TAG) || !bf_type_is_complete(s->type) ||
		    (filter && !filter(s, context)))
			continue;
		if (j.comma)
			put(&j, ",\n", 2);
		j.comma = false;
		put_symbol(&j, s);
	}
	put(&j, "]\n", 2);
	if (j.failed) {
		free(j.bytes);
		return bf_error_set(err, j.failed,
				    j.failed == BF_ENOMEM ? "out of memory" : "the description is larger than 256 MiB");
	}
	*out = j.bytes;
	if (len)
		*len = j.len;
	return BF_OK;
}
