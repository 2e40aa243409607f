#include "v8_shape.h"

#include <stdio.h>
#include <string.h>

/* How the wrapper checks an argument; 0: no fast call takes it. */
static char argument_code(const bf_converter *c, bf_v8_ctype *type, uint8_t *class)
{
	static const char INTEGERS[] = "cCsSiI"; /* from BF_CONV_INT8 on */

	*class = BF_EMIT_WORD;
	switch (c->conversion) {
	case BF_CONV_BOOL:
		*type = BF_V8_BOOL;
		return 'b';
	case BF_CONV_INT8 ... BF_CONV_UINT32:
		*type = c->conversion == BF_CONV_UINT32 ? BF_V8_UINT32 : BF_V8_INT32;
		return INTEGERS[c->conversion - BF_CONV_INT8];
	case BF_CONV_FLOAT:
		*class = BF_EMIT_FLOAT;
		*type = BF_V8_FLOAT32;
		return 'd';
	case BF_CONV_DOUBLE:
		*class = BF_EMIT_DOUBLE;
		*type = BF_V8_FLOAT64;
		return 'd';
	case BF_CONV_INT64:
	case BF_CONV_UINT64:
		*type = BF_V8_VALUE;
		return 'v';
	case BF_CONV_STRING:
	case BF_CONV_STRING16:
	case BF_CONV_STRING32:
	case BF_CONV_POINTER:
		*type = BF_V8_VALUE;
		if (c->target->kind <= BF_UINT8 && c->target->kind != BF_BOOL)
			return 'q'; /* void and bytes: a pointer to anything */
		if (c->target->kind == BF_STRUCT || c->target->kind == BF_UNION)
			return 'p';
		return c->flags & BF_CONV_CONST && c->target->kind >= BF_BOOL && c->target->kind <= BF_DOUBLE ? 'a'
													      : 'P';
	case BF_CONV_MEMORY:
		*type = BF_V8_VALUE;
		return 'm';
	default:
		return 0;
	}
}

/* How the wrapper reads the result; 0: no fast call returns it. */
static char result_code(const bf_converter *c, bf_v8_ctype *type, uint8_t *out)
{
	bool is_signed = c->conversion == BF_CONV_INT64;

	*out = BF_EMIT_SAME;
	switch (c->conversion) {
	case BF_CONV_VOID:
		*type = BF_V8_VOID;
		return '=';
	case BF_CONV_BOOL:
		*type = BF_V8_BOOL;
		return '=';
	case BF_CONV_INT8 ... BF_CONV_INT32:
		*type = BF_V8_INT32;
		return '=';
	case BF_CONV_UINT32:
		*type = BF_V8_UINT32;
		return '=';
	case BF_CONV_FLOAT:
		*type = BF_V8_FLOAT32;
		return 'd';
	case BF_CONV_DOUBLE:
		*type = BF_V8_FLOAT64;
		return 'd';
	case BF_CONV_INT64:
	case BF_CONV_UINT64:
		if (c->flags & BF_INT64_BIGINT) {
			*type = BF_V8_VOID;
			*out = BF_EMIT_INT64_IN_WIDE;
			return is_signed ? 'b' : 'B';
		}
		*type = BF_V8_FLOAT64;
		*out = is_signed ? BF_EMIT_INT64_AS_DOUBLE : BF_EMIT_UINT64_AS_DOUBLE;
		if (c->flags & BF_INT64_NUMBER)
			return is_signed ? 'r' : 'R';
		return is_signed ? 'n' : 'N';
	case BF_CONV_POINTER:
	case BF_CONV_CALLBACK:
		*type = BF_V8_FLOAT64;
		*out = BF_EMIT_UINT64_AS_DOUBLE;
		return 'p';
	case BF_CONV_MEMORY:
		*type = BF_V8_VOID;
		return 'm';
	default:
		return 0;
	}
}

/*
 * Of what goes by the raw callback alone, the wrapper checks the types of values in memory, which nobody else can
 * without Node-API. False: there are none.
 */
static bool raw_shape(const bf_function *f, bf_v8_shape *out)
{
	bool any = false;

	out->raw = true;
	for (uint32_t i = 0; i < f->nargs; i++) {
		char code = argument_code(&f->args[i], &out->types[i], &out->classes[i]);
		bool memory = code != 0 && strchr("paPqm", code) != NULL;

		out->codes[i] = memory ? code : 'v';
		any |= memory;
	}
	out->codes[f->nargs] = '=';
	return any;
}

bool bf_v8_shape_of(bf_v8_env *ve, const bf_function *f, bf_v8_shape *out)
{
	bf_v8_argument ignored;
	char code = result_code(&f->result, &out->result, &out->out);

	if (f->nargs > BF_V8_ARGUMENTS || f->flags & BF_FUNCTION_VARIADIC || f->plan->frame_size > BF_V8_SLOW_FRAME ||
	    f->plan->frame_align > 16)
		return false;
	out->codes[f->nargs + 1] = '\0';
	if (code == 0 || (code == 'm' && !ve->layout.object_type))
		return raw_shape(f, out);
	out->raw = false;
	for (uint32_t i = 0; i < f->nargs; i++) {
		out->codes[i] = argument_code(&f->args[i], &out->types[i], &out->classes[i]);
		if (out->codes[i] == 0 || bf_v8_quick(&ve->layout, ve->env, &f->args[i], &ignored) == NULL)
			return raw_shape(f, out);
	}
	out->codes[f->nargs] = code;
	return true;
}

void bf_v8_shape_text(bf_v8_env *ve, const bf_function *f, char text[BF_V8_SHAPE_TEXT])
{
	bf_v8_shape shape;
	size_t length;

	if (bf_v8_shape_of(ve, f, &shape)) {
		length = f->nargs + 1;
		memcpy(text, shape.codes, length);
	} else {
		length = (size_t)snprintf(text, BF_V8_SHAPE_TEXT - 2, "%u", f->nargs);
	}
	text[length++] = ':';
	if (f->flags & BF_FUNCTION_ERRNO)
		text[length++] = 'e';
	text[length] = '\0';
}
