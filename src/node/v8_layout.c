#include "v8_layout.h"

#include <math.h>

/* How many words of an object are searched for what it should hold; all objects looked at are at least that big. */
#define MAX_WORDS 13

static uint64_t word_of(napi_value v)
{
	return *(const uint64_t *)v;
}

static int find(const uint64_t *object, int from, uint64_t value)
{
	int i;

	for (i = from; i < MAX_WORDS; i++)
		if (object[i] == value)
			return i;
	return 0;
}

bool bf_v8_value_at(const bf_v8_layout *l, const uint64_t *value, void **address, uint64_t *size)
{
	const uint64_t *memory;
	double offset, base, known;
	void *data;

	if (!bf_v8_number(l, value[1], &offset) || !(offset >= 0 && offset <= 0x1p53))
		return false;
	memory = bf_v8_properties(l, value[0]);
	if (memory && bf_v8_is_small(memory[0]) && bf_v8_number(l, memory[1], &known) && known == INFINITY) {
		/* lib/'s `everywhere`, and callbacks: what C's pointers are in */
		*address = (void *)((uintptr_t)offset + (uintptr_t)(intptr_t)bf_v8_small(memory[0]));
		*size = SIZE_MAX;
		return true;
	}
	if (memory) {
		/* A base that is no Number: the memory was freed. */
		if (!bf_v8_number(l, memory[0], &base) || !bf_v8_number(l, memory[1], &known) || base < 0 ||
		    !(offset <= known))
			return false;
		*address = (void *)((uintptr_t)base + (uintptr_t)offset);
		*size = known - offset <= 0x1p53 ? (uint64_t)(known - offset) : SIZE_MAX;
		return true;
	}
	if (!bf_v8_bytes(l, value[0], &data, size) || offset > (double)*size)
		return false;
	*address = (char *)data + (uint64_t)offset;
	*size -= (uint64_t)offset;
	return true;
}

static bool probe_small(napi_env env, bf_v8_layout *l)
{
	napi_value v;

	if (napi_create_int32(env, 0x12345, &v) != napi_ok || word_of(v) != bf_v8_from_small(0x12345) ||
	    napi_create_int32(env, -7, &v) != napi_ok || word_of(v) != bf_v8_from_small(-7))
		return false;
	if (napi_get_null(env, &v) != napi_ok || bf_v8_is_small(l->null = word_of(v)) ||
	    napi_get_undefined(env, &v) != napi_ok || bf_v8_is_small(l->undefined = word_of(v)) ||
	    napi_get_boolean(env, true, &v) != napi_ok || bf_v8_is_small(l->true_ = word_of(v)) ||
	    napi_get_boolean(env, false, &v) != napi_ok || bf_v8_is_small(l->false_ = word_of(v)))
		return false;
	return true;
}

static void probe_number(napi_env env, bf_v8_layout *l)
{
	napi_value a, b;
	double d;

	if (napi_create_double(env, 1.5, &a) != napi_ok || napi_create_double(env, -1e300, &b) != napi_ok ||
	    bf_v8_is_small(word_of(a)) || bf_v8_is_small(word_of(b)) ||
	    bf_v8_object(word_of(a))[0] != bf_v8_object(word_of(b))[0])
		return;
	l->number_map = bf_v8_object(word_of(a))[0];
	if (!bf_v8_number(l, word_of(a), &d) || d != 1.5 || !bf_v8_number(l, word_of(b), &d) || d != -1e300)
		l->number_map = 0;
}

static void probe_bigint(napi_env env, bf_v8_layout *l)
{
	static const uint64_t VALUES[] = {0, 1, 0x1122334455667788, UINT64_MAX};
	napi_value v, big;
	uint64_t words[2] = {1, 1}, magnitude;
	bool negative;
	int i, sign;

	if (napi_create_bigint_uint64(env, 1, &v) != napi_ok || bf_v8_is_small(word_of(v)))
		return;
	l->bigint_type = bf_v8_instance_type(word_of(v));
	for (sign = 0; sign < 2; sign++)
		for (i = 0; i < 4; i++)
			if (napi_create_bigint_words(env, sign, 1, &VALUES[i], &v) != napi_ok ||
			    !bf_v8_bigint(l, word_of(v), &negative, &magnitude) || magnitude != VALUES[i] ||
			    negative != (sign && i > 0))
				l->bigint_type = 0;
	if (napi_create_bigint_words(env, 0, 2, words, &big) != napi_ok ||
	    bf_v8_bigint(l, word_of(big), &negative, &magnitude))
		l->bigint_type = 0;
}

