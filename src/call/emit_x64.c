/*
 * The emitter for System V x86-64. It knows where pieces travel from the plan's
 * bf_abi and nothing else about types.
 *
 * A framed adapter's stack, from the top:
 *
 *   rbp + 16 ...   incoming stack arguments
 *   rbp            saved rbp, return address
 *   rbp - 16       what `preserve` held
 *   WORDS          incoming words that are converted or kept, and behind them the result's address
 *   FRAME          the plan's frame
 *   rsp            outgoing stack arguments
 *
 * A direct adapter converts nothing and needs none of this: it shuffles
 * registers and jumps to the target, or calls it if something is to be done
 * afterwards. The guard chooses between two forms of the same adapter, and a
 * third part, for refusals, is always framed.
 */
#include "emit.h"

#if defined(__x86_64__)

#include <errno.h>

#include "abi.h"
#include "asm_x64.h"
#include "code.h"

static const uint8_t GP_ARGUMENT[6] = {RDI, RSI, RDX, RCX, R8, R9};
static const uint8_t GP_RESULT[2] = {RAX, RDX};

/* --- moves between a frame and the machine --------------------------------------- */

/* Loads a general register from a piece at [base + disp]. The frame is readable to the next eightbyte. */
static void load_gp(asm_buf *a, const bf_move *m, unsigned to, unsigned base, int32_t disp)
{
	if (m->width < 8 && m->extend != BF_EXTEND_NONE)
		asm_load_widened(a, to, base, disp, m->width, m->extend == BF_EXTEND_SIGN);
	else
		asm_load(a, to, base, disp);
}

/* Outgoing stack arguments first, while all registers are free, then the registers. */
static void load_arguments(asm_buf *a, const bf_plan *plan, unsigned base, int32_t disp)
{
	const bf_abi *abi = plan->abi;

	for (int stack = 1; stack >= 0; stack--)
		for (uint32_t i = 0; i < abi->nargs; i++)
			for (uint32_t k = 0; k < abi->args[i].nmoves; k++) {
				const bf_move *m = &abi->args[i].moves[k];
				int32_t from = disp + (int32_t)m->frame;

				if (m->place == BF_PLACE_STACK && stack) {
					for (uint32_t done = 0; done < m->width; done += 8) {
						load_gp(a, m, RAX, base, from + (int32_t)done);
						asm_store(a, RAX, RSP, (int32_t)(m->at + done));
					}
				} else if (m->place == BF_PLACE_GP && !stack) {
					load_gp(a, m, GP_ARGUMENT[m->at], base, from);
				} else if (m->place == BF_PLACE_FP && !stack) {
					asm_fp_load(a, m->width, m->at, base, from);
				}
			}
	if (abi->result_in_memory)
		asm_lea(a, GP_ARGUMENT[abi->result_register], base, disp);
	if (abi->variadic)
		asm_mov_imm32(a, RAX, abi->nfp);
}

static void move_result(asm_buf *a, const bf_plan *plan, unsigned base, int32_t disp, bool store)
{
	const bf_passage *r = &plan->abi->result;

	for (uint32_t k = 0; k < r->nmoves; k++) {
		const bf_move *m = &r->moves[k];
		int32_t at = disp + (int32_t)m->frame;

		if (m->place == BF_PLACE_GP && store)
			asm_store(a, GP_RESULT[m->at], base, at);
		else if (m->place == BF_PLACE_GP)
			asm_load(a, GP_RESULT[m->at], base, at);
		else if (m->place == BF_PLACE_FP && store)
			asm_fp_store(a, m->width, m->at, base, at);
		else if (m->place == BF_PLACE_FP)
			asm_fp_load(a, m->width, m->at, base, at);
		else if (m->place == BF_PLACE_X87 && store) {
			asm_8(a, 0xDB); /* fstp tbyte [mem] */
			asm_mem(a, 7, base, at);
		}
	}
}

static bool carried(const bf_plan *plan)
{
	const bf_abi *abi = plan->abi;

	if (!abi || abi->arch != BF_ARCH_X64 || plan->frame_align > 16 || abi->stack_size > 4096 ||
	    plan->frame_size > 65536)
		return false;
	for (uint32_t i = 0; i < abi->nargs; i++)
		for (uint32_t k = 0; k < abi->args[i].nmoves; k++)
			if (abi->args[i].moves[k].address || abi->args[i].moves[k].place == BF_PLACE_X87)
				return false;
	return true;
}

