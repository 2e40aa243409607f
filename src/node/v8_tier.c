#include "v8_tier.h"

#include <stdlib.h>
#include <string.h>

#include "../call/abi.h"
#include "../call/code.h"
#include "reference.h"
#include "throw.h"
#include "type.h"
#include "v8_script.h"
#include "v8_shape.h"

/* Whose machine code is kept for a while, see bf_v8_tier_end. */
enum { ENDED_ENVIRONMENTS = 16 };

static const uint8_t refuse_all = BF_GUARD_REFUSE;

/* --- making one ----------------------------------------------------------------------------------- */

/* Of where the plan's values travel: structs of one size may go by different ways. */
static uint64_t hash_passages(const bf_plan *plan)
{
	uint64_t h = 0xCBF29CE484222325;

	for (uint32_t i = 0; plan->abi && i <= plan->abi->nargs; i++) {
		const bf_passage *p = i < plan->abi->nargs ? &plan->abi->args[i] : &plan->abi->result;

		for (uint32_t k = 0; k < p->nmoves; k++) {
			const bf_move *m = &p->moves[k];
			const uint32_t parts[] = {m->frame, m->width, m->at, m->place, m->extend, m->address};

			for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
				h = (h ^ parts[n]) * 0x100000001B3;
		}
		h = (h ^ p->nmoves) * 0x100000001B3;
	}
	return h;
}

static void function_free(bf_v8_function *vf)
{
	bf_code_free(vf->adapter.code, vf->adapter.size);
	bf_code_free(vf->raw, vf->raw_size);
	free(vf->described);
	free(vf->quick);
	free(vf->arguments);
	free(vf);
}

static bf_v8_function *function_new(bf_v8_env *ve, bf_function *f)
{
	bf_v8_function *vf = calloc(1, sizeof *vf);

	if (!vf)
		return NULL;
	vf->ve = ve;
	vf->nargs = f->nargs;
	vf->target = f->target;
	vf->flags = f->flags;
	vf->result = f->result.conversion;
	vf->result_flags = f->result.flags;
	vf->result_size = f->result.size;
	vf->passages = hash_passages(f->plan);
	vf->quick = calloc(f->nargs + 1, sizeof *vf->quick);
	vf->arguments = calloc(f->nargs + 1, sizeof *vf->arguments);
	vf->raw = vf->quick && vf->arguments ? bf_emit_bind(bf_v8_slow_call, vf, &vf->raw_size) : NULL;
	if (!vf->raw) {
		function_free(vf);
		return NULL;
	}
	vf->all_quick = f->plan->frame_size <= BF_V8_SLOW_FRAME && f->plan->frame_align <= 16;
	for (uint32_t i = 0; i < f->nargs; i++) {
		vf->quick[i] = bf_v8_quick(&ve->layout, ve->env, &f->args[i], &vf->arguments[i]);
		vf->lends |= f->args[i].conversion == BF_CONV_CALLBACK;
		vf->all_quick &= vf->quick[i] != NULL || f->args[i].conversion == BF_CONV_CALLBACK;
	}
	vf->variadic = vf->all_quick && !vf->lends && f->flags & BF_FUNCTION_VARIADIC;
	vf->all_quick &= !(f->flags & BF_FUNCTION_VARIADIC);
	vf->lends &= vf->all_quick;
	vf->all_quick &= !vf->lends;
	return vf;
}

/* Whether C may leave addresses where JavaScript reads them after the call: its result, or memory it may write to. */
static bool leaves_addresses(const bf_function *f)
{
	const uint8_t result = f->result.conversion;

	if (result == BF_CONV_POINTER || result == BF_CONV_MEMORY)
		return true;
	for (uint32_t i = 0; i < f->nargs; i++) {
		const bf_converter *c = &f->args[i];

		if (c->conversion == BF_CONV_POINTER && !(c->flags & BF_CONV_CONST) && c->target->size != 0 &&
		    (c->target->kind >= BF_POINTER && c->target->kind <= BF_UNION))
			return true;
	}
	return false;
}

/*
 * The adapter of a function that a fast call carries. Where none could be made
 * the engine's function has only its slow side; the wrapper does the same.
 */
