/*
 * Forced into every file of a prebuilt addon: binds what moved into libc.so.6 with
 * glibc 2.34 to the versions those functions always had, so that the addon loads
 * with the oldest glibc that Node.js itself runs on (2.28).
 */
#if defined(__GLIBC__) || defined(__linux__)
#if defined(__x86_64__)
#define BF_OLDEST "GLIBC_2.2.5"
#define BF_OLDEST_NEXT "GLIBC_2.3.3"
#elif defined(__aarch64__)
#define BF_OLDEST "GLIBC_2.17"
#define BF_OLDEST_NEXT "GLIBC_2.17"
#endif
#ifdef BF_OLDEST
__asm__(".symver dlopen, dlopen@" BF_OLDEST);
__asm__(".symver dlsym, dlsym@" BF_OLDEST);
__asm__(".symver dlclose, dlclose@" BF_OLDEST);
__asm__(".symver dlerror, dlerror@" BF_OLDEST);
__asm__(".symver dladdr, dladdr@" BF_OLDEST);
__asm__(".symver dlinfo, dlinfo@" BF_OLDEST_NEXT);
__asm__(".symver pthread_create, pthread_create@" BF_OLDEST);
__asm__(".symver pthread_join, pthread_join@" BF_OLDEST);
__asm__(".symver pthread_detach, pthread_detach@" BF_OLDEST);
__asm__(".symver pthread_key_create, pthread_key_create@" BF_OLDEST);
__asm__(".symver pthread_setspecific, pthread_setspecific@" BF_OLDEST);
__asm__(".symver pthread_getspecific, pthread_getspecific@" BF_OLDEST);
__asm__(".symver pthread_once, pthread_once@" BF_OLDEST);
__asm__(".symver pthread_condattr_setclock, pthread_condattr_setclock@" BF_OLDEST_NEXT);
#endif
#endif
