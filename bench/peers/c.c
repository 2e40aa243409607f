/*
 * The floor: the same loops in C, each call through a volatile function pointer, so that the compiler can neither
 * inline nor hoist it. Prints what harness.js prints. Usage: c LIBRARY CASE,... MILLISECONDS, or c --load LIBRARY N.
 */
#define _GNU_SOURCE
#include "../targets.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP 60e6 /* ns */
#define SLICE 2.5e6  /* ns */
#define MAX_SLICES 4096

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *volatile target;
static void *volatile targets[8];
static void *volatile another; /* counter_open */

/* What a loop makes goes here, so that it has to be made. */
static volatile double sink;

#define CALL(RESULT, ...) ((RESULT(*) __VA_ARGS__)target)
#define LOOP(NAME, ...)                                                                                                \
	static void loop_##NAME(long n)                                                                                \
	{                                                                                                              \
		for (long i = 0; i < n; i++)                                                                           \
			__VA_ARGS__;                                                                                   \
	}

static int plus_one(int v)
{
	return v + 1;
}

static int by_value(const int *a, const int *b)
{
	return *a - *b;
}

static const char short_text[] = "hello, world";
static char long_text[1001];
static const char unicode_text[] = "Gr\u00fc\u00dfe, \u4e16\u754c! \u03bd\u03b1\u03af \U0001f642";
static const char *volatile text;
static uint8_t bytes[64];

static volatile int int_sink;
static volatile int64_t long_sink;

LOOP(nop, CALL(void, (void))())
LOOP(add_i32, int_sink = CALL(int, (int, int))((int)i, 3))
LOOP(add_f64, sink = CALL(double, (double, double))((double)i * 0.5, 1.25))
LOOP(mix6, sink = CALL(double, (int, double, unsigned, float, short, double))((int)i, 1.5, 7, 0.25f, -3, 2.5))
LOOP(sum8, int_sink = CALL(int, (int, int, int, int, int, int, int, int))((int)i, 2, 3, 4, 5, 6, 7, 8))
LOOP(add_i64, long_sink = CALL(int64_t, (int64_t, int64_t))(1099511627776, 7))
LOOP(strlen, long_sink = (int64_t)CALL(size_t, (const char *))(text))
LOOP(greet, long_sink = CALL(const char *, (int))((int)i & 3)[0])
LOOP(bytes, int_sink = CALL(int, (const uint8_t *, size_t))(bytes, sizeof bytes))
LOOP(errno, int_sink = CALL(int, (int))((int)i & 15) + errno)
LOOP(cb100, int_sink = CALL(int, (int_callback, int))(plus_one, 100))
LOOP(cbonce, int_sink = CALL(int, (int_callback, int))(plus_one, 1))
LOOP(qsort, int_sink = CALL(int, (int, compare_callback))(1000, by_value))
LOOP(vsum, int_sink = CALL(int, (int, ...))(4, (int)i, 2, 3, 4))
LOOP(poly8, int_sink = ((int (*)(int))targets[i & 7])((int)i))

static void loop_fill(long n)
{
	struct point p;

	for (long i = 0; i < n; i++) {
		CALL(void, (struct point *, double, double))(&p, (double)i, 0.5);
		sink = p.x + p.y;
	}
}

static void loop_handle(long n)
{
	counter *c = ((counter * (*)(int)) another)(5);

	for (long i = 0; i < n; i++)
		int_sink = CALL(int, (counter *))(c);
}

static void loop_array(long n)
{
	static const double values[] = {1, 2, 3, 4, 5, 6, 7, 8.5};

	for (long i = 0; i < n; i++)
		sink = CALL(double, (const double *, size_t))(values, 8);
}

static void loop_norm1(long n)
{
	const struct point p = {3, -4.5};

	for (long i = 0; i < n; i++)
		sink = CALL(double, (struct point))(p);
}

static void loop_mid(long n)
{
	const struct point p = {3, -4.5}, q = {1, 2};

	for (long i = 0; i < n; i++)
		sink = CALL(struct point, (struct point, struct point))(p, q).x;
}

