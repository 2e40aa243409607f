/*
 * A call made by hand: the moves of a bf_abi are carried out one by one into an
 * image of the machine's argument registers and stack, which a few lines of
 * assembler then load. It shows that the classification alone, without libffi,
 * is right. What a move leaves unspecified is filled with noise.
 */
#ifndef BF_TEST_CALL_REGISTERS_H
#define BF_TEST_CALL_REGISTERS_H

#include "build.h"

#include "../../src/call/abi.h"

struct registers {
	uint64_t gp[9];                  /*   0: rdi rsi rdx rcx r8 r9, or x0..x8 */
	uint64_t al;                     /*  72: vector registers used; x86-64 */
	unsigned char fp[8][16];         /*  80: xmm0..7, or v0..7 */
	uint64_t result_gp[2];           /* 208: rax rdx, or x0 x1 */
	unsigned char result_fp[4][16];  /* 224: xmm0 xmm1, or v0..v3 */
	unsigned char result_x87[2][16]; /* 288: st0 st1 */
	uint64_t x87;                    /* 320: how many of them to take off */
};

_Static_assert(offsetof(struct registers, al) == 72 && offsetof(struct registers, fp) == 80 &&
		   offsetof(struct registers, result_gp) == 208 && offsetof(struct registers, result_fp) == 224 &&
		   offsetof(struct registers, result_x87) == 288 && offsetof(struct registers, x87) == 320,
	       "the assembler below knows these offsets");

void registers_load_and_call(struct registers *r, void (*target)(void), const void *stack, size_t stack_size);

#if defined(__x86_64__)
__asm__(".text\n"
	".globl registers_load_and_call\n"
	".type registers_load_and_call, @function\n"
	"registers_load_and_call:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	mov %rdi, %rbx\n"
	"	mov %rsi, %r11\n"
	"	sub %rcx, %rsp\n"
	"	mov %rsp, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	rep movsb\n"
	"	movups 80(%rbx), %xmm0\n"
	"	movups 96(%rbx), %xmm1\n"
	"	movups 112(%rbx), %xmm2\n"
	"	movups 128(%rbx), %xmm3\n"
	"	movups 144(%rbx), %xmm4\n"
	"	movups 160(%rbx), %xmm5\n"
	"	movups 176(%rbx), %xmm6\n"
	"	movups 192(%rbx), %xmm7\n"
	"	mov 0(%rbx), %rdi\n"
	"	mov 8(%rbx), %rsi\n"
	"	mov 16(%rbx), %rdx\n"
	"	mov 24(%rbx), %rcx\n"
	"	mov 32(%rbx), %r8\n"
	"	mov 40(%rbx), %r9\n"
	"	mov 72(%rbx), %rax\n"
	"	call *%r11\n"
	"	mov %rax, 208(%rbx)\n"
	"	mov %rdx, 216(%rbx)\n"
	"	movups %xmm0, 224(%rbx)\n"
	"	movups %xmm1, 240(%rbx)\n"
	"	cmpq $1, 320(%rbx)\n"
	"	jb 1f\n"
	"	fstpt 288(%rbx)\n"
	"	cmpq $2, 320(%rbx)\n"
	"	jb 1f\n"
	"	fstpt 304(%rbx)\n"
	"1:	lea -16(%rbp), %rsp\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	ret\n"
	".size registers_load_and_call, . - registers_load_and_call\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl registers_load_and_call\n"
	".type registers_load_and_call, %function\n"
	"registers_load_and_call:\n"
	"	stp x29, x30, [sp, #-32]!\n"
	"	str x19, [sp, #16]\n"
	"	mov x29, sp\n"
	"	mov x19, x0\n"
	"	mov x16, x1\n"
	"	sub sp, sp, x3\n"
	"1:	cbz x3, 2f\n"
	"	sub x3, x3, #8\n"
	"	ldr x9, [x2, x3]\n"
	"	str x9, [sp, x3]\n"
	"	b 1b\n"
	"2:	ldp q0, q1, [x19, #80]\n"
	"	ldp q2, q3, [x19, #112]\n"
	"	ldp q4, q5, [x19, #144]\n"
	"	ldp q6, q7, [x19, #176]\n"
	"	ldp x0, x1, [x19, #0]\n"
	"	ldp x2, x3, [x19, #16]\n"
	"	ldp x4, x5, [x19, #32]\n"
	"	ldp x6, x7, [x19, #48]\n"
	"	ldr x8, [x19, #64]\n"
	"	blr x16\n"
	"	stp x0, x1, [x19, #208]\n"
	"	stp q0, q1, [x19, #224]\n"
	"	stp q2, q3, [x19, #256]\n"
	"	mov sp, x29\n"
	"	ldr x19, [sp, #16]\n"
	"	ldp x29, x30, [sp], #32\n"
	"	ret\n"
	".size registers_load_and_call, . - registers_load_and_call\n");
