#define _GNU_SOURCE
#include "code.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../ctype/error.h"

#define CHUNK_SIZE (64 * 1024)

/* Free pieces are kept by size in units of BF_CODE_ALIGN; bigger ones are not reused. */
#define SIZE_CLASSES 64

#if defined(__x86_64__)
#define TRAP_BYTE 0xCC /* int3 */
#else
#define TRAP_BYTE 0x00 /* udf on aarch64 */
#endif

typedef struct chunk {
	struct chunk *next;
	uint8_t *write; /* NULL: made by mprotect, one piece, nothing to write through */
	uint8_t *exec;
	size_t size, used;
	pid_t owner; /* a child of fork() shares the memfd's pages: only the owner may write */
} chunk;

typedef struct free_piece {
	struct free_piece *next;
	uint8_t *exec;
} free_piece;

/* All of it is guarded by `lock`. */
static struct {
	pthread_mutex_t lock;
	chunk *chunks; /* the newest first; pieces are cut from it */
	free_piece *free[SIZE_CLASSES];
	bf_code_mode mode;
	int probed;
	size_t used, mapped;
} memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The memfd is sealed by being closed: after the two mappings nobody can reach it. */
static int map_twice(size_t size, uint8_t **write_view, uint8_t **exec_view)
{
	void *w = MAP_FAILED, *x = MAP_FAILED;
	int fd = memfd_create("biffi-code", MFD_CLOEXEC);

	if (fd < 0)
		return BF_ESYSTEM;
	if (ftruncate(fd, (off_t)size) == 0) {
		w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		x = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	}
	close(fd);
	if (w == MAP_FAILED || x == MAP_FAILED) {
		if (w != MAP_FAILED)
			munmap(w, size);
		if (x != MAP_FAILED)
			munmap(x, size);
		return BF_ESYSTEM;
	}
	*write_view = w;
	*exec_view = x;
	return 0;
}

/* Private pages holding `bytes`, executable at the end; NULL: refused. */
static uint8_t *map_once(const void *bytes, size_t size, size_t mapped)
{
	uint8_t *p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	memset(p, TRAP_BYTE, mapped);
	memcpy(p, bytes, size);
	if (mprotect(p, mapped, PROT_READ | PROT_EXEC) != 0) {
		munmap(p, mapped);
		return NULL;
	}
	__builtin___clear_cache((char *)p, (char *)p + size);
	return p;
}

static int chunk_add(uint8_t *write_view, uint8_t *exec_view, size_t size)
{
	chunk *c = malloc(sizeof *c);

	if (!c)
		return BF_ENOMEM;
	*c = (chunk){.next = memory.chunks, .write = write_view, .exec = exec_view, .size = size, .owner = getpid()};
	memory.chunks = c;
	memory.mapped += size;
	return 0;
}

static int chunk_new(size_t at_least)
{
	size_t size = round_up(at_least > CHUNK_SIZE ? at_least : CHUNK_SIZE, page_size());
	uint8_t *w, *x;

	if (map_twice(size, &w, &x) != 0)
		return BF_ESYSTEM;
	memset(w, TRAP_BYTE, size);
	if (chunk_add(w, x, size) != 0) {
		munmap(w, size);
		munmap(x, size);
		return BF_ENOMEM;
	}
	return 0;
}

static chunk *chunk_of(const uint8_t *exec)
{
	chunk *c;

	for (c = memory.chunks; c; c = c->next)
		if (exec >= c->exec && exec < c->exec + c->size)
			return c;
	return NULL;
}

static void probe(void)
{
	static const uint8_t nothing[1] = {TRAP_BYTE};
	const char *wish = getenv("BIFFI_CODE");
	uint8_t *p;

	if (memory.probed)
		return;
	memory.probed = 1;
	if (wish && strcmp(wish, "denied") == 0)
		memory.mode = BF_CODE_DENIED;
	else if (wish && strcmp(wish, "protect") == 0)
		memory.mode = BF_CODE_PROTECT;
	if (memory.mode == BF_CODE_DUAL && chunk_new(CHUNK_SIZE) != 0)
		memory.mode = BF_CODE_PROTECT;
	if (memory.mode == BF_CODE_PROTECT) {
		p = map_once(nothing, sizeof nothing, page_size());
		if (p)
			munmap(p, page_size());
		else
			memory.mode = BF_CODE_DENIED;
	}
}

bf_code_mode bf_code_how(void)
{
	bf_code_mode mode;

	pthread_mutex_lock(&memory.lock);
	probe();
	mode = memory.mode;
	pthread_mutex_unlock(&memory.lock);
	return mode;
}

const char *bf_code_mode_name(bf_code_mode mode)
{
	static const char *const names[] = {"dual", "protect", "denied"};

	return names[mode];
}

void bf_code_restrict(bf_code_mode mode)
{
	pthread_mutex_lock(&memory.lock);
	probe();
	if (mode > memory.mode)
		memory.mode = mode;
	pthread_mutex_unlock(&memory.lock);
}

