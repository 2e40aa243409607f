# 1 "/usr/include/a.h" 1 3 4
#define ONE 1
#define TWO (ONE + ONE)
#define TEXT "a" "b\n\x41\u00e9"
#define STR(x) #x
#define XSTR(x) STR(x)
#define VERSION XSTR(ONE) "." XSTR(TWO)
#define PASTE(a, b) a##b
#define BIG PASTE(0xffffffff, UL)
#define F 1.5e3f
#define CH 'a'
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define M MAX(TWO, 3)
#define V(x, ...) __VA_ARGS__
#define W V(1, 2)
#define SELF SELF
#define LOOP1 LOOP2
#define LOOP2 LOOP1
#undef ONE
#define ONE 2
#pragma pack(push, 2)
struct packed { char c; long l; };
#pragma pack(pop)
# 20 "/usr/include/b.h" 2
enum { E = TWO };
char x[TWO];
