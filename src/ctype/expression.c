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

static bf_value unknown(const bf_token *at, const bf_type *type, const char *why)
{
	return (bf_value){.kind = BF_VALUE_UNKNOWN, .type = type, .why = why, .at = *at};
}

static bf_value integer(const bf_token *at, const bf_type *type, int64_t i)
{
	return (bf_value){.kind = BF_VALUE_INT, .type = type, .i = i, .at = *at};
}

/* --- types of values --------------------------------------------------------------- */

static bool is_pointer(const bf_type *t)
{
	return t && bf_type_strip(t)->kind == BF_POINTER;
}

static bool is_floating(const bf_type *t)
{
	bf_kind kind = bf_type_strip(t)->kind;

	return kind >= BF_FLOAT && kind <= BF_FLOAT128;
}

bool bf_value_is_unsigned(const bf_value *v)
{
	return is_pointer(v->type) || (bf_type_is_integer(v->type) && !bf_type_is_signed(v->type));
}

/* Cuts the bits to the type's width, and extends them to 64 again. */
static int64_t fit(int64_t i, const bf_type *type)
{
	const bf_type *bare = bf_type_strip(type);
	unsigned width = (unsigned)bare->size * 8;
	uint64_t bits;

	if (bare->kind == BF_BOOL)
		return i != 0;
	if (!width || width >= 64)
		return i;
	bits = (uint64_t)i << (64 - width);
	return bf_type_is_integer(type) && bf_type_is_signed(type) ? (int64_t)bits >> (64 - width)
								   : (int64_t)(bits >> (64 - width));
}

/* C11 6.3.1.1: what is narrower than int computes as int. */
static const bf_type *promoted(const bf_type *t)
{
	const bf_type *bare = bf_type_strip(t);

	if (bare->kind == BF_ENUM && bare->base)
		bare = bf_type_strip(bare->base);
	if (bare->kind == BF_ENUM || (bare->kind >= BF_BOOL && bare->kind <= BF_UINT16))
		return type_int();
	return bare;
}

/* C11 6.3.1.8: the common type of two operands. */
static const bf_type *common(const bf_type *a, const bf_type *b)
{
	a = promoted(a);
	b = promoted(b);
	if (is_floating(a) || is_floating(b)) {
		if (!is_floating(a))
			return b;
		return !is_floating(b) || a->kind >= b->kind ? a : b;
	}
	if (a->kind > BF_UINT128 || b->kind > BF_UINT128)
		return a->kind > b->kind ? a : b;
	/* The kinds stand in the order of width, unsigned after signed: the greater one wins. */
	return a->kind >= b->kind ? a : b;
}

bf_value bf_value_cast(bf_parser *p, bf_value v, const bf_type *type)
{
	const bf_type *bare = bf_type_strip(type);
	bool integral = bf_type_is_integer(bare) || bare->kind == BF_POINTER;

	(void)p;
	if (v.kind == BF_VALUE_PLACE && v.type && bf_type_strip(v.type)->kind == BF_ARRAY && integral)
		v.kind = BF_VALUE_INT; /* an array becomes its address */
	if (v.kind == BF_VALUE_FLOAT && integral) {
		if (!(v.f >= -9223372036854775808.0 && v.f < 18446744073709551616.0))
			return unknown(&v.at, type, "does not fit its type");
		v.i = bare->kind == BF_BOOL ? v.f != 0 : v.f < 0 ? (int64_t)v.f : (int64_t)(uint64_t)v.f;
		v.kind = BF_VALUE_INT;
	}
	if (v.kind == BF_VALUE_INT && integral && bare->size <= 8) {
		v.i = fit(v.i, type);
	} else if ((v.kind == BF_VALUE_INT || v.kind == BF_VALUE_FLOAT) && is_floating(bare)) {
		if (v.kind == BF_VALUE_INT)
			v.f = bf_value_is_unsigned(&v) ? (double)(uint64_t)v.i : (double)v.i;
		if (bare->kind == BF_FLOAT)
			v.f = (float)v.f;
		v.kind = BF_VALUE_FLOAT;
	} else if (!(v.kind == BF_VALUE_STRING && bare->kind == BF_POINTER && bf_type_strip(bare->base)->size == 1)) {
		return unknown(&v.at, type, v.kind == BF_VALUE_UNKNOWN ? v.why : "is not constant");
	}
	v.type = type;
	return v;
}