/*
 * An ArrayBuffer and a SharedArrayBuffer have one instance type; their flags, 32
 * bits behind the length, tell which is which.
 */
static bool find_shared(napi_env env, bf_v8_layout *l, const uint64_t *buffer)
{
	const uint32_t *a = (const uint32_t *)buffer, *b;
	napi_value global, constructor, size, shared;
	int i;

	if (napi_get_global(env, &global) != napi_ok ||
	    napi_get_named_property(env, global, "SharedArrayBuffer", &constructor) != napi_ok ||
	    napi_create_uint32(env, 4096, &size) != napi_ok ||
	    napi_new_instance(env, constructor, 1, &size, &shared) != napi_ok || bf_v8_is_small(word_of(shared)))
		return false;
	b = (const uint32_t *)bf_v8_object(word_of(shared));
	for (i = 2 * (l->buffer_bytes + 1); i < 2 * MAX_WORDS; i++) {
		uint32_t only = b[i] & ~a[i];

		/* The data's and the extension's addresses differ in many bits. */
		if (a[i] < 0x10000 && b[i] < 0x10000 && only != 0 && (only & (only - 1)) == 0) {
			l->buffer_flags = (uint8_t)i;
			l->buffer_shared = only;
			return true;
		}
	}
	return false;
}

/*
 * An ArrayBuffer; then views with offsets and lengths that occur
 * nowhere else in them.
 */
static void probe_buffers(napi_env env, bf_v8_layout *l)
{
	napi_value ab, ta, ta8, dv, small, global, constructor, eight;
	void *p, *data;
	const uint64_t *b, *w, *s, *d;
	uint64_t size;
	bool is;

	if (napi_create_arraybuffer(env, 4096, &p, &ab) != napi_ok ||
	    napi_create_typedarray(env, napi_float64_array, 17, ab, 192, &ta) != napi_ok ||
	    napi_create_typedarray(env, napi_uint8_array, 3, ab, 5, &ta8) != napi_ok ||
	    napi_create_dataview(env, 232, ab, 72, &dv) != napi_ok || napi_get_global(env, &global) != napi_ok ||
	    napi_get_named_property(env, global, "Uint8Array", &constructor) != napi_ok ||
	    napi_create_uint32(env, 8, &eight) != napi_ok ||
	    napi_new_instance(env, constructor, 1, &eight, &small) != napi_ok ||
	    napi_is_typedarray(env, small, &is) != napi_ok || !is)
		return;
	b = bf_v8_object(word_of(ab));
	w = bf_v8_object(word_of(ta));
	s = bf_v8_object(word_of(small));
	d = bf_v8_object(word_of(dv));

	l->buffer_data = (uint8_t)find(b, 3, (uint64_t)(uintptr_t)p);
	l->buffer_bytes = (uint8_t)find(b, 3, 4096);
	l->view_data = (uint8_t)find(w, 3, (uint64_t)(uintptr_t)p + 192);
	l->view_buffer = (uint8_t)find(w, 3, word_of(ab));
	l->view_offset = (uint8_t)find(w, 3, 192);
	l->view_bytes = (uint8_t)find(w, 3, 136);
	/* On the heap, the base is the elements object (word 2); outside, it is zero. */
	l->view_base = (uint8_t)find(s, 3, s[2]);
	if (!l->buffer_data || !l->buffer_bytes || !l->view_data || !l->view_buffer || !l->view_offset ||
	    !l->view_bytes || !l->view_base || w[l->view_base] != 0 || bf_v8_is_small(s[2]) || !find_shared(env, l, b))
		return;

	l->buffer_type = bf_v8_instance_type(word_of(ab));
	l->view_type = bf_v8_instance_type(word_of(ta));
	if (d[l->view_buffer] == word_of(ab) && d[l->view_offset] == 72 && d[l->view_bytes] == 232 &&
	    (l->data_view_data = (uint8_t)find(d, 3, (uint64_t)(uintptr_t)p + 72)) != 0)
		l->data_view_type = bf_v8_instance_type(word_of(dv));

	if (!bf_v8_bytes(l, word_of(ab), &data, &size) || data != p || size != 4096 ||
	    !bf_v8_bytes(l, word_of(ta), &data, &size) || data != (char *)p + 192 || size != 136 ||
	    !bf_v8_bytes(l, word_of(ta8), &data, &size) || data != (char *)p + 5 || size != 3 ||
	    bf_v8_bytes(l, word_of(small), &data, &size) ||
	    (l->data_view_type &&
	     (!bf_v8_bytes(l, word_of(dv), &data, &size) || data != (char *)p + 72 || size != 232)) ||
	    napi_detach_arraybuffer(env, ab) != napi_ok || bf_v8_bytes(l, word_of(ab), &data, &size) ||
	    bf_v8_bytes(l, word_of(ta), &data, &size) || bf_v8_bytes(l, word_of(dv), &data, &size))
		l->buffer_type = l->view_type = l->data_view_type = 0;
}

