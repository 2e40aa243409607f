/* The values of numbers, characters and strings: C11 6.4.4 and 6.4.5. */
#define _GNU_SOURCE
#include "parser.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bf_value unknown(const bf_token *tok, const char *why)
{
	return (bf_value){.kind = BF_VALUE_UNKNOWN, .why = why, .at = *tok};
}

static bf_value floating(bf_parser *p, const bf_token *tok)
{
	size_t len = tok->len;
	const char *suffix;
	bf_kind kind = BF_DOUBLE;
	bf_value v = {.kind = BF_VALUE_FLOAT, .at = *tok};
	char room[64], *text = room, *end;

	if (!p->d->locale)
		p->d->locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	if (len >= sizeof room)
		text = bf_arena_alloc(&p->d->arena, len + 1);
	if (!text || !p->d->locale) {
		bf_fail_at(p, tok, BF_ENOMEM, "out of memory");
		return unknown(tok, "found no memory");
	}
	memcpy(text, tok->start, len);
	text[len] = '\0';
	v.f = strtod_l(text, &end, p->d->locale);
	suffix = end;
	if (!strcasecmp(suffix, "f") || !strcasecmp(suffix, "f32"))
		kind = BF_FLOAT;
	else if (!strcasecmp(suffix, "l") || !strcasecmp(suffix, "f64x"))
		kind = BF_LDOUBLE;
	else if (!strcasecmp(suffix, "q") || !strcasecmp(suffix, "f128"))
		kind = BF_FLOAT128;
	else if (*suffix && strcasecmp(suffix, "f64") && strcasecmp(suffix, "f32x"))
		return unknown(tok, "is no number");
	if (kind == BF_FLOAT)
		v.f = (float)v.f;
	v.type = bf_type_builtin(kind);
	return v;
}

/* u, l, ll in any case and order; -1: something else. */
static int integer_suffix(const char *s, size_t len, bool *is_unsigned, int *longs)
{
	size_t i;

	*is_unsigned = false;
	*longs = 0;
	for (i = 0; i < len; i++) {
		if ((s[i] == 'u' || s[i] == 'U') && !*is_unsigned)
			*is_unsigned = true;
		else if ((s[i] == 'l' || s[i] == 'L') && !*longs)
			*longs = i + 1 < len && s[i + 1] == s[i] ? (i++, 2) : 1;
		else
			return -1;
	}
	return 0;
}

bf_value bf_literal_number(bf_parser *p, const bf_token *tok)
{
	const char *s = tok->start, *end = s + tok->len;
	bool hex = tok->len > 1 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'), is_unsigned, decimal = false;
	bf_value v = {.kind = BF_VALUE_INT, .at = *tok};
	unsigned base = 10, digit;
	uint64_t n = 0;
	int longs;

	if (memchr(s, '.', tok->len) || (hex ? memchr(s, 'p', tok->len) || memchr(s, 'P', tok->len)
					     : memchr(s, 'e', tok->len) || memchr(s, 'E', tok->len)))
		return floating(p, tok);

	if (hex) {
		base = 16;
		s += 2;
	} else if (tok->len > 2 && s[0] == '0' && (s[1] == 'b' || s[1] == 'B')) {
		base = 2;
		s += 2;
	} else if (s[0] == '0') {
		base = 8;
	} else {
		decimal = true;
	}
	for (; s < end; s++) {
		digit = *s >= '0' && *s <= '9'   ? (unsigned)(*s - '0')
			: *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a' + 10)
			: *s >= 'A' && *s <= 'F' ? (unsigned)(*s - 'A' + 10)
						 : 99;
		if (digit >= base)
			break;
		if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, digit, &n))
			return unknown(tok, "is larger than any integer type");
	}
	if (integer_suffix(s, (size_t)(end - s), &is_unsigned, &longs))
		return memchr(tok->start, 'f', tok->len) && !hex ? floating(p, tok) : unknown(tok, "is no number");

	/* The first type of C11 6.4.4.1's table that holds it; only octal and hexadecimal turn unsigned by themselves.
	 */
	v.i = (int64_t)n;
	if (!longs && n <= INT32_MAX && !is_unsigned)
		v.type = bf_type_builtin(BF_INT32);
	else if (!longs && n <= UINT32_MAX && (is_unsigned || !decimal))
		v.type = bf_type_builtin(BF_UINT32);
	else if (n <= INT64_MAX && !is_unsigned)
		v.type = bf_type_builtin(BF_INT64);
	else
		v.type = bf_type_builtin(BF_UINT64);
	return v;
}

/* --- escapes ------------------------------------------------------------------------ */

static unsigned hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
	       : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
	       : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
				      : 16;
}

