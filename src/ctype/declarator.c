/*
 * Declarators: C11 6.7.6 and 6.7.7.
 *
 * C writes a type around its name, from the inside out. What is read goes on a
 * stack of operations (pointer to, array of, function returning), sorted so that
 * taking them off again builds the type from the base type on.
 */
#include "parser.h"

#include <string.h>

typedef enum op_kind { OP_POINTER, OP_ARRAY, OP_FLEXIBLE, OP_FUNCTION } op_kind;

typedef struct op {
	op_kind kind;
	unsigned flags; /* qualifiers of a pointer, BF_FLAG_VARIADIC and _NOPROTO of a function */
	uint64_t count; /* elements, parameters */
	bf_token at;
} op;

static op *push_op(bf_parser *p, op_kind kind)
{
	op *o = bf_push(p, &p->ops, sizeof *o);

	if (o) {
		o->kind = kind;
		o->at = p->tok;
	}
	return o;
}

static op *op_at(bf_parser *p, size_t index)
{
	return (op *)p->ops.items + index;
}

/* "*" with its qualifiers, any number of them. */
static void pointers(bf_parser *p)
{
	bf_attributes ignored = {0};
	unsigned qualifiers;

	while (p->tok.kind == '*' || p->tok.kind == '^') {
		op *o = push_op(p, OP_POINTER);

		if (!o)
			return;
		bf_advance(p);
		for (qualifiers = 0;; bf_advance(p)) {
			bf_attributes_parse(p, &ignored);
			if (p->tok.kind == K_CONST)
				qualifiers |= BF_FLAG_CONST;
			else if (p->tok.kind == K_VOLATILE)
				qualifiers |= BF_FLAG_VOLATILE;
			else if (p->tok.kind != K_RESTRICT && p->tok.kind != K_ATOMIC)
				break;
		}
		op_at(p, p->ops.count - 1)->flags = qualifiers;
	}
}

/* --- parameters ------------------------------------------------------------------- */

/* A name that is no type where a parameter should begin: say what it may be. */
static bool refuse_unknown(bf_parser *p)
{
	const bf_token *next;

	if (p->tok.kind != T_IDENT || bf_ident_type(p->tok.ident))
		return false;
	next = bf_peek(p);
	if (next->kind == ',' || next->kind == ')')
		bf_fail(p, "'%.*s' is no type (parameter lists in K&R style, names only, are not read)",
			(int)(p->tok.len > 100 ? 100 : p->tok.len), p->tok.start);
	else
		bf_fail(p, "unknown type '%.*s'", (int)(p->tok.len > 100 ? 100 : p->tok.len), p->tok.start);
	return true;
}

static bool is_plain_void(const bf_declarator *d, const bf_specifiers *specs)
{
	return d->name.kind == T_END && d->type == specs->type && bf_type_strip(d->type)->kind == BF_VOID &&
	       !bf_type_qualifiers(d->type);
}

/* Behind the opening parenthesis; leaves the parameters on their stack. */
static void parameters(bf_parser *p, op *function)
{
	size_t index = (size_t)(function - (op *)p->ops.items), first = p->params.count;
	bf_specifiers specs;
	bf_declarator d;
	bf_param *param;
	unsigned flags = 0;

	if (bf_accept(p, ')')) {
		function->flags = BF_FLAG_NOPROTO;
		return;
	}
	do {
		if (p->tok.kind == T_ELLIPSIS) {
			bf_advance(p);
			flags = BF_FLAG_VARIADIC;
			break;
		}
		if (refuse_unknown(p))
			return;
		bf_specifiers_parse(p, &specs, false);
		bf_declarator_parse(p, &specs, BF_NAMED | BF_ABSTRACT | BF_PARAMETER, &d);
		if (is_plain_void(&d, &specs) && p->params.count == first && p->tok.kind == ')')
			break;
		param = bf_push(p, &p->params, sizeof *param);
		if (!param)
			return;
		param->name = d.name.ident ? d.name.ident->name : NULL;
		param->type = d.type;
	} while (bf_accept(p, ','));

	bf_expect(p, ')', "after the parameters");
	function = op_at(p, index);
	function->flags = flags;
	function->count = p->params.count - first;
}

/* --- arrays --------------------------------------------------------------------------- */

static void array(bf_parser *p, int what)
{
	op *o = push_op(p, OP_ARRAY);
	bf_value v;
	size_t index;

	if (!o)
		return;
	index = p->ops.count - 1;
	bf_advance(p);
	while (p->tok.kind == K_STATIC || p->tok.kind == K_CONST || p->tok.kind == K_RESTRICT ||
	       p->tok.kind == K_VOLATILE)
		bf_advance(p);
	if (p->tok.kind == ']' || (p->tok.kind == '*' && bf_peek(p)->kind == ']')) {
		o->kind = OP_FLEXIBLE;
		bf_accept(p, '*');
		bf_advance(p);
		return;
	}

	v = bf_expression_parse_all(p);
	o = op_at(p, index);
	if (v.kind == BF_VALUE_INT) {
		if (v.i < 0 && !bf_value_is_unsigned(&v))
			bf_fail_at(p, &o->at, BF_ERANGE, "an array of %lld elements", (long long)v.i);
		o->count = (uint64_t)v.i;
	} else if (what & BF_PARAMETER) {
		o->kind = OP_FLEXIBLE; /* its length is an argument's; as a parameter it is a pointer anyway */
	} else {
		bf_fail_value(p, &v, "an array size");
	}
	bf_expect(p, ']', "after an array size");
}

