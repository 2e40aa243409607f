#include "frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dlfcn_raw.h"
#include "framecb.h"
#include "libffi_raw.h"
#include "rawmem.h"

#define DEPTH_MAX 64
/* plan, target, offset, then pointers, then whatever the caller wants to keep alive */
#define CALL_FIXED 3
#define CALL_MAX (CALL_FIXED + BF_MAX_ARGUMENTS)

napi_value bf_frames_throw(napi_env env, const bf_error *err)
{
	const char *code = bf_error_name(err->code);
	if (err->code == BF_ERANGE)
		napi_throw_range_error(env, code, err->message);
	else if (err->code == BF_ETYPE || err->code == BF_EARGUMENTS || err->code == BF_EUNSUPPORTED)
		napi_throw_type_error(env, code, err->message);
	else
		napi_throw_error(env, code, err->message);
	return NULL;
}

/* --- types ---------------------------------------------------------------------- */

/*
 * A type as JavaScript describes it: a bf_kind as a Number, or an Array that
 * starts with "struct", "packed", "union" (then the members' types) or "array"
 * (then the element's type and the count).
 */
static int read_type(napi_env env, bf_types *ts, napi_value spec, unsigned depth, const bf_type **out, bf_error *err);

static int read_aggregate(napi_env env, bf_types *ts, napi_value spec, const char *tag, unsigned depth,
			  const bf_type **out, bf_error *err)
{
	uint32_t length;
	napi_get_array_length(env, spec, &length);
	uint32_t n = length - 1;

	bf_member_spec *members = calloc(n ? n : 1, sizeof *members);
	if (members == NULL)
		return bf_error_set(err, BF_ENOMEM, "out of memory");
	int rc = 0;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		napi_value member;
		napi_get_element(env, spec, i + 1, &member);
		members[i].bit_width = -1;
		/* Nameless members would be taken for anonymous structs: any name will do. */
		char name[16];
		snprintf(name, sizeof name, "m%u", i);
		members[i].name = bf_types_strdup(ts, name, strlen(name));
		rc = read_type(env, ts, member, depth + 1, &members[i].type, err);
	}

	bf_type *type;
	bf_layout_options options = {.packed = strcmp(tag, "packed") == 0};
	if (rc == 0)
		rc = bf_type_tagged(ts, strcmp(tag, "union") == 0 ? BF_UNION : BF_STRUCT, NULL, &type, err);
	if (rc == 0)
		rc = bf_type_define(ts, type, members, n, &options, err);
	if (rc == 0)
		*out = type;
	free(members);
	return rc;
}

static int read_array(napi_env env, bf_types *ts, napi_value spec, unsigned depth, const bf_type **out, bf_error *err)
{
	napi_value element, count;
	const bf_type *type;
	double n;
	napi_get_element(env, spec, 1, &element);
	napi_get_element(env, spec, 2, &count);
	if (napi_get_value_double(env, count, &n) != napi_ok || !(n >= 0 && n <= 9007199254740991.0))
		return bf_error_set(err, BF_ETYPE, "an array's count is a Number");
	int rc = read_type(env, ts, element, depth + 1, &type, err);
	return rc != 0 ? rc : bf_type_array(ts, type, (uint64_t)n, out, err);
}

static int read_type(napi_env env, bf_types *ts, napi_value spec, unsigned depth, const bf_type **out, bf_error *err)
{
	if (depth > DEPTH_MAX)
		return bf_error_set(err, BF_ETYPE, "types are nested more than %d deep", DEPTH_MAX);

	uint32_t kind;
	if (napi_get_value_uint32(env, spec, &kind) == napi_ok) {
		if (kind == BF_POINTER)
			return bf_type_pointer(ts, bf_type_builtin(BF_VOID), out, err);
		if (kind > BF_CLDOUBLE)
			return bf_error_set(err, BF_ETYPE, "%u is no kind of type", kind);
		*out = bf_type_builtin((bf_kind)kind);
		return 0;
	}

	bool is_array = false;
	napi_is_array(env, spec, &is_array);
	napi_value first;
	char tag[8] = "";
	if (!is_array || napi_get_element(env, spec, 0, &first) != napi_ok ||
	    napi_get_value_string_utf8(env, first, tag, sizeof tag, NULL) != napi_ok)
		return bf_error_set(err, BF_ETYPE, "a type is a Number or an Array");
	if (strcmp(tag, "array") == 0)
		return read_array(env, ts, spec, depth, out, err);
	return read_aggregate(env, ts, spec, tag, depth, out, err);
}