static void *publish(asm_buf *a, uint32_t *size)
{
	*size = asm_finish(a);
	return *size ? bf_code_new(a->bytes, *size) : NULL;
}

/* --- callers ----------------------------------------------------------------------- */

bf_caller *bf_emit_caller(const bf_plan *plan, uint32_t *size)
{
	asm_buf a;
	void *code;

	if (!carried(plan))
		return NULL;
	asm_init(&a);
	asm_landing(&a);
	asm_push(&a, RBP);
	asm_mov(&a, RBP, RSP);
	asm_push(&a, RBX);
	asm_add_rsp(&a, -(int32_t)(8 + plan->abi->stack_size));
	asm_mov(&a, RBX, RDI);
	asm_mov(&a, R11, RSI);
	load_arguments(&a, plan, RBX, 0);
	asm_call_reg(&a, R11);
	move_result(&a, plan, RBX, 0, true);
	asm_load(&a, RBX, RBP, -8);
	asm_8(&a, 0xC9); /* leave */
	asm_8(&a, 0xC3);
	code = publish(&a, size);
	return (bf_caller *)code;
}

void *bf_emit_bind(void (*function)(void *argument, void *context), void *context, uint32_t *size)
{
	asm_buf a;

	asm_init(&a);
	asm_landing(&a);
	asm_constant(&a, RSI, (uint64_t)(uintptr_t)context);
	asm_jmp_literal(&a, asm_literal(&a, (uint64_t)(uintptr_t)function));
	return publish(&a, size);
}

/* --- adapters ---------------------------------------------------------------------- */

typedef struct place {
	bool stack;
	uint8_t reg;    /* number of the general or vector register */
	int32_t offset; /* in the stack area */
} place;

typedef struct adapter {
	asm_buf a;
	const bf_plan *plan;
	const bf_emit_adapter *how;
	place in[BF_EMIT_MAX_IN];
	int8_t word_of[BF_EMIT_MAX_IN]; /* which word it is kept as, or -1 */
	uint32_t nwords, in_stack;      /* eightbytes of incoming stack arguments */
	int32_t result;                 /* where the converted address of the result is, or 0 */
	int32_t words, frame;           /* offsets from rbp */
	int32_t below;                  /* from rbp to rsp */
	int target, guard;              /* literals */
	bool careful;                   /* the form that is emitted now */
	asm_label refused, wide;
} adapter;

static void place_incoming(adapter *d)
{
	uint32_t gp = 0, fp = 0, stack = 0;

	d->nwords = 0;
	d->result = 0;
	for (uint32_t i = 0; i < d->how->nin; i++) {
		const bf_emit_in *in = &d->how->in[i];
		uint32_t *next = in->class == BF_EMIT_WORD ? &gp : &fp;

		if (*next < (in->class == BF_EMIT_WORD ? 6u : 8u))
			d->in[i] = (place){false, (uint8_t)(*next)++, 0};
		else
			d->in[i] = (place){true, 0, (int32_t)(8 * stack++)};
		d->word_of[i] = in->keep || in->convert ? (int8_t)d->nwords++ : -1;
	}
	d->in_stack = stack;
	d->words = -16 - (int32_t)(8 * (d->nwords + 1));
	d->frame = (d->words - (int32_t)d->plan->frame_size) & ~15;
	d->below = -d->frame + (int32_t)d->plan->abi->stack_size;
	for (uint32_t i = 0; i < d->how->nin; i++)
		if (d->how->in[i].result)
			d->result = d->words + (int32_t)(8 * d->nwords);
}

static void enter(adapter *d)
{
	asm_push(&d->a, RBP);
	asm_mov(&d->a, RBP, RSP);
	asm_add_rsp(&d->a, -d->below);
}

/* Everything that came in goes to memory: words that are converted or kept to WORDS, the rest to their slots. */
static void spill(adapter *d)
{
	for (uint32_t i = 0; i < d->how->nin; i++) {
		const bf_emit_in *in = &d->how->in[i];
		int32_t to;

		if (d->word_of[i] >= 0)
			to = d->words + 8 * d->word_of[i];
		else if (in->arg >= 0)
			to = d->frame + (int32_t)d->plan->args[in->arg].offset;
		else
			continue;
		if (d->in[i].stack) {
			asm_load(&d->a, RAX, RBP, 16 + d->in[i].offset);
			asm_store(&d->a, RAX, RBP, to);
		} else if (in->class == BF_EMIT_WORD) {
			asm_store(&d->a, GP_ARGUMENT[d->in[i].reg], RBP, to);
		} else {
			asm_fp_store(&d->a, in->class == BF_EMIT_FLOAT ? 4 : 8, d->in[i].reg, RBP, to);
		}
	}
}

