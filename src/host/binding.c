#include "binding.h"
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
	BATCH = 256, /* messages a call into JavaScript */
	FIELDS = 5   /* of a message in the batch: kind, token, module, method, request */
};

/*
 * JavaScript names a message by a token: a slot and how often the slot was used,
 * so that a late or a second answer finds nobody instead of somebody else.
 */
struct slot {
	bf_message *message; /* NULL: free */
	uint32_t generation; /* below 2^20 */
	uint32_t next_free;
};

struct bf_binding {
	bf_node *node;
	napi_env env;
	napi_ref dispatch;
	struct slot *slots;
	uint32_t size, free;
	bool delivering, answered; /* flush after the batch */
	_Atomic bool exhausted;    /* what interrupted JavaScript was its full heap */
	uint32_t *progress;        /* JavaScript's: which field of the batch it is at */
	napi_ref progress_memory;
};

static _Thread_local bf_binding *offered;

bf_link bf_nothing;

bf_binding *bf_binding_new(bf_node *node)
{
	bf_binding *binding = calloc(1, sizeof(*binding));

	if (binding) {
		binding->node = node;
		binding->free = UINT32_MAX;
	}
	return binding;
}

void bf_message_fail(bf_message *message, int code, const char *why)
{
	char *text = strdup(why);

	message->done(message, code, text, text ? strlen(text) : 0);
}

/* --- tokens ----------------------------------------------------------------------- */

static bool slot_take(bf_binding *binding, bf_message *message, double *token)
{
	uint32_t index = binding->free;

	if (index == UINT32_MAX) {
		uint32_t size = binding->size ? binding->size * 2 : 256;
		struct slot *slots = realloc(binding->slots, size * sizeof(*slots));

		if (!slots) {
			return false;
		}
		for (uint32_t i = binding->size; i < size; i++) {
			slots[i] = (struct slot){NULL, 0, i + 1 < size ? i + 1 : UINT32_MAX};
		}
		index = binding->size;
		binding->slots = slots;
		binding->size = size;
	}
	struct slot *slot = &binding->slots[index];

	binding->free = slot->next_free;
	slot->message = message;
	slot->generation = (slot->generation + 1) & 0xfffff;
	*token = (double)(((uint64_t)slot->generation << 32) | index);
	return true;
}

static bf_message *slot_release(bf_binding *binding, uint32_t index)
{
	struct slot *slot = &binding->slots[index];
	bf_message *message = slot->message;

	slot->message = NULL;
	slot->next_free = binding->free;
	binding->free = index;
	return message;
}

static bf_message *token_release(bf_binding *binding, double token)
{
	uint64_t number = token >= 0 && token < 9007199254740992.0 ? (uint64_t)token : UINT64_MAX;
	uint32_t index = (uint32_t)number;

	if (number >> 52 || index >= binding->size || !binding->slots[index].message ||
	    binding->slots[index].generation != number >> 32) {
		return NULL;
	}
	return slot_release(binding, index);
}

static void flush(bf_binding *binding)
{
	if (binding->answered) {
		bf_node_flush(binding->node);
	}
	binding->answered = false;
}

static void answer(bf_binding *binding, bf_message *message, int code, char *bytes, size_t length)
{
	message->done(message, code, bytes, length);
	binding->answered = true;
	if (!binding->delivering) {
		flush(binding);
	}
}

void bf_binding_fail(bf_binding *binding, int code, const char *why)
{
	for (uint32_t i = 0; i < binding->size; i++) {
		if (binding->slots[i].message) {
			bf_message_fail(slot_release(binding, i), code, why);
			binding->answered = true;
		}
	}
	flush(binding);
}

void bf_binding_free(bf_binding *binding)
{
	if (binding) {
		free(binding->slots);
		free(binding);
	}
}

/* --- values ----------------------------------------------------------------------- */