/* --- plans ---------------------------------------------------------------------- */

void bf_frame_plan_unref(bf_frame_plan *p)
{
	if (p == NULL || --p->refs > 0)
		return;
	bf_plan_free(p->plan);
	bf_types_unref(p->types);
	free(p);
}

static void finalize_plan(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	bf_frame_plan_unref(data);
}

bf_frame_plan *bf_frame_plan_of(napi_env env, napi_value value)
{
	void *data = NULL;
	if (napi_get_value_external(env, value, &data) != napi_ok || data == NULL)
		napi_throw_type_error(env, NULL, "a plan is required");
	return data;
}

static int make_plan(napi_env env, napi_value result_spec, napi_value arg_specs, uint32_t nfixed, bf_types *ts,
		     bf_plan **out, bf_error *err)
{
	uint32_t nargs = 0;
	napi_get_array_length(env, arg_specs, &nargs);
	if (nargs > BF_MAX_ARGUMENTS)
		return bf_error_set(err, BF_EARGUMENTS, "a call has at most %d arguments", BF_MAX_ARGUMENTS);
	if (nfixed > nargs)
		nfixed = nargs;

	const bf_type *types[BF_MAX_ARGUMENTS + 1] = {0};
	bf_param params[BF_MAX_ARGUMENTS + 1] = {0};
	const bf_type *result = NULL, *function = NULL;
	int rc = read_type(env, ts, result_spec, 0, &result, err);
	for (uint32_t i = 0; i < nargs && rc == 0; i++) {
		napi_value spec;
		napi_get_element(env, arg_specs, i, &spec);
		rc = read_type(env, ts, spec, 0, &types[i], err);
		if (i < nfixed)
			params[i].type = types[i];
	}
	if (rc == 0)
		rc =
		    bf_type_function(ts, result, params, nfixed, nfixed < nargs ? BF_FLAG_VARIADIC : 0, &function, err);
	if (rc == 0)
		rc = bf_plan_new(function, types + nfixed, nargs - nfixed, out, err);
	return rc;
}

static void set_number(napi_env env, napi_value array, uint32_t index, double value)
{
	napi_value number;
	napi_create_double(env, value, &number);
	napi_set_element(env, array, index, number);
}

/*
 * plan(result, args, nfixed) -> [plan, frame size, result size, offset, size, offset, size ...]
 * nfixed: arguments before the variadic ones, or undefined when there are none.
 */
static napi_value frames_plan(napi_env env, napi_callback_info info)
{
	napi_value args[3], external, list;
	size_t n = 3;
	uint32_t nfixed = UINT32_MAX;
	bf_error err = {0};

	napi_get_cb_info(env, info, &n, args, NULL, NULL);
	napi_get_value_uint32(env, args[2], &nfixed);

	bf_types *ts;
	bf_plan *plan = NULL;
	int rc = bf_types_new(&ts);
	if (rc != 0) {
		bf_error_set(&err, rc, "out of memory");
		return bf_frames_throw(env, &err);
	}
	if (make_plan(env, args[0], args[1], nfixed, ts, &plan, &err) != 0 || plan == NULL)
		goto fail;

	bf_frame_plan *p = calloc(1, sizeof *p + plan->nargs * sizeof p->pointers[0]);
	if (p == NULL) {
		bf_error_set(&err, BF_ENOMEM, "out of memory");
		goto fail;
	}
	p->types = ts;
	p->plan = plan;
	p->refs = 1;
	for (uint32_t i = 0; i < plan->nargs; i++) {
		if (plan->args[i].type->kind == BF_POINTER)
			p->pointers[p->npointers++] = plan->args[i].offset;
	}
	if (napi_create_external(env, p, finalize_plan, NULL, &external) != napi_ok) {
		bf_frame_plan_unref(p);
		return NULL;
	}

	napi_create_array(env, &list);
	napi_set_element(env, list, 0, external);
	set_number(env, list, 1, plan->frame_size);
	set_number(env, list, 2, plan->result.size);
	for (uint32_t i = 0; i < plan->nargs; i++) {
		set_number(env, list, 3 + 2 * i, plan->args[i].offset);
		set_number(env, list, 4 + 2 * i, plan->args[i].size);
	}
	return list;

fail:
	bf_plan_free(plan);
	bf_types_unref(ts);
	return bf_frames_throw(env, &err);
}

