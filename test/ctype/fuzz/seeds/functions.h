extern int printf(const char *restrict fmt, ...) __attribute__((format(printf, 1, 2)));
void (*signal(int sig, void (*func)(int)))(int);
void qsort(void *base, size_t n, size_t size, int (*compar)(const void *, const void *));
int old(); int nothing(void);
char *(*(**h[][8])())[];
int m(int (uint8_t), int a[static 3], int n, int b[n], int c[*]);
static inline int twice(int x) { if (x) { return "}"[0] * '}'; } return 2 * x; }
extern int renamed(int) __asm__("real_" "name");
_Noreturn void stop(void);
extern "C" { int cxx(void); }
int a, *b = &a, c[2] = { 1, 2 }, d = sizeof(int[3]);
typedef int (*handler)(void *data, va_list ap);
__typeof__(printf) *pp;
__typeof__(((struct { int x; } *)0)->x) y;
