/*
 * Expressions: C11 6.5 and 6.6, as far as they occur in declarations.
 *
 * Every expression is read; what a compiler could compute is computed, the rest
 * becomes an unknown value that remembers why. So an array size in a parameter
 * may use other parameters, and `0 && f()` is still 0.
 */
#include "parser.h"

#include <string.h>

static const bf_type *type_int(void)
{
	return bf_type_builtin(BF_INT32);
}

/* --- primary and postfix ------------------------------------------------------------ */

static bf_value conditional(bf_parser *p);
static bf_value unary(bf_parser *p);
static bf_value cast(bf_parser *p);

static bf_value name(bf_parser *p)
{
	bf_token at = p->tok;
	const bf_symbol *s = at.ident->symbol;
	bf_value v;

	bf_advance(p);
	if (!s) {
		if (at.ident->macro && !at.ident->macro->function_like) {
			v = bf_macro_value(p, at.ident->macro);
			v.at = at;
			return v;
		}
		if (at.len == 4 && !memcmp(at.start, "true", 4))
			return bf_value_integer(&at, type_int(), 1);
		if (at.len == 5 && !memcmp(at.start, "false", 5))
			return bf_value_integer(&at, type_int(), 0);
		return bf_value_unknown(&at, NULL, "is not declared");
	}
	if (s->kind != BF_SYMBOL_CONSTANT)
		return bf_value_unknown(&at, s->type, "is not constant");
	if (!s->type || bf_type_strip(s->type)->kind == BF_ENUM) {
		switch (s->value.kind) {
		case BF_CONSTANT_FLOAT:
			v = (bf_value){.kind = BF_VALUE_FLOAT, .type = bf_type_builtin(BF_DOUBLE), .f = s->value.d};
			break;
		case BF_CONSTANT_STRING:
			return bf_value_unknown(&at, NULL, "is a text");
		default:
			/* An enumerator is an int where it fits one. */
			v = bf_value_integer(&at, type_int(), s->value.i);
			if (s->value.kind == BF_CONSTANT_UINT)
				v.type = bf_type_builtin(BF_UINT64);
			else if (s->value.i != (int32_t)s->value.i)
				v.type = bf_type_builtin(s->value.i >> 32 ? BF_INT64 : BF_UINT32);
		}
		v.at = at;
		return v;
	}
	return bf_value_integer(&at, s->type, s->value.i);
}

static bf_value generic(bf_parser *p)
{
	bf_value subject, v = bf_value_unknown(&p->tok, NULL, "is not constant"), each;
	const bf_type *type;
	bool found = false;

	bf_advance(p);
	bf_expect(p, '(', "after '_Generic'");
	subject = bf_expression_parse(p);
	while (bf_accept(p, ',')) {
		bool match;

		if (p->tok.ident && p->tok.len == 7 && !memcmp(p->tok.start, "default", 7)) {
			bf_advance(p);
			match = !found && v.kind == BF_VALUE_UNKNOWN && !v.type;
			bf_expect(p, ':', "after 'default'");
			each = bf_expression_parse(p);
			if (match)
				v = each;
			continue;
		}
		type = bf_type_name_parse(p);
		match = subject.type && bf_type_same(type, subject.type);
		bf_expect(p, ':', "after a type of '_Generic'");
		each = bf_expression_parse(p);
		if (match && !found) {
			found = true;
			v = each;
		}
	}
	bf_expect(p, ')', "after '_Generic'");
	return v;
}

