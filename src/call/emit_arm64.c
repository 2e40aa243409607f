/*
 * The emitter for AAPCS64. It knows where pieces travel from the plan's bf_abi
 * and nothing else about types.
 *
 * A framed adapter's stack, from the top:
 *
 *   x29 + 16 ...   incoming stack arguments
 *   x29            saved x29, x30
 *   PRESERVED      what `preserve` held
 *   WORDS          incoming words that are converted or kept, and behind them the result's address
 *   FRAME          the plan's frame
 *   sp             outgoing stack arguments
 *
 * A direct adapter converts nothing and needs none of this: it shuffles
 * registers and jumps to the target, or calls it if something is to be done
 * afterwards. The guard chooses between two forms of the same adapter, and a
 * third part, for refusals, is always framed.
 *
 * x9, x10 and x15 to x17 are scratch: no argument and no result travels there.
 */
#include "emit.h"

#if defined(__aarch64__)

#include <errno.h>

#include "abi.h"
#include "asm_arm64.h"
#include "code.h"

enum { GP_ARGUMENTS = 8, FP_ARGUMENTS = 8, SCRATCH_V = 16 };

/* --- moves between a frame and the machine --------------------------------------- */

/* Loads a general register from a piece at [base + disp]. The frame is readable to the next eightbyte. */
static void load_gp(a64_buf *a, const bf_move *m, unsigned to, unsigned base, int32_t disp)
{
	if (m->address)
		a64_add(a, to, base, disp);
	else if (m->width < 8 && m->extend != BF_EXTEND_NONE)
		a64_load_widened(a, to, base, disp, m->width, m->extend == BF_EXTEND_SIGN);
	else
		a64_load(a, to, base, disp);
}

static void store_stack(a64_buf *a, const bf_move *m, unsigned base, int32_t from)
{
	uint32_t width = m->address ? 8 : m->width;

	for (uint32_t done = 0; done < width; done += 8) {
		load_gp(a, m, X9, base, from + (int32_t)done);
		a64_store(a, X9, SP, (int32_t)(m->at + done));
	}
}

/* `base` is no argument register. */
static void load_arguments(a64_buf *a, const bf_plan *plan, unsigned base, int32_t disp)
{
	const bf_abi *abi = plan->abi;

	for (uint32_t i = 0; i < abi->nargs; i++)
		for (uint32_t k = 0; k < abi->args[i].nmoves; k++) {
			const bf_move *m = &abi->args[i].moves[k];
			int32_t from = disp + (int32_t)m->frame;

			if (m->place == BF_PLACE_STACK)
				store_stack(a, m, base, from);
			else if (m->place == BF_PLACE_GP)
				load_gp(a, m, m->at, base, from);
			else
				a64_fp_mem(a, m->width, m->at, base, from, false);
		}
	if (abi->result_in_memory)
		a64_add(a, abi->result_register, base, disp);
}

static void move_result(a64_buf *a, const bf_plan *plan, unsigned base, int32_t disp, bool store)
{
	const bf_passage *r = &plan->abi->result;

	for (uint32_t k = 0; k < r->nmoves; k++) {
		const bf_move *m = &r->moves[k];
		int32_t at = disp + (int32_t)m->frame;

		if (m->place == BF_PLACE_FP)
			a64_fp_mem(a, m->width, m->at, base, at, store);
		else if (store)
			a64_store(a, m->at, base, at);
		else
			a64_load(a, m->at, base, at);
	}
}

static bool carried(const bf_plan *plan)
{
	const bf_abi *abi = plan->abi;

	return abi != NULL && abi->arch == BF_ARCH_ARM64 && plan->frame_align <= 16 && abi->stack_size <= 4096 &&
	       plan->frame_size <= 65536;
}

static void *publish(a64_buf *a, uint32_t *size)
{
	*size = a64_finish(a);
	return *size > 0 ? bf_code_new(a->words, *size) : NULL;
}

/* --- callers ----------------------------------------------------------------------- */

bf_caller *bf_emit_caller(const bf_plan *plan, uint32_t *size)
{
	a64_buf a;

	if (!carried(plan))
		return NULL;
	a64_init(&a);
	a64_landing(&a);
	a64_enter(&a, (int32_t)plan->abi->stack_size + 16);
	a64_store(&a, X19, X29, -16);
	a64_mov(&a, X19, X0);
	a64_mov(&a, X15, X1);
	load_arguments(&a, plan, X19, 0);
	a64_call_reg(&a, X15);
	move_result(&a, plan, X19, 0, true);
	a64_load(&a, X19, X29, -16);
	a64_leave(&a);
	return (bf_caller *)publish(&a, size);
}