static void convert(adapter *d)
{
	for (uint32_t i = 0; i < d->how->nin; i++) {
		const bf_emit_in *in = &d->how->in[i];

		if (!in->convert)
			continue;
		asm_load(&d->a, RDI, RBP, d->words + 8 * d->word_of[i]);
		asm_lea(&d->a, RSI, RBP, in->result ? d->result : d->frame + (int32_t)d->plan->args[in->arg].offset);
		asm_constant(&d->a, RDX, (uint64_t)(uintptr_t)in->context);
		asm_call_literal(&d->a, asm_literal(&d->a, (uint64_t)(uintptr_t)in->convert));
		asm_bytes(&d->a, "\x84\xC0", 2); /* test al, al */
		asm_jcc(&d->a, CC_E, &d->refused);
	}
}

/* Only rax and r11 are free: incoming arguments may still be in their registers. */
static void before_call(adapter *d)
{
	asm_buf *a = &d->a;

	if (!d->careful)
		return;
	if (d->how->errno_box) {
		/* The adapter belongs to one thread: whoever makes it is on it, and so errno stands where it does now.
		 */
		asm_constant(a, R11, (uint64_t)(uintptr_t)d->how->errno_box);
		asm_bytes(a, "\x41\x8B\x03", 3); /* mov eax, [r11] */
		asm_constant(a, R11, (uint64_t)(uintptr_t)&errno);
		asm_bytes(a, "\x41\x89\x03", 3); /* mov [r11], eax */
	}
}

/* Whether something is to be done after the call in this form. */
static bool has_epilogue(const adapter *d)
{
	const bf_passage *r = &d->plan->abi->result;

	return d->careful || d->how->out != BF_EMIT_SAME ||
	       (r->nmoves == 1 && r->moves[0].place == BF_PLACE_GP && r->moves[0].width < 4);
}

/* The result's registers stay as they are. */
static void after_call(adapter *d)
{
	asm_buf *a = &d->a;

	if (!d->careful)
		return;
	if (d->how->errno_box) {
		/* The adapter belongs to one thread: whoever makes it is on it, and so errno stands where it does now.
		 */
		asm_constant(a, RCX, (uint64_t)(uintptr_t)&errno);
		asm_load_widened(a, RCX, RCX, 0, 4, false);
		asm_constant(a, R11, (uint64_t)(uintptr_t)d->how->errno_box);
		asm_bytes(a, "\x41\x89\x0B", 3); /* mov [r11], ecx */
		if (d->how->errno_copy) {
			asm_constant(a, R11, (uint64_t)(uintptr_t)d->how->errno_copy);
			asm_bytes(a, "\x41\x89\x0B", 3);
		}
	}
}

static void shape_result(adapter *d)
{
	asm_buf *a = &d->a;
	const bf_passage *r = &d->plan->abi->result;

	switch ((bf_emit_out)d->how->out) {
	case BF_EMIT_SAME:
		if (r->nmoves == 1 && r->moves[0].place == BF_PLACE_GP && r->moves[0].width < 4)
			asm_widen(a, RAX, RAX, r->moves[0].width, r->moves[0].extend == BF_EXTEND_SIGN);
		break;
	case BF_EMIT_INT64_AS_DOUBLE:
		/* rax + (2^53 - 1) as an unsigned integer is at most twice that */
		asm_constant(a, RCX, 0x1FFFFFFFFFFFFF);
		asm_bytes(a, "\x48\x01\xC1", 3); /* add rcx, rax */
		asm_constant(a, R11, 0x3FFFFFFFFFFFFE);
		asm_bytes(a, "\x4C\x39\xD9", 3); /* cmp rcx, r11 */
		asm_jcc(a, CC_A, &d->wide);
		asm_bytes(a, "\x0F\x57\xC0\xF2\x48\x0F\x2A\xC0", 8); /* xorps xmm0, xmm0; cvtsi2sd xmm0, rax */
		break;
	case BF_EMIT_UINT64_AS_DOUBLE:
		asm_constant(a, R11, 0x1FFFFFFFFFFFFF);
		asm_bytes(a, "\x4C\x39\xD8", 3); /* cmp rax, r11 */
		asm_jcc(a, CC_A, &d->wide);
		asm_bytes(a, "\x0F\x57\xC0\xF2\x48\x0F\x2A\xC0", 8);
		break;
	case BF_EMIT_INT64_IN_WIDE:
		asm_constant(a, R11, (uint64_t)(uintptr_t)d->how->wide);
		asm_store(a, RAX, R11, 0);
		break;
	}
}

