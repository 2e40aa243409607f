/*
 * A Node-API addon as one writes it by hand for one library: each function has its own callback that reads its
 * arguments, calls the library through a pointer and makes the result. Arguments are trusted, not checked.
 */
#include "../targets.h"

#include <dlfcn.h>
#include <errno.h>
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	void (*nop)(void);
	int (*add_i32)(int, int);
	double (*add_f64)(double, double);
	double (*mix6)(int, double, unsigned, float, short, double);
	int (*sum8)(int, int, int, int, int, int, int, int);
	int64_t (*add_i64)(int64_t, int64_t);
	size_t (*length)(const char *);
	const char *(*greet)(int);
	int (*fails)(int);
	int (*ends)(const uint8_t *, size_t);
	void (*fill)(struct point *, double, double);
	double (*norm1)(struct point);
	struct point (*mid)(struct point, struct point);
	counter *(*counter_open)(int);
	int (*counter_next)(counter *);
	double (*sum_f64)(const double *, size_t);
	int (*each)(int_callback, int);
	int (*sort)(int, compare_callback);
	int (*vsum)(int, ...);
} lib;

/* --- arguments and results --- */

#define ARGS(N)                                                                                                        \
	napi_value argv[N];                                                                                            \
	size_t argc = N;                                                                                               \
	napi_get_cb_info(env, info, &argc, argv, NULL, NULL)

static int to_int(napi_env env, napi_value v)
{
	int32_t i = 0;
	napi_get_value_int32(env, v, &i);
	return i;
}

static double to_double(napi_env env, napi_value v)
{
	double d = 0;
	napi_get_value_double(env, v, &d);
	return d;
}

static napi_value from_int(napi_env env, int i)
{
	napi_value v = NULL;
	napi_create_int32(env, i, &v);
	return v;
}

static napi_value from_double(napi_env env, double d)
{
	napi_value v = NULL;
	napi_create_double(env, d, &v);
	return v;
}

static struct point to_point(napi_env env, napi_value v)
{
	napi_value x, y;
	napi_get_named_property(env, v, "x", &x);
	napi_get_named_property(env, v, "y", &y);
	return (struct point){to_double(env, x), to_double(env, y)};
}

/* --- one callback a function --- */

static napi_value call_nop(napi_env env, napi_callback_info info)
{
	(void)env, (void)info;
	lib.nop();
	return NULL;
}

static napi_value call_add_i32(napi_env env, napi_callback_info info)
{
	ARGS(2);
	return from_int(env, lib.add_i32(to_int(env, argv[0]), to_int(env, argv[1])));
}

static napi_value call_add_f64(napi_env env, napi_callback_info info)
{
	ARGS(2);
	return from_double(env, lib.add_f64(to_double(env, argv[0]), to_double(env, argv[1])));
}

static napi_value call_mix6(napi_env env, napi_callback_info info)
{
	ARGS(6);
	uint32_t c = 0;
	napi_get_value_uint32(env, argv[2], &c);
	return from_double(env,
			   lib.mix6(to_int(env, argv[0]), to_double(env, argv[1]), c, (float)to_double(env, argv[3]),
				    (short)to_int(env, argv[4]), to_double(env, argv[5])));
}

static napi_value call_sum8(napi_env env, napi_callback_info info)
{
	ARGS(8);
	int a[8];
	for (int i = 0; i < 8; i++)
		a[i] = to_int(env, argv[i]);
	return from_int(env, lib.sum8(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]));
}

static napi_value call_add_i64n(napi_env env, napi_callback_info info)
{
	ARGS(2);
	int64_t a = 0, b = 0;
	napi_value result = NULL;
	napi_get_value_int64(env, argv[0], &a);
	napi_get_value_int64(env, argv[1], &b);
	napi_create_int64(env, lib.add_i64(a, b), &result);
	return result;
}

static napi_value call_add_i64b(napi_env env, napi_callback_info info)
{
	ARGS(2);
	int64_t a = 0, b = 0;
	bool lossless;
	napi_value result = NULL;
	napi_get_value_bigint_int64(env, argv[0], &a, &lossless);
	napi_get_value_bigint_int64(env, argv[1], &b, &lossless);
	napi_create_bigint_int64(env, lib.add_i64(a, b), &result);
	return result;
}

static napi_value call_length(napi_env env, napi_callback_info info)
{
	ARGS(1);
	char buffer[1024], *text = buffer;
	size_t size = 0;

	napi_get_value_string_utf8(env, argv[0], buffer, sizeof buffer, &size);
	if (size >= sizeof buffer - 4) { /* it may have been cut */
		napi_get_value_string_utf8(env, argv[0], NULL, 0, &size);
		text = malloc(size + 1);
		if (!text)
			return NULL;
		napi_get_value_string_utf8(env, argv[0], text, size + 1, &size);
	}
	napi_value result = from_double(env, (double)lib.length(text));
	if (text != buffer)
		free(text);
	return result;
}

