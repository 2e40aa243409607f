#include "log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct sink {
	_Atomic(struct sink *) next;
	void (*log)(void *data, int level, const char *text, size_t length);
	void (*log_from)(void *data, const biffi_origin *origin, int level, const char *text, size_t length);
	void *data;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards who adds; readers need nothing */
static _Atomic(struct sink *) first;

int bf_log_add(const biffi_options *options)
{
	_Atomic(struct sink *) *link = &first;
	struct sink *sink;
	int number = 1;

	if (!options->log && !options->log_from) {
		return BF_NO_LOG;
	}
	pthread_mutex_lock(&mutex);
	for (; (sink = atomic_load(link)) != NULL; link = &sink->next, number++) {
		if (sink->log == options->log && sink->log_from == options->log_from && sink->data == options->data) {
			break;
		}
	}
	if (!sink && (sink = calloc(1, sizeof(*sink))) != NULL) {
		sink->log = options->log;
		sink->log_from = options->log_from;
		sink->data = options->data;
		atomic_store(link, sink);
	}
	pthread_mutex_unlock(&mutex);
	return sink ? number : 0;
}

bool bf_log_write(int number, const biffi_origin *origin, int level, const char *text, size_t length)
{
	struct sink *sink = number < 0 ? NULL : atomic_load(&first);

	while (sink && --number > 0) {
		sink = atomic_load(&sink->next);
	}
	if (sink && sink->log_from) {
		sink->log_from(sink->data, origin, level, text, length);
	} else if (sink) {
		sink->log(sink->data, level, text, length);
	}
	return sink != NULL;
}
