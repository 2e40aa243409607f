/*
 * Callback entries for System V x86-64. The stub passes the record in r11, which
 * no argument travels in. The body's stack:
 *
 *   rbp + 16 ...   the caller's stack arguments
 *   rbp            saved rbp, return address
 *   rbp - 8        where the caller wants a result that travels in memory
 *   rsp            the frame
 */
#include "entry.h"

#if defined(__x86_64__)

#include <string.h>

#include "abi.h"
#include "asm_x64.h"
#include "code.h"

static const uint8_t GP_ARGUMENT[6] = {RDI, RSI, RDX, RCX, R8, R9};
static const uint8_t GP_RESULT[2] = {RAX, RDX};

/* Copies longer than this are done by the processor's string instructions. */
enum { UNROLLED = 64, RESULT_ADDRESS = -8, ARGUMENTS = 16 };

bool bf_entry_stub(unsigned char out[BF_ENTRY_STUB_SIZE], const bf_entry_record *record)
{
	/* endbr64; mov r11, [rip + 9]; jmp [r11]; the literal stands at 24 */
	static const unsigned char code[] = {0xF3, 0x0F, 0x1E, 0xFA, 0x4C, 0x8B, 0x1D, 0x0D, 0, 0, 0, 0x41, 0xFF, 0x23};
	uint64_t literal = (uint64_t)(uintptr_t)record;

	memset(out, 0xCC, BF_ENTRY_STUB_SIZE);
	memcpy(out, code, sizeof(code));
	memcpy(out + 24, &literal, sizeof(literal));
	return true;
}

/* rep movsb, rep movsq: copies rcx bytes or eightbytes from [rsi] to [rdi]. */
static void copy_string(asm_buf *a, uint32_t count, bool eightbytes)
{
	asm_mov_imm32(a, RCX, count);
	if (eightbytes)
		asm_bytes(a, "\xF3\x48\xA5", 3);
	else
		asm_bytes(a, "\xF3\xA4", 2);
}

static void store_registers(asm_buf *a, const bf_abi *abi)
{
	for (uint32_t i = 0; i < abi->nargs; i++)
		for (uint32_t k = 0; k < abi->args[i].nmoves; k++) {
			const bf_move *m = &abi->args[i].moves[k];

			/* Whole eightbytes: the frame has room for them. */
			if (m->place == BF_PLACE_GP)
				asm_store(a, GP_ARGUMENT[m->at], RSP, (int32_t)m->frame);
			else if (m->place == BF_PLACE_FP)
				asm_fp_store(a, m->width, m->at, RSP, (int32_t)m->frame);
		}
}

/* Once the argument registers are stored, they are free. */
static void store_stack(asm_buf *a, const bf_abi *abi)
{
	for (uint32_t i = 0; i < abi->nargs; i++)
		for (uint32_t k = 0; k < abi->args[i].nmoves; k++) {
			const bf_move *m = &abi->args[i].moves[k];
			int32_t from = ARGUMENTS + (int32_t)m->at, to = (int32_t)m->frame;

			if (m->place != BF_PLACE_STACK)
				continue;
			if (m->width > UNROLLED) {
				asm_lea(a, RSI, RBP, from);
				asm_lea(a, RDI, RSP, to);
				copy_string(a, (m->width + 7) / 8, true);
				continue;
			}
			for (int32_t done = 0; done < (int32_t)m->width; done += 8) {
				asm_load(a, RAX, RBP, from + done);
				asm_store(a, RAX, RSP, to + done);
			}
		}
}

static void load_result(asm_buf *a, const bf_plan *plan)
{
	const bf_passage *r = &plan->abi->result;

	if (plan->abi->result_in_memory) {
		asm_load(a, RDI, RBP, RESULT_ADDRESS);
		asm_mov(a, RAX, RDI);
		asm_mov(a, RSI, RSP);
		copy_string(a, plan->result.size, false);
		return;
	}
	/* Backwards: what is pushed last on the x87 stack is st0. */
	for (uint32_t k = r->nmoves; k-- > 0;) {
		const bf_move *m = &r->moves[k];
		int32_t from = (int32_t)m->frame;

		if (m->place == BF_PLACE_X87) {
			asm_8(a, 0xDB); /* fld tbyte [rsp + from] */
			asm_mem(a, 5, RSP, from);
		} else if (m->place == BF_PLACE_FP) {
			asm_fp_load(a, m->width, m->at, RSP, from);
		} else if (m->extend != BF_EXTEND_NONE) {
			asm_load_widened(a, GP_RESULT[m->at], RSP, from, m->width, m->extend == BF_EXTEND_SIGN);
		} else {
			asm_load(a, GP_RESULT[m->at], RSP, from);
		}
	}
}

void *bf_entry_body(const bf_plan *plan, uint32_t *size)
{
	const bf_abi *abi = plan->abi;
	asm_buf a;

	*size = 0;
	if (abi == NULL || plan->frame_align > 16 || plan->frame_size > BF_ENTRY_FRAME_MAX)
		return NULL;

	asm_init(&a);
	asm_landing(&a);
	asm_push(&a, RBP);
	asm_mov(&a, RBP, RSP);
	asm_add_rsp(&a, -(int32_t)(plan->frame_size + 16));
	if (abi->result_in_memory)
		asm_store(&a, GP_ARGUMENT[abi->result_register], RBP, RESULT_ADDRESS);
	store_registers(&a, abi);
	store_stack(&a, abi);

	asm_load(&a, RDI, R11, (int32_t)offsetof(bf_entry_record, data));
	asm_mov(&a, RSI, RSP);
	asm_bytes(&a, "\x41\xFF", 2); /* call [r11 + handler] */
	asm_mem(&a, 2, R11, (int32_t)offsetof(bf_entry_record, handler));

	load_result(&a, plan);
	asm_bytes(&a, "\xC9\xC3", 2); /* leave, ret */
	*size = asm_finish(&a);
	return *size > 0 ? bf_code_new(a.bytes, *size) : NULL;
}

#endif