static napi_value call_fails(napi_env env, napi_callback_info info)
{
	ARGS(1);
	napi_value object = NULL;
	int value = lib.fails(to_int(env, argv[0])), number = errno;

	napi_create_object(env, &object);
	napi_set_named_property(env, object, "value", from_int(env, value));
	napi_set_named_property(env, object, "errno", from_int(env, number));
	return object;
}

static napi_value call_greet(napi_env env, napi_callback_info info)
{
	ARGS(1);
	napi_value result = NULL;
	napi_create_string_utf8(env, lib.greet(to_int(env, argv[0])), NAPI_AUTO_LENGTH, &result);
	return result;
}

static napi_value call_ends(napi_env env, napi_callback_info info)
{
	ARGS(2);
	void *data = NULL;
	napi_get_buffer_info(env, argv[0], &data, NULL);
	return from_int(env, lib.ends(data, (size_t)to_int(env, argv[1])));
}

static void set_point(napi_env env, napi_value object, struct point p)
{
	napi_set_named_property(env, object, "x", from_double(env, p.x));
	napi_set_named_property(env, object, "y", from_double(env, p.y));
}

static napi_value make_point(napi_env env, struct point p)
{
	napi_value object = NULL;
	napi_create_object(env, &object);
	set_point(env, object, p);
	return object;
}

static napi_value call_fill(napi_env env, napi_callback_info info)
{
	ARGS(3);
	struct point p;
	lib.fill(&p, to_double(env, argv[1]), to_double(env, argv[2]));
	set_point(env, argv[0], p);
	return NULL;
}

static napi_value call_norm1(napi_env env, napi_callback_info info)
{
	ARGS(1);
	return from_double(env, lib.norm1(to_point(env, argv[0])));
}

static napi_value call_mid(napi_env env, napi_callback_info info)
{
	ARGS(2);
	return make_point(env, lib.mid(to_point(env, argv[0]), to_point(env, argv[1])));
}

static napi_value call_counter_open(napi_env env, napi_callback_info info)
{
	ARGS(1);
	napi_value result = NULL;
	napi_create_external(env, lib.counter_open(to_int(env, argv[0])), NULL, NULL, &result);
	return result;
}

static napi_value call_counter_next(napi_env env, napi_callback_info info)
{
	ARGS(1);
	void *c = NULL;
	napi_get_value_external(env, argv[0], &c);
	return from_int(env, lib.counter_next(c));
}

static napi_value call_sum_f64(napi_env env, napi_callback_info info)
{
	ARGS(2);
	double values[64];
	uint32_t n = (uint32_t)to_int(env, argv[1]);

	for (uint32_t i = 0; i < n && i < 64; i++) {
		napi_value element = NULL;
		napi_get_element(env, argv[0], i, &element);
		values[i] = to_double(env, element);
	}
	return from_double(env, lib.sum_f64(values, n));
}

static napi_value call_vsum(napi_env env, napi_callback_info info)
{
	ARGS(5);
	return from_int(env, lib.vsum(to_int(env, argv[0]), to_int(env, argv[1]), to_int(env, argv[2]),
				      to_int(env, argv[3]), to_int(env, argv[4])));
}

/* --- callbacks: valid while the call lasts, so a static says whom to call --- */

static struct {
	napi_env env;
	napi_value function, receiver;
} current;

static int enter(int argc, const int *ints)
{
	napi_handle_scope scope;
	napi_value argv[2], result;

	napi_open_handle_scope(current.env, &scope);
	for (int i = 0; i < argc; i++)
		argv[i] = from_int(current.env, ints[i]);
	int r = napi_call_function(current.env, current.receiver, current.function, (size_t)argc, argv, &result)
		    ? 0
		    : to_int(current.env, result);
	napi_close_handle_scope(current.env, scope);
	return r;
}

static int on_int(int v)
{
	return enter(1, &v);
}

static int on_compare(const int *a, const int *b)
{
	return enter(2, (int[]){*a, *b});
}

static void set_current(napi_env env, napi_value function)
{
	current.env = env;
	current.function = function;
	napi_get_undefined(env, &current.receiver);
}

static napi_value call_each(napi_env env, napi_callback_info info)
{
	ARGS(2);
	set_current(env, argv[0]);
	return from_int(env, lib.each(on_int, to_int(env, argv[1])));
}

static napi_value call_sort(napi_env env, napi_callback_info info)
{
	ARGS(2);
	set_current(env, argv[1]);
	return from_int(env, lib.sort(to_int(env, argv[0]), on_compare));
}

/* --- a call off the main thread --- */

struct work {
	napi_async_work work;
	napi_deferred deferred;
	int a, b, result;
};

static void work_execute(napi_env env, void *data)
{
	struct work *w = data;
	(void)env;
	w->result = lib.add_i32(w->a, w->b);
}

static void work_complete(napi_env env, napi_status status, void *data)
{
	struct work *w = data;
	(void)status;
	napi_resolve_deferred(env, w->deferred, from_int(env, w->result));
	napi_delete_async_work(env, w->work);
	free(w);
}