void *bf_emit_bind(void (*function)(void *argument, void *context), void *context, uint32_t *size)
{
	a64_buf a;

	a64_init(&a);
	a64_landing(&a);
	a64_constant(&a, X1, (uint64_t)(uintptr_t)context);
	a64_jump_literal(&a, a64_literal(&a, (uint64_t)(uintptr_t)function));
	return publish(&a, size);
}

/* --- adapters ---------------------------------------------------------------------- */

typedef struct place {
	bool stack;
	uint8_t reg;    /* number of the general or vector register */
	int32_t offset; /* in the stack area */
} place;

typedef struct adapter {
	a64_buf a;
	const bf_plan *plan;
	const bf_emit_adapter *how;
	place in[BF_EMIT_MAX_IN];
	int8_t word_of[BF_EMIT_MAX_IN];  /* which word it is kept as, or -1 */
	uint32_t nwords, in_stack;       /* eightbytes of incoming stack arguments */
	int32_t frame, words, preserved; /* offsets from sp */
	int32_t result;                  /* where the converted address of the result is, or 0 */
	int32_t room;                    /* from sp to x29 */
	int target, guard;               /* literals */
	bool careful;                    /* the form that is emitted now */
	a64_label refused, wide;
} adapter;

static void place_incoming(adapter *d)
{
	uint32_t gp = 0, fp = 0, stack = 0;

	d->nwords = 0;
	for (uint32_t i = 0; i < d->how->nin; i++) {
		const bf_emit_in *in = &d->how->in[i];
		uint32_t *next = in->class == BF_EMIT_WORD ? &gp : &fp;

		if (*next < (in->class == BF_EMIT_WORD ? (uint32_t)GP_ARGUMENTS : (uint32_t)FP_ARGUMENTS))
			d->in[i] = (place){false, (uint8_t)(*next)++, 0};
		else
			d->in[i] = (place){true, 0, (int32_t)(8 * stack++)};
		d->word_of[i] = in->keep || in->convert ? (int8_t)d->nwords++ : -1;
	}
	d->in_stack = stack;
	d->frame = (int32_t)d->plan->abi->stack_size;
	d->words = d->frame + (int32_t)d->plan->frame_size;
	d->preserved = (d->words + (int32_t)(8 * (d->nwords + 1)) + 15) & ~15;
	d->room = d->preserved + 16;
	d->result = 0;
	for (uint32_t i = 0; i < d->how->nin; i++)
		if (d->how->in[i].result)
			d->result = d->words + (int32_t)(8 * d->nwords);
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
			a64_load(&d->a, X9, X29, 16 + d->in[i].offset);
			a64_store(&d->a, X9, SP, to);
		} else if (in->class == BF_EMIT_WORD) {
			a64_store(&d->a, d->in[i].reg, SP, to);
		} else {
			a64_fp_mem(&d->a, in->class == BF_EMIT_FLOAT ? 4 : 8, d->in[i].reg, SP, to, true);
		}
	}
}

static void convert(adapter *d)
{
	a64_buf *a = &d->a;

	for (uint32_t i = 0; i < d->how->nin; i++) {
		const bf_emit_in *in = &d->how->in[i];

		if (in->convert == NULL)
			continue;
		a64_load(a, X0, SP, d->words + 8 * d->word_of[i]);
		a64_add(a, X1, SP, in->result ? d->result : d->frame + (int32_t)d->plan->args[in->arg].offset);
		a64_constant(a, X2, (uint64_t)(uintptr_t)in->context);
		a64_call_literal(a, a64_literal(a, (uint64_t)(uintptr_t)in->convert));
		/* Only the low byte of a bool means something. */
		a64_widen(a, X9, X0, 1, false);
		a64_jump_zero(a, X9, true, &d->refused);
	}
}

static void address(adapter *d, unsigned to, const volatile void *of)
{
	a64_constant(&d->a, to, (uint64_t)(uintptr_t)of);
}

static void copy_int(adapter *d, const int *from, int *to)
{
	address(d, X16, from);
	a64_load32(&d->a, X9, X16, 0);
	address(d, X16, to);
	a64_store32(&d->a, X9, X16, 0);
}

/* Incoming arguments may still be in their registers. */
static void before_call(adapter *d)
{
	if (!d->careful)
		return;
	/* The adapter belongs to one thread: whoever makes it is on it, and so errno stands where it does now. */
	if (d->how->errno_box != NULL)
		copy_int(d, d->how->errno_box, &errno);
}

/* The result's registers stay as they are. */
static void after_call(adapter *d)
{
	if (!d->careful)
		return;
	if (d->how->errno_box != NULL)
		copy_int(d, &errno, d->how->errno_box);
	if (d->how->errno_copy != NULL)
		copy_int(d, &errno, d->how->errno_copy);
}

