#include "v8_script.h"

#include <stdlib.h>
#include <string.h>

#include "v8_shape.h"
#include "v8_text.h"

/*
 * The script of one shape: compiled and run once. It gives a function that makes
 * wrappers; a function of C gets one of its own, whose wrapper has feedback of its
 * own, as if it had been compiled anew.
 */
struct bf_v8_script {
	uint64_t hash;
	char shape[BF_V8_SHAPE_TEXT];
	napi_value code; /* of the function that it gives, for script_bind; NULL: it could not be kept */
};

typedef struct bf_v8_script bf_v8_script;

static uint64_t hash_text(const char *text)
{
	uint64_t h = 0xCBF29CE484222325;

	while (*text)
		h = (h ^ (uint8_t)*text++) * 0x100000001B3;
	return h;
}

/*
 * What a function was compiled to (a SharedFunctionInfo, as a v8::UnboundScript is one). To the engine a script that is
 * bound to a context is a function too: where that one has its unbound self, the other has its code. 0: not found.
 */
static uint64_t code_of(napi_value function, napi_value script, napi_value unbound)
{
	enum { FIRST = 3, WORDS = 7 }; /* behind map, properties and elements; without a prototype's */
	const uint64_t *words = bf_v8_object(*(const uint64_t *)script);
	uint64_t code = *(const uint64_t *)unbound, found;

	for (uint32_t i = FIRST; i < WORDS; i++) {
		if (words[i] != code)
			continue;
		found = bf_v8_object(*(const uint64_t *)function)[i];
		return !bf_v8_is_small(found) && bf_v8_instance_type(found) == bf_v8_instance_type(code) ? found : 0;
	}
	return 0;
}

static bool add_script(bf_v8_env *ve, const char *shape)
{
	bf_v8_script *grown = realloc(ve->scripts, (ve->nscripts + 1) * sizeof *grown), *s;
	const bf_v8 *v8 = ve->v8;
	napi_value text, script, function;
	void *context = v8->isolate_context(v8->isolate_current());
	size_t length = 0;
	uint64_t code;
	char *source;

	if (!grown)
		return false;
	ve->scripts = grown;
	source = bf_v8_text(shape, &length);
	if (!source || napi_create_string_latin1(ve->env->napi, source, length, &text) != napi_ok) {
		free(source);
		return false;
	}
	free(source);
	s = &ve->scripts[ve->nscripts++];
	s->hash = hash_text(shape);
	memcpy(s->shape, shape, strlen(shape) + 1);
	s->code = NULL;
	script = v8->script_compile(context, text, NULL);
	function = script ? v8->script_run(script, context) : NULL;
	if (function && (code = code_of(function, script, v8->script_unbound(script))) != 0)
		s->code = bf_v8_globalize(v8, (napi_value)&code);
	return true;
}

napi_value bf_v8_wrap(const bf_function *f)
{
	bf_v8_env *ve = f->env->tier;
	char shape[BF_V8_SHAPE_TEXT];
	napi_value error;
	uint64_t hash;
	uint32_t i;

	if (!ve)
		return NULL;
	bf_v8_shape_text(ve, f, shape);
	hash = hash_text(shape);
	for (i = 0; i < ve->nscripts; i++)
		if (ve->scripts[i].hash == hash && strcmp(ve->scripts[i].shape, shape) == 0)
			break;
	if (i == ve->nscripts && !add_script(ve, shape)) {
		napi_get_and_clear_last_exception(ve->env->napi, &error);
		return NULL;
	}
	return ve->scripts[i].code ? ve->v8->script_bind(ve->scripts[i].code) : NULL;
}
