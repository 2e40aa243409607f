#define _GNU_SOURCE
#include "binding.h"
#include "bytes.h"
#include "names.h"
#include "pool.h"
#include "scope.h"
#include "seal.h"
#include "slots.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	SCOPE = 16,        /* messages whose handles live together */
	HEADS = 16,        /* of answers, that are kept */
	HEAP_EVERY = 1000, /* milliseconds between two looks at the heap */
	KIND_HEAP = 100    /* for boot.js, beside enum bf_kind */
};

/*
 * Where boot.js looks for what a call has beside values: cheaper than a value for each. The last two are boot.js's:
 * that something was left in the asynchronous context, which the next call must not find, and which of the heads goes
 * before the value that it returns (0: none).
 */
enum number { TOKEN, MODULE, METHOD, OFFSET, LENGTH, ENTERED, HEAD, NUMBERS };

/* boot.js's functions: for a call, and for any other message. */
enum function { CALL, CONTROL, FUNCTIONS };

struct head {
	char *bytes;
	size_t length;
};

struct bf_binding {
	bf_node *node;
	const bf_engine *engine;
	napi_env env;
	napi_ref functions[FUNCTIONS], unwind; /* NULL: not there */
	void *in_scope[FUNCTIONS]; /* those for a scope of the binding's, kept by the engine; NULL: not there */
	napi_ref numbers_kept;
	double *numbers;           /* boot.js's: of the call that is made, see enum number */
	bf_pool pool;              /* of small requests' bytes */
	bf_slots under_way;        /* whose numbers are JavaScript's tokens */
	bool delivering, answered; /* flush after the batch */
	bf_scope scope;            /* of several calls */
	int depth;                 /* calls of JavaScript's under way */
	_Atomic bool exhausted;    /* what interrupted JavaScript was its full heap */
	bf_names names;            /* of methods */
	struct head heads[HEADS];
	int head_count;
	int64_t heap_due; /* milliseconds of the coarse clock */
};

static _Thread_local bf_binding *offered;

bf_link bf_nothing;

bf_binding *bf_binding_new(bf_node *node, const bf_engine *engine)
{
	bf_binding *binding = calloc(1, sizeof(*binding));

	if (binding) {
		binding->engine = engine;
		binding->node = node;
	}
	return binding;
}

void bf_message_fail(bf_message *message, int code, const char *why)
{
	char *text = strdup(why);

	message->done(message, code, text, text ? strlen(text) : 0);
}

/* --- tokens ----------------------------------------------------------------------- */

/* What JavaScript gave as one; UINT64_MAX, which no message has: it cannot be one. */
static uint64_t id_of(double token)
{
	return token >= 0 && token < 0x1p53 ? (uint64_t)token : UINT64_MAX;
}

static bf_message *token_release(bf_binding *binding, double token)
{
	return bf_slots_release(&binding->under_way, id_of(token));
}

static void flush(bf_binding *binding)
{
	if (binding->answered) {
		bf_node_flush(binding->node);
	}
	binding->answered = false;
}

static void was_answered(bf_binding *binding)
{
	binding->answered = true;
	if (!binding->delivering) {
		flush(binding);
	}
}

static void answer(bf_binding *binding, bf_message *message, int code, char *bytes, size_t length)
{
	message->done(message, code, bytes, length);
	was_answered(binding);
}

static void answer_failure(bf_binding *binding, bf_message *message, int code, const char *why)
{
	bf_message_fail(message, code, why);
	was_answered(binding);
}

void bf_binding_fail(bf_binding *binding, int code, const char *why)
{
	for (uint32_t i = 0; i < binding->under_way.size; i++) {
		bf_message *message = bf_slots_release(&binding->under_way, bf_slots_id(&binding->under_way, i));

		if (message) {
			bf_message_fail(message, code, why);
			binding->answered = true;
		}
	}
	flush(binding);
}

void bf_binding_free(bf_binding *binding)
{
	if (binding) {
		bf_names_free(&binding->names);
		for (int i = 0; i < binding->head_count; i++) {
			free(binding->heads[i].bytes);
		}
		free(binding->under_way.slots);
		free(binding);
	}
}

/* --- values ----------------------------------------------------------------------- */

