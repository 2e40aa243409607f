/*
 * Random function types, called in every way there is, and compared byte by
 * byte with what a C compiler's functions saw and returned. BIFFI_TEST_CALLS is
 * the number of calls, BIFFI_TEST_SEED another sequence, BIFFI_TEST_CC the
 * compiler that makes the functions.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <unistd.h>

#include "../../src/call/code.h"
#include "random.h"
#include "registers.h"

static struct specimen *specimens;
static unsigned nspecimens;
static unsigned long ncalls;
static unsigned char *seen, *answer;
static void *library;
static char directory[4096];

enum { ROOM = 64 * 1024 };

static void run(const char *command)
{
	int status = system(command);
	if (status != 0)
		fail_msg("status %d: %s", status, command);
}

static int generate(void **state)
{
	char path[4200], command[9000], name[32];
	const char *calls = getenv("BIFFI_TEST_CALLS"), *is_long = getenv("BIFFI_LONG"),
		   *seed = getenv("BIFFI_TEST_SEED"), *cc = getenv("BIFFI_TEST_CC");

	if (types_setup(state) != 0)
		return -1;
	ncalls = calls != NULL ? strtoul(calls, NULL, 10) : is_long != NULL && *is_long == '1' ? 10000000 : 40000;
	nspecimens = ncalls < 1000000 ? 150 : 1500;
	if (seed != NULL)
		random_state ^= strtoull(seed, NULL, 0) * 0xd1342543de82ef95;
	if (cc != NULL && strstr(cc, "clang") != NULL)
		random_int128 = false;
	specimens = calloc(nspecimens, sizeof(*specimens));
	assert_non_null(specimens);

	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 200) > 0);
	snprintf(directory, sizeof(directory), "%.3000s/random-XXXXXX", dirname(path));
	assert_non_null(mkdtemp(directory));

	snprintf(path, sizeof(path), "%s/functions.c", directory);
	FILE *source = fopen(path, "w");
	assert_non_null(source);
	fprintf(source,
		"#include <stdarg.h>\n#include <stdint.h>\n"
		"__attribute__((aligned(64))) char seen[%d], answer[%d];\n",
		ROOM, ROOM);
	for (unsigned i = 0; i < nspecimens; i++) {
		random_specimen(source, i, &specimens[i]);
		assert_true(specimens[i].plan->frame_size <= ROOM);
	}
	fclose(source);
	snprintf(command, sizeof(command), "%s -w -Wno-psabi -O1 -fPIC -shared -o %s/functions.so %s/functions.c",
		 cc != NULL ? cc : "cc", directory, directory);
	run(command);

	snprintf(path, sizeof(path), "%s/functions.so", directory);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		fail_msg("%s", dlerror());
	seen = dlsym(library, "seen");
	answer = dlsym(library, "answer");
	for (unsigned i = 0; i < nspecimens; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		*(void **)&specimens[i].function = dlsym(library, name);
		snprintf(name, sizeof(name), "c%u", i);
		*(void **)&specimens[i].caller = dlsym(library, name);
		assert_non_null(specimens[i].function);
		assert_non_null(specimens[i].caller);
	}
	return 0;
}

static int clean(void **state)
{
	char command[4200];

	for (unsigned i = 0; i < nspecimens; i++) {
		bf_plan_free(specimens[i].plan);
		free(specimens[i].mask);
	}
	free(specimens);
	dlclose(library);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	run(command);
	return types_teardown(state);
}

/* The value at `slot` must be the same, bit by bit where bits mean something. */
static void compare(const struct specimen *s, const bf_slot *slot, const unsigned char *expected,
		    const unsigned char *got, const char *what)
{
	for (uint32_t i = slot->offset; i < slot->offset + slot->size; i++) {
		if (((expected[i] ^ got[i]) & s->mask[i]) == 0)
			continue;
		char text[8192], type[256];
		bf_type_spell(s->plan->function, "f", text, sizeof(text));
		bf_type_spell(slot->type, NULL, type, sizeof(type));
		print_message("%s: function %d, value %d of type %s, byte %u: expected %02x, got %02x\n%s\nin %s\n",
			      what, (int)(s - specimens), (int)(slot - s->plan->args), type, i - slot->offset,
			      expected[i], got[i], text, directory);
		/* Leaves the source where it is. */
		_exit(1);
	}
}

