#include "scope.h"

void bf_scope_open(napi_env env, bf_scope *scope)
{
	napi_value name, resource;

	if (napi_open_handle_scope(env, &scope->handles) != napi_ok) {
		return;
	}
	scope->open = napi_create_object(env, &resource) == napi_ok &&
		      (scope->context || (napi_create_string_latin1(env, "biffi", NAPI_AUTO_LENGTH, &name) == napi_ok &&
					  napi_async_init(env, resource, name, &scope->context) == napi_ok)) &&
		      napi_open_callback_scope(env, resource, scope->context, &scope->callback) == napi_ok;
	if (!scope->open) {
		napi_close_handle_scope(env, scope->handles);
	}
}

void bf_scope_close(napi_env env, bf_scope *scope)
{
	scope->open = false; /* JavaScript runs in here */
	napi_close_callback_scope(env, scope->callback);
	napi_close_handle_scope(env, scope->handles);
}

void bf_scope_forget(napi_env env, bf_scope *scope)
{
	if (scope->context) {
		napi_async_destroy(env, scope->context);
		scope->context = NULL;
	}
}