static napi_value message_request(bf_binding *binding, const bf_message *message)
{
	napi_env env = binding->env;
	napi_value value = NULL;
	napi_status status;
	size_t offset;

	if (!message->request) {
		status = napi_get_null(env, &value);
	} else if (message->buffer && bf_pool_takes(&binding->pool, message->length)) {
		if (!bf_pool_put(env, &binding->pool, message->request, message->length, &offset)) {
			return NULL;
		}
		binding->numbers[OFFSET] = (double)offset;
		binding->numbers[LENGTH] = (double)message->length;
		status = napi_get_undefined(env, &value);
	} else if (message->buffer) {
		status = napi_create_buffer_copy(env, message->length, message->request, NULL, &value);
	} else if (bf_bytes_ascii(message->request, message->length)) {
		return binding->engine->latin1(env, message->request, message->length);
	} else {
		status = napi_create_string_utf8(env, message->request, message->length, &value);
	}
	return status == napi_ok ? value : NULL;
}

/* --- what boot.js calls ----------------------------------------------------------- */

static bf_binding *arguments(napi_env env, napi_callback_info info, size_t count, napi_value *argv)
{
	void *data = NULL;
	size_t argc = count;

	/* Those that are missing are undefined. */
	return napi_get_cb_info(env, info, &argc, argv, NULL, &data) == napi_ok ? data : NULL;
}

/*
 * respond(token, code, bytes, head): nothing is done when nobody waits for it. `head`, a string of one byte a character
 * or undefined, goes before the bytes.
 */
static napi_value js_respond(napi_env env, napi_callback_info info)
{
	napi_value argv[4];
	bf_binding *binding = arguments(env, info, 4, argv);
	bf_message *message;
	double token = -1;
	int32_t code = 0;
	char *bytes;
	size_t length;

	if (!binding || napi_get_value_double(env, argv[0], &token) != napi_ok ||
	    napi_get_value_int32(env, argv[1], &code) != napi_ok || !(message = token_release(binding, token))) {
		return NULL;
	}
	if (bf_bytes_join(env, argv[3], argv[2], &bytes, &length)) {
		answer(binding, message, code, bytes, length);
	} else {
		answer_failure(binding, message, BIFFI_EMEMORY, "out of memory");
	}
	return NULL;
}

/*
 * log(level, text, number of the log, module or null, token or -1): false when there
 * is nobody to log to.
 */
static napi_value js_log(napi_env env, napi_callback_info info)
{
	napi_value argv[5], result;
	bf_binding *binding = arguments(env, info, 5, argv);
	biffi_origin origin = {.size = sizeof(origin)};
	int32_t level = BIFFI_ERROR, number = 0;
	double token = -1;
	size_t length, ignored;
	char *text, *module = NULL;
	bf_message *message;
	bool given = false;

	if (binding && napi_get_value_int32(env, argv[0], &level) == napi_ok &&
	    napi_get_value_int32(env, argv[2], &number) == napi_ok &&
	    napi_get_value_double(env, argv[4], &token) == napi_ok && bf_bytes_of(env, argv[3], &module, &ignored)) {
		text = bf_bytes_of_string(env, argv[1], &length);
		message = bf_slots_find(&binding->under_way, id_of(token));
		origin.call = message ? message->id : 0;
		origin.module = module;
		given = text && binding->node->log(number, &origin, level, text, length);
		free(text);
	}
	free(module);
	return napi_get_boolean(env, given, &result) == napi_ok ? result : NULL;
}

/* head(string of one byte a character): the number under which it is kept, 0 when it is not. */
static napi_value js_head(napi_env env, napi_callback_info info)
{
	napi_value argv[2], result;
	bf_binding *binding = arguments(env, info, 2, argv);
	struct head head = {NULL, 0};
	int32_t number = 0;

	if (binding && binding->head_count < HEADS && napi_get_undefined(env, &argv[1]) == napi_ok &&
	    bf_bytes_join(env, argv[0], argv[1], &head.bytes, &head.length) && head.bytes) {
		binding->heads[binding->head_count++] = head;
		number = binding->head_count;
	}
	return napi_create_int32(env, number, &result) == napi_ok ? result : NULL;
}

