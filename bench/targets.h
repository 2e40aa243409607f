/*
 * The library under test: small functions, one for each kind of argument or
 * result an FFI has to carry. Every peer calls the same compiled file through
 * its own machinery; the declarations here are what biffi is given as text.
 */
#ifndef BENCH_TARGETS_H
#define BENCH_TARGETS_H

#include <stddef.h>
#include <stdint.h>

struct point {
	double x, y;
};

typedef int (*int_callback)(int);
typedef int (*compare_callback)(const int *, const int *);

void nop(void);
int add_i32(int a, int b);
double add_f64(double a, double b);
double mix6(int a, double b, unsigned c, float d, short e, double f);
int sum8(int a, int b, int c, int d, int e, int f, int g, int h);
int64_t add_i64(int64_t a, int64_t b);

size_t length(const char *s);
const char *greet(int which);
int ends(const uint8_t *bytes, size_t n);
/* Sets errno, returns -1. */
int fails(int number);

void fill(struct point *out, double x, double y);
double norm1(struct point p);
struct point mid(struct point a, struct point b);

/* Something of the library's own that a program holds: the next number each time. There is one; open starts it anew. */
typedef struct counter counter;
counter *counter_open(int start);
int counter_next(counter *c);

double sum_f64(const double *values, size_t n);

/* Calls back n times with 0 to n-1 and adds up the results. */
int each(int_callback fn, int n);
/* Sorts n scrambled ints with qsort and returns a checksum of their order. */
int sort(int n, compare_callback compare);

/* Adds n ints. */
int vsum(int n, ...);

/* Eight functions of one type for one call site. */
int poly0(int a);
int poly1(int a);
int poly2(int a);
int poly3(int a);
int poly4(int a);
int poly5(int a);
int poly6(int a);
int poly7(int a);

#endif
