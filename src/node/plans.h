/*
 * Plans that functions share: of one library's declarations, those that a call
 * can't tell apart (int (int) and int (int x); any pointer in the same place).
 *
 * An environment keeps the plans of the declarations that it met last.
 */
#ifndef BF_NODE_PLANS_H
#define BF_NODE_PLANS_H

#include "../call/call.h"
#include "env.h"

/*
 * As bf_plan_new, for a function type without variadic arguments that is owned by
 * `types` (NULL: nothing is shared). To be freed with bf_plan_free.
 */
int bf_plans_get(bf_env *env, bf_types *types, const bf_type *function, bf_plan **out, bf_error *err);

void bf_plans_free(bf_env *env);

#endif