static napi_value message_request(napi_env env, const bf_message *message)
{
	napi_value value = NULL;
	napi_status status;

	if (!message->request) {
		status = napi_get_null(env, &value);
	} else if (message->buffer) {
		status = napi_create_buffer_copy(env, message->length, message->request, NULL, &value);
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

	return napi_get_cb_info(env, info, &argc, argv, NULL, &data) == napi_ok && argc == count ? data : NULL;
}

/* respond(token, code, bytes): false when nobody waits for it, or `bytes` are none. */
static napi_value js_respond(napi_env env, napi_callback_info info)
{
	napi_value argv[3], result;
	bf_binding *binding = arguments(env, info, 3, argv);
	bf_message *message;
	double token = -1;
	int32_t code = 0;
	char *bytes = NULL;
	size_t length = 0;
	bool given = false;

	if (binding && napi_get_value_double(env, argv[0], &token) == napi_ok &&
	    napi_get_value_int32(env, argv[1], &code) == napi_ok && bf_bytes_of(env, argv[2], &bytes, &length)) {
		message = token_release(binding, token);
		if (message) {
			answer(binding, message, code, bytes, length);
			given = true;
		} else {
			free(bytes);
		}
	}
	return napi_get_boolean(env, given, &result) == napi_ok ? result : NULL;
}

/* log(level, text): false when there is nobody to log to. */
static napi_value js_log(napi_env env, napi_callback_info info)
{
	napi_value argv[2], result;
	bf_binding *binding = arguments(env, info, 2, argv);
	int32_t level = BIFFI_ERROR;
	size_t length;
	char *text;
	bool given = false;

	if (binding && binding->node->log && napi_get_value_int32(env, argv[0], &level) == napi_ok) {
		text = bf_bytes_of_string(env, argv[1], &length);
		if (text) {
			binding->node->log(binding->node->data, level, text, length);
			given = true;
		}
		free(text);
	}
	return napi_get_boolean(env, given, &result) == napi_ok ? result : NULL;
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

/* serve(dispatch): the function that takes every batch. */
static napi_value js_serve(napi_env env, napi_callback_info info)
{
	napi_value argv[1];
	bf_binding *binding = arguments(env, info, 1, argv);

	if (binding && !binding->dispatch) {
		napi_create_reference(env, argv[0], 1, &binding->dispatch);
	}
	return NULL;
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
	} functions[] = {{"respond", js_respond}, {"log", js_log}, {"heap", js_heap}, {"serve", js_serve}};
	bf_binding *binding = offered;
	napi_value function, logs, memory;
	void *data;

	if (!binding || binding->env) {
		napi_throw_error(env, "BF_EINTERNAL", "this binding belongs to biffi's own script");
		return NULL;
	}
	binding->env = env;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, binding,
					 &function) != napi_ok ||
		    napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
			return NULL;
		}
	}
	if (napi_create_arraybuffer(env, sizeof(uint32_t), &data, &memory) != napi_ok ||
	    napi_create_reference(env, memory, 1, &binding->progress_memory) != napi_ok ||
	    napi_set_named_property(env, exports, "progress", memory) != napi_ok) {
		return NULL;
	}
	binding->progress = data;
	if (napi_get_boolean(env, binding->node->log != NULL, &logs) != napi_ok ||
	    napi_set_named_property(env, exports, "logs", logs) != napi_ok) {
		return NULL;
	}
	return exports;
}

/* --- delivery --------------------------------------------------------------------- */

/* An abort is C's business, except that the handler may listen to its signal. */
static double abort_call(bf_binding *binding, uint64_t id)
{
	for (uint32_t i = 0; i < binding->size; i++) {
		struct slot *slot = &binding->slots[i];

		if (slot->message && slot->message->kind == BF_CALL && slot->message->id == id) {
			double token = (double)(((uint64_t)slot->generation << 32) | i);

			answer(binding, slot_release(binding, i), BIFFI_EABORTED, NULL, 0);
			return token;
		}
	}
	return -1;
}

static bool set_fields(napi_env env, napi_value batch, uint32_t at, const napi_value fields[FIELDS])
{
	for (uint32_t i = 0; i < FIELDS; i++) {
		if (napi_set_element(env, batch, at + i, fields[i]) != napi_ok) {
			return false;
		}
	}
	return true;
}

