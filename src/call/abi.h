/*
 * Where the values of a call travel: registers, stack, or memory behind an
 * address. A bf_abi is a list of moves between a plan's frame and the machine;
 * the emitter, the callback entries and the tests all read it, so that the
 * rules of an ABI stand in one file (abi_x64.c, abi_arm64.c).
 *
 * The classification is arithmetic on types only: each architecture's rules can
 * be run, and are tested, on every host.
 *
 * Sources: System V psABI for x86-64, section 3.2.3; AAPCS64, section 6.8,
 * with Linux' treatment of variadic arguments.
 */
#ifndef BF_CALL_ABI_H
#define BF_CALL_ABI_H

#include "call.h"

typedef enum bf_arch {
	BF_ARCH_NONE,
	BF_ARCH_X64,   /* System V x86-64 */
	BF_ARCH_ARM64, /* AAPCS64, little-endian */
} bf_arch;

/* The rules of the machine that this runs on; BF_ARCH_NONE if they are none of ours. */
bf_arch bf_abi_host(void);

typedef enum bf_place {
	BF_PLACE_GP,  /* general register. Arguments: 0.. are rdi rsi rdx rcx r8 r9, or x0..x7. Results: rax rdx, or x0
			 x1 */
	BF_PLACE_FP,  /* vector register: xmm0..7, or v0..7 */
	BF_PLACE_X87, /* results on x86-64 only: st0, st1; width 16, of which 10 bytes mean something */
	BF_PLACE_STACK, /* byte offset in the outgoing argument area, which starts where the stack pointer stands at the
			   call */
} bf_place;

typedef enum bf_extend {
	BF_EXTEND_NONE, /* part of an aggregate, or as wide as the register: other bytes mean nothing */
	BF_EXTEND_ZERO, /* a narrow unsigned integer: fill the register, or the 8-byte stack slot, with zeros */
	BF_EXTEND_SIGN, /* a narrow signed integer: fill it with copies of the sign */
} bf_extend;

/*
 * One piece of a value. GP: width 1 to 8 (3, 5, 6, 7 occur at the end of an
 * aggregate). FP: width 4, 8 or 16. STACK: any width; the bytes of the value
 * lie there as in memory.
 *
 * The frame is readable (and for a result writable) up to the next multiple of
 * 8 bytes after every piece, so that an emitter may move whole eightbytes there.
 * Elsewhere, as in memory that a user's pointer names, it may not.
 */
typedef struct bf_move {
	uint32_t frame;  /* byte offset in the plan's frame */
	uint32_t width;  /* bytes */
	uint32_t at;     /* register number or stack offset, see bf_place */
	uint8_t place;   /* bf_place */
	uint8_t extend;  /* bf_extend; GP and STACK only */
	uint8_t address; /* what travels is not the bytes but their address (8 bytes wide, `width` is the pointee's);
			    the callee owns the pointee until it returns and may write to it */
} bf_move;

typedef struct bf_passage {
	const bf_move *moves; /* in order of rising frame offset; 0 of them for void and for empty structs */
	uint32_t nmoves;      /* at most 4 */
} bf_passage;

typedef struct bf_abi {
	bf_arch arch;
	uint32_t nargs;
	const bf_passage *args; /* nargs of them */
	bf_passage result;      /* from registers to the frame; no moves if it travels through memory */

	/*
	 * The result travels through memory: the caller passes the address of the
	 * frame's start in general register `result_register` (x86-64: 0, rdi, the
	 * first argument register; AAPCS64: 8, x8, which is not an argument register).
	 * On x86-64 the callee returns that address in rax.
	 */
	bool result_in_memory;
	uint8_t result_register;

	/* "...", or no prototype: on x86-64 al holds an upper bound of the vector registers used, nfp does. */
	bool variadic;

	uint8_t ngp, nfp;    /* argument registers used, result_register on x86-64 included */
	uint32_t stack_size; /* bytes of the outgoing argument area, a multiple of 16; 16-aligned at the call */
} bf_abi;

/*
 * Classifies the plan's arguments and result under the rules of `arch`, which
 * need not be the host's. Only `result`, `args`, `nargs`, `nfixed` and
 * `function` of the plan are read. Errors: BF_EUNSUPPORTED with the argument's
 * index (from 1) and type.
 */
int bf_abi_new(bf_arch arch, const bf_plan *plan, bf_abi **out, bf_error *err);
void bf_abi_free(bf_abi *abi);

/*
 * The type as which an argument of type `t` travels: a transparent union's is
 * that of its first member (gcc manual, "Common Type Attributes"). Fixed
 * arguments only.
 */
const bf_type *bf_abi_passed_as(const bf_type *t);

/* What `t` asks of its address in the stack of a call, where that is more than 8. */
uint32_t bf_abi_stack_align(bf_arch arch, const bf_type *t);

/*
 * The pieces an aggregate is made of as seen by `arch`: scalars that, laid end
 * to end in a struct of the same size and alignment, travel exactly as the
 * aggregate does. For consumers that know neither unions nor bit-fields.
 * Writes at most BF_MAX_PIECES kinds and returns how many; 0: the aggregate
 * always travels through memory (or has no bytes).
 */
#define BF_MAX_PIECES 16
uint32_t bf_abi_pieces(bf_arch arch, const bf_type *aggregate, bf_kind pieces[BF_MAX_PIECES]);

/* --- between abi.c and the architectures' files ------------------------------ */

/* An abi under construction. */
typedef struct bf_abi_builder {
	bf_abi *abi;
	bf_move *moves;  /* room for 4 an argument and 4 for the result */
	uint32_t nmoves; /* used so far */
	uint32_t gp, fp; /* next free argument registers */
	uint64_t stack;  /* bytes used so far */
	const bf_plan *plan;
	bf_error *err;
} bf_abi_builder;

void bf_abi_add(bf_abi_builder *b, bf_place place, uint32_t at, uint32_t frame, uint32_t width, bf_extend extend,
		bool address);

/* How a scalar narrower than 8 bytes fills its register. */
bf_extend bf_abi_extension(const bf_type *t);

/* Each classifies the result, then is called for each argument in order (index from 0). */
int bf_abi_x64_result(bf_abi_builder *b, const bf_slot *slot);
int bf_abi_x64_argument(bf_abi_builder *b, const bf_slot *slot, uint32_t index);
uint32_t bf_abi_x64_pieces(const bf_type *t, bf_kind pieces[BF_MAX_PIECES]);

int bf_abi_arm64_result(bf_abi_builder *b, const bf_slot *slot);
int bf_abi_arm64_argument(bf_abi_builder *b, const bf_slot *slot, uint32_t index);
uint32_t bf_abi_arm64_pieces(const bf_type *t, bf_kind pieces[BF_MAX_PIECES]);
uint32_t bf_abi_arm64_stack_align(const bf_type *t);

#endif