/* --- errors of callbacks --------------------------------------------------------- */

void bf_frames_catch(bf_frames *f)
{
	napi_value error, holder;
	/* A worker that is being terminated has no exception to give, and runs no more JavaScript. */
	if (napi_get_and_clear_last_exception(f->env, &error) != napi_ok || f->failed)
		return;
	f->failed = true;
	if (napi_create_array_with_length(f->env, 1, &holder) == napi_ok &&
	    napi_set_element(f->env, holder, 0, error) == napi_ok)
		napi_create_reference(f->env, holder, 1, &f->error);
}

bool bf_frames_rethrow(bf_frames *f)
{
	napi_value holder = NULL, error = NULL;
	if (!f->failed)
		return false;
	f->failed = false;
	if (f->error == NULL)
		return false;
	napi_get_reference_value(f->env, f->error, &holder);
	napi_delete_reference(f->env, f->error);
	f->error = NULL;
	if (holder == NULL || napi_get_element(f->env, holder, 0, &error) != napi_ok)
		return false;
	napi_throw(f->env, error);
	return true;
}

/* --- calls ------------------------------------------------------------------------ */

/* Writes the pointer arguments: a view, an address, or null. */
static bool write_pointers(napi_env env, const bf_frame_plan *p, const napi_value *values, size_t n, uint8_t *frame)
{
	for (uint32_t i = 0; i < p->npointers; i++) {
		void *pointer = NULL;
		size_t length;
		if (i < n && bf_rawmem_bytes(env, values[i], &pointer, &length) != 0 &&
		    bf_rawmem_address(env, values[i], &pointer) != 0) {
			napi_valuetype type = napi_undefined;
			napi_typeof(env, values[i], &type);
			if (type != napi_null) {
				napi_throw_type_error(env, NULL,
						      "writePointer: Buffer instance expected as third argument");
				return false;
			}
			pointer = NULL;
		}
		memcpy(frame + p->pointers[i], &pointer, sizeof pointer);
	}
	return true;
}

/* The frame at `offset` of the shared block; NULL and an exception when it isn't inside. */
static uint8_t *frame_at(bf_frames *f, napi_value offset, const bf_frame_plan *p)
{
	uint32_t at = 0;
	if (napi_get_value_uint32(f->env, offset, &at) != napi_ok || at > f->size ||
	    p->plan->frame_size > f->size - at) {
		napi_throw_range_error(f->env, NULL, "the frame lies outside of the block");
		return NULL;
	}
	return f->base + at;
}

/* call(plan, target, offset, ...pointers): a pointer is a view, an address or null; further arguments are kept alive.
 */