static void make_adapter(bf_v8_function *vf, bf_function *f)
{
	bf_v8_env *ve = vf->ve;
	bf_emit_in in[BF_V8_ARGUMENTS + 2] = {{.arg = BF_EMIT_UNUSED}};
	bf_v8_ctype types[BF_V8_ARGUMENTS + 2] = {BF_V8_VALUE};
	bf_emit_adapter how = {.in = in,
			       .guard = &ve->env->guard,
			       .refused = bf_v8_refused,
			       .refused_context = vf,
			       .errno_box = &ve->env->saved_errno,
			       .wide = ve->wide};
	const bool in_place = !leaves_addresses(f);
	bf_v8_shape shape;
	uint32_t n = 1;

	if (!bf_v8_shape_of(ve, f, &shape))
		return;
	for (uint32_t i = 0; i < vf->nargs; i++)
		vf->arguments[i].values = true;
	if (shape.raw)
		return;
	how.out = shape.out;
	if (f->flags & BF_FUNCTION_ERRNO) {
		how.careful = true;
		how.errno_copy = ve->number;
	}
	vf->stores = shape.codes[f->nargs] == 'm';
	if (vf->stores) {
		vf->store = (bf_v8_argument){.layout = &ve->layout};
		in[n] = (bf_emit_in){
		    .arg = BF_EMIT_UNUSED, .convert = bf_v8_fresh_in, .context = &vf->store, .result = true};
		types[n++] = BF_V8_VALUE;
	}
	for (uint32_t i = 0; i < vf->nargs; i++, n++) {
		in[n].arg = (int16_t)i;
		in[n].class = shape.classes[i];
		types[n] = shape.types[i];
		if (types[n] != BF_V8_VALUE)
			continue;
		vf->arguments[i].word = true;
		in[n].convert = vf->quick[i];
		in[n].context = &vf->arguments[i];
		if (vf->arguments[i].strings && in_place)
			in[n].convert = bf_v8_string_in_place;
		if (vf->arguments[i].strings || vf->arguments[i].element != BF_CONV_VOID)
			how.preserve = &ve->env->scratch.current; /* and `used` behind it: a bf_mark */
	}
	how.nin = n;
	if (!bf_emit_adapter_new(f->plan, &how, f->target, &vf->adapter))
		return;
	vf->described = bf_v8_describe(ve->v8, vf->adapter.code, shape.result, types, n);
	if (!vf->described) {
		bf_code_free(vf->adapter.code, vf->adapter.size);
		vf->adapter.code = NULL;
	}
}

_Static_assert(offsetof(bf_scratch, used) == offsetof(bf_scratch, current) + sizeof(void *),
	       "an adapter preserves both with one move");

static void library_closed(bf_function *f)
{
	bf_v8_function *vf = f->tier;

	if (vf->adapter.code)
		bf_emit_set_guard(&vf->adapter, &refuse_all);
}

/* The JavaScript function is gone. What optimised code may still hold stays, and refuses. */
static void released(bf_function *f)
{
	bf_v8_function *vf = f->tier;

	library_closed(f);
	vf->f = NULL;
	f->tier = NULL;
	vf->next_idle = vf->ve->idle;
	vf->ve->idle = vf;
}

/* A new function object of the engine, with the adapter as its fast call or without one. */
static napi_value engine_function(bf_v8_function *vf, const bf_v8_cfunction *fast)
{
	const bf_v8 *v8 = vf->ve->v8;
	void *isolate = v8->isolate_current(), *template;

	template = v8->template_new(isolate, vf->raw, NULL, NULL, (int)vf->nargs, 0, 0, fast, 0, 0, 0);
	return template ? v8->template_function(template, v8->isolate_context(isolate)) : NULL;
}

static int make_engine_function(bf_v8_function *vf)
{
	napi_value function = engine_function(vf, vf->described);

	return function && napi_create_reference(vf->ve->env->napi, function, 1, &vf->engine_function) == napi_ok ? 0
														  : -1;
}

static bool fits(const bf_v8_function *vf, const bf_function *f)
{
	if (vf->target != f->target || vf->nargs != f->nargs || vf->flags != f->flags ||
	    vf->result != f->result.conversion || vf->result_flags != f->result.flags ||
	    vf->result_size != f->result.size || vf->passages != hash_passages(f->plan))
		return false;
	for (uint32_t i = 0; i < f->nargs; i++) {
		bf_v8_argument a;
		const bf_v8_argument *b = &vf->arguments[i];

		if (bf_v8_quick(&vf->ve->layout, f->env, &f->args[i], &a) != vf->quick[i] || a.need != b->need ||
		    a.conversion != b->conversion || a.strings != b->strings || a.element != b->element)
			return false;
	}
	return true;
}