/* __builtin_offsetof(type, member.member[index]) */
static bf_value offset_of(bf_parser *p)
{
	bf_token at = p->tok;
	const bf_type *t;
	const bf_member *m;
	uint64_t offset = 0, inner;
	bf_value v;

	bf_advance(p);
	bf_expect(p, '(', "after 'offsetof'");
	t = bf_type_name_parse(p);
	bf_expect(p, ',', "after offsetof's type");
	do {
		if (p->tok.kind == '[') {
			bf_advance(p);
			v = bf_expression_parse_all(p);
			bf_expect(p, ']', "after an index");
			if (v.kind != BF_VALUE_INT || bf_type_strip(t)->kind != BF_ARRAY) {
				t = NULL;
				break;
			}
			t = bf_type_strip(t)->base;
			offset += (uint64_t)v.i * t->size;
			continue;
		}
		m = p->tok.ident ? bf_type_member(t, p->tok.ident->name, p->tok.ident->len, &inner) : NULL;
		if (!m) {
			bf_fail(p, "'%.*s' is no member here", (int)(p->tok.len > 100 ? 100 : p->tok.len),
				p->tok.start);
			break;
		}
		bf_advance(p);
		offset += inner;
		t = m->type;
	} while (bf_accept(p, '.') || p->tok.kind == '[');
	bf_expect(p, ')', "after offsetof's member");
	return t ? bf_value_integer(&at, bf_type_named("size_t", 6), (int64_t)offset)
		 : bf_value_unknown(&at, bf_type_named("size_t", 6), "is not constant");
}

static bf_value builtin_call(bf_parser *p)
{
	bf_token at = p->tok;
	const bf_type *a, *b;
	bf_value v, first, second;

	bf_advance(p);
	bf_expect(p, '(', "after the builtin function");
	switch (at.kind) {
	case K_TYPES_COMPATIBLE:
		a = bf_type_name_parse(p);
		bf_expect(p, ',', "after a type");
		b = bf_type_name_parse(p);
		v = bf_value_integer(&at, type_int(), bf_type_same(a, b));
		break;
	case K_CONSTANT_P:
		v = bf_expression_parse(p);
		v = bf_value_integer(&at, type_int(), v.kind == BF_VALUE_INT || v.kind == BF_VALUE_FLOAT);
		break;
	default: /* K_CHOOSE_EXPR */
		v = bf_expression_parse(p);
		bf_expect(p, ',', "after a condition");
		first = bf_expression_parse(p);
		bf_expect(p, ',', "after an expression");
		second = bf_expression_parse(p);
		v = bf_value_truth(&v) < 0 ? bf_value_unknown(&at, NULL, "is not constant")
		    : bf_value_truth(&v)   ? first
					   : second;
	}
	bf_expect(p, ')', "after the builtin's arguments");
	return v;
}

static bf_value primary(bf_parser *p)
{
	bf_token at = p->tok;
	bf_value v;
	char got[64];

	switch (at.kind) {
	case T_NUMBER:
		v = bf_literal_number(p, &at);
		bf_advance(p);
		return v;
	case T_CHAR:
		v = bf_literal_char(p, &at);
		bf_advance(p);
		return v;
	case T_STRING:
		return bf_literal_string(p);
	case T_IDENT:
		return name(p);
	case K_GENERIC:
		return generic(p);
	case K_OFFSETOF:
		return offset_of(p);
	case K_TYPES_COMPATIBLE:
	case K_CONSTANT_P:
	case K_CHOOSE_EXPR:
		return builtin_call(p);
	case '(':
		if (bf_peek(p)->kind == '{') { /* a statement expression */
			bf_skip_balanced(p);
			return bf_value_unknown(&at, NULL, "begins a statement");
		}
		bf_advance(p);
		v = bf_expression_parse_all(p);
		bf_expect(p, ')', "after an expression");
		return v;
	default:
		bf_fail(p, "expected an expression, got %s", bf_token_words(&at, got, sizeof got));
		return bf_value_unknown(&at, NULL, "is no expression");
	}
}