static napi_value frames_call(napi_env env, napi_callback_info info)
{
	napi_value few[CALL_FIXED + 8], many[CALL_MAX], *args = few;
	size_t n = CALL_FIXED + 8;
	void *data, *target;

	napi_get_cb_info(env, info, &n, args, NULL, &data);
	if (n > CALL_FIXED + 8) {
		args = many;
		size_t all = CALL_MAX;
		napi_get_cb_info(env, info, &all, args, NULL, NULL);
		if (n > CALL_MAX)
			n = CALL_MAX;
	}
	bf_frames *f = data;
	bf_frame_plan *p = bf_frame_plan_of(env, args[0]);
	if (p == NULL)
		return NULL;
	if (bf_rawmem_address(env, args[1], &target) != 0 || target == NULL) {
		napi_throw_error(env, NULL, "the function's address is NULL");
		return NULL;
	}
	uint8_t *frame = frame_at(f, args[2], p);
	if (frame == NULL || !write_pointers(env, p, args + CALL_FIXED, n > CALL_FIXED ? n - CALL_FIXED : 0, frame))
		return NULL;

	/* A plan that is let go by JavaScript in a callback must not end under its own call. */
	p->refs++;
	atomic_fetch_add_explicit(&f->serial, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&f->depth, 1, memory_order_relaxed);
	bf_plan_call_errno(p->plan, (void (*)(void))target, frame, &f->saved_errno);
	atomic_fetch_sub_explicit(&f->depth, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&f->serial, 1, memory_order_relaxed);
	bf_frame_plan_unref(p);

	bool threw = bf_frames_rethrow(f);
	if (atomic_load_explicit(&f->deadlocks, memory_order_relaxed) > 0 && atomic_exchange(&f->deadlocks, 0) > 0 &&
	    !threw)
		napi_throw_error(
		    env, "BF_EDEADLOCK",
		    "another thread called a callback while this call was blocked on a lock: the callback's "
		    "result was zero. Use .async for functions that wait for their threads");
	return NULL;
}

/* --- calls on the thread pool ------------------------------------------------------- */

typedef struct async_call {
	bf_frames *frames;
	bf_frame_plan *plan;
	void *target;
	void *frame;
	int error; /* errno */
	napi_async_work work;
	napi_ref callback;
	napi_ref kept; /* an Array: the frame's Buffer and what the arguments point to */
} async_call;

static void execute(napi_env env, void *data)
{
	(void)env;
	async_call *c = data;
	bf_plan_call_errno(c->plan->plan, (void (*)(void))c->target, c->frame, &c->error);
}

static void complete(napi_env env, napi_status status, void *data)
{
	async_call *c = data;
	bf_frames *f = c->frames;
	napi_value callback = NULL, kept = NULL, undefined, cancelled;

	napi_get_reference_value(env, c->callback, &callback);
	napi_get_reference_value(env, c->kept, &kept);
	napi_get_undefined(env, &undefined);
	napi_get_boolean(env, status == napi_cancelled, &cancelled);
	f->saved_errno = c->error;

	napi_delete_reference(env, c->callback);
	napi_delete_reference(env, c->kept);
	napi_delete_async_work(env, c->work);
	bf_frame_plan_unref(c->plan);
	free(c);

	/* Node-API hands what the function throws to uncaughtException. */
	if (callback != NULL)
		napi_call_function(env, undefined, callback, 1, &cancelled, NULL);
}

/* callAsync(plan, target, frame, pointers, callback): `callback(cancelled)` when done; the frame is a Buffer of its
 * own. */
static napi_value frames_call_async(napi_env env, napi_callback_info info)
{
	napi_value args[5], name, values[BF_MAX_ARGUMENTS];
	size_t n = 5, size;
	uint32_t npointers = 0;
	void *data, *target, *frame;

	napi_get_cb_info(env, info, &n, args, NULL, &data);
	bf_frames *f = data;
	bf_frame_plan *p = bf_frame_plan_of(env, args[0]);
	if (p == NULL)
		return NULL;
	if (bf_rawmem_address(env, args[1], &target) != 0 || target == NULL) {
		napi_throw_error(env, NULL, "the function's address is NULL");
		return NULL;
	}
	if (bf_rawmem_bytes(env, args[2], &frame, &size) != 0 || size < p->plan->frame_size) {
		napi_throw_range_error(env, NULL, "the frame is too small");
		return NULL;
	}
	napi_get_array_length(env, args[3], &npointers);
	if (npointers > BF_MAX_ARGUMENTS)
		npointers = BF_MAX_ARGUMENTS;
	for (uint32_t i = 0; i < npointers; i++)
		napi_get_element(env, args[3], i, &values[i]);
	if (!write_pointers(env, p, values, npointers, frame))
		return NULL;

	async_call *c = calloc(1, sizeof *c);
	if (c == NULL) {
		napi_throw_error(env, NULL, "out of memory");
		return NULL;
	}
	c->frames = f;
	c->plan = p;
	c->target = target;
	c->frame = frame;
	napi_value kept;
	napi_create_array_with_length(env, 2, &kept);
	napi_set_element(env, kept, 0, args[2]);
	napi_set_element(env, kept, 1, args[3]);
	napi_create_string_utf8(env, "ffi:async", NAPI_AUTO_LENGTH, &name);
	if (napi_create_reference(env, args[4], 1, &c->callback) != napi_ok ||
	    napi_create_reference(env, kept, 1, &c->kept) != napi_ok ||
	    napi_create_async_work(env, NULL, name, execute, complete, c, &c->work) != napi_ok ||
	    napi_queue_async_work(env, c->work) != napi_ok) {
		napi_throw_error(env, NULL, "the call could not be queued");
		if (c->work != NULL)
			napi_delete_async_work(env, c->work);
		if (c->kept != NULL)
			napi_delete_reference(env, c->kept);
		if (c->callback != NULL)
			napi_delete_reference(env, c->callback);
		free(c);
		return NULL;
	}
	p->refs++;
	return NULL;
}

