/* The library under test, see targets.h. */
#include "targets.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Sums wrap around, as they do in the JavaScript reference. */
static int wrap(unsigned sum)
{
	return (int)sum;
}

void nop(void)
{
}

int add_i32(int a, int b)
{
	return wrap((unsigned)a + (unsigned)b);
}

double add_f64(double a, double b)
{
	return a + b;
}

double mix6(int a, double b, unsigned c, float d, short e, double f)
{
	return a + b + c + (double)d + e + f;
}

int sum8(int a, int b, int c, int d, int e, int f, int g, int h)
{
	return wrap((unsigned)a + (unsigned)b + (unsigned)c + (unsigned)d + (unsigned)e + (unsigned)f + (unsigned)g +
		    (unsigned)h);
}

int64_t add_i64(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

size_t length(const char *s)
{
	return strlen(s);
}

const char *greet(int which)
{
	static const char *const greetings[4] = {"hello, world", "bonjour, toi", "servus, Welt", "salve, munde"};
	return greetings[which & 3];
}

int ends(const uint8_t *bytes, size_t n)
{
	return n ? bytes[0] + bytes[n - 1] : 0;
}

int fails(int number)
{
	errno = number;
	return -1;
}

void fill(struct point *out, double x, double y)
{
	out->x = x;
	out->y = y;
}

double norm1(struct point p)
{
	return (p.x < 0 ? -p.x : p.x) + (p.y < 0 ? -p.y : p.y);
}

struct point mid(struct point a, struct point b)
{
	struct point m = {(a.x + b.x) / 2, (a.y + b.y) / 2};
	return m;
}

struct counter {
	int next;
};

counter *counter_open(int start)
{
	static counter only;

	only.next = start;
	return &only;
}

int counter_next(counter *c)
{
	return c->next++;
}

double sum_f64(const double *values, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	return sum;
}

int each(int_callback fn, int n)
{
	unsigned sum = 0;
	for (int i = 0; i < n; i++)
		sum += (unsigned)fn(i);
	return wrap(sum);
}

int sort(int n, compare_callback compare)
{
	int *values = malloc((size_t)n * sizeof *values);
	unsigned seed = 12345, check = 0;

	if (!values)
		return -1;
	for (int i = 0; i < n; i++) {
		seed = seed * 1103515245u + 12345u;
		values[i] = (int)(seed >> 8);
	}
	qsort(values, (size_t)n, sizeof *values, (int (*)(const void *, const void *))compare);
	for (int i = 0; i < n; i++)
		check = check * 31u + (unsigned)values[i];
	free(values);
	return wrap(check);
}

int vsum(int n, ...)
{
	va_list ap;
	unsigned sum = 0;

	va_start(ap, n);
	for (int i = 0; i < n; i++)
		sum += (unsigned)va_arg(ap, int);
	va_end(ap);
	return wrap(sum);
}

#define POLY(N)                                                                                                        \
	int poly##N(int a)                                                                                             \
	{                                                                                                              \
		return wrap((unsigned)a + N##u);                                                                       \
	}
POLY(0)
POLY(1)
POLY(2)
POLY(3)
POLY(4)
POLY(5)
POLY(6)
POLY(7)