/* The part of a form that is rarely run; it goes back to `out`. */
static void emit_cold(adapter *d, asm_label *out)
{
	asm_buf *a = &d->a;

	if (d->wide.fixups >= 0) {
		asm_label_here(a, &d->wide);
		asm_constant(a, R11, (uint64_t)(uintptr_t)d->how->wide);
		asm_store(a, RAX, R11, 0);
		asm_load_literal(a, RAX, asm_literal(a, 0x7FF8000000000000));
		asm_bytes(a, "\x66\x48\x0F\x6E\xC0", 5); /* movq xmm0, rax */
		asm_jmp(a, out);
	}
	d->wide = ASM_LABEL;
}

static void put_back(adapter *d, bool back)
{
	if (!d->how->preserve)
		return;
	asm_constant(&d->a, R11, (uint64_t)(uintptr_t)d->how->preserve);
	/* xmm1 carries nothing that leaves an adapter, xmm15 nothing that enters one */
	asm_bytes(&d->a, back ? "\x0F\x10\x4D\xF0" : "\x45\x0F\x10\x3B", 4); /* movups xmm1, [rbp-16]; xmm15, [r11] */
	asm_bytes(&d->a, back ? "\x41\x0F\x11\x0B" : "\x44\x0F\x11\x7D\xF0", back ? 4 : 5);
}

/* From the state after `spill`; returns from the adapter. */
static void emit_refused(adapter *d)
{
	asm_buf *a = &d->a;
	asm_label out = ASM_LABEL;

	asm_label_here(a, &d->refused);
	asm_constant(a, RDI, (uint64_t)(uintptr_t)d->how->refused_context);
	asm_lea(a, RSI, RBP, d->frame);
	asm_lea(a, RDX, RBP, d->words);
	asm_call_literal(a, asm_literal(a, (uint64_t)(uintptr_t)d->how->refused));
	if (!d->result)
		move_result(a, d->plan, RBP, d->frame, false);
	shape_result(d);
	asm_label_here(a, &out);
	put_back(d, true);
	asm_8(a, 0xC9);
	asm_8(a, 0xC3);
	emit_cold(d, &out);
	d->refused = ASM_LABEL;
}

static void emit_framed(adapter *d)
{
	asm_buf *a = &d->a;
	asm_label out = ASM_LABEL;

	enter(d);
	put_back(d, false);
	spill(d);
	convert(d);
	before_call(d);
	load_arguments(a, d->plan, RBP, d->frame);
	if (d->result && d->plan->abi->result_in_memory)
		asm_load(a, GP_ARGUMENT[d->plan->abi->result_register], RBP, d->result);
	asm_call_literal(a, d->target);
	if (d->result && !d->plan->abi->result_in_memory) {
		asm_load(a, RCX, RBP, d->result);
		move_result(a, d->plan, RCX, 0, true);
	}
	after_call(d);
	shape_result(d);
	asm_label_here(a, &out);
	put_back(d, true);
	asm_8(a, 0xC9);
	asm_8(a, 0xC3);
	emit_cold(d, &out);
	if (d->refused.fixups >= 0)
		emit_refused(d);
}

/* True when every argument comes in as it goes out, one register or eightbyte each. */
static bool is_direct(const adapter *d)
{
	const bf_abi *abi = d->plan->abi;

	if (d->how->preserve || abi->result_in_memory)
		return false;
	for (uint32_t i = 0; i < d->how->nin; i++)
		if (d->how->in[i].convert)
			return false;
	for (uint32_t i = 0; i < abi->nargs; i++)
		if (abi->args[i].nmoves != 1 || abi->args[i].moves[0].width > 8)
			return false;
	return true;
}

