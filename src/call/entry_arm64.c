/*
 * Callback entries for AAPCS64. The stub passes the record in x17, which no
 * argument travels in. The body's stack:
 *
 *   x29 + 16 ...   the caller's stack arguments
 *   x29            saved x29, x30
 *   x29 - 16       where the caller wants a result that travels in memory
 *   sp             the frame
 */
#include "entry.h"

#if defined(__aarch64__)

#include "abi.h"
#include "asm_arm64.h"
#include "code.h"

enum { RESULT_ADDRESS = -16, ARGUMENTS = 16, RECORD = X15 };

bool bf_entry_stub(unsigned char out[BF_ENTRY_STUB_SIZE], const bf_entry_record *record)
{
	uint32_t words[BF_ENTRY_STUB_SIZE / 4] = {
	    0xD503245F, /* bti c */
	    0x580000B1, /* ldr x17, the literal at 24 */
	    0xF9400230, /* ldr x16, [x17] */
	    0xD61F0200, /* br x16 */
	};
	uint64_t literal = (uint64_t)(uintptr_t)record;

	memcpy(words + 6, &literal, sizeof(literal));
	memcpy(out, words, BF_ENTRY_STUB_SIZE);
	return true;
}

/* `width` bytes, rounded up to eightbytes, through x9. */
static void copy(a64_buf *a, uint32_t width, unsigned from_base, int32_t from, unsigned to_base, int32_t to)
{
	for (int32_t done = 0; done < (int32_t)width; done += 8) {
		a64_load(a, X9, from_base, from + done);
		a64_store(a, X9, to_base, to + done);
	}
}

/* Exactly `width` bytes: there is nothing to be written behind a caller's variable. */
static void copy_exactly(a64_buf *a, uint32_t width, unsigned from_base, unsigned to_base)
{
	int32_t done = (int32_t)(width & ~7u);

	copy(a, (uint32_t)done, from_base, 0, to_base, 0);
	for (; done < (int32_t)width; done++) {
		a64_load_widened(a, X9, from_base, done, 1, false);
		a64_mem(a, 0x39000000, 1, X9, to_base, done); /* strb */
	}
}

static void store_arguments(a64_buf *a, const bf_abi *abi)
{
	for (uint32_t i = 0; i < abi->nargs; i++)
		for (uint32_t k = 0; k < abi->args[i].nmoves; k++) {
			const bf_move *m = &abi->args[i].moves[k];
			int32_t to = (int32_t)m->frame;

			if (m->address) {
				/* The caller's copy may be read as far as it goes and no further. */
				unsigned from = m->at;
				if (m->place == BF_PLACE_STACK)
					a64_load(a, from = X16, X29, ARGUMENTS + (int32_t)m->at);
				a64_add(a, X10, SP, to);
				copy_exactly(a, m->width, from, X10);
			} else if (m->place == BF_PLACE_STACK) {
				copy(a, m->width, X29, ARGUMENTS + (int32_t)m->at, SP, to);
			} else if (m->place == BF_PLACE_GP) {
				a64_store(a, m->at, SP, to);
			} else {
				a64_fp_mem(a, m->width, m->at, SP, to, true);
			}
		}
}

static void load_result(a64_buf *a, const bf_plan *plan)
{
	const bf_passage *r = &plan->abi->result;

	if (plan->abi->result_in_memory) {
		a64_load(a, X8, X29, RESULT_ADDRESS);
		copy_exactly(a, plan->result.size, SP, X8);
		return;
	}
	for (uint32_t k = 0; k < r->nmoves; k++) {
		const bf_move *m = &r->moves[k];
		int32_t from = (int32_t)m->frame;

		if (m->place == BF_PLACE_FP)
			a64_fp_mem(a, m->width, m->at, SP, from, false);
		else if (m->extend != BF_EXTEND_NONE)
			a64_load_widened(a, m->at, SP, from, m->width, m->extend == BF_EXTEND_SIGN);
		else
			a64_load(a, m->at, SP, from);
	}
}

void *bf_entry_body(const bf_plan *plan, uint32_t *size)
{
	const bf_abi *abi = plan->abi;
	a64_buf a;

	*size = 0;
	if (abi == NULL || plan->frame_align > 16 || plan->frame_size > BF_ENTRY_FRAME_MAX)
		return NULL;

	a64_init(&a);
	a64_landing(&a);
	a64_enter(&a, (int32_t)plan->frame_size + 16);
	a64_mov(&a, RECORD, X17);
	if (abi->result_in_memory)
		a64_store(&a, abi->result_register, X29, RESULT_ADDRESS);
	store_arguments(&a, abi);

	a64_load(&a, X0, RECORD, (int32_t)offsetof(bf_entry_record, data));
	a64_add(&a, X1, SP, 0);
	a64_load(&a, X16, RECORD, (int32_t)offsetof(bf_entry_record, handler));
	a64_call_reg(&a, X16);

	load_result(&a, plan);
	a64_leave(&a);
	*size = a64_finish(&a);
	return *size > 0 ? bf_code_new(a.words, *size) : NULL;
}

#endif
