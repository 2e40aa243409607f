#include "env.h"

#include <errno.h>
#include <stdlib.h>

#include "../call/emit.h"
#include "async.h"
#include "plans.h"
#include "signature.h"
#include "thread.h"
#include "throw.h"
#include "v8_tier.h"

enum { CHUNK = 64 * 1024 };

bf_env *bf_env_get(napi_env napi)
{
	void *env = NULL;

	napi_get_instance_data(napi, &env);
	return env;
}

bf_env *bf_env_ref(bf_env *env)
{
	atomic_fetch_add_explicit(&env->refs, 1, memory_order_relaxed);
	return env;
}

void bf_env_unref(bf_env *env)
{
	if (env != NULL && atomic_fetch_sub_explicit(&env->refs, 1, memory_order_acq_rel) == 1) {
		bf_threads_free(env->threads);
		free(env);
	}
}

static void delete_references(napi_env napi, napi_ref *refs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (refs[i] != NULL)
			napi_delete_reference(napi, refs[i]);
}

/* The environment ends: callbacks that C still holds find no JavaScript any more. */
static void env_end(napi_env napi, void *data, void *hint)
{
	bf_env *env = data;

	(void)hint;
	bf_async_end(env);
	bf_signatures_end(env);
	bf_v8_tier_end(env);
	bf_scratch_free(&env->scratch);
	bf_plans_free(env);
	bf_types_unref(env->common);
	/* Node.js itself frees none that are left. */
	delete_references(napi, env->keys, BF_KEYS);
	delete_references(napi, env->hooks, BF_HOOKS);
	env->napi = NULL;
	bf_env_unref(env);
}

int bf_env_new(napi_env napi, bf_env **out)
{
	bf_env *env = calloc(1, sizeof(*env));

	if (env == NULL || napi_set_instance_data(napi, env, env_end, NULL) != napi_ok) {
		free(env);
		bf_throw(napi, BF_ENOMEM, "out of memory");
		return -1;
	}
	env->napi = napi;
	env->thread = pthread_self();
	atomic_init(&env->refs, 1);
	*out = env;
	return 0;
}

void bf_env_alive(bf_env *env, int change)
{
	env->alive += (unsigned)change;
	env->guard = (env->alive != 0 ? BF_GUARD_REFUSE : 0) | (env->errno_used ? BF_GUARD_CAREFUL : 0);
}

napi_value bf_env_key(bf_env *env, bf_key key)
{
	napi_value value = NULL;

	napi_get_reference_value(env->napi, env->keys[key], &value);
	return value;
}

napi_value bf_env_call(bf_env *env, bf_hook hook, size_t argc, const napi_value *argv)
{
	napi_value function = NULL, self = NULL, result = NULL;

	if (napi_get_reference_value(env->napi, env->hooks[hook], &function) != napi_ok || function == NULL)
		return bf_throw(env->napi, BF_ETYPE, "biffi's JavaScript side is not set up");
	napi_get_undefined(env->napi, &self);
	if (napi_call_function(env->napi, self, function, argc, argv, &result) != napi_ok) {
		bool pending = false;

		/* A terminating worker leaves nothing pending and no result. */
		if (napi_is_exception_pending(env->napi, &pending) == napi_ok && !pending)
			return bf_throw(env->napi, BF_ECLOSED, "JavaScript can't run: its environment is ending");
		return NULL;
	}
	return result;
}

napi_value bf_env_property(bf_env *env, napi_value object, bf_key key)
{
	napi_value name = bf_env_key(env, key), value = NULL;
	napi_valuetype type = napi_undefined;

	if (name == NULL)
		return NULL;
	if (napi_get_property(env->napi, object, name, &value) != napi_ok) {
		napi_value ignored;

		napi_get_and_clear_last_exception(env->napi, &ignored); /* a Proxy's trap threw */
		return NULL;
	}
	if (napi_typeof(env->napi, value, &type) != napi_ok || type == napi_undefined)
		return NULL;
	return value;
}

/* --- scratch ---------------------------------------------------------------- */