/* Incoming `from` to where argument `m` goes out: `in_base` and `out_base` are offsets from rsp. */
static void pass(asm_buf *a, const bf_move *m, const place *from, int32_t in_base, int32_t out_base)
{
	bool narrow = m->width < 8 && m->extend != BF_EXTEND_NONE, is_signed = m->extend == BF_EXTEND_SIGN;
	unsigned to;

	if (m->place == BF_PLACE_FP) {
		if (from->stack)
			asm_fp_load(a, m->width, m->at, RSP, in_base + from->offset);
		/* Nothing but doubles takes vector registers on both sides, in the same order: they are there already.
		 */
		return;
	}
	to = m->place == BF_PLACE_STACK ? RAX : GP_ARGUMENT[m->at];
	if (from->stack && narrow)
		asm_load_widened(a, to, RSP, in_base + from->offset, m->width, is_signed);
	else if (from->stack)
		asm_load(a, to, RSP, in_base + from->offset);
	else if (narrow)
		asm_widen(a, to, GP_ARGUMENT[from->reg], m->width, is_signed);
	else
		asm_mov(a, to, GP_ARGUMENT[from->reg]);
	if (m->place == BF_PLACE_STACK)
		asm_store(a, RAX, RSP, out_base + (int32_t)m->at);
}

/*
 * Arguments only move towards lower registers and lower stack slots (at least
 * the receiver is dropped), so that in order none is overwritten before it was
 * read: stack slots first where they are copied to a new area, since they may
 * come from registers; in place they never do.
 */
static void shuffle(adapter *d, int32_t in_base, int32_t out_base)
{
	const bf_abi *abi = d->plan->abi;

	for (int stack = in_base != out_base; stack >= 0; stack--)
		for (uint32_t i = 0; i < d->how->nin; i++) {
			const bf_emit_in *in = &d->how->in[i];
			const bf_move *m;

			if (in->arg < 0)
				continue;
			m = &abi->args[in->arg].moves[0];
			if (in_base == out_base || stack == (m->place == BF_PLACE_STACK))
				pass(&d->a, m, &d->in[i], in_base, out_base);
		}
	if (abi->variadic)
		asm_mov_imm32(&d->a, RAX, abi->nfp);
}

static void emit_direct(adapter *d)
{
	asm_buf *a = &d->a;
	asm_label out = ASM_LABEL;
	int32_t room = 8 + (int32_t)d->plan->abi->stack_size;

	if (!has_epilogue(d) && d->plan->abi->stack_size <= 8 * d->in_stack + 8) {
		shuffle(d, 8, 8);
		asm_jmp_literal(a, d->target);
		return;
	}
	asm_add_rsp(a, -room);
	before_call(d);
	shuffle(d, room + 8, 0);
	asm_call_literal(a, d->target);
	after_call(d);
	shape_result(d);
	asm_label_here(a, &out);
	asm_add_rsp(a, room);
	asm_8(a, 0xC3);
	emit_cold(d, &out);
}

static void emit_form(adapter *d)
{
	if (is_direct(d))
		emit_direct(d);
	else
		emit_framed(d);
}

/* The plain form, if there is one, then what the guard can ask for. */
static void emit_all(adapter *d)
{
	asm_buf *a = &d->a;
	asm_label guarded = ASM_LABEL, refuse = ASM_LABEL;

	d->careful = d->how->careful;
	if (!d->how->guard) {
		emit_form(d);
		return;
	}
	asm_load_literal(a, R11, d->guard);
	if (!d->careful) {
		asm_test_byte(a, R11);
		asm_jcc(a, CC_NE, &guarded);
		emit_form(d);
		asm_label_here(a, &guarded);
	}
	asm_bytes(a, "\x41\xF6\x03", 3); /* test byte [r11], BF_GUARD_REFUSE */
	asm_8(a, BF_GUARD_REFUSE);
	asm_jcc(a, CC_NE, &refuse);
	d->careful = true;
	emit_form(d);

	asm_label_here(a, &refuse);
	enter(d);
	put_back(d, false);
	spill(d);
	emit_refused(d);
}

bool bf_emit_machine_adapter(const bf_plan *plan, const bf_emit_adapter *how, void (*target)(void), bf_adapter *out)
{
	adapter d;

	if (!carried(plan))
		return false;
	asm_init(&d.a);
	d.plan = plan;
	d.how = how;
	d.refused = d.wide = ASM_LABEL;
	place_incoming(&d);
	asm_landing(&d.a);
	d.target = asm_literal(&d.a, (uint64_t)(uintptr_t)target);
	d.guard = asm_literal(&d.a, (uint64_t)(uintptr_t)how->guard);
	emit_all(&d);
	out->code = publish(&d.a, &out->size);
	out->target = asm_literal_offset(&d.a, d.target);
	out->guard = asm_literal_offset(&d.a, d.guard);
	return out->code != NULL;
}

#endif
