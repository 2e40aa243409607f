/*
 * Reads a preprocessed header with src/ctype, again and again, and prints one line of JSON: how long the fastest and
 * the median reading took, what it found, and the memory it needed and gave back.
 * Usage: parse FILE MILLISECONDS
 */
#define _GNU_SOURCE
#include "../src/ctype/decls.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_RUNS 1000

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static size_t allocated(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static char *slurp(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;

	if (!f || fseek(f, 0, SEEK_END) != 0)
		goto done;
	*size = (size_t)ftell(f);
	rewind(f);
	text = malloc(*size + 1);
	if (text && fread(text, 1, *size, f) != *size) {
		free(text);
		text = NULL;
	}
done:
	if (f)
		fclose(f);
	return text;
}

int main(int argc, char **argv)
{
	static double runs[MAX_RUNS];
	size_t size, before, at_half = 0, during = 0, symbols = 0, functions = 0;
	int count = 0;
	const double half = argc == 3 ? now() + atof(argv[2]) / 2 : 0;

	if (argc != 3)
		return fprintf(stderr, "usage: parse FILE MILLISECONDS\n"), 2;
	char *text = slurp(argv[1], &size);
	if (!text)
		return perror(argv[1]), 1;

	before = allocated();
	for (double until = now() + atof(argv[2]); count < MAX_RUNS && (count < 3 || now() < until); count++) {
		bf_decls *decls;
		bf_error error;
		double start = now();

		if (bf_decls_new(&decls) != 0)
			return fprintf(stderr, "out of memory\n"), 1;
		if (bf_decls_parse(decls, text, size, &error) != 0)
			return fprintf(stderr, "%s\n", error.message), 1;
		runs[count] = now() - start;
		during = allocated() - before;
		symbols = bf_decls_count(decls);
		functions = 0;
		for (size_t i = 0; i < symbols; i++)
			functions += bf_decls_at(decls, i)->kind == BF_SYMBOL_FUNCTION;
		bf_decls_free(decls);
		/* the early readings fill the allocator's caches, which count as in use */
		if (now() < half)
			at_half = allocated();
	}
	qsort(runs, (size_t)count, sizeof *runs, ascending);
	printf("{\"bytes\":%zu,\"best\":%.3f,\"median\":%.3f,\"runs\":%d,\"symbols\":%zu,\"functions\":%zu,"
	       "\"memory\":%zu,\"kept\":%zd}\n",
	       size, runs[0], runs[count / 2], count, symbols, functions, during, (ssize_t)(allocated() - at_half));
	free(text);
	return 0;
}
