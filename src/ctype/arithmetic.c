/*
 * Values of constant expressions, and what C's operators make of them: the usual
 * arithmetic conversions of C11 6.3.1, two's complement, 64 bits at most. What a
 * compiler would not compute becomes an unknown value that says why.
 */
#include "parser.h"

static const bf_type *type_int(void)
{
	return bf_type_builtin(BF_INT32);
}

bf_value bf_value_unknown(const bf_token *at, const bf_type *type, const char *why)
{
	return (bf_value){.kind = BF_VALUE_UNKNOWN, .type = type, .why = why, .at = *at};
}

bf_value bf_value_integer(const bf_token *at, const bf_type *type, int64_t i)
{
	return (bf_value){.kind = BF_VALUE_INT, .type = type, .i = i, .at = *at};
}

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
const bf_type *bf_type_common(const bf_type *a, const bf_type *b)
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

bf_value bf_value_cast(bf_value v, const bf_type *type)
{
	const bf_type *bare = bf_type_strip(type);
	bool integral = bf_type_is_integer(bare) || bare->kind == BF_POINTER;

	if (v.kind == BF_VALUE_PLACE && v.type && bf_type_strip(v.type)->kind == BF_ARRAY && integral)
		v.kind = BF_VALUE_INT; /* an array becomes its address */
	if (v.kind == BF_VALUE_FLOAT && integral) {
		if (!(v.f >= -9223372036854775808.0 && v.f < 18446744073709551616.0))
			return bf_value_unknown(&v.at, type, "does not fit its type");
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
		return bf_value_unknown(&v.at, type, v.kind == BF_VALUE_UNKNOWN ? v.why : "is not constant");
	}
	v.type = type;
	return v;
}

/* Is it zero? -1: nobody knows. */
int bf_value_truth(const bf_value *v)
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

bf_value bf_value_place(const bf_token *at, const bf_type *type, bool known, uint64_t address)
{
	bf_value v = bf_value_unknown(at, type, "is not constant");

	if (known && type) {
		v.kind = BF_VALUE_PLACE;
		v.i = (int64_t)address;
	}
	return v;
}

bf_value bf_value_unary(bf_value v, const bf_token *at, int op)
{
	int yes;

	switch (op) {
	case '!':
		yes = bf_value_truth(&v);
		return yes < 0 ? bf_value_unknown(&v.at, type_int(), v.why ? v.why : "is not constant")
			       : bf_value_integer(at, type_int(), !yes);
	case '&':
		if (v.kind == BF_VALUE_PLACE) {
			v.kind = BF_VALUE_INT;
			v.type = bf_type_builtin(BF_UINT64); /* nothing asks an address for its type */
			return v;
		}
		return bf_value_unknown(at, NULL, "is not constant");
	case '*':
		if (v.type && (bf_type_strip(v.type)->kind == BF_POINTER || bf_type_strip(v.type)->kind == BF_ARRAY)) {
			const bf_type *to = bf_type_strip(v.type)->base;

			if (v.kind == BF_VALUE_INT)
				return bf_value_place(at, to, true, (uint64_t)v.i);
			return bf_value_unknown(at, to, "is not constant");
		}
		return bf_value_unknown(at, NULL, "is not constant");
	default:
		break;
	}
	if (v.kind == BF_VALUE_FLOAT && op != '~') {
		v.f = op == '-' ? -v.f : v.f;
		return v;
	}
	if (v.kind != BF_VALUE_INT || !v.type || is_pointer(v.type))
		return bf_value_unknown(&v.at, v.type ? promoted(v.type) : NULL, v.why ? v.why : "is not constant");
	v.type = promoted(v.type);
	v.i = op == '-' ? (int64_t)(0 - (uint64_t)v.i) : op == '~' ? ~v.i : v.i;
	v.i = fit(v.i, v.type);
	return v;
}

static bool is_comparison(int op)
{
	return op == '<' || op == '>' || op == T_LE || op == T_GE || op == T_EQ || op == T_NE;
}

static bf_value floats(const bf_token *at, int op, const bf_type *type, double a, double b)
{
	bf_value v = {.kind = BF_VALUE_FLOAT, .type = type, .at = *at};

	switch (op) {
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
		return bf_value_integer(at, type_int(), a < b);
	case '>':
		return bf_value_integer(at, type_int(), a > b);
	case T_LE:
		return bf_value_integer(at, type_int(), a <= b);
	case T_GE:
		return bf_value_integer(at, type_int(), a >= b);
	case T_EQ:
		return bf_value_integer(at, type_int(), a == b);
	case T_NE:
		return bf_value_integer(at, type_int(), a != b);
	default:
		return bf_value_unknown(at, NULL, "needs integers");
	}
	if (bf_type_strip(type)->kind == BF_FLOAT)
		v.f = (float)v.f;
	return v;
}

static bf_value divide(const bf_token *at, int op, const bf_type *type, int64_t a, int64_t b, bool is_unsigned)
{
	if (!b)
		return bf_value_unknown(at, type, "divides by zero");
	if (is_unsigned)
		return bf_value_integer(at, type,
					(int64_t)(op == '/' ? (uint64_t)a / (uint64_t)b : (uint64_t)a % (uint64_t)b));
	if (b == -1) /* the one quotient that may not fit */
		return bf_value_integer(at, type, op == '/' ? (int64_t)(0 - (uint64_t)a) : 0);
	return bf_value_integer(at, type, op == '/' ? a / b : a % b);
}