/* a.b, a->b and a[i] of objects at constant addresses: what offsetof is made of by hand. */ static bf_value
postfix(bf_parser *p)
{
	bf_value v = primary(p), index;
	bf_token at = p->tok;
	const bf_type *t;
	const bf_member *m;
	uint64_t offset = 0;
	bool arrow, known;

	for (;; at = p->tok) {
		t = v.type ? bf_type_strip(v.type) : NULL;
		switch (p->tok.kind) {
		case '(':
			bf_skip_balanced(p);
			if (t && t->kind == BF_POINTER)
				t = bf_type_strip(t->base);
			v = bf_value_unknown(&v.at, t && t->kind == BF_FUNCTION ? t->base : NULL, "is not constant");
			continue;
		case '[':
			bf_advance(p);
			index = bf_expression_parse_all(p);
			bf_expect(p, ']', "after an index");
			known = index.kind == BF_VALUE_INT &&
				(t && t->kind == BF_ARRAY ? v.kind == BF_VALUE_PLACE : v.kind == BF_VALUE_INT);
			t = t && (t->kind == BF_ARRAY || t->kind == BF_POINTER) ? t->base : NULL;
			v = bf_value_place(&at, t, known, (uint64_t)v.i + (uint64_t)index.i * (t ? t->size : 0));
			continue;
		case '.':
		case T_ARROW:
			arrow = p->tok.kind == T_ARROW;
			bf_advance(p);
			known = v.kind == (arrow ? BF_VALUE_INT : BF_VALUE_PLACE);
			if (arrow)
				t = t && (t->kind == BF_POINTER || t->kind == BF_ARRAY) ? t->base : NULL;
			if (!p->tok.ident) {
				bf_expect(p, T_IDENT, "after '.' or '->'");
				return v;
			}
			m = t ? bf_type_member(t, p->tok.ident->name, p->tok.ident->len, &offset) : NULL;
			bf_advance(p);
			v = bf_value_place(&at, m ? m->type : NULL, m && known && !m->bit_width,
					   (uint64_t)v.i + offset);
			continue;
		case T_INCREMENT:
		case T_DECREMENT:
			bf_advance(p);
			v = bf_value_unknown(&at, v.type, "is not constant");
			continue;
		default:
			return v;
		}
	}
}

/* --- unary and casts --------------------------------------------------------------------- */

/* sizeof and _Alignof of a type in parentheses or of an expression. */
static bf_value size_of(bf_parser *p)
{
	bf_token at = p->tok;
	const bf_type *t;
	bf_value v;

	bf_advance(p);
	if (p->tok.kind == '(' && bf_starts_type(p, bf_peek(p))) {
		bf_advance(p);
		t = bf_type_name_parse(p);
		bf_expect(p, ')', "after a type");
		if (p->tok.kind == '{') /* a compound literal */
			bf_skip_balanced(p);
	} else {
		v = unary(p);
		t = v.type;
	}
	if (!t || p->failed)
		return bf_value_unknown(&at, bf_type_named("size_t", 6), "of something of unknown type");
	if (bf_type_strip(t)->kind == BF_VOID || bf_type_strip(t)->kind == BF_FUNCTION) /* gcc says 1 */
		return bf_value_integer(&at, bf_type_named("size_t", 6), 1);
	if (!bf_type_is_complete(t) && !(at.kind == K_ALIGNOF && t->align))
		return bf_value_unknown(&at, bf_type_named("size_t", 6), "of an incomplete type");
	return bf_value_integer(&at, bf_type_named("size_t", 6), (int64_t)(at.kind == K_ALIGNOF ? t->align : t->size));
}

static bf_value unary(bf_parser *p)
{
	bf_token at = p->tok;
	bf_value v;

	if (!bf_enter(p))
		return bf_value_unknown(&at, NULL, "is not constant");
	switch (at.kind) {
	case '+':
	case '-':
	case '~':
	case '!':
	case '&':
	case '*':
		bf_advance(p);
		v = bf_value_unary(cast(p), &at, at.kind);
		break;
	case T_INCREMENT:
	case T_DECREMENT:
		bf_advance(p);
		v = bf_value_unknown(&at, unary(p).type, "is not constant");
		break;
	case T_AND: /* the address of a label */
		bf_advance(p);
		bf_advance(p);
		v = bf_value_unknown(&at, NULL, "is not constant");
		break;
	case K_SIZEOF:
	case K_ALIGNOF:
		v = size_of(p);
		break;
	case K_EXTENSION:
		bf_advance(p);
		v = cast(p);
		break;
	default:
		v = postfix(p);
	}
	bf_leave(p);
	return v;
}

