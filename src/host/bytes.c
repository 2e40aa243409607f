#include "bytes.h"

#include <stdlib.h>
#include <string.h>

/* What the bytes of a value are made from. */
struct source {
	bool none;         /* null or undefined: no bytes at all */
	napi_value string; /* NULL: it is memory */
	bool ascii;        /* a string of ASCII characters only */
	const void *data;
	size_t length; /* in bytes */
};

bool bf_bytes_ascii(const void *bytes, size_t length)
{
	const unsigned char *at = bytes, *end = at + length;
	unsigned char seen = 0;

	/* Blocks that the compiler takes at once. */
	for (; end - at >= 64; at += 64) {
		for (int i = 0; i < 64; i++) {
			seen |= at[i];
		}
		if (seen & 0x80) {
			return false;
		}
	}
	for (; at < end; at++) {
		seen |= *at;
	}
	return !(seen & 0x80);
}

static bool source_of_string(napi_env env, napi_value value, struct source *source)
{
	size_t units;

	if (napi_get_value_string_utf16(env, value, NULL, 0, &units) != napi_ok ||
	    napi_get_value_string_utf8(env, value, NULL, 0, &source->length) != napi_ok) {
		return false;
	}
	source->string = value;
	source->ascii = units == source->length;
	return true;
}

/* False: another kind of value. */
static bool source_of(napi_env env, napi_value value, struct source *source)
{
	napi_value memory;
	napi_valuetype type;
	bool is = false;

	*source = (struct source){0};
	if (napi_typeof(env, value, &type) != napi_ok) {
		return false;
	}
	if (type == napi_undefined || type == napi_null) {
		source->none = true;
		return true;
	}
	if (type == napi_string) {
		return source_of_string(env, value, source);
	}
	if (napi_is_typedarray(env, value, &is) == napi_ok && is) {
		/* napi's length counts elements; a Buffer's view of any typed array counts bytes. */
		return napi_get_buffer_info(env, value, (void **)&source->data, &source->length) == napi_ok;
	}
	if (napi_is_dataview(env, value, &is) == napi_ok && is) {
		return napi_get_dataview_info(env, value, &source->length, (void **)&source->data, &memory, NULL) ==
		       napi_ok;
	}
	return napi_is_arraybuffer(env, value, &is) == napi_ok && is &&
	       napi_get_arraybuffer_info(env, value, (void **)&source->data, &source->length) == napi_ok;
}

/* `to` has room for the bytes and a NUL. */
static bool source_write(napi_env env, const struct source *source, char *to)
{
	size_t written = 0;

	if (source->string) {
		return (source->ascii
			    ? napi_get_value_string_latin1(env, source->string, to, source->length + 1, &written)
			    : napi_get_value_string_utf8(env, source->string, to, source->length + 1, &written)) ==
			   napi_ok &&
		       written == source->length;
	}
	if (source->length) {
		memcpy(to, source->data, source->length);
	}
	to[source->length] = '\0';
	return true;
}

static char *source_copy(napi_env env, const struct source *source)
{
	char *bytes = malloc(source->length + 1);

	if (bytes && !source_write(env, source, bytes)) {
		free(bytes);
		bytes = NULL;
	}
	return bytes;
}

char *bf_bytes_of_string(napi_env env, napi_value value, size_t *length)
{
	struct source source = {0};

	if (!source_of_string(env, value, &source)) {
		return NULL;
	}
	*length = source.length;
	return source_copy(env, &source);
}

bool bf_bytes_of(napi_env env, napi_value value, char **bytes, size_t *length)
{
	struct source source;

	*bytes = NULL;
	*length = 0;
	if (!source_of(env, value, &source)) {
		return false;
	}
	if (source.none) {
		return true;
	}
	*length = source.length;
	*bytes = source_copy(env, &source);
	return *bytes != NULL;
}

bool bf_bytes_join(napi_env env, napi_value head, napi_value value, char **bytes, size_t *length)
{
	struct source source;
	size_t units;

	if (napi_get_value_string_utf16(env, head, NULL, 0, &units) != napi_ok) {
		return bf_bytes_of(env, value, bytes, length);
	}
	*bytes = NULL;
	*length = 0;
	if (!source_of(env, value, &source)) {
		return false;
	}
	*length = units + source.length;
	*bytes = malloc(*length + 1);
	if (*bytes && (napi_get_value_string_latin1(env, head, *bytes, units + 1, NULL) != napi_ok ||
		       !source_write(env, &source, *bytes + units))) {
		free(*bytes);
		*bytes = NULL;
	}
	return *bytes != NULL;
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
