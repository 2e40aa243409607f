/*
 * The gate of the V8 tier: what biffi uses of the engine beyond Node-API.
 *
 * The engine's functions are found by their mangled names, which have been the
 * same from Node.js 18 to 26; a Local<T> is one pointer, passed and returned in
 * a register, and a napi_value is that same pointer. The tier is open when the
 * V8 version is one it was tested with, every name was found and the engine's
 * own code lays its call descriptions out as expected. Otherwise it stays
 * closed without a word, `why` says so, and functions use the next tier.
 *
 * Threads: filled in once, read by all.
 */
#ifndef BF_NODE_V8_H
#define BF_NODE_V8_H

#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>

/* Types of a fast function's arguments and result: v8::CTypeInfo::Type, whose numbers differ between versions. */
typedef enum bf_v8_ctype {
	BF_V8_VOID,
	BF_V8_BOOL,
	BF_V8_INT32,
	BF_V8_UINT32,
	BF_V8_INT64,
	BF_V8_UINT64,
	BF_V8_FLOAT32,
	BF_V8_FLOAT64,
	BF_V8_VALUE,
	BF_V8_NTYPES,
} bf_v8_ctype;

/* Has machine code's address and the description of its arguments: v8::CFunction. */
typedef struct bf_v8_cfunction {
	const void *address;
	const void *info;
} bf_v8_cfunction;

/* A v8::FunctionCallbackInfo, read. */
typedef struct bf_v8_call {
	uint64_t *args; /* tagged values; the address of one is a napi_value */
	uint64_t *result;
	void *isolate;
	uint32_t nargs;
} bf_v8_call;

typedef struct bf_v8 {
	bool on;
	const char *version; /* "12.4.254.21-node.33", or "" */
	char why[160];       /* why it is on or off, in words */
	int major, minor;

	void *(*isolate_current)(void);
	void *(*isolate_context)(void *isolate);
	void *(*isolate_throw)(void *isolate, void *error);
	void *(*template_new)(void *isolate, const void *callback, const void *data, const void *signature, int length,
			      int constructor_behavior, int side_effects, const bf_v8_cfunction *fast, uint16_t,
			      uint16_t, uint16_t);
	void *(*template_function)(void *template, void *context);
	void *(*number_new)(void *isolate, double value);
	void *(*script_compile)(void *context, void *source, void *origin);
	void *(*script_unbound)(void *script);
	void *(*script_bind)(void *unbound);
	void *(*script_run)(void *script, void *context);

	void *(*string_one_byte)(void *isolate, const void *bytes, int type, int length); /* NULL: not exported */

	/* v8::Global: a handle that stays until it is disposed of; made by one of the two, see bf_v8_globalize */
	void *(*globalize_slot)(void *isolate, const void *slot);
	void *(*globalize_value)(void *isolate, uint64_t value);
	void (*global_dispose)(void *global);

	/* private: how FunctionCallbackInfo, CTypeInfo and CFunctionInfo are laid out */
	bool frame_callback;
	int type_stride, representation_offset;
} bf_v8;

/* Looks the engine over the first time, and always returns the same record. */
const bf_v8 *bf_v8_get(napi_env env);

/* A function of the engine by its mangled name; NULL: not exported. */
void *bf_v8_symbol(const char *name);

/*
 * Describes a fast function of `nargs` types (the receiver's first) to V8. Never freed: optimised code may hold it.
 * NULL: a type that this version lacks, or no memory.
 */
bf_v8_cfunction *bf_v8_describe(const bf_v8 *v8, const void *address, bf_v8_ctype result, const bf_v8_ctype *args,
				uint32_t nargs);

/* A handle to the value of another one, until bf_v8_global_free. NULL: this version's are not understood. */
static inline napi_value bf_v8_globalize(const bf_v8 *v8, napi_value handle)
{
	void *isolate = v8->isolate_current();

	if (v8->global_dispose == NULL)
		return NULL;
	return v8->globalize_value != NULL  ? v8->globalize_value(isolate, *(const uint64_t *)handle)
	       : v8->globalize_slot != NULL ? v8->globalize_slot(isolate, handle)
					    : NULL;
}

static inline void bf_v8_global_free(const bf_v8 *v8, napi_value global)
{
	if (global != NULL)
		v8->global_dispose(global);
}

/* Reads what a raw V8 callback was called with. */
static inline bf_v8_call bf_v8_read_call(const bf_v8 *v8, const void *info)
{
	/* Frozen per Node.js version: every C++ addon has the same offsets compiled in (v8-function-callback.h). */
	uint64_t *w = (uint64_t *)info;

	if (v8->frame_callback) /* the callback's frame itself */
		return (bf_v8_call){w + 10, w + 6, (void *)w[5], (uint32_t)w[0]};
	return (bf_v8_call){(uint64_t *)w[1], (uint64_t *)w[0] + 3, (void *)((uint64_t *)w[0])[1], (uint32_t)w[2]};
}

#endif