/* One that was released and can serve this function too. */
static bf_v8_function *take_idle(bf_v8_env *ve, const bf_function *f)
{
	for (bf_v8_function **link = &ve->idle; *link; link = &(*link)->next_idle) {
		bf_v8_function *vf = *link;

		if (!fits(vf, f) || (vf->adapter.code && bf_emit_set_guard(&vf->adapter, &ve->env->guard) != 0))
			continue;
		*link = vf->next_idle;
		return vf;
	}
	return NULL;
}

static bf_v8_function *make_function(bf_v8_env *ve, bf_function *f)
{
	bf_v8_function *vf = function_new(ve, f);

	if (!vf)
		return NULL;
	make_adapter(vf, f);
	if (make_engine_function(vf) != 0) {
		function_free(vf);
		return NULL;
	}
	vf->next = ve->functions;
	ve->functions = vf;
	return vf;
}

/*
 * What a function needs once it is called: until then it is a wrapper and a
 * record, since of a library's functions most programs call a few.
 */
static bf_v8_function *prepared(bf_function *f)
{
	bf_v8_env *ve = f->env->tier;
	bf_v8_function *vf = f->tier;

	if (vf || !ve)
		return vf;
	bf_plan_emit(f->plan);
	vf = take_idle(ve, f);
	if (!vf)
		vf = make_function(ve, f);
	if (!vf)
		return NULL;
	vf->f = f;
	f->tier = vf;
	f->tier_closed = library_closed;
	f->tier_release = released;
	if (f->library && !bf_library_handle_open(f->library))
		library_closed(f);
	return vf;
}

/* --- wrappers --------------------------------------------------------------------------------------- */

/* wrap(what makes the wrapper, name, External of the record), see lib/wrap.js */
static int v8_make(bf_function *f, napi_value record, napi_value *out)
{
	bf_v8_env *ve = f->env->tier;
	napi_env napi = f->env->napi;
	napi_value argv[3] = {bf_v8_wrap(f), NULL, record}, wrap, global, error;

	if (argv[0] && napi_create_string_utf8(napi, f->name, NAPI_AUTO_LENGTH, &argv[1]) == napi_ok &&
	    napi_get_reference_value(napi, ve->wrap, &wrap) == napi_ok && napi_get_global(napi, &global) == napi_ok &&
	    napi_call_function(napi, global, wrap, 3, argv, out) == napi_ok)
		return 0;
	napi_get_and_clear_last_exception(napi, &error);
	return -1;
}

const bf_tier bf_tier_v8 = {"v8", v8_make};

/* --- the environment ---------------------------------------------------------------------------------- */

static pthread_mutex_t ended_lock = PTHREAD_MUTEX_INITIALIZER;
static bf_v8_env *ended; /* the newest first, ENDED_ENVIRONMENTS of them */

/*
 * A compiler thread may still read the descriptions of a worker that has just
 * ended, so they are freed when as many later ones have ended as well.
 */
void bf_v8_tier_end(bf_env *env)
{
	bf_v8_env *ve = env->tier, **link = &ended;
	int n = 0;

	env->tier = NULL;
	if (!ve)
		return;
	napi_delete_reference(env->napi, ve->words);
	napi_delete_reference(env->napi, ve->wrap);
	napi_delete_reference(env->napi, ve->adapt);
	for (bf_v8_function *vf = ve->functions; vf; vf = vf->next) {
		napi_delete_reference(env->napi, vf->engine_function);
		if (vf->slow_function)
			napi_delete_reference(env->napi, vf->slow_function);
	}
	pthread_mutex_lock(&ended_lock);
	ve->next = ended;
	ended = ve;
	while (*link && n++ < ENDED_ENVIRONMENTS)
		link = &(*link)->next;
	ve = *link;
	*link = NULL;
	pthread_mutex_unlock(&ended_lock);
	while (ve) {
		bf_v8_env *next = ve->next;

		for (bf_v8_function *vf = ve->functions, *following; vf; vf = following) {
			following = vf->next;
			function_free(vf);
		}
		free(ve->scripts);
		free(ve);
		ve = next;
	}
}