static bool reads_as(const bf_v8_layout *l, napi_value v, const void *units, uint32_t length, bool two_byte)
{
	bf_v8_chars c;

	return bf_v8_string(l, word_of(v), &c) && c.length == length && c.two_byte == two_byte &&
	       memcmp(c.at, units, (size_t)length << two_byte) == 0;
}

static void probe_strings(napi_env env, bf_v8_layout *l)
{
	static const char LATIN[] = "b\xEF"
				    "ffi, a name"; /* 13 characters */
	static const char16_t WIDE[] = u"b\u20ACffi, a name";
	/* The same as literals, which are internalized; then a concatenation and a slice, which lie elsewhere. */
	static const char SCRIPT[] = "((a, w) => [a, w, a + w + a, ('-' + a + a).slice(1)])"
				     "('b\\xefffi, a name', 'b\\u20ACffi, a name')";
	napi_value one, two, script, list, item[4];
	bf_v8_chars c;
	uint32_t i;

	if (napi_create_string_latin1(env, LATIN, 13, &one) != napi_ok ||
	    napi_create_string_utf16(env, WIDE, 13, &two) != napi_ok ||
	    napi_create_string_utf8(env, SCRIPT, NAPI_AUTO_LENGTH, &script) != napi_ok ||
	    napi_run_script(env, script, &list) != napi_ok)
		return;
	for (i = 0; i < 4; i++)
		if (napi_get_element(env, list, i, &item[i]) != napi_ok)
			return;
	l->one_byte_type = bf_v8_instance_type(word_of(one)) & (uint16_t)~BF_V8_INTERNALIZED;
	l->two_byte_type = bf_v8_instance_type(word_of(two)) & (uint16_t)~BF_V8_INTERNALIZED;
	l->strings = true;
	l->strings = l->one_byte_type != l->two_byte_type && reads_as(l, one, LATIN, 13, false) &&
		     reads_as(l, two, WIDE, 13, true) && reads_as(l, item[0], LATIN, 13, false) &&
		     reads_as(l, item[1], WIDE, 13, true) && !bf_v8_string(l, word_of(item[2]), &c) &&
		     !bf_v8_string(l, word_of(item[3]), &c);
}

static void probe_arrays(napi_env env, bf_v8_layout *l)
{
	static const uint64_t DOUBLES[] = {0x3FF8000000000000, 0xC000000000000000, 0x3FB999999999999A};
	static const char SCRIPT[] =
	    "(() => { const made = [], dictionary = []; for (let i = 0; i < 4; i++) made.push(i * 5 - 5);"
	    "dictionary[1 << 24] = 1; return [[-5, 0, 5, 10], [1.5, -2, 0.1], [7, 'x', {}, 1.5], made,"
	    "[1.5, , NaN, -(0 / 0)], [1, , 2], dictionary]; })()";
	napi_value script, list, item[7];
	bf_v8_elements e[7] = {0};
	bool read[7];

	if (!l->number_map || napi_create_string_utf8(env, SCRIPT, NAPI_AUTO_LENGTH, &script) != napi_ok ||
	    napi_run_script(env, script, &list) != napi_ok)
		return;
	for (uint32_t i = 0; i < 7; i++)
		if (napi_get_element(env, list, i, &item[i]) != napi_ok || bf_v8_is_small(word_of(item[i])) ||
		    bf_v8_is_small(bf_v8_object(word_of(item[i]))[2]))
			return;
	l->array_type = bf_v8_instance_type(word_of(item[0]));
	l->elements_type = bf_v8_instance_type(bf_v8_object(word_of(item[0]))[2]);
	l->doubles_type = bf_v8_instance_type(bf_v8_object(word_of(item[1]))[2]);
	for (uint32_t i = 0; i < 7; i++)
		read[i] = bf_v8_array(l, word_of(item[i]), &e[i]);
	for (int i = 0; i < 3; i++)
		if (!read[1] || !e[1].doubles || e[1].length != 3 || e[1].at[i] != DOUBLES[i])
			l->array_type = 0;
	for (int32_t i = 0; i < 4; i++)
		if (!read[0] || !read[3] || e[0].at[i] != bf_v8_from_small(i * 5 - 5) || e[3].at[i] != e[0].at[i])
			l->array_type = 0;
	if (l->elements_type == l->doubles_type || e[0].length != 4 || e[0].doubles || e[3].length != 4 ||
	    e[3].doubles || !read[2] || e[2].length != 4 || e[2].doubles || e[2].at[0] != bf_v8_from_small(7) ||
	    !read[4] || !e[4].doubles || e[4].length != 4 || !bf_v8_is_missing(e[4].at[1]) ||
	    bf_v8_is_missing(e[4].at[2]) || bf_v8_is_missing(e[4].at[3]) || !read[5] || e[5].doubles ||
	    bf_v8_is_small(e[5].at[1]) || bf_v8_object(e[5].at[1])[0] == l->number_map || read[6])
		l->array_type = 0;
}