/* heap(used, total, external, rss): bytes, for those who ask how it goes. */
static napi_value js_heap(napi_env env, napi_callback_info info)
{
	napi_value argv[BF_HEAP];
	bf_binding *binding = arguments(env, info, BF_HEAP, argv);

	for (int i = 0; binding && i < BF_HEAP; i++) {
		double bytes = 0;

		napi_get_value_double(env, argv[i], &bytes);
		atomic_store_explicit(&binding->node->heap[i], (uint64_t)bytes, memory_order_relaxed);
	}
	if (binding && binding->node->heap_changed) {
		binding->node->heap_changed(binding->node);
	}
	return NULL;
}

static void on_end(void *data)
{
	bf_binding *binding = data;

	bf_scope_forget(binding->env, &binding->scope);
}

/*
 * serve(renew, numbers, unwind, call, control, call, control): what makes new memory for the pool; a Float64Array; what
 * is called before an interrupt; the functions of enum function, and the same for a scope of the binding's. `unwind`
 * and the last two may be undefined.
 */
static napi_value js_serve(napi_env env, napi_callback_info info)
{
	napi_value argv[3 + 2 * FUNCTIONS];
	bf_binding *binding = arguments(env, info, 3 + 2 * FUNCTIONS, argv);
	napi_valuetype type;
	void *numbers;
	size_t length;

	if (!binding || binding->numbers ||
	    napi_get_typedarray_info(env, argv[1], NULL, &length, &numbers, NULL, NULL) != napi_ok ||
	    length < NUMBERS || napi_create_reference(env, argv[1], 1, &binding->numbers_kept) != napi_ok) {
		return NULL;
	}
	binding->numbers = numbers;
	napi_add_env_cleanup_hook(env, on_end, binding);
	bf_pool_open(env, &binding->pool, argv[0]);
	for (int i = 2; i < 3 + 2 * FUNCTIONS; i++) {
		if (napi_typeof(env, argv[i], &type) != napi_ok || type != napi_function) {
			continue;
		}
		if (i < 3 + FUNCTIONS) {
			napi_create_reference(env, argv[i], 1, i == 2 ? &binding->unwind : &binding->functions[i - 3]);
		} else {
			binding->in_scope[i - 3 - FUNCTIONS] = binding->engine->keep(env, argv[i]);
		}
	}
	return NULL;
}

/* It lies beside the library that this is a part of. */
static const char *worker_script(char *path, size_t size)
{
	Dl_info info;
	char *file = dladdr((void *)bf_binding_init, &info) && info.dli_fname ? realpath(info.dli_fname, NULL) : NULL;
	char *slash = file ? strrchr(file, '/') : NULL;

	path[0] = '\0';
	if (slash) {
		snprintf(path, size, "%.*s/biffi_worker.js", (int)(slash - file), file);
	}
	free(file);
	return path;
}

void bf_binding_offer(bf_binding *binding)
{
	offered = binding;
}

napi_value bf_binding_init(napi_env env, napi_value exports)
{
	static const struct {
		const char *name;
		napi_callback function;
	} functions[] = {{"respond", js_respond}, {"log", js_log},     {"head", js_head},
			 {"heap", js_heap},       {"serve", js_serve}, {"seal", bf_seal}};
	bf_binding *binding = offered;
	napi_value function, names, worker;
	char path[4096];

	if (!binding || binding->env) { /* a Worker, which may ask for it as well */
		return napi_create_function(env, "seal", NAPI_AUTO_LENGTH, bf_seal, NULL, &function) == napi_ok &&
			       napi_set_named_property(env, exports, "seal", function) == napi_ok
			   ? exports
			   : NULL;
	}
	binding->env = env;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, binding,
					 &function) != napi_ok ||
		    napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
			return NULL;
		}
	}
	if (!bf_names_open(env, &binding->names, &names) ||
	    napi_set_named_property(env, exports, "names", names) != napi_ok) {
		return NULL;
	}
	if (napi_create_string_utf8(env, worker_script(path, sizeof(path)), NAPI_AUTO_LENGTH, &worker) != napi_ok ||
	    napi_set_named_property(env, exports, "worker", worker) != napi_ok) {
		return NULL;
	}
	return exports;
}

/* --- delivery --------------------------------------------------------------------- */

/* An abort is C's business, except that the handler may listen to its signal. */
static double abort_call(bf_binding *binding, uint64_t id)
{
	for (uint32_t i = 0; i < binding->under_way.size; i++) {
		const bf_message *message = binding->under_way.slots[i].message;
		uint64_t token = bf_slots_id(&binding->under_way, i);

		if (message && message->kind == BF_CALL && message->id == id) {
			answer(binding, bf_slots_release(&binding->under_way, token), BIFFI_EABORTED, NULL, 0);
			return (double)token;
		}
	}
	return -1;
}

