#include "v8_window.h"

#include "tier.h"
#include "v8_function.h"

/* window(DataView, address, size): whether it shows what lies there from now on. Not where the V8 tier is closed. */
static napi_value window(napi_env napi, napi_callback_info info)
{
	const bf_v8_env *ve = bf_env_get(napi)->tier;
	size_t argc = 3;
	napi_value argv[3], result;
	double address = 0, size = 0;
	uint64_t word;
	bool done = false;

	napi_get_cb_info(napi, info, &argc, argv, NULL, NULL);
	word = *(const uint64_t *)argv[0];
	if (ve && ve->layout.data_view_type && !bf_v8_is_small(word) &&
	    bf_v8_instance_type(word) == ve->layout.data_view_type &&
	    napi_get_value_double(napi, argv[1], &address) == napi_ok &&
	    napi_get_value_double(napi, argv[2], &size) == napi_ok) {
		const bf_v8_layout *l = &ve->layout;
		uint64_t *view = (uint64_t *)(uintptr_t)bf_v8_object(word);
		const uint64_t *buffer = bf_v8_object(view[l->view_buffer]);

		/* The engine's machine code adds to the one, until V8 12 its builtins do to the buffer's and the other.
		 */
		view[l->data_view_data] = (uint64_t)address;
		view[l->view_offset] = (uint64_t)address - buffer[l->buffer_data];
		view[l->view_bytes] = (uint64_t)size;
		done = true;
	}
	napi_get_boolean(napi, done, &result);
	return result;
}

napi_status bf_v8_window_exports(napi_env napi, napi_value exports)
{
	const napi_property_descriptor list[] = {
	    {"window", NULL, window, NULL, NULL, NULL, napi_default, NULL},
	};

	return napi_define_properties(napi, exports, sizeof list / sizeof *list, list);
}
