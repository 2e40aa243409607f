#include "v8_utf8.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Where the pages of the heap end is not known; reads beyond a string stay within its page. */
#define PAGE 4096

static char *room(bf_scratch *s, size_t size)
{
	/* The usual case inline: there is room in the current chunk. */
	if (s->current && s->current->size - s->used >= size + 15) {
		char *p = s->current->bytes + s->used;

		s->used += (size + 15) & ~(size_t)15;
		return p;
	}
	return bf_scratch_alloc(s, size);
}

/* --- Latin-1 ------------------------------------------------------------------------ */

/* Bytes from 0x80 take two. Nothing is 0. */
static char *widen(bf_scratch *s, const uint8_t *from, size_t n)
{
	char *text = room(s, 2 * n + 1), *p = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (from[i] < 0x80) {
			*p++ = (char)from[i];
		} else {
			*p++ = (char)(0xC0 | from[i] >> 6);
			*p++ = (char)(0x80 | (from[i] & 0x3F));
		}
	}
	*p = 0;
	return text;
}

/* What is to be known of a Latin-1 string before it is copied; eight bytes at a time. */
static char *copy_bytes(bf_scratch *s, const uint8_t *from, size_t n)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	uint64_t high = 0, word;
	size_t i = 0;
	char *text;

	for (; i + 8 <= n; i += 8) {
		memcpy(&word, from + i, 8);
		if ((word - ones) & ~word & highs)
			return NULL;
		high |= word;
	}
	for (; i < n; i++) {
		if (from[i] == 0)
			return NULL;
		high |= from[i];
	}
	if (high & highs)
		return widen(s, from, n);
	text = room(s, n + 1);
	if (!text)
		return NULL;
	memcpy(text, from, n);
	text[n] = 0;
	return text;
}

#if defined(__x86_64__)

/* 32 bytes from MASKS + 32 - n are n times 255, then zeros. */
static const uint8_t MASKS[64] __attribute__((aligned(64))) = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
};

/*
 * Up to 31 bytes as one vector: a function that reads its string by vectors
 * (strlen does) would wait for smaller stores to reach memory, and not for this.
 */
__attribute__((target("avx2"))) static char *copy_short(bf_scratch *s, const uint8_t *from, uint32_t n)
{
	__m256i mask = _mm256_loadu_si256((const __m256i *)(const void *)(MASKS + 32 - n));
	__m256i v = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(const void *)from), mask);
	uint32_t zeros = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_setzero_si256()));
	char *text;

	if (__builtin_expect(zeros & ((1u << n) - 1), 0))
		return NULL;
	if (__builtin_expect(_mm256_movemask_epi8(v), 0))
		return widen(s, from, n);
	text = room(s, 32);
	if (text)
		_mm256_storeu_si256((__m256i *)(void *)text, v);
	return text;
}

/* From 32 bytes on, 32 at a time; the last 32 overlap the ones before. */
__attribute__((target("avx2"))) static char *copy_long(bf_scratch *s, const uint8_t *from, size_t n)
{
	const __m256i zero = _mm256_setzero_si256();
	__m256i high = zero, nul = zero, v;
	char *text = room(s, n + 1);
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i + 32 <= n; i += 32) {
		v = _mm256_loadu_si256((const __m256i *)(const void *)(from + i));
		high = _mm256_or_si256(high, v);
		nul = _mm256_or_si256(nul, _mm256_cmpeq_epi8(v, zero));
		_mm256_storeu_si256((__m256i *)(void *)(text + i), v);
	}
	v = _mm256_loadu_si256((const __m256i *)(const void *)(from + n - 32));
	high = _mm256_or_si256(high, v);
	nul = _mm256_or_si256(nul, _mm256_cmpeq_epi8(v, zero));
	_mm256_storeu_si256((__m256i *)(void *)(text + n - 32), v);
	if (_mm256_movemask_epi8(nul))
		return NULL;
	if (_mm256_movemask_epi8(high))
		return widen(s, from, n);
	text[n] = 0;
	return text;
}

static bool has_avx2(void)
{
	static int known; /* 0: not asked yet; whoever asks at once finds the same */

	if (!known)
		known = __builtin_cpu_supports("avx2") ? 1 : -1;
	return known > 0;
}

static char *copy_latin1(bf_scratch *s, const uint8_t *from, uint32_t n)
{
	if (!has_avx2())
		return copy_bytes(s, from, n);
	if (n >= 32)
		return copy_long(s, from, n);
	return ((uintptr_t)from & (PAGE - 1)) <= PAGE - 32 ? copy_short(s, from, n) : copy_bytes(s, from, n);
}

#else

static char *copy_latin1(bf_scratch *s, const uint8_t *from, uint32_t n)
{
	return copy_bytes(s, from, n);
}

#endif

/* --- UTF-16 ---------------------------------------------------------------------------- */

static char *copy_utf16(bf_scratch *s, const uint16_t *from, size_t n)
{
	char *text = room(s, 3 * n + 1), *p = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		uint32_t c = from[i];

		if (c - 1 < 0x7F) {
			*p++ = (char)c;
			continue;
		}
		if (c == 0)
			return NULL;
		if (c < 0x800) {
			*p++ = (char)(0xC0 | c >> 6);
			*p++ = (char)(0x80 | (c & 0x3F));
			continue;
		}
		if (c >= 0xD800 && c <= 0xDFFF) {
			if (c <= 0xDBFF && i + 1 < n && (from[i + 1] & 0xFC00) == 0xDC00) {
				c = 0x10000 + ((c - 0xD800) << 10) + (from[++i] - 0xDC00u);
				*p++ = (char)(0xF0 | c >> 18);
				*p++ = (char)(0x80 | (c >> 12 & 0x3F));
				*p++ = (char)(0x80 | (c >> 6 & 0x3F));
				*p++ = (char)(0x80 | (c & 0x3F));
				continue;
			}
			c = 0xFFFD;
		}
		*p++ = (char)(0xE0 | c >> 12);
		*p++ = (char)(0x80 | (c >> 6 & 0x3F));
		*p++ = (char)(0x80 | (c & 0x3F));
	}
	*p = 0;
	return text;
}

char *bf_v8_utf8(bf_scratch *scratch, bf_v8_chars chars)
{
	return chars.two_byte ? copy_utf16(scratch, chars.at, chars.length)
			      : copy_latin1(scratch, chars.at, chars.length);
}
