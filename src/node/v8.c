#define _GNU_SOURCE
#include "v8.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The versions that the tests ran with; the numbers of CTypeInfo::Type in each. */
static const struct version {
	int major, minor;
	bool old_types;      /* without kUint8 and kPointer */
	bool frame_callback; /* FunctionCallbackInfo is the callback's frame */
} VERSIONS[] = {
    {10, 2, true, false},  /* Node.js 18 */
    {11, 3, false, false}, /* 20 */
    {12, 4, false, false}, /* 22 */
    {12, 9, false, false}, /* 23 */
    {13, 6, false, false}, /* 24 */
    {14, 1, false, false}, /* 25 */
    {14, 6, false, true},  /* 26 */
};

static const uint8_t OLD_TYPES[BF_V8_NTYPES] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t NEW_TYPES[BF_V8_NTYPES] = {0, 1, 3, 4, 5, 6, 7, 8, 10};

/* v8::CFunctionInfo, 16 bytes in every version: the result's CTypeInfo first, then these. */
#define INFO_SIZE 16
#define INFO_COUNT_OFFSET 4
#define INFO_ARGS_OFFSET 8

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bf_v8 engine;
static const struct version *listed;

/* Names are looked up where Node-API itself comes from, which need not be visible to the whole process. */
void *bf_v8_symbol(const char *name)
{
	static void *home;
	void *found = dlsym(RTLD_DEFAULT, name);
	Dl_info info;

	if (found)
		return found;
	if (!home && dladdr((void *)(uintptr_t)napi_get_undefined, &info) && info.dli_fname)
		home = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	return home ? dlsym(home, name) : NULL;
}

static bool find_functions(void)
{
	const struct {
		void *at;
		const char *name;
	} wanted[] = {
	    {&engine.isolate_current, "_ZN2v87Isolate10GetCurrentEv"},
	    {&engine.isolate_context, "_ZN2v87Isolate17GetCurrentContextEv"},
	    {&engine.isolate_throw, "_ZN2v87Isolate14ThrowExceptionENS_5LocalINS_5ValueEEE"},
	    {&engine.template_new,
	     "_ZN2v816FunctionTemplate3NewEPNS_7IsolateEPFvRKNS_20FunctionCallbackInfoINS_5ValueEEEENS_5LocalIS4_"
	     "EENSA_INS_9SignatureEEEiNS_19ConstructorBehaviorENS_14SideEffectTypeEPKNS_9CFunctionEttt"},
	    {&engine.template_function, "_ZN2v816FunctionTemplate11GetFunctionENS_5LocalINS_7ContextEEE"},
	    {&engine.number_new, "_ZN2v86Number3NewEPNS_7IsolateEd"},
	    {&engine.script_compile,
	     "_ZN2v86Script7CompileENS_5LocalINS_7ContextEEENS1_INS_6StringEEEPNS_12ScriptOriginE"},
	    {&engine.script_unbound, "_ZN2v86Script16GetUnboundScriptEv"},
	    {&engine.script_bind, "_ZN2v813UnboundScript20BindToCurrentContextEv"},
	    {&engine.script_run, "_ZN2v86Script3RunENS_5LocalINS_7ContextEEE"},
	};
	size_t i;

	for (i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		void *found = bf_v8_symbol(wanted[i].name);

		if (!found) {
			snprintf(engine.why, sizeof engine.why, "the engine does not export %.80s", wanted[i].name);
			return false;
		}
		memcpy(wanted[i].at, &found, sizeof found);
	}
	return true;
}

/* What callbacks and strings use; without it they go through Node-API. */
static void find_others(void)
{
	*(void **)&engine.string_one_byte =
	    bf_v8_symbol("_ZN2v86String14NewFromOneByteEPNS_7IsolateEPKhNS_13NewStringTypeEi");
	*(void **)&engine.globalize_slot =
	    bf_v8_symbol("_ZN2v812api_internal18GlobalizeReferenceEPNS_8internal7IsolateEPm");
	*(void **)&engine.globalize_value =
	    bf_v8_symbol("_ZN2v812api_internal18GlobalizeReferenceEPNS_8internal7IsolateEm");
	*(void **)&engine.global_dispose = bf_v8_symbol("_ZN2v812api_internal13DisposeGlobalEPm");
}

/*
 * V8's own ArgumentInfo(n) returns an address that depends on the size of
 * CTypeInfo alone: 3 bytes (type, sequence, flags) or 2 (type, flags). Its
 * constructor of CFunctionInfo, where it takes an Int64Representation, shows
 * where that is stored.
 */
