#define _GNU_SOURCE
#include "rawmem_v8.h"

#include "v8.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * A std::shared_ptr<BackingStore> is an object pointer and a control block. The
 * control block is libstdc++'s _Sp_counted_base: a table of virtual functions,
 * two counts, and what the deriving class adds. V8 counts, and calls `dispose`
 * when nobody uses the object any more and `destroy` when nobody looks at the
 * block either, on any thread.
 */
typedef struct control {
	const void *const *table;
	int uses, weak;
	void *store;
} control;

typedef struct shared_pointer {
	void *store;
	control *control;
} shared_pointer;

typedef void empty_deleter(void *data, size_t length, void *deleter_data);

/*
 * std::unique_ptr<BackingStore> leaves through memory, as C passes the result of
 * a struct of this size on every machine: only the first word is written.
 */
typedef struct unique_pointer {
	void *store;
	void *not_there[2];
} unique_pointer;

static unique_pointer (*new_backing_store)(void *data, size_t length, empty_deleter *deleter, void *deleter_data);
static void (*backing_store_destructor)(void *store);
/* A std::shared_ptr passed by value goes by reference; a v8::Local is one pointer, as napi_value is. */
static void *(*array_buffer_new)(void *isolate, shared_pointer *store);
static void *(*isolate_current)(void);
static void (*operator_delete)(void *store);
static bool usable;

static void destructor(control *c)
{
	(void)c;
}

static void dispose(control *c)
{
	/* `delete store` */
	backing_store_destructor(c->store);
	operator_delete(c->store);
}

static void destroy(control *c)
{
	free(c);
}

static void *get_deleter(control *c, const void *type)
{
	(void)c;
	(void)type;
	return NULL;
}

/* Itanium C++ ABI: what the object points to comes after the offset to the top and the type information. */
static const void *const table[] = {NULL,
				    NULL,
				    (const void *)destructor,
				    (const void *)destructor,
				    (const void *)dispose,
				    (const void *)destroy,
				    (const void *)get_deleter};

static void keep_memory(void *data, size_t length, void *deleter_data)
{
	(void)data;
	(void)length;
	(void)deleter_data;
}

static napi_value make(void *address, size_t length)
{
	void *isolate = isolate_current();
	control *c = malloc(sizeof *c);
	if (isolate == NULL || c == NULL) {
		free(c);
		return NULL;
	}
	shared_pointer pointer = {NULL, c};
	pointer.store = new_backing_store(address, length, keep_memory, NULL).store;
	if (pointer.store == NULL) {
		free(c);
		return NULL;
	}
	*c = (control){table + 2, 1, 1, pointer.store};

	/* The callee may move out of it; what is left is the caller's to release. */
	void *local = array_buffer_new(isolate, &pointer);
	if (pointer.control != NULL && __atomic_fetch_sub(&c->uses, 1, __ATOMIC_ACQ_REL) == 1) {
		dispose(c);
		if (__atomic_fetch_sub(&c->weak, 1, __ATOMIC_ACQ_REL) == 1)
			destroy(c);
	}
	return local;
}

static void find(void)
{
	const char *tier = getenv("BIFFI_TIER");
	if (tier != NULL && strcmp(tier, "v8") != 0)
		return;
	*(void **)&new_backing_store = dlsym(RTLD_DEFAULT, "_ZN2v811ArrayBuffer15NewBackingStoreEPvmPFvS1_mS1_ES1_");
	*(void **)&backing_store_destructor = dlsym(RTLD_DEFAULT, "_ZN2v812BackingStoreD1Ev");
	*(void **)&array_buffer_new =
	    dlsym(RTLD_DEFAULT, "_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE");
	*(void **)&isolate_current = dlsym(RTLD_DEFAULT, "_ZN2v87Isolate10GetCurrentEv");
	*(void **)&operator_delete = dlsym(RTLD_DEFAULT, "_ZdlPv");
	usable = new_backing_store != NULL && backing_store_destructor != NULL && array_buffer_new != NULL &&
		 isolate_current != NULL && operator_delete != NULL;
}

void bf_rawmem_v8_init(napi_env env)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static char probe[64];
	void *data = NULL;
	size_t length = 0;

	if (!bf_v8_get(env)->on)
		return;
	pthread_once(&once, find);
	if (!usable)
		return;
	napi_value made = make(probe, 24);
	usable = made != NULL && napi_get_arraybuffer_info(env, made, &data, &length) == napi_ok && data == probe &&
		 length == 24;
}

napi_value bf_rawmem_v8_wrap(void *address, size_t length)
{
	return usable ? make(address, length) : NULL;
}
