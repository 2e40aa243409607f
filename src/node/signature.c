#include "signature.h"

#include <stdlib.h>

#include "callback.h"
#include "throw.h"
#include "v8_callback.h"

/* What is kept of signatures that nothing refers to, for C's late calls: the latest used of each, and of all. */
enum {
	RETIRED_SIGNATURES = 256,
	RETIRED_EACH = 256, /* entries that were lent, and as many that were held */
	RETIRED_ENTRIES = 4096,
};

static void entries_free(bf_js_callback *cb)
{
	while (cb != NULL) {
		bf_js_callback *next = cb->next;

		bf_callback_free(cb->entry);
		free(cb);
		cb = next;
	}
}

/* Frees the oldest entries of a list that are more than RETIRED_EACH; how many are left. */
static size_t entries_trim(bf_js_callback **list)
{
	size_t count = 0;
	bf_js_callback **last = list, *oldest = *list;

	for (const bf_js_callback *cb = *list; cb != NULL; cb = cb->next)
		if (++count > RETIRED_EACH)
			last = &(*last)->next;
	if (count <= RETIRED_EACH)
		return count;
	*list = *last;
	*last = NULL;
	entries_free(oldest);
	return RETIRED_EACH;
}

static void signature_free(bf_signature *s)
{
	entries_free(s->idle);
	entries_free(s->retired);
	bf_plan_free(s->plan);
	bf_types_unref(s->types);
	bf_env_unref(s->env);
	free(s->args);
	free(s);
}

/* Signatures out of use, oldest first. Their entries answer late calls. */
static pthread_mutex_t retired_lock = PTHREAD_MUTEX_INITIALIZER;
static bf_signature *retired, **retired_end = &retired;
static size_t nretired, nkept;

static void signature_retire(bf_signature *s)
{
	bf_signature *dropped = NULL;

	bf_v8_callback_drop(s->env, s->adapter);
	bf_converter_clear(&s->result, s->env);
	for (uint32_t i = 0; i < s->nargs; i++)
		bf_converter_clear(&s->args[i], s->env);
	s->kept = entries_trim(&s->idle) + entries_trim(&s->retired);
	if (s->kept == 0) {
		signature_free(s);
		return;
	}
	pthread_mutex_lock(&retired_lock);
	s->next = NULL;
	*retired_end = s;
	retired_end = &s->next;
	nretired++;
	nkept += s->kept;
	while (nretired > RETIRED_SIGNATURES || nkept > RETIRED_ENTRIES) {
		bf_signature *oldest = retired;

		retired = oldest->next;
		nretired--;
		nkept -= oldest->kept;
		oldest->next = dropped;
		dropped = oldest;
	}
	pthread_mutex_unlock(&retired_lock);
	while (dropped != NULL) {
		bf_signature *next = dropped->next;

		signature_free(dropped);
		dropped = next;
	}
}

void bf_signature_unref(bf_signature *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	for (bf_signature **link = &s->env->signatures; *link != NULL; link = &(*link)->next) {
		if (*link == s) {
			*link = s->next;
			break;
		}
	}
	signature_retire(s);
}

static bf_signature *signature_new(bf_context *cx, const bf_type *function)
{
	bf_env *env = cx->env;
	bf_signature *s = calloc(1, sizeof(*s));
	bf_error err = {0};

	if (s != NULL)
		s->args = calloc(function->nparams + 1, sizeof(*s->args));
	if (s == NULL || s->args == NULL) {
		free(s);
		bf_throw(env->napi, BF_ENOMEM, "out of memory");
		return NULL;
	}
	if (bf_plan_new(function, NULL, 0, &s->plan, &err) != 0) {
		free(s->args);
		free(s);
		bf_throw(env->napi, err.code, "callback: %s", err.message);
		return NULL;
	}
	s->env = bf_env_ref(env);
	s->refs = 1;
	s->types = cx->types != NULL ? bf_types_ref(cx->types) : NULL;
	s->type = function;
	s->nargs = s->plan->nargs;
	for (uint32_t i = 0; i < s->nargs; i++)
		bf_converter_init(&s->args[i], function->params[i].type, function->params[i].name,
				  s->plan->args[i].offset, 0);
	bf_converter_init(&s->result, function->base, NULL, 0, 0);
	s->idle_end = &s->idle;
	s->retired_end = &s->retired;
	s->next = env->signatures;
	env->signatures = s;
	return s;
}

bf_signature *bf_signature_get(bf_context *cx, const bf_type *function)
{
	function = bf_type_strip(function);
	for (bf_signature *s = cx->env->signatures; s != NULL; s = s->next) {
		if (s->type == function) {
			s->refs++;
			return s;
		}
	}
	return signature_new(cx, function);
}

void bf_signatures_end(bf_env *env)
{
	while (env->signatures != NULL) {
		bf_signature *s = env->signatures;

		env->signatures = s->next;
		/* Converters and callback objects that still count it are finalized later, or never. */
		s->next = NULL;
	}
}