static bool find_layout(void)
{
	const void *(*argument_info)(const void *, unsigned) = NULL;
	void (*construct)(void *, const void *, unsigned, const void *, uint8_t) = NULL;
	uint64_t info[4] = {0, 0x1000, 0, 0};
	uint8_t built[INFO_SIZE * 2], result[4] = {0x11, 0x12, 0x13, 0x14};
	uint32_t count = 0;
	uint64_t args = 0;
	int i;

	*(void **)&argument_info = bf_v8_symbol("_ZNK2v813CFunctionInfo12ArgumentInfoEj");
	if (!argument_info) {
		snprintf(engine.why, sizeof engine.why, "the engine does not export CFunctionInfo::ArgumentInfo");
		return false;
	}
	engine.type_stride = (int)((uintptr_t)argument_info(info, 1) - 0x1000);
	engine.representation_offset = -1;
	*(void **)&construct = bf_v8_symbol("_ZN2v813CFunctionInfoC1ERKNS_9CTypeInfoEjPS2_NS0_19Int64RepresentationE");
	if (construct) {
		memset(built, 0xEE, sizeof built);
		construct(built, result, 0x77665544, (void *)0x1234, 0x5A);
		for (i = 0; i < INFO_SIZE; i++)
			if (built[i] == 0x5A)
				engine.representation_offset = i;
		memcpy(&count, built + INFO_COUNT_OFFSET, sizeof count);
		memcpy(&args, built + INFO_ARGS_OFFSET, sizeof args);
		if (count != 0x77665544 || args != 0x1234 || built[0] != 0x11 || built[INFO_SIZE] != 0xEE ||
		    engine.representation_offset != engine.type_stride) {
			snprintf(engine.why, sizeof engine.why, "CFunctionInfo is not laid out as expected");
			return false;
		}
	}
	if (engine.type_stride != 2 && engine.type_stride != 3) {
		snprintf(engine.why, sizeof engine.why, "CTypeInfo takes %d bytes", engine.type_stride);
		return false;
	}
	return true;
}

static void look_over(void)
{
	const char *(*get_version)(void) = NULL;
	size_t i;

	engine.version = "";
#if !defined(__x86_64__) && !defined(__aarch64__)
	snprintf(engine.why, sizeof engine.why, "no machine code for this architecture");
	return;
#endif
	*(void **)&get_version = bf_v8_symbol("_ZN2v82V810GetVersionEv");
	if (!get_version) {
		snprintf(engine.why, sizeof engine.why, "not the V8 engine");
		return;
	}
	engine.version = get_version();
	if (sscanf(engine.version, "%d.%d", &engine.major, &engine.minor) != 2)
		engine.major = 0;
	for (i = 0; i < sizeof VERSIONS / sizeof *VERSIONS; i++)
		if (VERSIONS[i].major == engine.major && VERSIONS[i].minor == engine.minor)
			listed = &VERSIONS[i];
	if (!listed) {
		snprintf(engine.why, sizeof engine.why, "V8 %d.%d is not one that was tested", engine.major,
			 engine.minor);
		return;
	}
	if (!find_functions() || !find_layout())
		return;
	find_others();
	engine.frame_callback = listed->frame_callback;
	engine.on = true;
	snprintf(engine.why, sizeof engine.why, "V8 %d.%d was tested, and its names and layouts are as expected",
		 engine.major, engine.minor);
}

static bool has(napi_env env, napi_value object, const char *name)
{
	bool yes = false;

	return napi_has_named_property(env, object, name, &yes) == napi_ok && yes;
}

/* Runtimes that bear V8's names or Node-API's without being Node.js. */
static const char *other_runtime(napi_env env)
{
	static const char *const names[] = {"bun", "deno", "electron"};
	napi_value global, process, versions;
	size_t i;

	if (napi_get_global(env, &global) != napi_ok || !has(env, global, "process") ||
	    napi_get_named_property(env, global, "process", &process) != napi_ok || !has(env, process, "versions") ||
	    napi_get_named_property(env, process, "versions", &versions) != napi_ok)
		return "not Node.js";
	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (has(env, versions, names[i]))
			return names[i];
	return NULL;
}

const bf_v8 *bf_v8_get(napi_env env)
{
	const char *other;

	pthread_once(&once, look_over);
	other = engine.on ? other_runtime(env) : NULL;
	if (other) {
		engine.on = false;
		snprintf(engine.why, sizeof engine.why, "the runtime is %s", other);
	}
	return &engine;
}

bf_v8_cfunction *bf_v8_describe(const bf_v8 *v8, const void *address, bf_v8_ctype result, const bf_v8_ctype *args,
				uint32_t nargs)
{
	const uint8_t *numbers = listed->old_types ? OLD_TYPES : NEW_TYPES;
	size_t stride = (size_t)v8->type_stride;
	uint8_t *info, *types;
	bf_v8_cfunction *f;
	uint32_t i;

	/* One block: the CFunction, the CFunctionInfo, the types. */
	f = calloc(1, sizeof *f + INFO_SIZE + stride * (nargs + 1));
	if (!f)
		return NULL;
	info = (uint8_t *)(f + 1);
	types = info + INFO_SIZE;
	info[0] = numbers[result];
	for (i = 0; i < nargs; i++)
		types[i * stride] = numbers[args[i]];
	memcpy(info + INFO_COUNT_OFFSET, &nargs, sizeof nargs);
	memcpy(info + INFO_ARGS_OFFSET, &types, sizeof types);
	f->address = address;
	f->info = info;
	return f;
}
