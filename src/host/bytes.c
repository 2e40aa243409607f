#define _GNU_SOURCE
#include "bytes.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * V8's own String::IsOneByte(): whether a string is kept as Latin-1, which takes one
 * copy and one look at the copy, where Node-API counts first and converts then. Its
 * `this` is what a napi_value is. NULL: not there, or not what it was.
 */
static bool (*is_one_byte)(napi_value string);
static pthread_once_t probed = PTHREAD_ONCE_INIT;
static _Thread_local napi_env probing;

static void probe(void)
{
	static const char16_t wide[] = {0x100, 0};
	napi_value one, two;
	bool (*found)(napi_value);

	*(void **)&found = dlsym(RTLD_DEFAULT, "_ZNK2v86String9IsOneByteEv");
	if (found && napi_create_string_latin1(probing, "\xff", 1, &one) == napi_ok &&
	    napi_create_string_utf16(probing, wide, 1, &two) == napi_ok && found(one) && !found(two)) {
		is_one_byte = found;
	}
}

/* 16 bytes, which the compiler keeps in one register where there are such. */
typedef uint64_t block __attribute__((vector_size(16)));

bool bf_bytes_ascii(const void *bytes, size_t length)
{
	const uint64_t high = 0x8080808080808080u;
	const char *at = bytes, *end = at + length;
	uint64_t word;

	for (; end - at >= (ptrdiff_t)sizeof(block[4]); at += sizeof(block[4])) {
		block all[4];

		memcpy(all, at, sizeof(all));
		all[0] |= all[1] | all[2] | all[3];
		if ((all[0][0] | all[0][1]) & high) {
			return false;
		}
	}
	for (; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		if (word & high) {
			return false;
		}
	}
	for (; at < end; at++) {
		if (*at & 0x80) {
			return false;
		}
	}
	return true;
}

/* Latin-1 as UTF-8, behind `front` other bytes that stay. Takes `bytes` over. */
static char *widen(char *bytes, size_t front, size_t *length)
{
	size_t high = 0, at = front;
	char *wide;

	for (size_t i = front; i < front + *length; i++) {
		high += (unsigned char)bytes[i] >> 7;
	}
	wide = malloc(front + *length + high + 1);
	if (wide) {
		memcpy(wide, bytes, front);
		for (size_t i = front; i < front + *length; i++) {
			unsigned char c = (unsigned char)bytes[i];

			if (c < 0x80) {
				wide[at++] = (char)c;
			} else {
				wide[at++] = (char)(0xc0 | c >> 6);
				wide[at++] = (char)(0x80 | (c & 0x3f));
			}
		}
		wide[at] = '\0';
		*length += high;
	}
	free(bytes);
	return wide;
}

/* A string's bytes behind room for `front` others. */
static char *copy_string(napi_env env, napi_value value, size_t front, size_t *length)
{
	size_t units, written;
	char *bytes;

	if (napi_get_value_string_utf16(env, value, NULL, 0, &units) != napi_ok) {
		return NULL;
	}
	if (is_one_byte && is_one_byte(value)) {
		bytes = malloc(front + units + 1);
		if (bytes && napi_get_value_string_latin1(env, value, bytes + front, units + 1, &written) == napi_ok) {
			*length = written;
			return bf_bytes_ascii(bytes + front, written) ? bytes : widen(bytes, front, length);
		}
	} else {
		if (napi_get_value_string_utf8(env, value, NULL, 0, length) != napi_ok) {
			return NULL;
		}
		bytes = malloc(front + *length + 1);
		if (bytes && napi_get_value_string_utf8(env, value, bytes + front, *length + 1, length) == napi_ok) {
			return bytes;
		}
	}
	free(bytes);
	return NULL;
}

static char *copy_memory(const void *data, size_t front, size_t length)
{
	char *bytes = malloc(front + length + 1);

	if (bytes) {
		if (length) {
			memcpy(bytes + front, data, length);
		}
		bytes[front + length] = '\0';
	}
	return bytes;
}

char *bf_bytes_of_string(napi_env env, napi_value value, size_t *length)
{
	probing = env;
	pthread_once(&probed, probe);
	return copy_string(env, value, 0, length);
}

bool bf_bytes_behind(napi_env env, napi_value value, size_t front, char **bytes, size_t *length)
{
	napi_valuetype type;
	napi_value memory;
	bool is = false;
	void *data = NULL;

	*bytes = NULL;
	*length = 0;
	if (napi_typeof(env, value, &type) != napi_ok) {
		return false;
	}
	if (type == napi_undefined || type == napi_null) {
		*bytes = front ? copy_memory(NULL, front, 0) : NULL;
		return !front || *bytes;
	}
	if (type == napi_string) {
		probing = env;
		pthread_once(&probed, probe);
		*bytes = copy_string(env, value, front, length);
		return *bytes != NULL;
	}
	if (napi_is_typedarray(env, value, &is) == napi_ok && is) {
		/* napi's length counts elements; a Buffer's view of any typed array counts bytes. */
		if (napi_get_buffer_info(env, value, &data, length) != napi_ok) {
			return false;
		}
	} else if (napi_is_dataview(env, value, &is) == napi_ok && is) {
		if (napi_get_dataview_info(env, value, length, &data, &memory, NULL) != napi_ok) {
			return false;
		}
	} else if (napi_is_arraybuffer(env, value, &is) == napi_ok && is) {
		if (napi_get_arraybuffer_info(env, value, &data, length) != napi_ok) {
			return false;
		}
	} else {
		return false;
	}
	*bytes = copy_memory(data, front, *length);
	return *bytes != NULL;
}

bool bf_bytes_of(napi_env env, napi_value value, char **bytes, size_t *length)
{
	return bf_bytes_behind(env, value, 0, bytes, length);
}

bool bf_bytes_join(napi_env env, napi_value head, napi_value value, char **bytes, size_t *length)
{
	size_t units;
	char first;

	if (napi_get_value_string_utf16(env, head, NULL, 0, &units) != napi_ok) {
		return bf_bytes_behind(env, value, 0, bytes, length);
	}
	if (!bf_bytes_behind(env, value, units, bytes, length)) {
		return false;
	}
	if (units) {
		/* Node-API ends what it writes with a NUL, where the value begins. */
		first = (*bytes)[units];
		napi_get_value_string_latin1(env, head, *bytes, units + 1, NULL);
		(*bytes)[units] = first;
		*length += units;
	}
	return true;
}

void bf_bytes_keep_memory(void)
{
	void *volatile block = malloc(4 << 20);

	free(block);
}

void bf_json_put(FILE *out, const char *text)
{
	if (!text) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\') {
			fprintf(out, "\\%c", c);
		} else if (c < 0x20) {
			fprintf(out, "\\u%04x", c);
		} else {
			fputc(c, out);
		}
	}
	fputc('"', out);
}