static napi_status reference_element(napi_env napi, napi_value array, uint32_t i, napi_ref *out)
{
	napi_value value;
	napi_status status = napi_get_element(napi, array, i, &value);

	return status == napi_ok ? napi_create_reference(napi, value, 1, out) : status;
}

/*
 * setupTier([wrap, adapt], ArrayBuffer, samples, view): 64 bits of a result, errno, the byte that a
 * refused fast call sets, numbers for adapters; samples and view as bf_v8_layout_probe_values
 * wants them. False, and nothing kept, where the tier is closed.
 */
static napi_value setup_tier(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	const bf_v8 *v8 = bf_v8_get(napi);
	size_t argc = 4, size = 0;
	napi_value argv[4], samples[5], result;
	bf_v8_env *ve = NULL;
	void *data = NULL;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	if (v8->on && !env->tier && bf_code_how() != BF_CODE_DENIED && (ve = calloc(1, sizeof *ve)) != NULL) {
		ve->v8 = v8;
		ve->env = env;
		if (bf_v8_layout_probe(napi, &ve->layout) && ve->layout.number_map &&
		    napi_get_arraybuffer_info(napi, argv[1], &data, &size) == napi_ok &&
		    size >= 16 + BF_V8_ADAPTED * sizeof(double) &&
		    napi_create_reference(napi, argv[1], 1, &ve->words) == napi_ok &&
		    reference_element(napi, argv[0], 0, &ve->wrap) == napi_ok &&
		    reference_element(napi, argv[0], 1, &ve->adapt) == napi_ok) {
			ve->wide = data;
			ve->number = (int *)data + 2;
			ve->refusal = (uint8_t *)data + 12;
			ve->values = (double *)data + 2;
			env->tier = ve;
			if (napi_get_element(napi, argv[2], 0, &samples[0]) == napi_ok &&
			    napi_get_element(napi, argv[2], 1, &samples[1]) == napi_ok &&
			    napi_get_element(napi, argv[2], 2, &samples[2]) == napi_ok &&
			    napi_get_element(napi, argv[2], 3, &samples[3]) == napi_ok &&
			    napi_get_element(napi, argv[2], 4, &samples[4]) == napi_ok) {
				bf_v8_layout_probe_values(napi, &ve->layout, samples, argv[3]);
				bf_v8_layout_probe_functions(&ve->layout, samples[3], samples[4]);
			}
			bf_v8_gate_open(napi, v8, &ve->gate);
		} else {
			free(ve);
			ve = NULL;
		}
	}
	napi_get_boolean(napi, ve != NULL, &result);
	return result;
}

/* The record of an External that a wrapper passes. */
static bf_function *record_argument(napi_env napi, napi_value value)
{
	void *data = NULL;

	return napi_get_value_external(napi, value, &data) == napi_ok ? data : NULL;
}

/*
 * callGeneric(External of the record, ...arguments): the generic call, for what a wrapper does not pass on. Its
 * result is the value alone, errno beside it.
 */
static napi_value call_generic(napi_env napi, napi_callback_info info)
{
	size_t argc = BF_V8_ARGUMENTS + 1;
	napi_value few[BF_V8_ARGUMENTS + 1], *argv = few, result = NULL;
	bf_function *f;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	if (argc > BF_V8_ARGUMENTS + 1) {
		argv = malloc(argc * sizeof *argv);
		if (!argv)
			return bf_throw(napi, BF_ENOMEM, "out of memory");
		napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	}
	f = record_argument(napi, argv[0]);
	if (f)
		result = bf_v8_generic(f, argc - 1, argv + 1);
	if (argv != few)
		free(argv);
	return result;
}

/* typeOf(External of the record, index): the type object of an argument, -1 for the result. */
static napi_value type_of(napi_env napi, napi_callback_info info)
{
	size_t argc = 2;
	napi_value argv[2];
	int32_t index = -1;
	bf_function *f;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_get_value_int32(napi, argv[1], &index);
	f = record_argument(napi, argv[0]);
	if (!f)
		return NULL;

	bf_context cx = {.env = f->env, .types = f->types, .owner = f->name};

	return bf_converter_type(&cx, index < 0 ? &f->result : &f->args[index]);
}

