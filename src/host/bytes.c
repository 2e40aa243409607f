#include "bytes.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT = 1024 }; /* UTF-16 units of a string that is converted on the stack */

static char *copy_bytes(const void *data, size_t length)
{
	char *bytes = malloc(length + 1);

	if (bytes) {
		if (length) {
			memcpy(bytes, data, length);
		}
		bytes[length] = '\0';
	}
	return bytes;
}

char *bf_bytes_of_string(napi_env env, napi_value value, size_t *length)
{
	char brief[3 * SHORT + 4], *bytes;
	size_t units;

	if (napi_get_value_string_utf16(env, value, NULL, 0, &units) != napi_ok) {
		return NULL;
	}
	if (units <= SHORT) {
		return napi_get_value_string_utf8(env, value, brief, sizeof(brief), length) == napi_ok
			   ? copy_bytes(brief, *length)
			   : NULL;
	}
	if (napi_get_value_string_utf8(env, value, NULL, 0, length) != napi_ok) {
		return NULL;
	}
	bytes = malloc(*length + 1);
	if (bytes && napi_get_value_string_utf8(env, value, bytes, *length + 1, length) != napi_ok) {
		free(bytes);
		bytes = NULL;
	}
	return bytes;
}

bool bf_bytes_of(napi_env env, napi_value value, char **bytes, size_t *length)
{
	napi_valuetype type;
	napi_value memory;
	bool is = false;
	void *data;

	*bytes = NULL;
	*length = 0;
	if (napi_typeof(env, value, &type) != napi_ok) {
		return false;
	}
	if (type == napi_undefined || type == napi_null) {
		return true;
	}
	if (type == napi_string) {
		*bytes = bf_bytes_of_string(env, value, length);
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
	*bytes = copy_bytes(data, *length);
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