/* Is it zero? -1: nobody knows. */
static int truth(const bf_value *v)
{
	switch (v->kind) {
	case BF_VALUE_INT:
		return v->i != 0;
	case BF_VALUE_FLOAT:
		return v->f != 0;
	case BF_VALUE_STRING:
		return 1;
	default:
		return -1;
	}
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
			return integer(&at, type_int(), 1);
		if (at.len == 5 && !memcmp(at.start, "false", 5))
			return integer(&at, type_int(), 0);
		return unknown(&at, NULL, "is not declared");
	}
	if (s->kind != BF_SYMBOL_CONSTANT)
		return unknown(&at, s->type, "is not constant");
	if (!s->type || bf_type_strip(s->type)->kind == BF_ENUM) {
		switch (s->value.kind) {
		case BF_CONSTANT_FLOAT:
			v = (bf_value){.kind = BF_VALUE_FLOAT, .type = bf_type_builtin(BF_DOUBLE), .f = s->value.d};
			break;
		case BF_CONSTANT_STRING:
			return unknown(&at, NULL, "is a text");
		default:
			/* An enumerator is an int where it fits one. */
			v = integer(&at, type_int(), s->value.i);
			if (s->value.kind == BF_CONSTANT_UINT)
				v.type = bf_type_builtin(BF_UINT64);
			else if (s->value.i != (int32_t)s->value.i)
				v.type = bf_type_builtin(s->value.i >> 32 ? BF_INT64 : BF_UINT32);
		}
		v.at = at;
		return v;
	}
	return integer(&at, s->type, s->value.i);
}

static bf_value generic(bf_parser *p)
{
	bf_value subject, v = unknown(&p->tok, NULL, "is not constant"), each;
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
	return t ? integer(&at, bf_type_named("size_t", 6), (int64_t)offset)
		 : unknown(&at, bf_type_named("size_t", 6), "is not constant");
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
		v = integer(&at, type_int(), bf_type_same(a, b));
		break;
	case K_CONSTANT_P:
		v = bf_expression_parse(p);
		v = integer(&at, type_int(), v.kind == BF_VALUE_INT || v.kind == BF_VALUE_FLOAT);
		break;
	default: /* K_CHOOSE_EXPR */
		v = bf_expression_parse(p);
		bf_expect(p, ',', "after a condition");
		first = bf_expression_parse(p);
		bf_expect(p, ',', "after an expression");
		second = bf_expression_parse(p);
		v = truth(&v) < 0 ? unknown(&at, NULL, "is not constant") : truth(&v) ? first : second;
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
			return unknown(&at, NULL, "begins a statement");
		}
		bf_advance(p);
		v = bf_expression_parse_all(p);
		bf_expect(p, ')', "after an expression");
		return v;
	default:
		bf_fail(p, "expected an expression, got %s", bf_token_words(&at, got, sizeof got));
		return unknown(&at, NULL, "is no expression");
	}
}

/* a.b, a->b and a[i] of objects at constant addresses: what offsetof is made of by hand. */
static bf_value place(const bf_token *at, const bf_type *type, bool known, uint64_t address)
{
	bf_value v = unknown(at, type, "is not constant");

	if (known && type) {
		v.kind = BF_VALUE_PLACE;
		v.i = (int64_t)address;
	}
	return v;
}

static bf_value postfix(bf_parser *p)
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
			v = unknown(&v.at, t && t->kind == BF_FUNCTION ? t->base : NULL, "is not constant");
			continue;
		case '[':
			bf_advance(p);
			index = bf_expression_parse_all(p);
			bf_expect(p, ']', "after an index");
			known = index.kind == BF_VALUE_INT &&
				(t && t->kind == BF_ARRAY ? v.kind == BF_VALUE_PLACE : v.kind == BF_VALUE_INT);
			t = t && (t->kind == BF_ARRAY || t->kind == BF_POINTER) ? t->base : NULL;
			v = place(&at, t, known, (uint64_t)v.i + (uint64_t)index.i * (t ? t->size : 0));
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
			v = place(&at, m ? m->type : NULL, m && known && !m->bit_width, (uint64_t)v.i + offset);
			continue;
		case T_INCREMENT:
		case T_DECREMENT:
			bf_advance(p);
			v = unknown(&at, v.type, "is not constant");
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
		return unknown(&at, bf_type_named("size_t", 6), "of something of unknown type");
	if (bf_type_strip(t)->kind == BF_VOID || bf_type_strip(t)->kind == BF_FUNCTION) /* gcc says 1 */
		return integer(&at, bf_type_named("size_t", 6), 1);
	if (!bf_type_is_complete(t) && !(at.kind == K_ALIGNOF && t->align))
		return unknown(&at, bf_type_named("size_t", 6), "of an incomplete type");
	return integer(&at, bf_type_named("size_t", 6), (int64_t)(at.kind == K_ALIGNOF ? t->align : t->size));
}