/* takes(External of the record, index, type object): bf_reference_takes of an argument that is a pointer or in memory.
 */
static napi_value takes(napi_env napi, napi_callback_info info)
{
	size_t argc = 3;
	napi_value argv[3], result = NULL;
	const bf_type *from;
	uint32_t index = 0;
	bf_function *f;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_get_value_uint32(napi, argv[1], &index);
	f = record_argument(napi, argv[0]);
	from = f ? bf_type_of(f->env, argv[2]) : NULL;
	napi_get_boolean(napi, from != NULL && bf_reference_takes(&f->args[index], from), &result);
	return result;
}

/* prepare(External of the record): the engine's function; undefined: it can't be made. */
static napi_value prepare(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1], function = NULL;
	bf_function *f;
	bf_v8_function *vf;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	f = record_argument(napi, argv[0]);
	vf = f ? prepared(f) : NULL;
	if (vf)
		napi_get_reference_value(napi, vf->engine_function, &function);
	return function;
}

/* rawFunction(External of the record): the same function without its fast call; undefined: it can't be made. */
static napi_value raw_function(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1], function = NULL;
	bf_v8_function *vf;
	bf_function *f;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	f = record_argument(napi, argv[0]);
	vf = f ? prepared(f) : NULL;
	if (!vf)
		return NULL;
	/* Until V8 12.4 it is never collected: whoever takes this one over when it is idle has it too. */
	if (vf->slow_function) {
		napi_get_reference_value(napi, vf->slow_function, &function);
		return function;
	}
	function = engine_function(vf, NULL);
	if (function)
		napi_create_reference(napi, function, 1, &vf->slow_function);
	return function;
}

/* functionFast(function): does optimised code call it directly? */
static napi_value function_fast(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1], result;
	const bf_v8_function *vf = NULL;
	bf_function *f;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	f = bf_function_of(bf_env_get(napi), argv[0]);
	if (f && f->tier_name == bf_tier_v8.name)
		vf = prepared(f);
	napi_get_boolean(napi, vf && vf->described, &result);
	return result;
}

/* engine(): { v8, fast, why, code, codeUsed } for info() and tests. */
static napi_value engine(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	const bf_v8 *v8 = bf_v8_get(napi);
	bf_code_mode how = bf_code_how();
	const char *why = v8->why;
	napi_value object = NULL, value;
	size_t used = 0, mapped = 0;

	(void)info;
	if (v8->on && how == BF_CODE_DENIED)
		why = "this process may not have machine code of its own";
	else if (v8->on && !env->tier)
		why = "values are not laid out as expected";
	napi_create_object(napi, &object);
	napi_create_string_utf8(napi, v8->version, NAPI_AUTO_LENGTH, &value);
	napi_set_named_property(napi, object, "v8", value);
	napi_get_boolean(napi, env->tier != NULL, &value);
	napi_set_named_property(napi, object, "fast", value);
	napi_create_string_utf8(napi, why, NAPI_AUTO_LENGTH, &value);
	napi_set_named_property(napi, object, "why", value);
	napi_create_string_utf8(napi, bf_code_mode_name(how), NAPI_AUTO_LENGTH, &value);
	napi_set_named_property(napi, object, "code", value);
	bf_code_usage(&used, &mapped);
	napi_create_int64(napi, (int64_t)used, &value);
	napi_set_named_property(napi, object, "codeUsed", value);
	return object;
}

napi_status bf_v8_tier_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"setupTier", NULL, setup_tier, NULL, NULL, NULL, napi_default, NULL},
	    {"callGeneric", NULL, call_generic, NULL, NULL, NULL, napi_default, NULL},
	    {"typeOf", NULL, type_of, NULL, NULL, NULL, napi_default, NULL},
	    {"takes", NULL, takes, NULL, NULL, NULL, napi_default, NULL},
	    {"prepare", NULL, prepare, NULL, NULL, NULL, napi_default, NULL},
	    {"rawFunction", NULL, raw_function, NULL, NULL, NULL, napi_default, NULL},
	    {"functionFast", NULL, function_fast, NULL, NULL, NULL, napi_default, NULL},
	    {"engine", NULL, engine, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof list / sizeof *list, list);
}