/* A free piece of exactly that many units in a chunk this process may write, or NULL. */
static uint8_t *take_free(size_t units)
{
	free_piece **at, *found;
	uint8_t *exec;
	chunk *c;

	if (units >= SIZE_CLASSES)
		return NULL;
	for (at = &memory.free[units]; *at; at = &(*at)->next) {
		c = chunk_of((*at)->exec);
		if (!c || c->owner != getpid())
			continue;
		found = *at;
		*at = found->next;
		exec = found->exec;
		free(found);
		return exec;
	}
	return NULL;
}

static void *new_dual(const void *bytes, size_t size)
{
	size_t room = round_up(size, BF_CODE_ALIGN);
	uint8_t *exec = take_free(room / BF_CODE_ALIGN);
	chunk *c = exec ? chunk_of(exec) : memory.chunks;

	if (!exec) {
		if (!c || !c->write || c->owner != getpid() || c->size - c->used < room) {
			if (chunk_new(room) != 0)
				return NULL;
			c = memory.chunks;
		}
		exec = c->exec + c->used;
		c->used += room;
	}
	memcpy(c->write + (exec - c->exec), bytes, size);
	__builtin___clear_cache((char *)exec, (char *)exec + size);
	memory.used += room;
	return exec;
}

static void *new_protected(const void *bytes, size_t size)
{
	size_t mapped = round_up(size, page_size());
	uint8_t *exec = map_once(bytes, size, mapped);

	if (!exec)
		return NULL;
	if (chunk_add(NULL, exec, mapped) != 0) {
		munmap(exec, mapped);
		return NULL;
	}
	memory.chunks->used = mapped;
	memory.used += mapped;
	return exec;
}

void *bf_code_new(const void *bytes, size_t size)
{
	void *code = NULL;

	pthread_mutex_lock(&memory.lock);
	probe();
	if (memory.mode == BF_CODE_DUAL)
		code = new_dual(bytes, size);
	else if (memory.mode == BF_CODE_PROTECT)
		code = new_protected(bytes, size);
	pthread_mutex_unlock(&memory.lock);
	return code;
}

/*
 * Pages that were made by mprotect are never made writable again, since another
 * thread may be running in them: a changed copy takes their place in one step.
 */
static int replace_pages(chunk *c, size_t offset, uint64_t value)
{
	uint8_t *copy = mmap(NULL, c->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		return BF_ESYSTEM;
	memcpy(copy, c->exec, c->size);
	memcpy(copy + offset, &value, sizeof value);
	if (mprotect(copy, c->size, PROT_READ | PROT_EXEC) != 0 ||
	    mremap(copy, c->size, c->size, MREMAP_MAYMOVE | MREMAP_FIXED, c->exec) == MAP_FAILED) {
		munmap(copy, c->size);
		return BF_ESYSTEM;
	}
	return 0;
}

int bf_code_set_literal(void *literal, uint64_t value)
{
	uint8_t *at = literal;
	int rc = BF_ESYSTEM;
	chunk *c;

	pthread_mutex_lock(&memory.lock);
	c = chunk_of(at);
	if (c && c->owner == getpid()) {
		if (c->write) {
			__atomic_store_n((uint64_t *)(void *)(c->write + (at - c->exec)), value, __ATOMIC_RELEASE);
			rc = 0;
		} else {
			rc = replace_pages(c, (size_t)(at - c->exec), value);
		}
	}
	pthread_mutex_unlock(&memory.lock);
	return rc;
}

static void free_dual(chunk *c, uint8_t *exec, size_t size)
{
	size_t room = round_up(size, BF_CODE_ALIGN), units = room / BF_CODE_ALIGN;
	free_piece *piece;

	memset(c->write + (exec - c->exec), TRAP_BYTE, room);
	__builtin___clear_cache((char *)exec, (char *)exec + room);
	memory.used -= room;
	if (units < SIZE_CLASSES && (piece = malloc(sizeof *piece))) {
		*piece = (free_piece){memory.free[units], exec};
		memory.free[units] = piece;
	}
}

static void free_protected(chunk *c)
{
	chunk **at;

	for (at = &memory.chunks; *at != c; at = &(*at)->next)
		;
	*at = c->next;
	memory.used -= c->size;
	memory.mapped -= c->size;
	munmap(c->exec, c->size);
	free(c);
}

void bf_code_free(void *code, size_t size)
{
	chunk *c;

	if (!code)
		return;
	pthread_mutex_lock(&memory.lock);
	c = chunk_of(code);
	if (c && c->owner == getpid()) {
		if (c->write)
			free_dual(c, code, size);
		else
			free_protected(c);
	}
	pthread_mutex_unlock(&memory.lock);
}

void bf_code_usage(size_t *used, size_t *mapped)
{
	pthread_mutex_lock(&memory.lock);
	*used = memory.used;
	*mapped = memory.mapped;
	pthread_mutex_unlock(&memory.lock);
}