static bf_value negated(bf_value v, const bf_token *at, int operator)
{
	int yes;

	switch (operator) {
	case '!':
		yes = truth(&v);
		return yes < 0 ? unknown(&v.at, type_int(), v.why ? v.why : "is not constant")
			       : integer(at, type_int(), !yes);
	case '&':
		if (v.kind == BF_VALUE_PLACE) {
			v.kind = BF_VALUE_INT;
			v.type = bf_type_builtin(BF_UINT64); /* nothing asks an address for its type */
			return v;
		}
		return unknown(at, NULL, "is not constant");
	case '*':
		if (v.type && (bf_type_strip(v.type)->kind == BF_POINTER || bf_type_strip(v.type)->kind == BF_ARRAY)) {
			const bf_type *to = bf_type_strip(v.type)->base;

			if (v.kind == BF_VALUE_INT)
				return place(at, to, true, (uint64_t)v.i);
			return unknown(at, to, "is not constant");
		}
		return unknown(at, NULL, "is not constant");
	default:
		break;
	}
	if (v.kind == BF_VALUE_FLOAT && operator!= '~') {
		v.f = operator== '-' ? -v.f : v.f;
		return v;
	}
	if (v.kind != BF_VALUE_INT || !v.type || is_pointer(v.type))
		return unknown(&v.at, v.type ? promoted(v.type) : NULL, v.why ? v.why : "is not constant");
	v.type = promoted(v.type);
	v.i = operator== '-' ? (int64_t)(0 - (uint64_t)v.i) : operator== '~' ? ~v.i : v.i;
	v.i = fit(v.i, v.type);
	return v;
}