/* Objects of one property and of four have as many words as they should. */
static bool probe_words(napi_env env)
{
	napi_value script, list, item[2];

	return napi_create_string_utf8(env, "[{ a: 1 }, { a: 1, b: 2, c: 3, d: 4 }]", NAPI_AUTO_LENGTH, &script) ==
		   napi_ok &&
	       napi_run_script(env, script, &list) == napi_ok && napi_get_element(env, list, 0, &item[0]) == napi_ok &&
	       napi_get_element(env, list, 1, &item[1]) == napi_ok &&
	       bf_v8_words(word_of(item[0])) == BF_V8_HEADER + 1 && bf_v8_words(word_of(item[1])) == BF_V8_HEADER + 4;
}

void bf_v8_layout_probe_values(napi_env env, bf_v8_layout *l, const napi_value samples[3], napi_value view)
{
	uint64_t first, native, more, size = 0, view_bytes = 0;
	void *data = NULL, *address = NULL;

	if (!probe_words(env))
		return;
	first = word_of(samples[0]);
	native = word_of(samples[1]);
	more = word_of(samples[2]);
	if (!l->number_map || !l->data_view_type || bf_v8_is_small(first) || bf_v8_is_small(native) ||
	    bf_v8_is_small(more) || !bf_v8_bytes(l, word_of(view), &data, &view_bytes))
		return;
	l->object_type = bf_v8_instance_type(first);
	l->no_properties = bf_v8_object(first)[1];
	if (!bf_v8_is_small(bf_v8_object(more)[1]))
		l->properties_type = bf_v8_instance_type(bf_v8_object(more)[1]);
	if (bf_v8_is_small(l->no_properties) || l->no_properties == bf_v8_object(more)[1] ||
	    l->properties_type == bf_v8_instance_type(l->no_properties) || !bf_v8_value(l, first, &address, &size) ||
	    address != (char *)data + 24 || size != view_bytes - 24 || !bf_v8_value(l, more, &address, &size) ||
	    address != (char *)data + 24 || size != view_bytes - 24 || !bf_v8_value(l, native, &address, &size) ||
	    address != (void *)0x14008 || size != 92 || bf_v8_value(l, word_of(view), &address, &size))
		l->object_type = 0;
}

void bf_v8_layout_probe_functions(bf_v8_layout *l, napi_value plain, napi_value other)
{
	if (!l->object_type || bf_v8_is_small(word_of(plain)) || bf_v8_is_small(word_of(other)))
		return;
	l->function_type = bf_v8_instance_type(word_of(plain));
	if (l->function_type == l->object_type || bf_v8_instance_type(word_of(other)) != l->function_type ||
	    !bf_v8_plain_function(l, word_of(plain)) || bf_v8_plain_function(l, word_of(other)))
		l->function_type = 0;
}

bool bf_v8_layout_probe(napi_env env, bf_v8_layout *out)
{
	napi_handle_scope scope;
	bool ok;

	memset(out, 0, sizeof *out);
	if (napi_open_handle_scope(env, &scope) != napi_ok)
		return false;
	ok = probe_small(env, out);
	if (ok) {
		probe_number(env, out);
		probe_bigint(env, out);
		probe_buffers(env, out);
		probe_strings(env, out);
		probe_arrays(env, out);
	}
	napi_close_handle_scope(env, scope);
	return ok;
}
