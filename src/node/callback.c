#include "callback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "function.h"
#include "reference.h"
#include "thread.h"
#include "throw.h"
#include "type.h"
#include "v8_callback.h"

enum { RETIRED_ENTRIES = 1024 /* released entries of a signature that wait before they are used again */ };

/* --- called by C ------------------------------------------------------------------ */

void bf_callback_title(const char *name, int argument, char *buf, size_t size)
{
	if (argument > 0)
		snprintf(buf, size, "%s() argument %d", name, argument);
	else
		snprintf(buf, size, "%s", name);
}

static void report(bf_js_callback *cb, const char *why)
{
	/* Once an entry and use: a thread may go on calling. */
	if (atomic_exchange(&cb->reported, true))
		return;

	char title[BF_CALLBACK_TITLE];

	bf_callback_title(cb->name, cb->argument, title, sizeof(title));
	fprintf(stderr, "biffi: callback '%s' was called by C %s; it did not run and returned zero\n", title, why);
}

void bf_callback_late(bf_js_callback *cb)
{
	/* At the end of the process, threads that still run are nothing unusual. */
	if (!atomic_load(&cb->signature->env->exiting))
		report(cb, "after its JavaScript environment ended");
}

void bf_callback_zero(const bf_js_callback *cb, void *frame)
{
	memset(frame, 0, cb->signature->plan->result.size);
}

/* With no biffi call on the stack, what was thrown has no caller: 'uncaughtException' gets it, with the callback's
 * name. */
static void report_uncaught(bf_js_callback *cb)
{
	napi_env napi = cb->signature->env->napi;
	napi_value error, name;
	napi_valuetype type = napi_undefined;
	bool pending = false;
	char title[BF_CALLBACK_TITLE];

	bf_callback_title(cb->name, cb->argument, title, sizeof(title));
	if (napi_is_exception_pending(napi, &pending) != napi_ok || !pending ||
	    napi_get_and_clear_last_exception(napi, &error) != napi_ok)
		return;
	if (napi_typeof(napi, error, &type) == napi_ok && type == napi_object &&
	    napi_create_string_utf8(napi, title, NAPI_AUTO_LENGTH, &name) == napi_ok)
		napi_set_named_property(napi, error, "callback", name);
	napi_fatal_exception(napi, error);
}

static int callback_arguments(bf_context *cx, bf_signature *s, char *frame, napi_value *argv)
{
	for (uint32_t i = 0; i < s->nargs; i++) {
		cx->index = (int)i + 1;
		argv[i] = bf_convert_out(cx, &s->args[i], frame + s->args[i].offset);
		if (argv[i] == NULL)
			return -1;
	}
	return 0;
}

/* NULL: something was thrown. */
static napi_value callback_call(bf_env *env, napi_value function, size_t argc, const napi_value *argv)
{
	napi_value self, result = NULL;
	napi_status status;

	if (env->depth > 0 || env->serving) {
		napi_get_undefined(env->napi, &self);
		status = napi_call_function(env->napi, self, function, argc, argv, &result);
	} else {
		/* The event loop called C: the callback is a turn of its own. */
		napi_get_global(env->napi, &self);
		status = napi_make_callback(env->napi, NULL, self, function, argc, argv, &result);
	}
	if (status == napi_ok)
		return result;

	/* Neither a result nor an exception: JavaScript can't run any more. */
	bool pending = true;

	napi_is_exception_pending(env->napi, &pending);
	if (!pending)
		env->ending = true;
	return NULL;
}

