/*
 * What the C types of this machine are where the System V x86-64 and the
 * AArch64 ABI differ. The core describes the machine it was built for.
 */
#ifndef BF_CTYPE_TARGET_H
#define BF_CTYPE_TARGET_H

#if defined(__x86_64__) && !defined(_WIN32) && defined(__LP64__)
#define BF_TARGET_X64 1
#define BF_TARGET_ARM64 0
#elif defined(__aarch64__) && !defined(__APPLE__) && defined(__LP64__)
#define BF_TARGET_X64 0
#define BF_TARGET_ARM64 1
#else
#error "biffi knows the C types of x86-64 and AArch64 under the ELF ABIs"
#endif

enum {
	BF_TARGET_CHAR_SIGNED = BF_TARGET_X64,  /* plain char */
	BF_TARGET_WCHAR_SIGNED = BF_TARGET_X64, /* wchar_t is int, else unsigned int */

	/* AAPCS64 10.1.8: an unnamed bit-field aligns its struct as a named one does. */
	BF_TARGET_UNNAMED_ALIGNS = BF_TARGET_ARM64,

	BF_TARGET_LARGEST_ALIGN = 16, /* of __attribute__((aligned)) without a number */
};

#endif
