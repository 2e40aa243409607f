#include "plans.h"

#include <stdlib.h>

enum { PLANS = 64 };

struct bf_plans {
	bf_types *types; /* counted: the plans borrow from it */
	uint32_t n;
	bf_plan *plans[PLANS];
};

/* Do calls pass both the same way? What is not known to be alike counts as different. */
static bool same_passage(const bf_type *a, const bf_type *b)
{
	a = bf_type_strip(a);
	b = bf_type_strip(b);
	if (a == b)
		return true;
	return a->kind == b->kind && a->size == b->size && a->align == b->align &&
	       (a->kind == BF_POINTER || a->kind == BF_VOID || a->kind == BF_FLOAT || a->kind == BF_DOUBLE ||
		(bf_type_is_integer(a) && a->kind != BF_ENUM));
}

static bool same_call(const bf_type *a, const bf_type *b)
{
	if (a->nparams != b->nparams || a->flags != b->flags || !same_passage(a->base, b->base))
		return false;
	for (uint32_t i = 0; i < a->nparams; i++)
		if (!same_passage(a->params[i].type, b->params[i].type))
			return false;
	return true;
}

static void forget(struct bf_plans *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		bf_plan_free(p->plans[i]);
	p->n = 0;
	if (p->types != NULL)
		bf_types_unref(p->types);
	p->types = NULL;
}

void bf_plans_free(bf_env *env)
{
	if (env->plans == NULL)
		return;
	forget(env->plans);
	free(env->plans);
	env->plans = NULL;
}

int bf_plans_get(bf_env *env, bf_types *types, const bf_type *function, bf_plan **out, bf_error *err)
{
	struct bf_plans *p = env->plans;
	int rc;

	if (types == NULL)
		return bf_plan_new(function, NULL, 0, out, err);
	if (p == NULL)
		p = env->plans = calloc(1, sizeof(*p));
	if (p != NULL && p->types != types) {
		forget(p);
		p->types = bf_types_ref(types);
	}
	for (uint32_t i = 0; p != NULL && i < p->n; i++) {
		if (same_call(p->plans[i]->function, function)) {
			*out = bf_plan_ref(p->plans[i]);
			return 0;
		}
	}
	rc = bf_plan_new(function, NULL, 0, out, err);
	if (rc == 0 && p != NULL && p->n < PLANS)
		p->plans[p->n++] = bf_plan_ref(*out);
	return rc;
}
