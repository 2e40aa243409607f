/*
 * Callbacks: a stub of machine code each where the host can have it, and a
 * libffi closure where it can't. Stubs and their records are made by the page
 * and stay in pairs for good, so that making a callback is taking a pair from a
 * queue, and writing to executable memory is rare.
 */
#include <pthread.h>
#include <stdlib.h>

#include "abi.h"
#include "code.h"
#include "entry.h"
#include "ffi_tier.h"

struct bf_callback {
	bf_entry_record record; /* first: what the stub's literal points to */
	void *code;
	bf_closure *closure; /* NULL: `code` is a stub */
	bf_callback *next;   /* in the queue */
};

enum { STUBS = 4096 / BF_ENTRY_STUB_SIZE };

/* All of it, and the `entry` of every plan, is guarded by `lock`. */
static struct {
	pthread_mutex_t lock;
	bf_callback *first, *last; /* free pairs; the one that was freed longest ago is taken first */
	bool libffi;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * Where a freed callback leads until its stub is given out again: C that still
 * calls it gets 0, if the result travels in a general register.
 */
static long dead(void)
{
	return 0;
}

/* Puts a pair at the queue's end. */
static void enqueue(bf_callback *cb)
{
	cb->record = (bf_entry_record){.body = (void *)dead};
	cb->next = NULL;
	if (pool.last != NULL)
		pool.last->next = cb;
	else
		pool.first = cb;
	pool.last = cb;
}

static bf_callback *dequeue(void)
{
	bf_callback *cb = pool.first;

	if (cb != NULL) {
		pool.first = cb->next;
		if (pool.first == NULL)
			pool.last = NULL;
	}
	return cb;
}

/* A page of stubs, and their records. They are never given back. */
static void add_pairs(void)
{
	unsigned char stubs[STUBS * BF_ENTRY_STUB_SIZE];
	bf_callback *pairs = calloc(STUBS, sizeof(*pairs));

	if (pairs == NULL)
		return;
	for (int i = 0; i < STUBS; i++)
		if (!bf_entry_stub(stubs + i * BF_ENTRY_STUB_SIZE, &pairs[i].record)) {
			free(pairs);
			return;
		}
	char *code = bf_code_new(stubs, sizeof(stubs));
	if (code == NULL) {
		free(pairs);
		return;
	}
	for (int i = 0; i < STUBS; i++) {
		pairs[i].code = code + i * BF_ENTRY_STUB_SIZE;
		enqueue(&pairs[i]);
	}
}

/* A callback in machine code, with its handler still to be set; NULL: this one needs libffi. */
static bf_callback *take(const bf_plan *plan)
{
	bf_plan_entry *entry = plan->entry;

	if (pool.libffi)
		return NULL;
	if (!entry->tried) {
		entry->tried = true;
		entry->body = bf_entry_body(plan, &entry->size);
	}
	if (entry->body == NULL)
		return NULL;
	if (pool.first == NULL)
		add_pairs();
	bf_callback *cb = dequeue();
	if (cb != NULL)
		cb->record.body = entry->body;
	return cb;
}

int bf_callback_new(const bf_plan *plan, bf_callback_handler *handler, void *data, bf_callback **out, bf_error *err)
{
	*out = NULL;
	pthread_mutex_lock(&pool.lock);
	bf_callback *cb = take(plan);
	pthread_mutex_unlock(&pool.lock);

	if (cb != NULL) {
		cb->record.handler = handler;
		cb->record.data = data;
		*out = cb;
		return BF_OK;
	}

	cb = calloc(1, sizeof(*cb));
	if (cb == NULL)
		return bf_error_set(err, BF_ENOMEM, "out of memory");
	int rc = bf_closure_new(plan, handler, data, &cb->closure, err);
	if (rc != BF_OK) {
		free(cb);
		return rc;
	}
	cb->code = bf_closure_code(cb->closure);
	*out = cb;
	return BF_OK;
}

void *bf_callback_code(const bf_callback *cb)
{
	return cb->code;
}

void bf_callback_free(bf_callback *cb)
{
	if (cb == NULL)
		return;
	if (cb->closure != NULL) {
		bf_closure_free(cb->closure);
		free(cb);
		return;
	}
	pthread_mutex_lock(&pool.lock);
	enqueue(cb);
	pthread_mutex_unlock(&pool.lock);
}

void bf_callback_use_libffi(bool always)
{
	pthread_mutex_lock(&pool.lock);
	pool.libffi = always;
	pthread_mutex_unlock(&pool.lock);
}

bool bf_callback_is_machine_code(const bf_callback *cb)
{
	return cb->closure == NULL;
}

void bf_plan_entry_free(bf_plan_entry *entry)
{
	if (entry != NULL && entry->body != NULL)
		bf_code_free(entry->body, entry->size);
	free(entry);
}