/* A result of less than 4 bytes, which C leaves with anything above it. */
static const bf_move *narrow_result(const adapter *d)
{
	const bf_passage *r = &d->plan->abi->result;

	return r->nmoves == 1 && r->moves[0].place == BF_PLACE_GP && r->moves[0].width < 4 ? &r->moves[0] : NULL;
}

/* Whether something is to be done after the call in this form. */
static bool has_epilogue(const adapter *d)
{
	return d->careful || d->how->out != BF_EMIT_SAME || narrow_result(d) != NULL;
}

static void shape_result(adapter *d)
{
	a64_buf *a = &d->a;
	const bf_move *narrow = narrow_result(d);

	switch ((bf_emit_out)d->how->out) {
	case BF_EMIT_SAME:
		if (narrow != NULL && (narrow->width == 1 || narrow->width == 2))
			a64_widen(a, X0, X0, narrow->width, narrow->extend == BF_EXTEND_SIGN);
		break;
	case BF_EMIT_INT64_AS_DOUBLE:
		/* x0 + (2^53 - 1) as an unsigned integer is at most twice that */
		a64_constant(a, X9, 0x1FFFFFFFFFFFFF);
		a64_word(a, 0x8B000000 | X0 << 16 | X9 << 5 | X9); /* add x9, x9, x0 */
		a64_constant(a, X10, 0x3FFFFFFFFFFFFE);
		a64_word(a, 0xEB00001F | X10 << 16 | X9 << 5); /* cmp x9, x10 */
		a64_jump_if(a, CC_HI, &d->wide);
		a64_word(a, 0x9E620000); /* scvtf d0, x0 */
		break;
	case BF_EMIT_UINT64_AS_DOUBLE:
		a64_constant(a, X10, 0x1FFFFFFFFFFFFF);
		a64_word(a, 0xEB00001F | X10 << 16 | X0 << 5); /* cmp x0, x10 */
		a64_jump_if(a, CC_HI, &d->wide);
		a64_word(a, 0x9E620000);
		break;
	case BF_EMIT_INT64_IN_WIDE:
		address(d, X16, d->how->wide);
		a64_store(a, X0, X16, 0);
		break;
	}
}

/* The part of a form that is rarely run; it goes back to `out`. */
static void emit_cold(adapter *d, a64_label *out)
{
	a64_buf *a = &d->a;

	if (d->wide.fixups >= 0) {
		a64_label_here(a, &d->wide);
		address(d, X16, d->how->wide);
		a64_store(a, X0, X16, 0);
		a64_constant(a, X9, 0x7FF8000000000000);
		a64_word(a, 0x9E670000 | X9 << 5); /* fmov d0, x9 */
		a64_jump(a, out);
	}
	d->wide = A64_LABEL;
}

static void put_back(adapter *d, bool back)
{
	if (d->how->preserve == NULL)
		return;
	address(d, X16, d->how->preserve);
	a64_fp_mem(&d->a, 16, SCRATCH_V, back ? SP : X16, back ? d->preserved : 0, false);
	a64_fp_mem(&d->a, 16, SCRATCH_V, back ? X16 : SP, back ? 0 : d->preserved, true);
}

/* From the state after `spill`; returns from the adapter. */
static void emit_refused(adapter *d)
{
	a64_buf *a = &d->a;
	a64_label out = A64_LABEL;

	a64_label_here(a, &d->refused);
	address(d, X0, d->how->refused_context);
	a64_add(a, X1, SP, d->frame);
	a64_add(a, X2, SP, d->words);
	a64_call_literal(a, a64_literal(a, (uint64_t)(uintptr_t)d->how->refused));
	if (d->result == 0)
		move_result(a, d->plan, SP, d->frame, false);
	shape_result(d);
	a64_label_here(a, &out);
	put_back(d, true);
	a64_leave(a);
	emit_cold(d, &out);
	d->refused = A64_LABEL;
}

static void emit_framed(adapter *d)
{
	a64_buf *a = &d->a;
	a64_label out = A64_LABEL;

	a64_enter(a, d->room);
	put_back(d, false);
	spill(d);
	convert(d);
	before_call(d);
	load_arguments(a, d->plan, SP, d->frame);
	if (d->result != 0 && d->plan->abi->result_in_memory)
		a64_load(a, d->plan->abi->result_register, SP, d->result);
	a64_call_literal(a, d->target);
	if (d->result != 0 && !d->plan->abi->result_in_memory) {
		a64_load(a, X9, SP, d->result);
		move_result(a, d->plan, X9, 0, true);
	}
	after_call(d);
	shape_result(d);
	a64_label_here(a, &out);
	put_back(d, true);
	a64_leave(a);
	emit_cold(d, &out);
	if (d->refused.fixups >= 0)
		emit_refused(d);
}