/* --- declarators ------------------------------------------------------------------------ */

/* Is this '(' the start of parameters, where a name could be missing? */
static bool opens_parameters(bf_parser *p)
{
	const bf_token *next = bf_peek(p);

	if (next->kind == ')' || next->kind == T_ELLIPSIS)
		return true;
	return next->kind != K_ATTRIBUTE && next->kind != K_EXTENSION && bf_starts_type(p, next);
}

/* Reverses what stands on the operations' stack from `from` to `to`. */
static void reverse(bf_parser *p, size_t from, size_t to)
{
	op swap;

	for (; from + 1 < to; from++, to--) {
		swap = *op_at(p, from);
		*op_at(p, from) = *op_at(p, to - 1);
		*op_at(p, to - 1) = swap;
	}
}

static void direct(bf_parser *p, int what, bf_declarator *out, bool inner)
{
	size_t first = p->ops.count, stars;
	bf_attributes ignored = {0};
	char got[64];

	if (!bf_enter(p))
		return;
	bf_attributes_parse(p, inner ? &ignored : &out->attrs);
	pointers(p);
	stars = p->ops.count;

	if (p->tok.kind == T_IDENT && what & BF_NAMED) {
		out->name = p->tok;
		bf_advance(p);
	} else if (p->tok.kind == '(' && !(what & BF_ABSTRACT && opens_parameters(p))) {
		bf_advance(p);
		direct(p, what, out, true);
		bf_expect(p, ')', "in the declarator");
	} else if (!(what & BF_ABSTRACT)) {
		bf_fail(p, "expected a name, got %s", bf_token_words(&p->tok, got, sizeof got));
	}
	/* A bare name is a function when its own parameters follow it. */
	out->is_function |= p->ops.count == stars && p->tok.kind == '(' && out->name.kind;

	for (;;) {
		if (p->tok.kind == '[' && bf_peek(p)->kind != '[') {
			array(p, what);
		} else if (p->tok.kind == '(') {
			op *o = push_op(p, OP_FUNCTION);

			if (!o)
				break;
			bf_advance(p);
			parameters(p, o);
		} else {
			break;
		}
		if (p->failed)
			break;
	}

	/* The stars were read first and bind last: behind the suffixes, the leftmost on top. */
	if (stars > first) {
		reverse(p, first, p->ops.count);
		reverse(p, first, first + (p->ops.count - stars));
	}
	bf_leave(p);
}

static const bf_type *build(bf_parser *p, const bf_type *t, const op *o, bf_error *err)
{
	bf_types *ts = p->d->types;
	const bf_param *params;
	int rc = 0;

	switch (o->kind) {
	case OP_POINTER:
		rc = bf_type_pointer(ts, t, &t, err);
		if (!rc && o->flags)
			rc = bf_type_alias(ts, NULL, t, o->flags, &t, err);
		break;
	case OP_ARRAY:
		rc = bf_type_array(ts, t, o->count, &t, err);
		break;
	case OP_FLEXIBLE:
		rc = bf_type_flexible(ts, t, &t, err);
		break;
	case OP_FUNCTION:
		p->params.count -= o->count;
		params = o->count ? (const bf_param *)p->params.items + p->params.count : NULL;
		rc = bf_type_function(ts, t, params, (uint32_t)o->count, o->flags, &t, err);
		break;
	}
	if (rc)
		bf_fail_type(p, &o->at, err);
	return t;
}

static const char *asm_label(bf_parser *p)
{
	bf_value v = {0};

	while (p->tok.kind == K_ASM) {
		bf_advance(p);
		bf_expect(p, '(', "after 'asm'");
		if (p->tok.kind != T_STRING) {
			bf_expect(p, T_STRING, "in 'asm'");
			return NULL;
		}
		v = bf_literal_string(p);
		bf_expect(p, ')', "after the assembler's name");
	}
	return v.length ? v.bytes : NULL;
}

void bf_declarator_parse(bf_parser *p, const bf_specifiers *specs, int what, bf_declarator *out)
{
	size_t first = p->ops.count, nparams = p->params.count;
	const bf_type *t;
	bf_error err;

	*out = (bf_declarator){.type = bf_type_builtin(BF_INT32)};
	direct(p, what, out, false);
	if (p->tok.kind == K_ASM)
		out->link_name = asm_label(p);
	bf_attributes_parse(p, &out->attrs);

	t = bf_attributes_apply(p, &specs->attrs, specs->type);
	t = bf_attributes_apply(p, &out->attrs, t);
	while (!p->failed && p->ops.count > first) {
		p->ops.count--;
		t = build(p, t, op_at(p, p->ops.count), &err);
	}
	p->ops.count = first;
	p->params.count = nparams;
	if (!p->failed)
		out->type = t;
}

const bf_type *bf_type_name_parse(bf_parser *p)
{
	bf_specifiers specs;
	bf_declarator d;

	if (!bf_enter(p))
		return bf_type_builtin(BF_INT32);
	bf_specifiers_parse(p, &specs, false);
	bf_declarator_parse(p, &specs, BF_ABSTRACT, &d);
	bf_leave(p);
	return d.type;
}
