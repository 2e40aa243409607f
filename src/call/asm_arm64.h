/*
 * A small aarch64 assembler: instructions go to a buffer of fixed size, branches
 * to labels that may come later, 64-bit constants to a pool of literals behind
 * the code. Too much code only sets `full`: a64_finish then says so.
 *
 * x17 belongs to the assembler: it holds addresses whose offset no instruction
 * takes. Encodings: Arm Architecture Reference Manual, chapter C6 and C7.
 */
#ifndef BF_CALL_ASM_ARM64_H
#define BF_CALL_ASM_ARM64_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum a64_reg { X0, X1, X2, X8 = 8, X9, X10, X15 = 15, X16, X17, X19 = 19, X29 = 29, X30, SP, XZR = SP };

/* Condition codes, as in b.cond. */
enum a64_cond { CC_HI = 8 };

#define A64_MAX_WORDS 3072
#define A64_MAX_LITERALS 128
#define A64_MAX_FIXUPS 512

/* Where in an instruction the distance to its target stands, in words. */
enum a64_field { A64_IMM26, A64_IMM19, A64_IMM14 };

typedef struct a64_label {
	int32_t at; /* word, -1 while unknown; zero-initialised labels are not valid: use A64_LABEL */
	int16_t fixups;
} a64_label;

#define A64_LABEL ((a64_label){-1, -1})

typedef struct a64_buf {
	uint32_t size; /* words */
	bool full;
	uint16_t nliterals, nfixups;
	uint64_t literals[A64_MAX_LITERALS];
	struct {
		uint32_t at;
		int16_t next;
		int16_t literal; /* -1: belongs to a label's list */
		uint8_t field;
	} fixups[A64_MAX_FIXUPS];
	uint32_t words[A64_MAX_WORDS + 1 + 2 * A64_MAX_LITERALS];
} a64_buf;

static inline void a64_init(a64_buf *a)
{
	a->size = 0;
	a->full = false;
	a->nliterals = a->nfixups = 0;
}

static inline void a64_word(a64_buf *a, uint32_t word)
{
	if (a->size < A64_MAX_WORDS)
		a->words[a->size++] = word;
	else
		a->full = true;
}

/* --- literals and labels ------------------------------------------------------- */

/* The index of a literal; equal values are not shared, since one may be patched. */
static inline int a64_literal(a64_buf *a, uint64_t value)
{
	if (a->nliterals == A64_MAX_LITERALS) {
		a->full = true;
		return 0;
	}
	a->literals[a->nliterals] = value;
	return a->nliterals++;
}

static inline void a64_set_field(a64_buf *a, uint32_t at, uint8_t field, int32_t distance)
{
	uint32_t d = (uint32_t)distance;

	if (field == A64_IMM26)
		a->words[at] |= d & 0x3FFFFFF;
	else
		a->words[at] |= (d & (field == A64_IMM19 ? 0x7FFFFu : 0x3FFFu)) << 5;
}

/* For the instruction that was just written. */
static inline int16_t a64_fixup(a64_buf *a, uint8_t field, int literal, int16_t next)
{
	if (a->nfixups == A64_MAX_FIXUPS || a->full) {
		a->full = true;
		return -1;
	}
	a->fixups[a->nfixups].at = a->size - 1;
	a->fixups[a->nfixups].next = next;
	a->fixups[a->nfixups].literal = (int16_t)literal;
	a->fixups[a->nfixups].field = field;
	return (int16_t)a->nfixups++;
}

static inline void a64_label_here(a64_buf *a, a64_label *l)
{
	l->at = (int32_t)a->size;
	if (a->full)
		return;
	for (int16_t i = l->fixups; i >= 0; i = a->fixups[i].next)
		a64_set_field(a, a->fixups[i].at, a->fixups[i].field, l->at - (int32_t)a->fixups[i].at);
}

/* A branch, whose word lacks only the distance. */
static inline void a64_branch(a64_buf *a, uint32_t word, uint8_t field, a64_label *l)
{
	a64_word(a, word);
	if (l->at < 0)
		l->fixups = a64_fixup(a, field, -1, l->fixups);
	else if (!a->full)
		a64_set_field(a, a->size - 1, field, l->at - (int32_t)(a->size - 1));
}

/* In bytes from the code's start. */
static inline uint32_t a64_literal_offset(const a64_buf *a, int literal)
{
	return ((a->size + 1) & ~1u) * 4 + 8 * (uint32_t)literal;
}

/* Puts the literals behind the code. Returns the size of all in bytes, 0 if it was too much. */
static inline uint32_t a64_finish(a64_buf *a)
{
	uint32_t base = a64_literal_offset(a, 0) / 4;

	if (a->full)
		return 0;
	for (unsigned i = 0; i < a->nfixups; i++)
		if (a->fixups[i].literal >= 0)
			a64_set_field(a, a->fixups[i].at, a->fixups[i].field,
				      (int32_t)(base + 2 * (uint32_t)a->fixups[i].literal - a->fixups[i].at));
	if (base > a->size)
		a->words[a->size] = 0; /* udf */
	memcpy(a->words + base, a->literals, 8u * a->nliterals);
	return base * 4 + 8u * a->nliterals;
}

/* --- registers and constants ------------------------------------------------------- */

static inline void a64_mov(a64_buf *a, unsigned to, unsigned from)
{
	if (to != from)
		a64_word(a, 0xAA0003E0 | from << 16 | to);
}