static const struct {
	const char *name, *symbol, *text;
	void (*loop)(long);
	double per;
} cases[] = {
    {"nop", "nop", 0, loop_nop, 1},
    {"add_i32", "add_i32", 0, loop_add_i32, 1},
    {"add_f64", "add_f64", 0, loop_add_f64, 1},
    {"mix6", "mix6", 0, loop_mix6, 1},
    {"sum8", "sum8", 0, loop_sum8, 1},
    {"add_i64n", "add_i64", 0, loop_add_i64, 1},
    {"add_i64b", "add_i64", 0, loop_add_i64, 1},
    {"poly8", "poly0", 0, loop_poly8, 1},
    {"strlen12", "length", short_text, loop_strlen, 1},
    {"strlen1k", "length", long_text, loop_strlen, 1},
    {"strlenu", "length", unicode_text, loop_strlen, 1},
    {"greet", "greet", 0, loop_greet, 1},
    {"bytes", "ends", 0, loop_bytes, 1},
    {"errno", "fails", 0, loop_errno, 1},
    {"handle", "counter_next", 0, loop_handle, 1},
    {"array", "sum_f64", 0, loop_array, 1},
    {"fill", "fill", 0, loop_fill, 1},
    {"norm1", "norm1", 0, loop_norm1, 1},
    {"object", "norm1", 0, loop_norm1, 1},
    {"mid", "mid", 0, loop_mid, 1},
    {"cb100", "each", 0, loop_cb100, 100},
    {"cbonce", "each", 0, loop_cbonce, 1},
    {"qsort", "sort", 0, loop_qsort, 8678},
    {"vsum", "vsum", 0, loop_vsum, 1},
};

static double timed(void (*loop)(long), long n)
{
	double start = now();
	loop(n);
	return now() - start;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const char *name, void (*loop)(long), double per, double budget)
{
	static double slices[MAX_SLICES];
	double took = 0, until = now() + WARM_UP;
	long n = 1;
	int count = 0;

	while (now() < until || took < SLICE / 2) {
		took = timed(loop, n);
		if (took < SLICE / 2)
			n *= 2;
		else if (took > SLICE * 2 && n > 1)
			n /= 2;
	}
	n = (long)((double)n * SLICE / took);
	n = n < 1 ? 1 : n;
	for (until = now() + budget; count < MAX_SLICES && (count < 3 || now() < until); count++)
		slices[count] = timed(loop, n) / (double)n / per;
	qsort(slices, (size_t)count, sizeof *slices, ascending);
	printf("{\"case\":\"%s\",\"best\":%.4f,\"median\":%.4f,\"calls\":%ld}\n", name, slices[0], slices[count / 2],
	       n * count);
	fflush(stdout);
}

/* What the dynamic linker alone needs for n functions, in milliseconds. */
static int load(const char *library, int n)
{
	char name[32];
	double start = now();
	void *handle = dlopen(library, RTLD_NOW);

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "load_%d", i);
		if (!handle || !dlsym(handle, name))
			return fprintf(stderr, "%s\n", dlerror()), 1;
	}
	double took = (now() - start) / 1e6;
	printf("{\"import\":0,\"define\":%.6f,\"hold\":%.6f,\"call\":0}\n", took, took);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--load"))
		return load(argv[2], atoi(argv[3]));
	if (argc != 4)
		return fprintf(stderr, "usage: c LIBRARY CASE,... MILLISECONDS\n"), 2;

	void *handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return fprintf(stderr, "%s\n", dlerror()), 1;
	for (int i = 0; i < 8; i++)
		targets[i] = dlsym(handle, (char[]){'p', 'o', 'l', 'y', (char)('0' + i), 0});
	another = dlsym(handle, "counter_open");
	for (int i = 0; i < 1000; i++)
		long_text[i] = "the quick brown fox jumps over the lazy dog. "[i % 45];
	memset(bytes, 7, sizeof bytes);

	for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ","))
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
			if (!strcmp(cases[i].name, name)) {
				target = dlsym(handle, cases[i].symbol);
				text = cases[i].text;
				measure(name, cases[i].loop, cases[i].per, atof(argv[3]) * 1e6);
			}
	return 0;
}