/* Node-API's way. */
static void run_generic(bf_js_callback *cb, void *frame)
{
	bf_signature *s = cb->signature;
	bf_env *env = s->env;
	bf_context cx = {
	    .env = env, .types = s->types, .owner = cb->name, .argument = cb->argument, .scratch = &env->scratch};
	napi_value argv[s->nargs + 1], function = cb->function, result = NULL;
	napi_handle_scope scope;
	_Alignas(16) char value[s->plan->result.size + 16];

	if (napi_open_handle_scope(env->napi, &scope) != napi_ok) {
		bf_callback_zero(cb, frame);
		return;
	}
	if (env->depth == 0 && env->callbacks == 0)
		bf_scratch_release(&env->scratch, (bf_mark){NULL, 0}); /* earlier results' strings */
	env->callbacks++;
	if (cb->state == BF_CALLBACK_HELD)
		napi_get_reference_value(env->napi, cb->held, &function);
	if (callback_arguments(&cx, s, frame, argv) == 0)
		result = callback_call(env, function, s->nargs, argv);
	cx.index = -1;
	memset(value, 0, sizeof(value));
	if (result != NULL && s->result.conversion != BF_CONV_VOID &&
	    bf_convert_in(&cx, &s->result, result, value) != 0) {
		memset(value, 0, sizeof(value));
		result = NULL;
	}
	memcpy(frame, value, s->plan->result.size);
	if (result == NULL && env->depth > 0)
		bf_env_catch(env);
	else if (result == NULL)
		report_uncaught(cb);
	env->callbacks--;
	napi_close_handle_scope(env->napi, scope);
}

void bf_callback_run(bf_js_callback *cb, void *frame)
{
	if (cb->signature->env->failed)
		bf_callback_zero(cb, frame);
	else if (!bf_v8_callback_run(cb, frame))
		run_generic(cb, frame);
}

void bf_callback_enter(bf_js_callback *cb, void *frame)
{
	if (cb->state != BF_CALLBACK_IDLE) {
		bf_callback_run(cb, frame);
		return;
	}
	report(cb, "after its release (a function passed as an argument is released when the call returns;"
		   " callback() makes one that lives longer)");
	bf_callback_zero(cb, frame);
}

/* What the machine code calls, on whatever thread C is on. */
static void callback_entered(void *data, void *frame)
{
	bf_js_callback *cb = data;
	bf_env *env = cb->signature->env;

	if (!pthread_equal(pthread_self(), env->thread)) {
		bf_threads_call(cb, frame);
	} else if (env->napi == NULL) {
		bf_callback_late(cb);
		bf_callback_zero(cb, frame);
	} else {
		bf_callback_enter(cb, frame);
	}
}

/* --- entries ---------------------------------------------------------------------------- */

static bf_js_callback *entry_take(bf_signature *s, const char *name, int index)
{
	bf_js_callback *cb = s->idle;
	bf_error err;
	size_t length;

	if (cb != NULL) {
		s->idle = cb->next;
		if (s->idle == NULL)
			s->idle_end = &s->idle;
	} else {
		cb = calloc(1, sizeof(*cb));
		if (cb == NULL) {
			bf_throw(s->env->napi, BF_ENOMEM, "out of memory");
			return NULL;
		}
		cb->signature = s;
		if (bf_threads_start(s->env) != 0) {
			free(cb);
			return NULL;
		}
		if (bf_callback_new(s->plan, callback_entered, cb, &cb->entry, &err) != 0) {
			free(cb);
			bf_throw_error(s->env->napi, &err);
			return NULL;
		}
	}
	s->refs++;
	bf_env_alive(s->env, 1);
	cb->next = NULL;
	cb->argument = index;
	length = strnlen(name, sizeof(cb->name) - 1);
	memcpy(cb->name, name, length);
	cb->name[length] = '\0';
	return cb;
}

/* After a call: the next call may have it. */
static void entry_idle(bf_js_callback *cb)
{
	bf_signature *s = cb->signature;

	cb->state = BF_CALLBACK_IDLE;
	bf_env_alive(s->env, -1);
	cb->next = NULL;
	*s->idle_end = cb;
	s->idle_end = &cb->next;
	bf_signature_unref(s);
}

/* After a release: C is more likely to have kept it, so it waits for longer. */
static void entry_retire(bf_js_callback *cb)
{
	bf_signature *s = cb->signature;

	cb->state = BF_CALLBACK_IDLE;
	bf_env_alive(s->env, -1);
	cb->next = NULL;
	*s->retired_end = cb;
	s->retired_end = &cb->next;
	if (++s->nretired > RETIRED_ENTRIES) {
		bf_js_callback *oldest = s->retired;

		s->retired = oldest->next;
		s->nretired--;
		oldest->next = NULL;
		*s->idle_end = oldest;
		s->idle_end = &oldest->next;
	}
	bf_signature_unref(s);
}

