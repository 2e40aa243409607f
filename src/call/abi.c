#include "abi.h"

#include <stdlib.h>

bf_arch bf_abi_host(void)
{
#if defined(__x86_64__) && !defined(_WIN32) && defined(__LP64__)
	return BF_ARCH_X64;
#elif defined(__aarch64__) && !defined(__APPLE__) && defined(__AARCH64EL__) && defined(__LP64__)
	return BF_ARCH_ARM64;
#else
	return BF_ARCH_NONE;
#endif
}

void bf_abi_add(bf_abi_builder *b, bf_place place, uint32_t at, uint32_t frame, uint32_t width, bf_extend extend,
		bool address)
{
	b->moves[b->nmoves++] = (bf_move){
	    .frame = frame,
	    .width = width,
	    .at = at,
	    .place = (uint8_t)place,
	    .extend = (uint8_t)extend,
	    .address = address,
	};
}

bf_extend bf_abi_extension(const bf_type *t)
{
	if (!bf_type_is_integer(t) || t->size >= 8)
		return BF_EXTEND_NONE;
	return bf_type_is_signed(t) ? BF_EXTEND_SIGN : BF_EXTEND_ZERO;
}

static int result(bf_abi_builder *b, const bf_slot *slot)
{
	if (slot->size == 0)
		return BF_OK;
	return b->abi->arch == BF_ARCH_X64 ? bf_abi_x64_result(b, slot) : bf_abi_arm64_result(b, slot);
}

static int argument(bf_abi_builder *b, const bf_slot *slot, uint32_t index)
{
	/* An empty struct, a GNU extension, has no bytes that could travel. */
	if (slot->size == 0)
		return BF_OK;
	bf_slot passed = *slot;
	if (index < b->plan->nfixed)
		passed.type = bf_abi_passed_as(slot->type);
	return b->abi->arch == BF_ARCH_X64 ? bf_abi_x64_argument(b, &passed, index)
					   : bf_abi_arm64_argument(b, &passed, index);
}

int bf_abi_new(bf_arch arch, const bf_plan *plan, bf_abi **out, bf_error *err)
{
	*out = NULL;
	if (arch != BF_ARCH_X64 && arch != BF_ARCH_ARM64)
		return bf_error_set(err, BF_EUNSUPPORTED, "no calling convention is known for this architecture");

	/* One block: the record, the passages, the moves. */
	size_t passages = sizeof(bf_abi);
	size_t moves = passages + plan->nargs * sizeof(bf_passage);
	char *block = calloc(1, moves + 4 * ((size_t)plan->nargs + 1) * sizeof(bf_move));
	if (block == NULL)
		return bf_error_set(err, BF_ENOMEM, "out of memory");

	bf_abi *abi = (bf_abi *)block;
	bf_passage *args = (bf_passage *)(block + passages);
	bf_abi_builder b = {.abi = abi, .moves = (bf_move *)(block + moves), .plan = plan, .err = err};

	abi->arch = arch;
	abi->nargs = plan->nargs;
	abi->args = args;
	abi->variadic = (plan->function->flags & (BF_FLAG_VARIADIC | BF_FLAG_NOPROTO)) != 0;

	int rc = result(&b, &plan->result);
	abi->result = (bf_passage){.moves = b.moves, .nmoves = b.nmoves};
	for (uint32_t i = 0; rc == BF_OK && i < plan->nargs; i++) {
		uint32_t first = b.nmoves;
		rc = argument(&b, &plan->args[i], i);
		args[i] = (bf_passage){.moves = b.moves + first, .nmoves = b.nmoves - first};
	}
	if (rc != BF_OK) {
		free(block);
		return rc;
	}

	abi->ngp = (uint8_t)b.gp;
	abi->nfp = (uint8_t)b.fp;
	abi->stack_size = (uint32_t)((b.stack + 15) & ~(uint64_t)15);
	*out = abi;
	return BF_OK;
}

void bf_abi_free(bf_abi *abi)
{
	free(abi);
}

const bf_type *bf_abi_passed_as(const bf_type *t)
{
	while (t->kind == BF_UNION && (t->flags & BF_FLAG_TRANSPARENT) && t->nmembers > 0)
		t = bf_type_strip(t->members[0].type);
	return t;
}

uint32_t bf_abi_stack_align(bf_arch arch, const bf_type *t)
{
	if (arch == BF_ARCH_ARM64)
		return bf_abi_arm64_stack_align(t);
	return t->align > 8 ? t->align : 8;
}

uint32_t bf_abi_pieces(bf_arch arch, const bf_type *aggregate, bf_kind pieces[BF_MAX_PIECES])
{
	if (aggregate->size == 0)
		return 0;
	switch (arch) {
	case BF_ARCH_X64:
		return bf_abi_x64_pieces(aggregate, pieces);
	case BF_ARCH_ARM64:
		return bf_abi_arm64_pieces(aggregate, pieces);
	case BF_ARCH_NONE:
		break;
	}
	return 0;
}