#endif

/* The 8 bytes that travel in a general register or, for a scalar, in a stack slot. */
static inline uint64_t registers_word(const bf_move *m, const void *frame)
{
	const unsigned char *from = (const unsigned char *)frame + m->frame;
	uint64_t word = 0;

	if (m->address)
		return (uint64_t)(uintptr_t)from;
	memcpy(&word, from, m->width);
	if (m->width == 8 || m->extend == BF_EXTEND_ZERO)
		return word;
	uint64_t above = ~(uint64_t)0 << (8 * m->width);
	if (m->extend == BF_EXTEND_SIGN)
		return (word >> (8 * m->width - 1) & 1) ? word | above : word;
	return word | (0xdeadbeefcafef00d & above);
}

/* As bf_plan_call does it. */
static inline void registers_call(const bf_plan *plan, void (*target)(void), void *frame)
{
	const bf_abi *abi = plan->abi;
	struct registers r;
	unsigned char stack[abi->stack_size + 16] __attribute__((aligned(16)));

	memset(&r, 0x5a, sizeof(r));
	memset(stack, 0x5a, sizeof(stack));
	r.al = abi->nfp;
	r.x87 = 0;
	if (abi->result_in_memory)
		r.gp[abi->result_register] = (uint64_t)(uintptr_t)frame;
	for (uint32_t i = 0; i < abi->nargs; i++)
		for (uint32_t j = 0; j < abi->args[i].nmoves; j++) {
			const bf_move *m = &abi->args[i].moves[j];
			uint64_t word;

			switch ((bf_place)m->place) {
			case BF_PLACE_GP:
				r.gp[m->at] = registers_word(m, frame);
				break;
			case BF_PLACE_FP:
				memcpy(r.fp[m->at], (char *)frame + m->frame, m->width);
				break;
			case BF_PLACE_STACK:
				assert_true(m->at + (m->address ? 8 : m->width) <= abi->stack_size);
				if (m->address || m->width < 8) {
					word = registers_word(m, frame);
					memcpy(stack + m->at, &word, 8);
				} else {
					memcpy(stack + m->at, (char *)frame + m->frame, m->width);
				}
				break;
			case BF_PLACE_X87:
				fail_msg("an argument in an x87 register");
			}
		}
	for (uint32_t j = 0; j < abi->result.nmoves; j++)
		r.x87 += abi->result.moves[j].place == BF_PLACE_X87;

	registers_load_and_call(&r, target, stack, abi->stack_size);

	for (uint32_t j = 0; j < abi->result.nmoves; j++) {
		const bf_move *m = &abi->result.moves[j];
		const void *from = m->place == BF_PLACE_GP   ? (const void *)&r.result_gp[m->at]
				   : m->place == BF_PLACE_FP ? (const void *)r.result_fp[m->at]
							     : (const void *)r.result_x87[m->at];
		memcpy((char *)frame + m->frame, from, m->width);
	}
}

#endif