static void fill_values(const struct specimen *s, unsigned char *frame, unsigned char *result)
{
	memset(frame, 0xa5, s->plan->frame_size);
	for (uint32_t i = 0; i < s->plan->nargs; i++)
		fill(s->plan->args[i].type, frame + s->plan->args[i].offset);
	if (s->plan->result.size > 0)
		fill(s->plan->result.type, result);
}

/* Every specimen in turn, with other values each time, until the calls are used up. */
static void call_all(void (*call)(const struct specimen *s, void *frame), unsigned long n, const char *what)
{
	unsigned char *copy = malloc(ROOM);

	assert_non_null(copy);
	for (unsigned long done = 0; done < n; done++) {
		const struct specimen *s = &specimens[done % nspecimens];
		unsigned char *frame = frame_for(s->plan);

		fill_values(s, frame, answer);
		memcpy(copy, frame, s->plan->frame_size);
		memset(seen, 0, s->plan->frame_size);
		call(s, frame);
		for (uint32_t i = 0; i < s->plan->nargs; i++)
			compare(s, &s->plan->args[i], copy, seen, what);
		compare(s, &s->plan->result, answer, frame, what);
		free(frame);
	}
	free(copy);
}

static void by_libffi(const struct specimen *s, void *frame)
{
	bf_plan_call(s->plan, s->function, frame);
}

static void libffi_calls(void **state)
{
	(void)state;
	call_all(by_libffi, ncalls / 4, "libffi tier");
}

static void by_hand(const struct specimen *s, void *frame)
{
	registers_call(s->plan, s->function, frame);
}

static void classified_calls(void **state)
{
	(void)state;
	call_all(by_hand, ncalls / 4, "classification");
}

static void by_machine_code(const struct specimen *s, void *frame)
{
	if (s->machine_code != NULL)
		s->machine_code(frame, s->function);
	else
		bf_plan_call(s->plan, s->function, frame);
}

static void machine_code_calls(void **state)
{
	(void)state;
	unsigned carried = 0;
	uint32_t size;

	for (unsigned i = 0; i < nspecimens; i++) {
		specimens[i].machine_code = bf_emit_caller(specimens[i].plan, &size);
		carried += specimens[i].machine_code != NULL;
	}
	/* A machine without an emitter carries none; one with it may decline the odd giant. */
	print_message("machine code carries %u of %u\n", carried, nspecimens);
	if (carried == 0 && (bf_abi_host() == BF_ARCH_NONE || bf_code_how() == BF_CODE_DENIED))
		skip();
	assert_true(carried >= nspecimens * 9 / 10);
	call_all(by_machine_code, ncalls / 4, "machine code");
}

/* The handler's view of a call. */
struct visit {
	const bf_plan *plan;
	unsigned char *arguments, *result;
};

static void visited(void *data, void *frame)
{
	const struct visit *v = data;
	memcpy(v->arguments, frame, v->plan->frame_size);
	memcpy(frame, v->result, v->plan->result.size);
}

static void call_back(unsigned long n, const char *what)
{
	struct visit visit = {.arguments = malloc(ROOM), .result = malloc(ROOM)};

	for (unsigned long done = 0; done < n; done++) {
		const struct specimen *s = &specimens[done % nspecimens];
		unsigned char *frame = frame_for(s->plan);
		bf_callback *cb;
		bf_error err;

		visit.plan = s->plan;
		assert_int_equal(bf_callback_new(s->plan, visited, &visit, &cb, &err), BF_OK);
		fill_values(s, frame, visit.result);
		s->caller(bf_callback_code(cb), frame);
		for (uint32_t i = 0; i < s->plan->nargs; i++)
			compare(s, &s->plan->args[i], frame, visit.arguments, what);
		compare(s, &s->plan->result, visit.result, frame, what);
		bf_callback_free(cb);
		free(frame);
	}
	free(visit.arguments);
	free(visit.result);
}

static void callbacks(void **state)
{
	(void)state;
	call_back(ncalls / 8, "callback");
}

static void closures(void **state)
{
	(void)state;
	bf_callback_use_libffi(true);
	call_back(ncalls / 8, "closure");
	bf_callback_use_libffi(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(libffi_calls), cmocka_unit_test(classified_calls), cmocka_unit_test(machine_code_calls),
	    cmocka_unit_test(callbacks),    cmocka_unit_test(closures),
	};
	return cmocka_run_group_tests(tests, generate, clean);
}