/* errno() of the last call */
static napi_value frames_errno(napi_env env, napi_callback_info info)
{
	void *data;
	napi_value result = NULL;
	napi_get_cb_info(env, info, NULL, NULL, NULL, &data);
	napi_create_int32(env, ((bf_frames *)data)->saved_errno, &result);
	return result;
}

/* --- start -------------------------------------------------------------------------- */

/* start(block, dispatch): gives the block and the function that runs callbacks. */
static napi_value frames_start(napi_env env, napi_callback_info info)
{
	napi_value args[2];
	size_t n = 2, length;
	void *data, *bytes;

	napi_get_cb_info(env, info, &n, args, NULL, &data);
	bf_frames *f = data;
	if (f->block != NULL || napi_get_arraybuffer_info(env, args[0], &bytes, &length) != napi_ok || length < 64 ||
	    length > UINT32_MAX || (uintptr_t)bytes % 16 != 0) {
		napi_throw_type_error(env, NULL, "start: one ArrayBuffer, once, is required");
		return NULL;
	}
	napi_create_reference(env, args[0], 1, &f->block);
	napi_create_reference(env, args[1], 1, &f->dispatch);
	f->base = bytes;
	f->size = (uint32_t)length;
	return NULL;
}

/* Nobody can have a frame, or anything else of it, where it was not started. */
static void free_unused(void *data)
{
	bf_frames *f = data;

	if (f->block == NULL)
		free(f);
}

napi_status bf_frames_init(napi_env env, napi_value exports)
{
	bf_frames *f = calloc(1, sizeof *f);
	if (f == NULL)
		return napi_generic_failure;
	f->env = env;
	f->thread = pthread_self();
	f->tid = (pid_t)syscall(SYS_gettid);
	f->alive = true;
	pthread_mutex_init(&f->guard, NULL);
	napi_add_env_cleanup_hook(env, free_unused, f);

	const napi_property_descriptor functions[] = {
	    {"start", NULL, frames_start, NULL, NULL, NULL, napi_enumerable, f},
	    {"plan", NULL, frames_plan, NULL, NULL, NULL, napi_enumerable, f},
	    {"call", NULL, frames_call, NULL, NULL, NULL, napi_enumerable, f},
	    {"callAsync", NULL, frames_call_async, NULL, NULL, NULL, napi_enumerable, f},
	    {"errno", NULL, frames_errno, NULL, NULL, NULL, napi_enumerable, f},
	};
	napi_value room;
	napi_status status = napi_create_object(env, &room);
	if (status == napi_ok)
		status = napi_define_properties(env, room, sizeof functions / sizeof functions[0], functions);
	if (status == napi_ok)
		status = bf_framecb_init(env, room, f);
	if (status == napi_ok)
		status = bf_libffi_raw_init(env, room, f);
	if (status == napi_ok)
		status = bf_dlfcn_raw_init(env, room);
	if (status == napi_ok)
		status = napi_set_named_property(env, exports, "frames", room);
	return status;
}
