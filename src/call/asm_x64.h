/*
 * A small x86-64 assembler: instructions go to a buffer of fixed size, jumps to
 * labels that may come later, 64-bit constants to a pool of literals behind the
 * code. Too much code only sets `full`: asm_finish then says so.
 */
#ifndef BF_CALL_ASM_X64_H
#define BF_CALL_ASM_X64_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum asm_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* Condition codes, as in jcc. */
enum asm_cond { CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_A = 7 };

#define ASM_MAX_SIZE 12288
#define ASM_MAX_LITERALS 128
#define ASM_MAX_FIXUPS 512

typedef struct asm_label {
	int32_t at; /* offset, -1 while unknown; zero-initialised labels are not valid: use ASM_LABEL */
	int16_t fixups;
} asm_label;

#define ASM_LABEL ((asm_label){-1, -1})

typedef struct asm_buf {
	uint32_t size;
	bool full;
	uint16_t nliterals, nfixups;
	uint64_t literals[ASM_MAX_LITERALS];
	struct {
		uint32_t at; /* of a 32-bit displacement, relative to its own end */
		int16_t next;
		int16_t literal; /* -1: belongs to a label's list */
	} fixups[ASM_MAX_FIXUPS];
	uint8_t bytes[ASM_MAX_SIZE];
} asm_buf;

static inline void asm_init(asm_buf *a)
{
	a->size = 0;
	a->full = false;
	a->nliterals = a->nfixups = 0;
}

static inline void asm_8(asm_buf *a, unsigned b)
{
	if (a->size < ASM_MAX_SIZE - ASM_MAX_LITERALS * 8 - 8)
		a->bytes[a->size++] = (uint8_t)b;
	else
		a->full = true;
}

static inline void asm_32(asm_buf *a, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		asm_8(a, v >> (8 * i) & 255);
}

static inline void asm_bytes(asm_buf *a, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		asm_8(a, (uint8_t)bytes[i]);
}

/* --- literals and labels ------------------------------------------------------- */

/* The index of a literal; equal values are not shared, since one may be patched. */
static inline int asm_literal(asm_buf *a, uint64_t value)
{
	if (a->nliterals == ASM_MAX_LITERALS) {
		a->full = true;
		return 0;
	}
	a->literals[a->nliterals] = value;
	return a->nliterals++;
}

static inline int16_t asm_fixup(asm_buf *a, int literal, int16_t next)
{
	if (a->nfixups == ASM_MAX_FIXUPS) {
		a->full = true;
		return -1;
	}
	a->fixups[a->nfixups].at = a->size - 4;
	a->fixups[a->nfixups].next = next;
	a->fixups[a->nfixups].literal = (int16_t)literal;
	return (int16_t)a->nfixups++;
}

static inline void asm_set32(asm_buf *a, uint32_t at, uint32_t v)
{
	memcpy(a->bytes + at, &v, sizeof v);
}

static inline void asm_label_here(asm_buf *a, asm_label *l)
{
	int16_t i;

	l->at = (int32_t)a->size;
	if (!a->full)
		for (i = l->fixups; i >= 0; i = a->fixups[i].next)
			asm_set32(a, a->fixups[i].at, a->size - (a->fixups[i].at + 4));
}

/* The displacement of a jump that was just begun. */
static inline void asm_to_label(asm_buf *a, asm_label *l)
{
	asm_32(a, l->at >= 0 ? (uint32_t)l->at - (a->size + 4) : 0);
	if (l->at < 0)
		l->fixups = asm_fixup(a, -1, l->fixups);
}

static inline uint32_t asm_literal_offset(const asm_buf *a, int literal)
{
	return ((a->size + 7) & ~7u) + 8 * (uint32_t)literal;
}

/* Puts the literals behind the code. Returns the size of all, 0 if it was too much. */
static inline uint32_t asm_finish(asm_buf *a)
{
	uint32_t base = asm_literal_offset(a, 0);

	if (a->full)
		return 0;
	for (unsigned i = 0; i < a->nfixups; i++)
		if (a->fixups[i].literal >= 0)
			asm_set32(a, a->fixups[i].at,
				  asm_literal_offset(a, a->fixups[i].literal) - (a->fixups[i].at + 4));
	memset(a->bytes + a->size, 0xCC, base - a->size);
	memcpy(a->bytes + base, a->literals, 8u * a->nliterals);
	return base + 8u * a->nliterals;
}

/* --- instructions ---------------------------------------------------------------- */

static inline void asm_rex(asm_buf *a, bool wide, unsigned reg, unsigned rm, bool always)
{
	unsigned rex = (wide ? 8u : 0) | (reg >> 3) << 2 | rm >> 3;

	if (rex || always)
		asm_8(a, 0x40 | rex);
}

/* ModRM for [base + disp]. */
static inline void asm_mem(asm_buf *a, unsigned reg, unsigned base, int32_t disp)
{
	bool byte = disp >= -128 && disp < 128;

	asm_8(a, (byte ? 0x40u : 0x80u) | (reg & 7) << 3 | (base & 7));
	if ((base & 7) == RSP)
		asm_8(a, 0x24);
	if (byte)
		asm_8(a, (uint8_t)disp);
	else
		asm_32(a, (uint32_t)disp);
}

static inline void asm_regs(asm_buf *a, unsigned reg, unsigned rm)
{
	asm_8(a, 0xC0 | (reg & 7) << 3 | (rm & 7));
}

static inline void asm_mov(asm_buf *a, unsigned to, unsigned from)
{
	if (to == from)
		return;
	asm_rex(a, true, from, to, false);
	asm_8(a, 0x89);
	asm_regs(a, from, to);
}