static bf_value unary(bf_parser *p)
{
	bf_token at = p->tok;
	bf_value v;

	if (!bf_enter(p))
		return unknown(&at, NULL, "is not constant");
	switch (at.kind) {
	case '+':
	case '-':
	case '~':
	case '!':
	case '&':
	case '*':
		bf_advance(p);
		v = negated(cast(p), &at, at.kind);
		break;
	case T_INCREMENT:
	case T_DECREMENT:
		bf_advance(p);
		v = unknown(&at, unary(p).type, "is not constant");
		break;
	case T_AND: /* the address of a label */
		bf_advance(p);
		bf_advance(p);
		v = unknown(&at, NULL, "is not constant");
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
		return unknown(&at, NULL, "is not constant");
	bf_advance(p);
	t = bf_type_name_parse(p);
	bf_expect(p, ')', "after a type");
	if (p->tok.kind == '{') {
		bf_skip_balanced(p);
		v = unknown(&at, t, "is not constant");
	} else {
		v = bf_value_cast(p, cast(p), t);
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

static bool is_comparison(int operator)
{
	return precedence(operator) == 7 || precedence(operator) == 6;
}

static bf_value floats(const bf_token *at, int operator, const bf_type * type, double a, double b)
{
	bf_value v = {.kind = BF_VALUE_FLOAT, .type = type, .at = *at};

	switch (operator) {
	case '*':
		v.f = a * b;
		break;
	case '/':
		v.f = a / b;
		break;
	case '+':
		v.f = a + b;
		break;
	case '-':
		v.f = a - b;
		break;
	case '<':
		return integer(at, type_int(), a < b);
	case '>':
		return integer(at, type_int(), a > b);
	case T_LE:
		return integer(at, type_int(), a <= b);
	case T_GE:
		return integer(at, type_int(), a >= b);
	case T_EQ:
		return integer(at, type_int(), a == b);
	case T_NE:
		return integer(at, type_int(), a != b);
	default:
		return unknown(at, NULL, "needs integers");
	}
	if (bf_type_strip(type)->kind == BF_FLOAT)
		v.f = (float)v.f;
	return v;
}

static bf_value divide(const bf_token *at, int operator, const bf_type * type, int64_t a, int64_t b, bool is_unsigned)
{
	if (!b)
		return unknown(at, type, "divides by zero");
	if (is_unsigned)
		return integer(at, type,
			       (int64_t)(operator== '/' ? (uint64_t)a / (uint64_t)b : (uint64_t)a % (uint64_t)b));
	if (b == -1) /* the one quotient that may not fit */
		return integer(at, type, operator== '/' ? (int64_t)(0 - (uint64_t)a) : 0);
	return integer(at, type, operator== '/' ? a / b : a % b);
}

static bf_value shift(const bf_token *at, int operator, const bf_type * type, int64_t a, int64_t by)
{
	unsigned width = (unsigned)type->size * 8;

	if (by < 0 || by >= (int64_t)width)
		return unknown(at, type, "shifts by more than the type has bits");
	if (operator== T_SHL)
		return integer(at, type, fit((int64_t)((uint64_t)a << by), type));
	return integer(at, type, bf_type_is_signed(type) ? a >> by : (int64_t)((uint64_t)a >> by));
}

static bf_value integers(const bf_token *at, int operator, const bf_type * type, int64_t a, int64_t b)
{
	bool u = !bf_type_is_signed(type);
	uint64_t x = (uint64_t)a, y = (uint64_t)b, r;

	switch (operator) {
	case '*':
		r = x * y;
		break;
	case '/':
	case '%': {
		bf_value v = divide(at, operator, type, a, b, u);

		v.i = fit(v.i, type);
		return v;
	}
	case '+':
		r = x + y;
		break;
	case '-':
		r = x - y;
		break;
	case '&':
		r = x & y;
		break;
	case '^':
		r = x ^ y;
		break;
	case '|':
		r = x | y;
		break;
	case '<':
		return integer(at, type_int(), u ? x < y : a < b);
	case '>':
		return integer(at, type_int(), u ? x > y : a > b);
	case T_LE:
		return integer(at, type_int(), u ? x <= y : a <= b);
	case T_GE:
		return integer(at, type_int(), u ? x >= y : a >= b);
	case T_EQ:
		return integer(at, type_int(), x == y);
	default: /* T_NE */
		return integer(at, type_int(), x != y);
	}
	return integer(at, type, fit((int64_t)r, type));
}

/* && and ||: one side may decide alone. */
static bf_value logical(const bf_token *at, int operator, const bf_value * a, const bf_value *b)
{
	int x = truth(a), y = truth(b), decisive = operator== T_OR;

	/* The left side comes first: what it leaves undecided, the right one cannot make constant. */
	if (x < 0 || (x != decisive && y < 0))
		return unknown(x < 0 ? &a->at : &b->at, type_int(), "is not constant");
	return integer(at, type_int(), decisive ? x || y == 1 : x && y == 1);
}

static bf_value pointer_arithmetic(const bf_token *at, int operator, const bf_value * a, const bf_value *b)
{
	const bf_value *ptr = is_pointer(a->type) ? a : b, *n = ptr == a ? b : a;
	uint64_t size = bf_type_strip(ptr->type)->base->size;
	uint64_t by;

	if (!size)
		size = 1;
	if (is_comparison(operator))
		return integers(at, operator, bf_type_builtin(BF_UINT64), a->i, b->i);
	if (operator== '-' && is_pointer(a->type) && is_pointer(b->type))
		return integer(at, bf_type_builtin(BF_INT64), (a->i - b->i) / (int64_t)size);
	by = (uint64_t)n->i * size;
	if (operator== '+')
		return integer(at, ptr->type, (int64_t)((uint64_t)ptr->i + by));
	if (operator== '-' && ptr == a)
		return integer(at, ptr->type, (int64_t)((uint64_t)ptr->i - by));
	return unknown(at, NULL, "is not done with pointers");
}

static const bf_type *result_type(int operator, const bf_value * a, const bf_value *b)
{
	if (is_comparison(operator))
		return type_int();
	if (!a->type || !b->type)
		return NULL;
	if (is_pointer(a->type))
		return operator== '-' && is_pointer(b->type) ? bf_type_builtin(BF_INT64) : a->type;
	if (is_pointer(b->type))
		return b->type;
	return operator== T_SHL || operator== T_SHR ? promoted(a->type) : common(a->type, b->type);
}

static bf_value combine(const bf_token *at, int operator, const bf_value * a, const bf_value *b)
{
	const bf_type *type;
	bf_value x, y;

	if (operator== T_AND || operator== T_OR)
		return logical(at, operator, a, b);
	type = result_type(operator, a, b);
	if ((a->kind != BF_VALUE_INT && a->kind != BF_VALUE_FLOAT) ||
	    (b->kind != BF_VALUE_INT && b->kind != BF_VALUE_FLOAT)) {
		const bf_value *bad = a->kind != BF_VALUE_INT && a->kind != BF_VALUE_FLOAT ? a : b;

		return unknown(&bad->at, type, bad->why ? bad->why : "is not constant");
	}
	if (is_pointer(a->type) || is_pointer(b->type)) {
		if (a->kind == BF_VALUE_FLOAT || b->kind == BF_VALUE_FLOAT)
			return unknown(at, NULL, "is not done with pointers");
		return pointer_arithmetic(at, operator, a, b);
	}
	if (operator== T_SHL || operator== T_SHR) {
		if (a->kind != BF_VALUE_INT || b->kind != BF_VALUE_INT || type->size > 8)
			return unknown(at, NULL, "needs integers");
		return shift(at, operator, type, fit(a->i, type), b->i);
	}
	type = common(a->type, b->type);
	x = bf_value_cast(NULL, *a, type);
	y = bf_value_cast(NULL, *b, type);
	if (is_floating(type) && x.kind == BF_VALUE_FLOAT && y.kind == BF_VALUE_FLOAT)
		return floats(at, operator, type, x.f, y.f);
	if (x.kind != BF_VALUE_INT || y.kind != BF_VALUE_INT || type->size > 8)
		return unknown(at, type, "is wider than biffi computes");
	return integers(at, operator, type, x.i, y.i);
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
		left = combine(&at, at.kind, &left, &right);
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
	which = truth(&condition);
	if (which < 0)
		return unknown(&condition.at, yes.type ? yes.type : no.type,
			       condition.why ? condition.why : "is not constant");
	/* Both sides decide the type, one the value. */
	if (yes.type && no.type && yes.kind != BF_VALUE_STRING && no.kind != BF_VALUE_STRING &&
	    bf_type_strip(yes.type)->kind <= BF_FLOAT128 && bf_type_strip(no.type)->kind <= BF_FLOAT128 &&
	    bf_type_strip(yes.type)->kind && bf_type_strip(no.type)->kind)
		return bf_value_cast(p, which ? yes : no, common(yes.type, no.type));
	return which ? yes : no;
}

bf_value bf_expression_parse(bf_parser *p)
{
	bf_value v;
	bf_token at;

	if (!bf_enter(p))
		return unknown(&p->tok, NULL, "is not constant");
	v = conditional(p);
	while (p->tok.kind == '=' || p->tok.kind == T_ASSIGN) {
		at = p->tok;
		bf_advance(p);
		conditional(p);
		v = unknown(&at, v.type, "is not constant");
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
		return integer(&v.at, type_int(), 1);
	}
	return v;
}

int bf_value_constant(const bf_value *v, bf_constant *out)
{
	switch (v->kind) {
	case BF_VALUE_INT:
		if (v->type->size > 8)
			return -1;
		/* As C uses it: what is narrower than int is an int. */
		out->kind = bf_value_is_unsigned(v) && v->type->size > 2 ? BF_CONSTANT_UINT : BF_CONSTANT_INT;
		out->i = v->i;
		return 0;
	case BF_VALUE_FLOAT:
		out->kind = BF_CONSTANT_FLOAT;
		out->d = v->f;
		return 0;
	case BF_VALUE_STRING:
		out->kind = BF_CONSTANT_STRING;
		out->s.bytes = v->bytes;
		out->s.length = v->length;
		return 0;
	default:
		return -1;
	}
}