/* Of the function that it holds. */
static void let_go(bf_js_callback *cb)
{
	napi_delete_reference(cb->signature->env->napi, cb->held);
	bf_v8_callback_drop(cb->signature->env, cb->function);
	cb->held = NULL;
	cb->function = NULL;
}

void bf_lent_return(bf_lent *lent)
{
	while (lent->first != NULL) {
		bf_js_callback *cb = lent->first;

		lent->first = cb->next;
		if (cb->held != NULL)
			let_go(cb);
		entry_idle(cb);
	}
}

int bf_callback_lend(bf_context *cx, bf_converter *c, napi_value function, void *slot)
{
	bf_js_callback *cb;

	if (c->signature == NULL)
		c->signature = bf_signature_get(cx, c->target);
	cb = c->signature != NULL ? entry_take(c->signature, cx->owner, cx->index) : NULL;
	if (cb == NULL)
		return -1;
	if (cx->async) {
		/* The call outlives this handle. */
		cb->state = BF_CALLBACK_HELD;
		cb->function = bf_v8_callback_hold(cx->env, function);
		napi_create_reference(cx->env->napi, function, 1, &cb->held);
	} else {
		cb->state = BF_CALLBACK_LENT;
		cb->function = function;
	}
	cb->next = cx->lent->first;
	cx->lent->first = cb;
	*(void **)slot = bf_callback_code(cb->entry);
	return 0;
}

int bf_callback_in(bf_context *cx, bf_converter *c, napi_value value, void *slot)
{
	napi_valuetype type = napi_undefined;
	size_t size;
	bf_function *f;
	const bf_type *from;
	napi_value js_type;
	bool failed;

	napi_typeof(cx->env->napi, value, &type);
	switch (type) {
	case napi_null:
		*(void **)slot = NULL;
		return 0;
	case napi_function:
		f = bf_function_of(cx->env, value);
		if (f != NULL) {
			*(void **)slot = (void *)f->target;
			return 0;
		}
		if (napi_is_exception_pending(cx->env->napi, &failed) != napi_ok || failed)
			return -1;
		if (cx->lent == NULL)
			return bf_context_throw(cx, c, BF_ETYPE,
						"expected a callback that outlives the assignment (callback() makes "
						"it), got a function");
		return bf_callback_lend(cx, c, value, slot);
	case napi_object:
		js_type = bf_env_property(cx->env, value, BF_KEY_TYPE);
		from = js_type != NULL ? bf_type_of(cx->env, js_type) : NULL;
		if (from == NULL)
			break;
		from = bf_type_strip(from);
		if (from->kind != BF_VOID && !bf_type_same(from, c->target)) {
			char spelled[160];

			bf_type_spell(from, NULL, spelled, sizeof(spelled));
			return bf_context_throw(cx, c, BF_ETYPE, "expected a function, got a pointer to %s", spelled);
		}
		switch (bf_context_address(cx, c, value, slot, &size)) {
		case 1:
			return 0;
		case -1:
			return -1;
		default:
			break;
		}
		break;
	default:
		break;
	}
	return bf_context_expected(cx, c, BF_ETYPE, "a function, a callback or null", value);
}

/* --- for lib/ ------------------------------------------------------------------------------ */

static void held_release(bf_js_callback *cb)
{
	bf_env *env = cb->signature->env;

	if (cb->held == NULL)
		return;
	let_go(cb);
	if (cb->keeps) {
		cb->keeps = false;
		bf_threads_release(env);
	}
	entry_retire(cb);
}

/*
 * What lib/ holds of a callback. The entry itself may be used again after its
 * release, so it is not touched through here any more then.
 */
typedef struct held {
	bf_js_callback *callback; /* NULL: released */
	void *code;
} held;