static napi_value call_add_async(napi_env env, napi_callback_info info)
{
	ARGS(2);
	struct work *w = calloc(1, sizeof *w);
	napi_value name, promise = NULL;

	if (!w)
		return NULL;
	w->a = to_int(env, argv[0]);
	w->b = to_int(env, argv[1]);
	napi_create_promise(env, &w->deferred, &promise);
	napi_create_string_utf8(env, "add", NAPI_AUTO_LENGTH, &name);
	napi_create_async_work(env, NULL, name, work_execute, work_complete, w, &w->work);
	napi_queue_async_work(env, w->work);
	return promise;
}

/* --- the eight of the polymorphic call site, and many functions at once --- */

static napi_value call_pointer(napi_env env, napi_callback_info info)
{
	napi_value argv[1];
	size_t argc = 1;
	void *fn = NULL;

	napi_get_cb_info(env, info, &argc, argv, NULL, &fn);
	return from_int(env, ((int (*)(int))fn)(to_int(env, argv[0])));
}

static napi_value call_load(napi_env env, napi_callback_info info)
{
	ARGS(2);
	char path[4096], name[32];
	napi_value list = NULL, fn;
	int n = to_int(env, argv[1]);

	napi_get_value_string_utf8(env, argv[0], path, sizeof path, NULL);
	void *handle = dlopen(path, RTLD_NOW);
	napi_create_array_with_length(env, (size_t)n, &list);
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "load_%d", i);
		void *symbol = handle ? dlsym(handle, name) : NULL;
		if (!symbol) {
			napi_throw_error(env, NULL, dlerror());
			return NULL;
		}
		/* a real addon has one callback a function; what creating it costs is the same */
		napi_create_function(env, name, NAPI_AUTO_LENGTH, call_pointer, symbol, &fn);
		napi_set_element(env, list, (uint32_t)i, fn);
	}
	return list;
}

static napi_value call_open(napi_env env, napi_callback_info info)
{
	static const struct {
		const char *symbol;
		void *slot;
	} symbols[] = {
	    {"nop", &lib.nop},
	    {"add_i32", &lib.add_i32},
	    {"add_f64", &lib.add_f64},
	    {"mix6", &lib.mix6},
	    {"sum8", &lib.sum8},
	    {"add_i64", &lib.add_i64},
	    {"length", &lib.length},
	    {"greet", &lib.greet},
	    {"ends", &lib.ends},
	    {"fill", &lib.fill},
	    {"norm1", &lib.norm1},
	    {"mid", &lib.mid},
	    {"counter_open", &lib.counter_open},
	    {"counter_next", &lib.counter_next},
	    {"sum_f64", &lib.sum_f64},
	    {"fails", &lib.fails},
	    {"each", &lib.each},
	    {"sort", &lib.sort},
	    {"vsum", &lib.vsum},
	};
	static const struct {
		const char *name;
		napi_callback callback;
	} functions[] = {
	    {"nop", call_nop},
	    {"add_i32", call_add_i32},
	    {"add_f64", call_add_f64},
	    {"mix6", call_mix6},
	    {"sum8", call_sum8},
	    {"add_i64n", call_add_i64n},
	    {"add_i64b", call_add_i64b},
	    {"length", call_length},
	    {"greet", call_greet},
	    {"ends", call_ends},
	    {"fill", call_fill},
	    {"norm1", call_norm1},
	    {"mid", call_mid},
	    {"each", call_each},
	    {"sort", call_sort},
	    {"fails", call_fails},
	    {"counter_open", call_counter_open},
	    {"counter_next", call_counter_next},
	    {"sum_f64", call_sum_f64},
	    {"vsum", call_vsum},
	    {"add_async", call_add_async},
	};
	ARGS(1);
	char path[4096];
	napi_value exports = NULL, fn;

	napi_get_value_string_utf8(env, argv[0], path, sizeof path, NULL);
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		napi_throw_error(env, NULL, dlerror());
		return NULL;
	}
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
		*(void **)symbols[i].slot = dlsym(handle, symbols[i].symbol);

	napi_create_object(env, &exports);
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].callback, NULL, &fn);
		napi_set_named_property(env, exports, functions[i].name, fn);
	}
	for (int i = 0; i < 8; i++) {
		char name[] = {'p', 'o', 'l', 'y', (char)('0' + i), 0};
		napi_create_function(env, name, NAPI_AUTO_LENGTH, call_pointer, dlsym(handle, name), &fn);
		napi_set_named_property(env, exports, name, fn);
	}
	return exports;
}

NAPI_MODULE_INIT()
{
	napi_value fn;
	napi_create_function(env, "open", NAPI_AUTO_LENGTH, call_open, NULL, &fn);
	napi_set_named_property(env, exports, "open", fn);
	napi_create_function(env, "load", NAPI_AUTO_LENGTH, call_load, NULL, &fn);
	napi_set_named_property(env, exports, "load", fn);
	return exports;
}