static bf_value cast(bf_parser *p)
{
	bf_token at = p->tok;
	const bf_type *t;
	bf_value v;

	if (at.kind != '(' || !bf_starts_type(p, bf_peek(p)))
		return unary(p);
	if (!bf_enter(p))
		return bf_value_unknown(&at, NULL, "is not constant");
	bf_advance(p);
	t = bf_type_name_parse(p);
	bf_expect(p, ')', "after a type");
	if (p->tok.kind == '{') {
		bf_skip_balanced(p);
		v = bf_value_unknown(&at, t, "is not constant");
	} else {
		v = bf_value_cast(cast(p), t);
	}
	bf_leave(p);
	return v;
}

/* --- binary -------------------------------------------------------------------------------- */

static int precedence(int kind)
{
	switch (kind) {
	case '*':
	case '/':
	case '%':
		return 10;
	case '+':
	case '-':
		return 9;
	case T_SHL:
	case T_SHR:
		return 8;
	case '<':
	case '>':
	case T_LE:
	case T_GE:
		return 7;
	case T_EQ:
	case T_NE:
		return 6;
	case '&':
		return 5;
	case '^':
		return 4;
	case '|':
		return 3;
	case T_AND:
		return 2;
	case T_OR:
		return 1;
	default:
		return 0;
	}
}

static bf_value binary(bf_parser *p, int least)
{
	bf_value left = cast(p), right;
	bf_token at;
	int level;

	while ((level = precedence(p->tok.kind)) >= least && level) {
		at = p->tok;
		bf_advance(p);
		if (!bf_enter(p))
			return left;
		right = binary(p, level + 1);
		bf_leave(p);
		left = bf_value_binary(&at, at.kind, &left, &right);
	}
	return left;
}

static bf_value conditional(bf_parser *p)
{
	bf_value condition = binary(p, 1), yes, no;
	int which;

	if (p->tok.kind != '?')
		return condition;
	if (!bf_enter(p))
		return condition;
	bf_advance(p);
	yes = p->tok.kind == ':' ? condition : bf_expression_parse_all(p);
	bf_expect(p, ':', "after '?'");
	no = conditional(p);
	bf_leave(p);
	which = bf_value_truth(&condition);
	if (which < 0)
		return bf_value_unknown(&condition.at, yes.type ? yes.type : no.type,
					condition.why ? condition.why : "is not constant");
	/* Both sides decide the type, one the value. */
	if (yes.type && no.type && yes.kind != BF_VALUE_STRING && no.kind != BF_VALUE_STRING &&
	    bf_type_strip(yes.type)->kind <= BF_FLOAT128 && bf_type_strip(no.type)->kind <= BF_FLOAT128 &&
	    bf_type_strip(yes.type)->kind && bf_type_strip(no.type)->kind)
		return bf_value_cast(which ? yes : no, bf_type_common(yes.type, no.type));
	return which ? yes : no;
}

bf_value bf_expression_parse(bf_parser *p)
{
	bf_value v;
	bf_token at;

	if (!bf_enter(p))
		return bf_value_unknown(&p->tok, NULL, "is not constant");
	v = conditional(p);
	while (p->tok.kind == '=' || p->tok.kind == T_ASSIGN) {
		at = p->tok;
		bf_advance(p);
		conditional(p);
		v = bf_value_unknown(&at, v.type, "is not constant");
	}
	bf_leave(p);
	return v;
}

bf_value bf_expression_parse_all(bf_parser *p)
{
	bf_value v = bf_expression_parse(p);

	while (bf_accept(p, ','))
		v = bf_expression_parse(p);
	return v;
}

void bf_fail_value(bf_parser *p, const bf_value *v, const char *for_what)
{
	char words[64];

	if (v->kind == BF_VALUE_UNKNOWN && v->why)
		bf_fail_at(p, &v->at, BF_ESYNTAX, "%s has to be a constant integer: %s %s", for_what,
			   bf_token_words(&v->at, words, sizeof words), v->why);
	else
		bf_fail_at(p, &v->at, BF_ESYNTAX, "%s has to be a constant integer", for_what);
}

bf_value bf_expression_integer(bf_parser *p, const char *for_what)
{
	bf_value v = bf_expression_parse(p);

	if (v.kind != BF_VALUE_INT) {
		bf_fail_value(p, &v, for_what);
		return bf_value_integer(&v.at, type_int(), 1);
	}
	return v;
}