/* True when every argument comes in as it goes out, one register or eightbyte each. */
static bool is_direct(const adapter *d)
{
	const bf_abi *abi = d->plan->abi;

	if (d->how->preserve != NULL || abi->result_in_memory)
		return false;
	for (uint32_t i = 0; i < d->how->nin; i++)
		if (d->how->in[i].convert != NULL)
			return false;
	for (uint32_t i = 0; i < abi->nargs; i++)
		if (abi->args[i].nmoves != 1 || abi->args[i].moves[0].width > 8 || abi->args[i].moves[0].address)
			return false;
	return true;
}

/* Incoming `from`, whose stack area begins at [base + disp], to where argument `m` goes out. */
static void pass(a64_buf *a, const bf_move *m, const place *from, unsigned base, int32_t disp)
{
	bool narrow = m->width < 8 && m->extend != BF_EXTEND_NONE, is_signed = m->extend == BF_EXTEND_SIGN;
	unsigned to = m->place == BF_PLACE_STACK ? (unsigned)X9 : m->at;

	if (m->place == BF_PLACE_FP) {
		/* What is in a vector register already is in the right one: they are as many and in the same order. */
		if (from->stack)
			a64_fp_mem(a, m->width, m->at, base, disp + from->offset, false);
		return;
	}
	if (from->stack && narrow)
		a64_load_widened(a, to, base, disp + from->offset, m->width, is_signed);
	else if (from->stack)
		a64_load(a, to, base, disp + from->offset);
	else if (narrow)
		a64_widen(a, to, from->reg, m->width, is_signed);
	else
		a64_mov(a, to, from->reg);
	if (m->place == BF_PLACE_STACK)
		a64_store(a, X9, SP, (int32_t)m->at);
}

/*
 * Arguments only move towards lower registers and lower stack slots (at least
 * the receiver is dropped), and what goes to the stack came on the stack: in
 * order, none is overwritten before it was read.
 */
static void shuffle(adapter *d, unsigned base, int32_t disp)
{
	for (uint32_t i = 0; i < d->how->nin; i++) {
		const bf_emit_in *in = &d->how->in[i];

		if (in->arg >= 0)
			pass(&d->a, &d->plan->abi->args[in->arg].moves[0], &d->in[i], base, disp);
	}
}

static void emit_direct(adapter *d)
{
	a64_buf *a = &d->a;
	a64_label out = A64_LABEL;

	if (!has_epilogue(d) && d->plan->abi->stack_size <= ((8 * d->in_stack + 15) & ~15u)) {
		shuffle(d, SP, 0);
		a64_jump_literal(a, d->target);
		return;
	}
	a64_enter(a, (int32_t)d->plan->abi->stack_size);
	before_call(d);
	shuffle(d, X29, 16);
	a64_call_literal(a, d->target);
	after_call(d);
	shape_result(d);
	a64_label_here(a, &out);
	a64_leave(a);
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
	a64_buf *a = &d->a;
	a64_label guarded = A64_LABEL, refuse = A64_LABEL;

	d->careful = d->how->careful;
	if (d->how->guard == NULL) {
		emit_form(d);
		return;
	}
	a64_load_literal(a, X16, d->guard);
	a64_load_widened(a, X9, X16, 0, 1, false);
	if (!d->careful) {
		a64_jump_zero(a, X9, false, &guarded);
		emit_form(d);
		a64_label_here(a, &guarded);
	}
	_Static_assert(BF_GUARD_REFUSE == 1 << 1, "the bit that is tested");
	a64_jump_bit(a, X9, 1, &refuse);
	d->careful = true;
	emit_form(d);

	a64_label_here(a, &refuse);
	a64_enter(a, d->room);
	put_back(d, false);
	spill(d);
	emit_refused(d);
}

bool bf_emit_machine_adapter(const bf_plan *plan, const bf_emit_adapter *how, void (*target)(void), bf_adapter *out)
{
	adapter d;

	if (!carried(plan))
		return false;
	a64_init(&d.a);
	d.plan = plan;
	d.how = how;
	d.refused = d.wide = A64_LABEL;
	place_incoming(&d);
	a64_landing(&d.a);
	d.target = a64_literal(&d.a, (uint64_t)(uintptr_t)target);
	d.guard = a64_literal(&d.a, (uint64_t)(uintptr_t)how->guard);
	emit_all(&d);
	out->code = publish(&d.a, &out->size);
	out->target = a64_literal_offset(&d.a, d.target);
	out->guard = a64_literal_offset(&d.a, d.guard);
	return out->code != NULL;
}

#endif