static bf_value shift(const bf_token *at, int op, const bf_type *type, int64_t a, int64_t by)
{
	unsigned width = (unsigned)type->size * 8;

	if (by < 0 || by >= (int64_t)width)
		return bf_value_unknown(at, type, "shifts by more than the type has bits");
	if (op == T_SHL)
		return bf_value_integer(at, type, fit((int64_t)((uint64_t)a << by), type));
	return bf_value_integer(at, type, bf_type_is_signed(type) ? a >> by : (int64_t)((uint64_t)a >> by));
}

static bf_value integers(const bf_token *at, int op, const bf_type *type, int64_t a, int64_t b)
{
	bool u = !bf_type_is_signed(type);
	uint64_t x = (uint64_t)a, y = (uint64_t)b, r;

	switch (op) {
	case '*':
		r = x * y;
		break;
	case '/':
	case '%': {
		bf_value v = divide(at, op, type, a, b, u);

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
		return bf_value_integer(at, type_int(), u ? x < y : a < b);
	case '>':
		return bf_value_integer(at, type_int(), u ? x > y : a > b);
	case T_LE:
		return bf_value_integer(at, type_int(), u ? x <= y : a <= b);
	case T_GE:
		return bf_value_integer(at, type_int(), u ? x >= y : a >= b);
	case T_EQ:
		return bf_value_integer(at, type_int(), x == y);
	default: /* T_NE */
		return bf_value_integer(at, type_int(), x != y);
	}
	return bf_value_integer(at, type, fit((int64_t)r, type));
}

/* && and ||: one side may decide alone. */
static bf_value logical(const bf_token *at, int op, const bf_value *a, const bf_value *b)
{
	int x = bf_value_truth(a), y = bf_value_truth(b), decisive = op == T_OR;

	/* The left side comes first: what it leaves undecided, the right one cannot make constant. */
	if (x < 0 || (x != decisive && y < 0))
		return bf_value_unknown(x < 0 ? &a->at : &b->at, type_int(), "is not constant");
	return bf_value_integer(at, type_int(), decisive ? x || y == 1 : x && y == 1);
}

static bf_value pointer_arithmetic(const bf_token *at, int op, const bf_value *a, const bf_value *b)
{
	const bf_value *ptr = is_pointer(a->type) ? a : b, *n = ptr == a ? b : a;
	uint64_t size = bf_type_strip(ptr->type)->base->size;
	uint64_t by;

	if (!size)
		size = 1;
	if (is_comparison(op))
		return integers(at, op, bf_type_builtin(BF_UINT64), a->i, b->i);
	if (op == '-' && is_pointer(a->type) && is_pointer(b->type))
		return bf_value_integer(at, bf_type_builtin(BF_INT64),
					(int64_t)((uint64_t)a->i - (uint64_t)b->i) / (int64_t)size);
	by = (uint64_t)n->i * size;
	if (op == '+')
		return bf_value_integer(at, ptr->type, (int64_t)((uint64_t)ptr->i + by));
	if (op == '-' && ptr == a)
		return bf_value_integer(at, ptr->type, (int64_t)((uint64_t)ptr->i - by));
	return bf_value_unknown(at, NULL, "is not done with pointers");
}

static const bf_type *result_type(int op, const bf_value *a, const bf_value *b)
{
	if (is_comparison(op))
		return type_int();
	if (!a->type || !b->type)
		return NULL;
	if (is_pointer(a->type))
		return op == '-' && is_pointer(b->type) ? bf_type_builtin(BF_INT64) : a->type;
	if (is_pointer(b->type))
		return b->type;
	return op == T_SHL || op == T_SHR ? promoted(a->type) : bf_type_common(a->type, b->type);
}

bf_value bf_value_binary(const bf_token *at, int op, const bf_value *a, const bf_value *b)
{
	const bf_type *type;
	bf_value x, y;

	if (op == T_AND || op == T_OR)
		return logical(at, op, a, b);
	type = result_type(op, a, b);
	if ((a->kind != BF_VALUE_INT && a->kind != BF_VALUE_FLOAT) ||
	    (b->kind != BF_VALUE_INT && b->kind != BF_VALUE_FLOAT)) {
		const bf_value *bad = a->kind != BF_VALUE_INT && a->kind != BF_VALUE_FLOAT ? a : b;

		return bf_value_unknown(&bad->at, type, bad->why ? bad->why : "is not constant");
	}
	if (is_pointer(a->type) || is_pointer(b->type)) {
		if (a->kind == BF_VALUE_FLOAT || b->kind == BF_VALUE_FLOAT)
			return bf_value_unknown(at, NULL, "is not done with pointers");
		return pointer_arithmetic(at, op, a, b);
	}
	if (op == T_SHL || op == T_SHR) {
		if (a->kind != BF_VALUE_INT || b->kind != BF_VALUE_INT || type->size > 8)
			return bf_value_unknown(at, NULL, "needs integers");
		return shift(at, op, type, fit(a->i, type), b->i);
	}
	type = bf_type_common(a->type, b->type);
	x = bf_value_cast(*a, type);
	y = bf_value_cast(*b, type);
	if (is_floating(type) && x.kind == BF_VALUE_FLOAT && y.kind == BF_VALUE_FLOAT)
		return floats(at, op, type, x.f, y.f);
	if (x.kind != BF_VALUE_INT || y.kind != BF_VALUE_INT || type->size > 8)
		return bf_value_unknown(at, type, "is wider than biffi computes");
	return integers(at, op, type, x.i, y.i);
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