static size_t align16(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

bf_mark bf_scratch_mark(const bf_scratch *s)
{
	return (bf_mark){s->current, s->used};
}

static bf_chunk *chunk_new(size_t size)
{
	bf_chunk *c = malloc(sizeof(*c) + size);

	if (c != NULL) {
		c->next = NULL;
		c->size = size;
	}
	return c;
}

/* Moves on to a chunk that has `size` bytes free from its start. */
static bf_chunk *chunk_advance(bf_scratch *s, size_t size)
{
	bf_chunk **link = s->current != NULL ? &s->current->next : &s->first;
	size_t unit = s->unit != 0 ? s->unit : CHUNK;

	if (*link != NULL && (*link)->size < size) {
		/* Later chunks are empty; one that is too small is replaced. */
		bf_chunk *small = *link;

		*link = small->next;
		free(small);
		return chunk_advance(s, size);
	}
	if (*link == NULL)
		*link = chunk_new(size > unit ? size : unit);
	if (*link == NULL)
		return NULL;
	s->current = *link;
	s->used = 0;
	return s->current;
}

void *bf_scratch_alloc(bf_scratch *s, size_t size)
{
	void *p;

	size = align16(size);
	if (s->current == NULL || s->current->size - s->used < size) {
		if (chunk_advance(s, size) == NULL)
			return NULL;
	}
	p = s->current->bytes + s->used;
	s->used += size;
	return p;
}

void *bf_scratch_room(bf_scratch *s, size_t *size)
{
	if (s->current == NULL && chunk_advance(s, 1) == NULL) {
		*size = 0;
		return NULL;
	}
	*size = (s->current->size - s->used) & ~(size_t)15;
	return s->current->bytes + s->used;
}

void bf_scratch_release(bf_scratch *s, bf_mark mark)
{
	s->current = mark.chunk;
	s->used = mark.used;
}

void bf_scratch_free(bf_scratch *s)
{
	bf_chunk *c = s->first;

	while (c != NULL) {
		bf_chunk *next = c->next;

		free(c);
		c = next;
	}
	*s = (bf_scratch){0};
}

/* --- what callbacks throw ---------------------------------------------------- */

void bf_env_keep(bf_env *env, napi_value error)
{
	napi_value box = NULL;

	if (env->failed || napi_create_array_with_length(env->napi, 1, &box) != napi_ok ||
	    napi_set_element(env->napi, box, 0, error) != napi_ok)
		return;
	if (napi_create_reference(env->napi, box, 1, &env->error) == napi_ok)
		env->failed = true;
}

void bf_env_catch(bf_env *env)
{
	napi_value error = NULL;

	if (napi_get_and_clear_last_exception(env->napi, &error) == napi_ok)
		bf_env_keep(env, error);
}

bool bf_env_rethrow(bf_env *env)
{
	napi_value box = NULL, error = NULL;

	if (!env->failed)
		return false;
	env->failed = false;
	if (env->error == NULL)
		return true;
	napi_get_reference_value(env->napi, env->error, &box);
	napi_delete_reference(env->napi, env->error);
	env->error = NULL;
	napi_get_element(env->napi, box, 0, &error);
	napi_throw(env->napi, error);
	return true;
}

/* --- for lib/ ----------------------------------------------------------------- */

static int take_references(napi_env napi, napi_value array, napi_ref *refs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		napi_value value;

		if (napi_get_element(napi, array, i, &value) != napi_ok ||
		    napi_create_reference(napi, value, 1, &refs[i]) != napi_ok)
			return -1;
	}
	return 0;
}

/* setup(keys, hooks): lib/ hands over its symbols and functions, in the order of the enums. */
static napi_value env_setup(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	size_t argc = 2;
	napi_value argv[2];

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	if (take_references(napi, argv[0], env->keys, BF_KEYS) != 0 ||
	    take_references(napi, argv[1], env->hooks, BF_HOOKS) != 0)
		return bf_throw(napi, BF_ETYPE, "setup takes an array of symbols and one of functions");
	return NULL;
}

void bf_env_track_errno(bf_env *env)
{
	if (env->errno_used)
		return;
	/* Until now the fastest calls did not save it: it stands where C left it. */
	env->saved_errno = errno;
	env->errno_used = true;
	bf_env_alive(env, 0);
}

/* errno(value?): what the last call left in errno; a number sets what the next one finds there. */
static napi_value env_errno(napi_env napi, napi_callback_info info)
{
	bf_env *env = bf_env_get(napi);
	size_t argc = 1;
	napi_value argv[1], result = NULL;
	int32_t set;

	bf_env_track_errno(env);
	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	napi_create_int32(napi, env->saved_errno, &result);
	if (argc > 0 && napi_get_value_int32(napi, argv[0], &set) == napi_ok)
		env->saved_errno = set;
	return result;
}

napi_status bf_env_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"setup", NULL, env_setup, NULL, NULL, NULL, napi_default, NULL},
	    {"errno", NULL, env_errno, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof(list) / sizeof(*list), list);
}