/*
 * Calls boot.js. False: JavaScript was interrupted, as boot.js catches everything else. Outside of a scope each call
 * gets a `this` of its own, which Node.js takes for the resource that it is called for.
 */
static bool enter(bf_binding *binding, enum function function, size_t argc, const napi_value *argv, napi_value *result)
{
	bool in_scope = binding->scope.open && binding->depth == 0;
	napi_ref ref = binding->functions[function];
	napi_env env = binding->env;
	napi_value resource, called;
	bool fine;

	binding->depth++;
	if (in_scope) {
		fine = binding->engine->call(env, binding->in_scope[function], argc, argv, result);
	} else {
		fine = ref && napi_get_reference_value(env, ref, &called) == napi_ok &&
		       napi_create_object(env, &resource) == napi_ok &&
		       napi_make_callback(env, NULL, resource, called, argc, argv, result) == napi_ok;
		if (!fine) {
			napi_get_and_clear_last_exception(env, &called);
		}
	}
	binding->depth--;
	return fine;
}

/* What boot.js returns is the answer, except undefined, which has been or will be given by respond(). */
static void take_result(bf_binding *binding, double token, napi_value result)
{
	static const struct head none;
	double number = binding->numbers[HEAD];
	const struct head *head =
	    number >= 1 && number <= binding->head_count ? &binding->heads[(int)number - 1] : &none;
	char *bytes = NULL;
	size_t length = 0;
	enum bf_taken taken = binding->engine->take(binding->env, result, head->length, &bytes, &length);
	bf_message *message = taken == BF_NONE ? NULL : token_release(binding, token);

	if (!message) {
		free(taken == BF_TAKEN ? bytes : NULL);
	} else if (taken == BF_TAKEN) {
		if (head->length) {
			memcpy(bytes, head->bytes, head->length);
		}
		answer(binding, message, BIFFI_OK, bytes, head->length + length);
	} else {
		answer_failure(binding, message, BIFFI_EMEMORY, "out of memory");
	}
}

static bool deliver_abort(bf_binding *binding, bf_message *message)
{
	napi_env env = binding->env;
	napi_value argv[2], result;
	double token = abort_call(binding, message->id);

	message->done(message, 0, NULL, 0);
	return token < 0 || napi_create_int32(env, BF_ABORT, &argv[0]) != napi_ok ||
	       napi_create_double(env, token, &argv[1]) != napi_ok || enter(binding, CONTROL, 2, argv, &result);
}

/* Makes JavaScript's values of a message: how many arguments for boot.js there are, 0 when there is no memory. */
static size_t make_arguments(bf_binding *binding, bf_message *message, double token, napi_value *argv)
{
	napi_env env = binding->env;

	if (message->kind != BF_CALL) {
		return napi_create_int32(env, message->kind, &argv[0]) == napi_ok &&
			       napi_create_double(env, token, &argv[1]) == napi_ok &&
			       napi_create_uint32(env, message->module, &argv[2]) == napi_ok &&
			       (argv[3] = message_request(binding, message)) != NULL
			   ? 4
			   : 0;
	}
	argv[1] = NULL;
	binding->numbers[TOKEN] = token;
	binding->numbers[MODULE] = message->module;
	binding->numbers[HEAD] = 0;
	if ((argv[0] = message_request(binding, message)) == NULL ||
	    !bf_names_put(env, &binding->names, message->method, &binding->numbers[METHOD], &argv[1])) {
		return 0;
	}
	if (!message->head) {
		return argv[1] ? 2 : 1;
	}
	return (argv[1] || napi_get_undefined(env, &argv[1]) == napi_ok) &&
		       (argv[2] = binding->engine->latin1(env, message->head, message->head_length)) != NULL
		   ? 3
		   : 0;
}