/* add or sub with an immediate; both registers may be sp. */
static inline void a64_add(a64_buf *a, unsigned to, unsigned from, int32_t n)
{
	uint32_t op = n < 0 ? 0xD1000000 : 0x91000000, amount = n < 0 ? (uint32_t)-n : (uint32_t)n;

	if (amount >= 1u << 24) {
		a->full = true;
		return;
	}
	if (amount >= 4096) {
		a64_word(a, op | 1u << 22 | (amount >> 12) << 10 | from << 5 | to);
		from = to;
		amount &= 4095;
		if (amount == 0)
			return;
	}
	if (amount != 0 || to != from)
		a64_word(a, op | amount << 10 | from << 5 | to);
}

static inline void a64_load_literal(a64_buf *a, unsigned to, int literal)
{
	a64_word(a, 0x58000000 | to);
	a64_fixup(a, A64_IMM19, literal, -1);
}

static inline void a64_constant(a64_buf *a, unsigned to, uint64_t value)
{
	if (value <= 0xFFFF)
		a64_word(a, 0xD2800000 | (uint32_t)value << 5 | to);
	else
		a64_load_literal(a, to, a64_literal(a, value));
}

/* Widens the low 1, 2 or 4 bytes of `from` to all of `to`. */
static inline void a64_widen(a64_buf *a, unsigned to, unsigned from, unsigned width, bool is_signed)
{
	if (width == 4 && !is_signed)
		a64_word(a, 0x2A0003E0 | from << 16 | to); /* mov w, w */
	else
		a64_word(a, (is_signed ? 0x93400000u : 0x53000000u) | (8 * width - 1) << 10 | from << 5 | to);
}

/* --- memory ------------------------------------------------------------------------- */

/* A load or store with a scaled, unsigned offset. `bytes` is its scale. */
static inline void a64_mem(a64_buf *a, uint32_t op, unsigned bytes, unsigned reg, unsigned base, int32_t disp)
{
	uint32_t offset = (uint32_t)disp / bytes;

	if (disp < 0 || (uint32_t)disp % bytes != 0 || offset >= 4096) {
		a64_add(a, X17, base, disp);
		base = X17;
		offset = 0;
	}
	a64_word(a, op | offset << 10 | base << 5 | reg);
}

static inline void a64_load(a64_buf *a, unsigned to, unsigned base, int32_t disp)
{
	a64_mem(a, 0xF9400000, 8, to, base, disp);
}

static inline void a64_store(a64_buf *a, unsigned from, unsigned base, int32_t disp)
{
	a64_mem(a, 0xF9000000, 8, from, base, disp);
}

static inline void a64_load32(a64_buf *a, unsigned to, unsigned base, int32_t disp)
{
	a64_mem(a, 0xB9400000, 4, to, base, disp);
}

static inline void a64_store32(a64_buf *a, unsigned from, unsigned base, int32_t disp)
{
	a64_mem(a, 0xB9000000, 4, from, base, disp);
}

/* `width` is 1, 2 or 4. */
static inline void a64_load_widened(a64_buf *a, unsigned to, unsigned base, int32_t disp, unsigned width,
				    bool is_signed)
{
	uint32_t size = width == 4 ? 2 : width == 2 ? 1 : 0;

	a64_mem(a, (is_signed ? 0x39800000u : 0x39400000u) | size << 30, width, to, base, disp);
}

/* 4, 8 or 16 bytes of a vector register. */
static inline void a64_fp_mem(a64_buf *a, unsigned width, unsigned v, unsigned base, int32_t disp, bool store)
{
	uint32_t op = width == 4 ? 0xBD000000 : width == 8 ? 0xFD000000 : 0x3D800000;

	a64_mem(a, op | (store ? 0 : 1u << 22), width, v, base, disp);
}

/* --- control ------------------------------------------------------------------------- */

/* bti c: what an indirect branch may land on where the processor checks that. */
static inline void a64_landing(a64_buf *a)
{
	a64_word(a, 0xD503245F);
}

static inline void a64_call_reg(a64_buf *a, unsigned reg)
{
	a64_word(a, 0xD63F0000 | reg << 5);
}

/* Through x16: that is what bti c lets in. */
static inline void a64_call_literal(a64_buf *a, int literal)
{
	a64_load_literal(a, X16, literal);
	a64_call_reg(a, X16);
}

static inline void a64_jump_literal(a64_buf *a, int literal)
{
	a64_load_literal(a, X16, literal);
	a64_word(a, 0xD61F0000 | X16 << 5);
}

static inline void a64_jump(a64_buf *a, a64_label *l)
{
	a64_branch(a, 0x14000000, A64_IMM26, l);
}

/* cbz, cbnz of the low 32 bits. */
static inline void a64_jump_zero(a64_buf *a, unsigned reg, bool zero, a64_label *l)
{
	a64_branch(a, (zero ? 0x34000000u : 0x35000000u) | reg, A64_IMM19, l);
}

/* tbnz: if bit `bit` (below 32) is set. */
static inline void a64_jump_bit(a64_buf *a, unsigned reg, unsigned bit, a64_label *l)
{
	a64_branch(a, 0x37000000 | bit << 19 | reg, A64_IMM14, l);
}

static inline void a64_jump_if(a64_buf *a, enum a64_cond cc, a64_label *l)
{
	a64_branch(a, 0x54000000 | (uint32_t)cc, A64_IMM19, l);
}

/* Saves the frame pointer and the return address, and makes `room` below them: a multiple of 16. */
static inline void a64_enter(a64_buf *a, int32_t room)
{
	a64_word(a, 0xA9BF7BFD); /* stp x29, x30, [sp, -16]! */
	a64_add(a, X29, SP, 0);  /* mov x29, sp */
	a64_add(a, SP, SP, -room);
}

static inline void a64_leave(a64_buf *a)
{
	a64_word(a, 0x910003BF); /* mov sp, x29 */
	a64_word(a, 0xA8C17BFD); /* ldp x29, x30, [sp], 16 */
	a64_word(a, 0xD65F03C0); /* ret */
}

#endif
