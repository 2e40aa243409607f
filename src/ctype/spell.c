/*
 * Spelling a type as C writes it. A declaration surrounds its name: what stands
 * left of it (base, stars) and right of it (brackets, parameters) are written by
 * two walks over the same chain of types.
 */
#include "types.h"

#include <stdio.h>
#include <string.h>

/* Nobody reads more, and shared parts could make a spelling grow without bound. */
enum { LONGEST = 1 << 20 };

typedef struct writer {
	char *buf;
	size_t size, length;
	char last;
} writer;

static void put(writer *w, const char *s)
{
	for (; *s && w->length < LONGEST; s++) {
		if (w->length + 1 < w->size)
			w->buf[w->length] = *s;
		w->length++;
		w->last = *s;
	}
}

/* A blank, where the next character would run into a word. */
static void blank(writer *w)
{
	if (w->last && w->last != '*' && w->last != '(' && w->last != ' ')
		put(w, " ");
}

static void put_qualifiers(writer *w, unsigned flags)
{
	if (flags & BF_FLAG_CONST) {
		blank(w);
		put(w, "const");
	}
	if (flags & BF_FLAG_VOLATILE) {
		blank(w);
		put(w, "volatile");
	}
}

/* An alias without a name only adds qualifiers or an alignment. */
static const bf_type *unqualified(const bf_type *t, unsigned *qualifiers)
{
	while (t->kind == BF_ALIAS && !t->name) {
		*qualifiers |= t->flags;
		t = t->base;
	}
	return t;
}

static bool needs_parentheses(const bf_type *pointed)
{
	return pointed->kind == BF_ARRAY || pointed->kind == BF_FUNCTION;
}

static void put_left(writer *w, const bf_type *t)
{
	unsigned q = 0, ignored = 0;
	char text[64];

	t = unqualified(t, &q);
	switch (t->kind) {
	case BF_POINTER:
		put_left(w, t->base);
		blank(w);
		put(w, needs_parentheses(unqualified(t->base, &ignored)) ? "(*" : "*");
		if (q & (BF_FLAG_CONST | BF_FLAG_VOLATILE)) {
			w->last = '*';
			put_qualifiers(w, q);
		}
		return;
	case BF_ARRAY:
	case BF_FUNCTION:
		put_qualifiers(w, q);
		put_left(w, t->base);
		return;
	default:
		break;
	}

	put_qualifiers(w, q);
	blank(w);
	switch (t->kind) {
	case BF_STRUCT:
		put(w, "struct ");
		put(w, t->name ? t->name : "{...}");
		break;
	case BF_UNION:
		put(w, "union ");
		put(w, t->name ? t->name : "{...}");
		break;
	case BF_ENUM:
		put(w, "enum ");
		put(w, t->name ? t->name : "{...}");
		break;
	case BF_VECTOR:
		if (t->name) {
			put(w, t->name);
			break;
		}
		snprintf(text, sizeof text, " __attribute__((vector_size(%llu)))", (unsigned long long)t->size);
		put_left(w, t->base);
		put(w, text);
		break;
	default:
		put(w, t->name ? t->name : "?");
	}
}

static void put_declaration(writer *w, const bf_type *t, const char *name);

static void put_right(writer *w, const bf_type *t)
{
	unsigned ignored = 0;
	char text[32];
	uint32_t i;

	for (;;) {
		t = unqualified(t, &ignored);
		switch (t->kind) {
		case BF_POINTER:
			if (needs_parentheses(unqualified(t->base, &ignored)))
				put(w, ")");
			break;
		case BF_ARRAY:
			if (t->flags & BF_FLAG_FLEXIBLE)
				snprintf(text, sizeof text, "[]");
			else
				snprintf(text, sizeof text, "[%llu]", (unsigned long long)t->count);
			put(w, text);
			break;
		case BF_FUNCTION:
			put(w, "(");
			for (i = 0; i < t->nparams; i++) {
				if (i)
					put(w, ", ");
				w->last = 0;
				put_declaration(w, t->params[i].type, t->params[i].name);
			}
			if (t->flags & BF_FLAG_VARIADIC)
				put(w, i ? ", ..." : "...");
			else if (!i && !(t->flags & BF_FLAG_NOPROTO))
				put(w, "void");
			put(w, ")");
			break;
		default:
			return;
		}
		t = t->base;
	}
}

static void put_declaration(writer *w, const bf_type *t, const char *name)
{
	unsigned ignored = 0;

	if (w->length >= LONGEST)
		return;
	put_left(w, t);
	if (name) {
		blank(w);
		put(w, name);
	} else if (unqualified(t, &ignored)->kind == BF_FUNCTION) {
		blank(w);
	}
	put_right(w, t);
}

size_t bf_type_spell(const bf_type *t, const char *name, char *buf, size_t size)
{
	writer w = {.buf = buf, .size = size};

	put_declaration(&w, t, name);
	if (size)
		buf[w.length < size ? w.length : size - 1] = '\0';
	return w.length;
}

const char *bf_type_words(const bf_type *t, bf_spelling *room)
{
	size_t n = bf_type_spell(t, NULL, room->text, sizeof room->text);

	if (n >= sizeof room->text)
		memcpy(room->text + sizeof room->text - 4, "...", 4);
	return room->text;
}