/* Every message is answered, now or later. False: JavaScript was interrupted. */
static bool deliver_one(bf_binding *binding, bf_message *message)
{
	napi_value argv[4], result;
	bool exhausted;
	size_t argc;
	uint64_t id;
	double token;

	if (message->kind == BF_ABORT) {
		return deliver_abort(binding, message);
	}
	atomic_fetch_add_explicit(bf_node_heard(binding->node), 1, memory_order_relaxed);
	if (!bf_slots_take(&binding->under_way, message, &id)) {
		bf_message_fail(message, BIFFI_EMEMORY, "out of memory");
		return true;
	}
	token = (double)id;
	argc = make_arguments(binding, message, token, argv);
	if (argc == 0) {
		napi_get_and_clear_last_exception(binding->env, &result);
		answer_failure(binding, token_release(binding, token), BIFFI_EMEMORY,
			       "the request is too large for JavaScript");
		return true;
	}
	if (enter(binding, message->kind == BF_CALL ? CALL : CONTROL, argc, argv, &result)) {
		take_result(binding, token, result);
		return true;
	}
	exhausted = atomic_exchange(&binding->exhausted, false);
	message = token_release(binding, token);
	if (message) {
		answer_failure(binding, message, exhausted ? BIFFI_EMEMORY : BIFFI_EINTERRUPT,
			       exhausted ? "JavaScript's heap is full" : "JavaScript was interrupted");
	}
	return false;
}

/* Now and then, while there is something to do: how full the heap is. */
static bool look_at_heap(bf_binding *binding)
{
	napi_value argv[1], result;
	struct timespec now;
	int64_t milliseconds;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	milliseconds = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (milliseconds < binding->heap_due) {
		return true;
	}
	binding->heap_due = milliseconds + HEAP_EVERY;
	return napi_create_int32(binding->env, KIND_HEAP, &argv[0]) != napi_ok ||
	       enter(binding, CONTROL, 1, argv, &result);
}

void bf_binding_exhausted(void *data)
{
	atomic_store(&((bf_binding *)data)->exhausted, true);
}

/* The next call needs another scope. */
static bool is_entered(const bf_binding *binding)
{
	return binding->scope.open && binding->depth == 0 && binding->numbers[ENTERED] != 0;
}

void bf_binding_interrupting(void *data)
{
	bf_binding *binding = data;
	napi_env env = binding->env;
	napi_handle_scope scope;
	napi_value function, result;

	if (!binding->unwind || napi_open_handle_scope(env, &scope) != napi_ok) {
		return;
	}
	if (napi_get_reference_value(env, binding->unwind, &function) == napi_ok &&
	    napi_call_function(env, function, function, 0, NULL, &result) != napi_ok) {
		napi_get_and_clear_last_exception(env, &result);
	}
	napi_close_handle_scope(env, scope);
}

struct delivery {
	bf_binding *binding;
	bf_link *messages; /* the rest */
	bool fine;
};

/* Some messages, all of whose values live until the last of them is through. */
static void deliver_some(void *data)
{
	struct delivery *delivery = data;
	bf_binding *binding = delivery->binding;
	bool fine = true;

	for (int i = 0; fine && delivery->messages && i < SCOPE && !is_entered(binding); i++) {
		bf_message *message = BF_CONTAINER(delivery->messages, bf_message, link);

		delivery->messages = delivery->messages->next;
		fine = deliver_one(binding, message);
	}
	delivery->fine = fine && (delivery->messages || look_at_heap(binding));
}

bf_link *bf_binding_deliver(bf_binding *binding, bf_link *messages)
{
	struct delivery delivery = {binding, messages, true};
	bool outer = binding->delivering;

	binding->delivering = true;
	while (delivery.messages && delivery.fine) {
		delivery.fine = binding->engine->scoped(binding->env, deliver_some, &delivery) && delivery.fine;
		if (delivery.fine && is_entered(binding)) {
			bf_binding_close(binding);
			bf_binding_open(binding);
		}
	}
	binding->delivering = outer;
	if (!outer) {
		flush(binding);
	}
	return delivery.fine ? NULL : delivery.messages ? delivery.messages : &bf_nothing;
}

void bf_binding_open(bf_binding *binding)
{
	if (binding->in_scope[CALL] && binding->in_scope[CONTROL]) {
		binding->numbers[ENTERED] = 0;
		bf_scope_open(binding->env, &binding->scope);
	}
}

bool bf_binding_close(bf_binding *binding)
{
	if (!binding->scope.open || binding->depth > 0) {
		return false;
	}
	bf_scope_close(binding->env, &binding->scope);
	if (binding->numbers[ENTERED] != 0) {
		bf_scope_forget(binding->env, &binding->scope);
	}
	return true;
}