/* One character of a literal, at *s, which is advanced. `ucs` is set for \u and \U, that stand for several bytes. */
static uint32_t character(const char **s, const char *end, bool *ucs)
{
	const char *p = *s;
	uint32_t c = (unsigned char)*p++;
	int n;

	*ucs = false;
	if (c == '\\' && p < end) {
		c = (unsigned char)*p++;
		switch (c) {
		case 'n':
			c = '\n';
			break;
		case 't':
			c = '\t';
			break;
		case 'r':
			c = '\r';
			break;
		case 'a':
			c = '\a';
			break;
		case 'b':
			c = '\b';
			break;
		case 'f':
			c = '\f';
			break;
		case 'v':
			c = '\v';
			break;
		case 'e':
			c = 27;
			break;
		case 'x':
			for (c = 0; p < end && hex_digit(*p) < 16; p++)
				c = c << 4 | hex_digit(*p);
			break;
		case 'u':
		case 'U':
			*ucs = true;
			for (n = c == 'u' ? 4 : 8, c = 0; n && p < end && hex_digit(*p) < 16; n--, p++)
				c = c << 4 | hex_digit(*p);
			break;
		case '0':
		case '1':
		case '2':
		case '3':
		case '4':
		case '5':
		case '6':
		case '7':
			c -= '0';
			for (n = 2; n && p < end && *p >= '0' && *p <= '7'; n--, p++)
				c = c << 3 | (uint32_t)(*p - '0');
			break;
		default: /* \" \' \\ \? and what gcc takes as it is */
			break;
		}
	}
	*s = p;
	return c;
}

static size_t utf8(uint32_t c, char *to)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | (c >> 18 & 7));
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* The code point of a UTF-8 sequence, for wide literals; a byte by itself when it is malformed. */
static uint32_t decode(const char **s, const char *end)
{
	unsigned char c = (unsigned char)**s;
	int n = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0, i;
	uint32_t code = n == 3 ? c & 7 : n == 2 ? c & 15 : n == 1 ? c & 31 : c;

	if (n > end - *s - 1)
		n = 0;
	for (i = 1; i <= n; i++) {
		if (((unsigned char)(*s)[i] & 0xc0) != 0x80) {
			++*s;
			return c;
		}
		code = code << 6 | ((unsigned char)(*s)[i] & 63);
	}
	*s += n + 1;
	return code;
}

bf_value bf_literal_char(bf_parser *p, const bf_token *tok)
{
	const char *s = tok->start, *end = s + tok->len - 1, *prefix = s;
	bf_value v = {.kind = BF_VALUE_INT, .at = *tok, .type = bf_type_builtin(BF_INT32)};
	uint32_t c = 0, n = 0, bytes = 0;
	bool ucs;

	(void)p;
	while (*s != '\'')
		s++;
	s++;
	if (*prefix == '\'' || (prefix[0] == 'u' && prefix[1] == '8')) {
		while (s < end) {
			c = character(&s, end, &ucs);
			bytes = bytes << 8 | (c & 0xff);
			n++;
		}
		/* One character is a char made an int; several are packed as gcc does. */
		v.i = n == 1 ? (BF_TARGET_CHAR_SIGNED ? (int8_t)c : (uint8_t)c) : (int32_t)bytes;
		return n ? v : unknown(tok, "is an empty character");
	}
	if (s >= end)
		return unknown(tok, "is an empty character");
	c = (unsigned char)*s >= 0xc0 ? decode(&s, end) : character(&s, end, &ucs);
	v.type = *prefix == 'L' ? bf_type_named("wchar_t", 7) : bf_type_builtin(*prefix == 'u' ? BF_UINT16 : BF_UINT32);
	v.i = *prefix == 'L' && BF_TARGET_WCHAR_SIGNED ? (int64_t)(int32_t)c : *prefix == 'u' ? (uint16_t)c : c;
	return v;
}

bf_value bf_literal_string(bf_parser *p)
{
	bf_value v = {.kind = BF_VALUE_STRING, .at = p->tok};
	const bf_type *element = bf_type_named("char", 4);
	size_t length = 0, room = 0, units, width = 1;
	char *text = NULL, *more;
	bf_error err;

	for (; p->tok.kind == T_STRING; bf_advance(p)) {
		const char *s = p->tok.start, *end = s + p->tok.len - 1;

		if (*s != '"' && s[1] != '8') {
			element = *s == 'L'   ? bf_type_named("wchar_t", 7)
				  : *s == 'u' ? bf_type_named("char16_t", 8)
					      : bf_type_named("char32_t", 8);
			width = element->size;
		}
		while (*s != '"')
			s++;
		s++;
		/* No escape is longer than it was, except \u with its four bytes at most. */
		if (!text || room - length < p->tok.len + 5U) {
			room = room * 2 + p->tok.len + 64;
			more = realloc(text, room);
			if (!more) {
				free(text);
				bf_fail_at(p, &p->tok, BF_ENOMEM, "out of memory");
				return v;
			}
			text = more;
		}
		while (s < end) {
			bool ucs;
			uint32_t c = character(&s, end, &ucs);

			if (ucs)
				length += utf8(c, text + length);
			else
				text[length++] = (char)c;
		}
	}
	for (units = 0, room = 0; width > 1 && room < length; units++) {
		const char *at = text + room;

		if (decode(&at, text + length) > 0xffff && width == 2)
			units++;
		room = (size_t)(at - text);
	}
	v.bytes = bf_arena_strdup(&p->d->arena, text ? text : "", length);
	v.length = length;
	free(text);
	if (!v.bytes) {
		bf_fail_at(p, &v.at, BF_ENOMEM, "out of memory");
		return v;
	}
	if (bf_type_array(p->d->types, element, (width > 1 ? units : length) + 1, &v.type, &err))
		bf_fail_type(p, &v.at, &err);
	if (width > 1) {
		v.kind = BF_VALUE_UNKNOWN;
		v.why = "is a string of wide characters";
	}
	return v;
}