static void held_finalize(napi_env napi, void *data, void *hint)
{
	held *h = data;

	(void)napi;
	(void)hint;
	if (h->callback != NULL)
		held_release(h->callback);
	free(h);
}

/* makeCallback(handle of the function type, function, name, detached): an External that holds it. */
static napi_value callback_make(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	size_t argc = 4;
	napi_value argv[4], value = NULL;
	char name[64] = "";
	bf_type_handle *t;
	bf_context cx = {.env = env};
	bf_signature *s;
	held *h;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	t = bf_type_handle_get(napi, argv[0]);
	if (t == NULL)
		return NULL;
	napi_get_value_string_utf8(napi, argv[2], name, sizeof(name), NULL);
	cx.types = t->types;
	s = bf_signature_get(&cx, t->type);
	if (s == NULL)
		return NULL;
	h = calloc(1, sizeof(*h));
	if (h != NULL)
		h->callback = entry_take(s, name, 0);
	bf_signature_unref(s);
	if (h == NULL || h->callback == NULL) {
		free(h);
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	}
	h->code = bf_callback_code(h->callback->entry);
	h->callback->state = BF_CALLBACK_HELD;
	h->callback->function = bf_v8_callback_hold(env, argv[1]);
	napi_get_value_bool(napi, argv[3], &h->callback->detached);
	if (napi_create_reference(napi, argv[1], 1, &h->callback->held) != napi_ok ||
	    napi_create_external(napi, h, held_finalize, NULL, &value) != napi_ok) {
		held_finalize(napi, h, NULL);
		return bf_throw(napi, BF_ENOMEM, "out of memory");
	}
	return value;
}

static held *held_argument(napi_env napi, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1];
	void *data = NULL;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	if (napi_get_value_external(napi, argv[0], &data) != napi_ok)
		bf_throw(napi, BF_ETYPE, "not a callback");
	return data;
}

/* callbackAddress(external) */
static napi_value callback_address(napi_env napi, napi_callback_info info)
{
	held *h = held_argument(napi, info);

	return h != NULL ? bf_value_from_address(napi, h->code) : NULL;
}

/* releaseCallback(external): C may not call it any more. Twice is once. */
static napi_value callback_release(napi_env napi, napi_callback_info info)
{
	held *h = held_argument(napi, info);

	if (h != NULL && h->callback != NULL) {
		held_release(h->callback);
		h->callback = NULL;
	}
	return NULL;
}

static void set_keeps(held *h, bool keeps)
{
	bf_js_callback *cb = h != NULL ? h->callback : NULL;

	if (cb == NULL || cb->keeps == keeps)
		return;
	cb->keeps = keeps;
	(keeps ? bf_threads_keep : bf_threads_release)(cb->signature->env);
}

/* refCallback(external): the event loop stays alive for it. */
static napi_value callback_keep(napi_env napi, napi_callback_info info)
{
	set_keeps(held_argument(napi, info), true);
	return NULL;
}

/* exiting(): the process ends, no callback of another thread runs any more. */
static napi_value callback_exiting(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);

	(void)info;
	atomic_store(&env->exiting, true);
	bf_threads_end(env);
	return NULL;
}

/* unrefCallback(external) */
static napi_value callback_unkeep(napi_env napi, napi_callback_info info)
{
	set_keeps(held_argument(napi, info), false);
	return NULL;
}

napi_status bf_callback_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"makeCallback", NULL, callback_make, NULL, NULL, NULL, napi_default, NULL},
	    {"callbackAddress", NULL, callback_address, NULL, NULL, NULL, napi_default, NULL},
	    {"releaseCallback", NULL, callback_release, NULL, NULL, NULL, napi_default, NULL},
	    {"refCallback", NULL, callback_keep, NULL, NULL, NULL, napi_default, NULL},
	    {"exiting", NULL, callback_exiting, NULL, NULL, NULL, napi_default, NULL},
	    {"unrefCallback", NULL, callback_unkeep, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof(list) / sizeof(*list), list);
}
