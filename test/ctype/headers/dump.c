/*
 * What the parser made of a preprocessed header, as JSON, for the comparison
 * with a C compiler: { types, constants, functions, milliseconds, bytes, error }.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../src/ctype/describe.h"

static void put_string(const char *s, size_t len)
{
	putchar('"');
	for (; len--; s++) {
		unsigned char c = (unsigned char)*s;

		/* Bytes as Latin-1: the other side wants bytes, not characters. */
		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void put_constant(const bf_symbol *s)
{
	printf("{\"name\":\"%s\",\"kind\":%d,\"pointer\":%d,\"value\":", s->name, s->value.kind,
	       s->type && bf_type_strip(s->type)->kind == BF_POINTER);
	switch (s->value.kind) {
	case BF_CONSTANT_INT:
		printf("\"%" PRId64 "\"}", s->value.i);
		break;
	case BF_CONSTANT_UINT:
		printf("\"%" PRIu64 "\"}", s->value.u);
		break;
	case BF_CONSTANT_FLOAT:
		printf("\"%a\"}", s->value.d);
		break;
	case BF_CONSTANT_STRING:
		put_string(s->value.s.bytes, s->value.s.length);
		printf("}");
		break;
	}
}

static void put_declaration(const bf_symbol *s)
{
	size_t n = bf_type_spell(s->type, s->name, NULL, 0);
	char *text = malloc(n + 1);

	if (!text)
		exit(2);
	bf_type_spell(s->type, s->name, text, n + 1);
	put_string(text, n);
	free(text);
}

static char *read_all(FILE *from, size_t *len)
{
	char *bytes = NULL, *more;
	size_t room = 0, n;

	*len = 0;
	do {
		if (room - *len < 65536) {
			room = room * 2 + 65536;
			more = realloc(bytes, room);
			if (!more)
				exit(2);
			bytes = more;
		}
		n = fread(bytes + *len, 1, room - *len, from);
		*len += n;
	} while (n);
	return bytes;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(void)
{
	bf_error err = {0};
	size_t len, i;
	char *text = read_all(stdin, &len), *json;
	bf_decls *d;
	double start = now(), took;
	const char *comma = "";

	if (bf_decls_new(&d))
		return 2;
	bf_decls_parse(d, text, len, &err);
	took = now() - start;
	free(text);

	if (bf_describe_json(d, NULL, NULL, &json, NULL, &err))
		return 2;
	printf("{\"bytes\":%zu,\"milliseconds\":%.3f,\"memory\":%zu,\"error\":", len, took,
	       bf_types_memory(bf_decls_types(d)));
	put_string(err.message, strlen(err.message));
	printf(",\"types\":%s,\"constants\":[", json);
	free(json);
	for (i = 0; i < bf_decls_count(d); i++) {
		const bf_symbol *s = bf_decls_at(d, i);

		if (s->kind == BF_SYMBOL_CONSTANT && !(s->type && bf_type_strip(s->type)->kind == BF_ENUM)) {
			printf("%s\n", comma);
			put_constant(s);
			comma = ",";
		}
	}
	printf("],\"functions\":[");
	comma = "";
	for (i = 0; i < bf_decls_count(d); i++) {
		const bf_symbol *s = bf_decls_at(d, i);

		if (s->kind == BF_SYMBOL_FUNCTION || s->kind == BF_SYMBOL_VARIABLE) {
			printf("%s\n", comma);
			put_declaration(s);
			comma = ",";
		}
	}
	printf("]}\n");
	bf_decls_free(d);
	return 0;
}