static inline void asm_mov32(asm_buf *a, unsigned to, unsigned from)
{
	asm_rex(a, false, from, to, false);
	asm_8(a, 0x89);
	asm_regs(a, from, to);
}

static inline void asm_mov_imm32(asm_buf *a, unsigned to, uint32_t v)
{
	asm_rex(a, false, 0, to, false);
	asm_8(a, 0xB8 | (to & 7));
	asm_32(a, v);
}

static inline void asm_load(asm_buf *a, unsigned to, unsigned base, int32_t disp)
{
	asm_rex(a, true, to, base, false);
	asm_8(a, 0x8B);
	asm_mem(a, to, base, disp);
}

static inline void asm_store(asm_buf *a, unsigned from, unsigned base, int32_t disp)
{
	asm_rex(a, true, from, base, false);
	asm_8(a, 0x89);
	asm_mem(a, from, base, disp);
}

static inline void asm_lea(asm_buf *a, unsigned to, unsigned base, int32_t disp)
{
	asm_rex(a, true, to, base, false);
	asm_8(a, 0x8D);
	asm_mem(a, to, base, disp);
}

/* The opcode that widens 1, 2 or 4 bytes to a register; 4 unsigned is a plain 32-bit move. */
static inline void asm_widen_op(asm_buf *a, unsigned to, unsigned rm, unsigned width, bool is_signed, bool memory)
{
	/* Byte registers 4 to 7 are sil, dil ... only with a REX prefix. */
	asm_rex(a, is_signed, to, rm, !memory && width == 1);
	if (width == 4) {
		asm_8(a, is_signed ? 0x63 : 0x8B);
		return;
	}
	asm_8(a, 0x0F);
	asm_8(a, (is_signed ? 0xBEu : 0xB6u) | (width == 2));
}

static inline void asm_load_widened(asm_buf *a, unsigned to, unsigned base, int32_t disp, unsigned width,
				    bool is_signed)
{
	asm_widen_op(a, to, base, width, is_signed, true);
	asm_mem(a, to, base, disp);
}

static inline void asm_widen(asm_buf *a, unsigned to, unsigned from, unsigned width, bool is_signed)
{
	asm_widen_op(a, to, from, width, is_signed, false);
	asm_regs(a, to, from);
}

/* A literal into a register. */
static inline void asm_load_literal(asm_buf *a, unsigned to, int literal)
{
	asm_rex(a, true, to, 0, false);
	asm_8(a, 0x8B);
	asm_8(a, 0x05 | (to & 7) << 3);
	asm_32(a, 0);
	asm_fixup(a, literal, -1);
}

static inline void asm_constant(asm_buf *a, unsigned to, uint64_t value)
{
	if (value <= UINT32_MAX)
		asm_mov_imm32(a, to, (uint32_t)value);
	else
		asm_load_literal(a, to, asm_literal(a, value));
}

static inline void asm_call_literal(asm_buf *a, int literal)
{
	asm_bytes(a, "\xFF\x15", 2);
	asm_32(a, 0);
	asm_fixup(a, literal, -1);
}

static inline void asm_jmp_literal(asm_buf *a, int literal)
{
	asm_bytes(a, "\xFF\x25", 2);
	asm_32(a, 0);
	asm_fixup(a, literal, -1);
}

static inline void asm_call_reg(asm_buf *a, unsigned reg)
{
	asm_rex(a, false, 0, reg, false);
	asm_8(a, 0xFF);
	asm_8(a, 0xD0 | (reg & 7));
}

static inline void asm_jcc(asm_buf *a, enum asm_cond cc, asm_label *l)
{
	asm_8(a, 0x0F);
	asm_8(a, 0x80u | cc);
	asm_to_label(a, l);
}

static inline void asm_jmp(asm_buf *a, asm_label *l)
{
	asm_8(a, 0xE9);
	asm_to_label(a, l);
}

static inline void asm_push(asm_buf *a, unsigned reg)
{
	asm_rex(a, false, 0, reg, false);
	asm_8(a, 0x50 | (reg & 7));
}

static inline void asm_pop(asm_buf *a, unsigned reg)
{
	asm_rex(a, false, 0, reg, false);
	asm_8(a, 0x58 | (reg & 7));
}

static inline void asm_add_rsp(asm_buf *a, int32_t n)
{
	if (n != 0)
		asm_lea(a, RSP, RSP, n);
}

/* movss, movsd, movups: 4, 8 or 16 bytes. */
static inline void asm_fp_op(asm_buf *a, unsigned width, unsigned xmm, unsigned base, int32_t disp, unsigned op)
{
	if (width != 16)
		asm_8(a, width == 8 ? 0xF2 : 0xF3);
	asm_rex(a, false, xmm, base, false);
	asm_8(a, 0x0F);
	asm_8(a, op);
	asm_mem(a, xmm, base, disp);
}

static inline void asm_fp_load(asm_buf *a, unsigned width, unsigned xmm, unsigned base, int32_t disp)
{
	asm_fp_op(a, width, xmm, base, disp, 0x10);
}

static inline void asm_fp_store(asm_buf *a, unsigned width, unsigned xmm, unsigned base, int32_t disp)
{
	asm_fp_op(a, width, xmm, base, disp, 0x11);
}

/* cmp byte [base], 0 */
static inline void asm_test_byte(asm_buf *a, unsigned base)
{
	asm_rex(a, false, 0, base, false);
	asm_8(a, 0x80);
	asm_mem(a, 7, base, 0);
	asm_8(a, 0);
}

/* endbr64: what an indirect branch may land on where the processor checks that. */
static inline void asm_landing(asm_buf *a)
{
	asm_bytes(a, "\xF3\x0F\x1E\xFA", 4);
}

#endif