/* True when it is in the batch, as `*token`. One that can't be put there is answered. */
static bool put(bf_binding *binding, napi_value batch, uint32_t at, bf_message *message, double *token)
{
	napi_env env = binding->env;
	napi_value fields[FIELDS] = {NULL};
	bool fine;

	if (message->kind == BF_ABORT) {
		*token = abort_call(binding, message->id);
		message->done(message, 0, NULL, 0);
		message = NULL;
		fine = *token >= 0 && napi_create_int32(env, BF_ABORT, &fields[0]) == napi_ok &&
		       napi_create_int32(env, 0, &fields[2]) == napi_ok && napi_get_null(env, &fields[3]) == napi_ok;
		fields[4] = fields[3];
		return fine && napi_create_double(env, *token, &fields[1]) == napi_ok &&
		       set_fields(env, batch, at, fields);
	}
	if (!slot_take(binding, message, token)) {
		bf_message_fail(message, BIFFI_EMEMORY, "out of memory");
		return false;
	}
	fields[4] = message_request(env, message);
	fine = fields[4] && napi_create_int32(env, message->kind, &fields[0]) == napi_ok &&
	       napi_create_double(env, *token, &fields[1]) == napi_ok &&
	       napi_create_uint32(env, message->module, &fields[2]) == napi_ok &&
	       (message->method ? napi_create_string_utf8(env, message->method, NAPI_AUTO_LENGTH, &fields[3])
				: napi_get_null(env, &fields[3])) == napi_ok &&
	       set_fields(env, batch, at, fields);
	if (!fine) {
		napi_value exception;

		napi_get_and_clear_last_exception(env, &exception);
		bf_message_fail(token_release(binding, *token), BIFFI_EMEMORY,
				"the request is too large for JavaScript");
	}
	return fine;
}

/*
 * JavaScript was interrupted in the middle of a batch: the message it was at is
 * answered, those behind it have not been seen and go back to the list. The ones
 * before may be waiting for their promises.
 */
static void batch_broken(bf_binding *binding, const double *tokens, uint32_t count, bf_link **messages)
{
	bool exhausted = atomic_exchange(&binding->exhausted, false);
	uint32_t at = *binding->progress / FIELDS;
	bf_message *message;

	while (count > at + 1) {
		message = token_release(binding, tokens[--count]);
		if (message) {
			message->link.next = *messages;
			*messages = &message->link;
		}
	}
	message = at < count ? token_release(binding, tokens[at]) : NULL;
	if (message) {
		bf_message_fail(message, exhausted ? BIFFI_EMEMORY : BIFFI_EINTERRUPT,
				exhausted ? "JavaScript's heap is full" : "JavaScript was interrupted");
		binding->answered = true;
	}
}

static bool deliver_batch(bf_binding *binding, bf_link **messages)
{
	napi_env env = binding->env;
	napi_handle_scope scope;
	napi_value batch, dispatch, global, result;
	double tokens[BATCH];
	uint32_t count = 0;
	bool fine;

	if (napi_open_handle_scope(env, &scope) != napi_ok) {
		return false;
	}
	fine = binding->dispatch && napi_create_array(env, &batch) == napi_ok &&
	       napi_get_reference_value(env, binding->dispatch, &dispatch) == napi_ok &&
	       napi_get_global(env, &global) == napi_ok;
	for (int i = 0; fine && *messages && i < BATCH; i++) {
		bf_message *message = BF_CONTAINER(*messages, bf_message, link);

		*messages = (*messages)->next;
		if (put(binding, batch, count * FIELDS, message, &tokens[count])) {
			count++;
		}
	}
	*binding->progress = 0;
	if (fine && count) {
		/* boot.js catches everything: what comes out of it is an interrupt. */
		fine = napi_make_callback(env, NULL, global, dispatch, 1, &batch, &result) == napi_ok;
		if (!fine) {
			batch_broken(binding, tokens, count, messages);
		}
	}
	if (!fine) {
		napi_get_and_clear_last_exception(env, &result);
	}
	napi_close_handle_scope(env, scope);
	return fine;
}

void bf_binding_exhausted(void *data)
{
	atomic_store(&((bf_binding *)data)->exhausted, true);
}

bf_link *bf_binding_deliver(bf_binding *binding, bf_link *messages)
{
	bool outer = binding->delivering, fine = true;

	binding->delivering = true;
	while (messages && fine) {
		fine = deliver_batch(binding, &messages);
	}
	binding->delivering = outer;
	if (!outer) {
		flush(binding);
	}
	return fine ? NULL : messages ? messages : &bf_nothing;
}
