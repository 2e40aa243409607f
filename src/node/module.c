/* The addon's door: one environment record, and what each room exports to lib/. */
#include <node_api.h>

#include "async.h"
#include "callback.h"
#include "declarations.h"
#include "env.h"
#include "frames.h"
#include "function.h"
#include "library.h"
#include "memory.h"
#include "rawmem.h"
#include "throw.h"
#include "type.h"
#include "v8_callback.h"
#include "v8_tier.h"
#include "v8_window.h"

NAPI_MODULE_INIT()
{
	static napi_status (*const rooms[])(napi_env, napi_value) = {
	    bf_env_exports,         bf_async_exports,    bf_type_exports,     bf_declarations_exports,
	    bf_library_exports,     bf_function_exports, bf_callback_exports, bf_memory_exports,
	    bf_rawmem_init,         bf_frames_init,      bf_v8_tier_exports,  bf_v8_window_exports,
	    bf_v8_callback_exports,
	};
	bf_env *ours = bf_env_get(env);

	if (ours == NULL && bf_env_new(env, &ours) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
		if (rooms[i](env, exports) != napi_ok)
			return bf_throw(env, BF_ENOMEM, "out of memory");
	}
	return exports;
}
