struct s { int a; short c; long b; };
enum { FIVE = 5 };
char x1[1 + 2 * 3 - 4 / 2 % 3 << 1 | 7 & 3 ^ 1];
char x2[sizeof(((struct s *)0)->c) + (long)&((struct s *)0)->b];
char x3[1 ? 4 : 1/0]; char x4[0 && 1/0 ? 1 : 9]; char x5[(int)3.9 + (unsigned char)-1 + !0 + ~-2];
char x6[_Generic(1.0, int: 1, double: 2, default: 3)];
char x7[__builtin_choose_expr(1, 2, 3) + __builtin_types_compatible_p(int, int) + __builtin_constant_p(3)];
char x8['\n' + '\377' + '\x41' + 'ab' + L'c' + u'd']; char x9[sizeof "abc" + sizeof L"d"];
char y[({ int i = 3; i; }) ? 1 : 2];
