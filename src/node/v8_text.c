#include "v8_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * In the templates below @ is an argument, # its number, and ~ the test whether what lies in memory has the right type:
 * it compares with the first and the last type that were found to be right, among typedef names, arrays and void. No
 * value has `state` for its type.
 */
static const char OF_TYPE[] =
    "(@[TYPE] === F# || @[TYPE] === L# ||"
    " (state.takes(#, @[TYPE]) && (F# === state ? (F# = @[TYPE]) : (L# = @[TYPE])) !== undefined))";

/*
 * Conditions on arguments, by the codes of v8_shape.c; 'v' is checked where it arrives. Machine code reads the address
 * of an object with TYPE from its first properties, but only here it can be seen whether it is of the right type.
 */
static const char *const CHECKS[128] = {
    ['b'] = "(@ === true || @ === false)",
    ['c'] = "typeof @ === 'number' && @ << 24 >> 24 === @",
    ['C'] = "typeof @ === 'number' && (@ & 255) === @",
    ['s'] = "typeof @ === 'number' && @ << 16 >> 16 === @",
    ['S'] = "typeof @ === 'number' && (@ & 65535) === @",
    ['i'] = "typeof @ === 'number' && (@ | 0) === @",
    ['I'] = "typeof @ === 'number' && @ >>> 0 === @",
    ['d'] = "typeof @ === 'number'",
    ['p'] = "(@ === null || (@ !== undefined && (~ || isView(@))))",
    ['P'] = "(@ === null || (@ !== undefined && (isView(@) || ~)))",
    ['a'] = "(@ === null || (@ !== undefined && (isView(@) || isArray(@) || ~)))",
    ['q'] = ("(typeof @ === 'string' || @ === null || (@ !== undefined && (isView(@) || @[TYPE] !== undefined ||"
	     " isArray(@))))"),
    ['m'] = "@ !== null && @ !== undefined && ~",
};

/*
 * What is made of the result `r` of the call. Its slow path returns what is wanted; the fast call has no way to return
 * a BigInt: it leaves 64 bits in memory that `signed` and `unsigned` show, and returns NaN or nothing.
 */
static const char *const RESULTS[128] = {
    ['='] = "r",
    ['d'] = "r",
    ['n'] = "r === r ? r : signed[0]",
    ['N'] = "r === r ? r : unsigned[0]",
    ['r'] = "r === r ? r : Number(signed[0])",
    ['R'] = "r === r ? r : Number(unsigned[0])",
    ['b'] = "r === undefined ? signed[0] : r",
    ['B'] = "r === undefined ? unsigned[0] : r",
    ['p'] = ("typeof r !== 'number' ? r : r === 0 ? null"
	     " : state.pointer(R === undefined ? (R = state.type(-1)) : R, r === r ? r : unsigned[0])"),
    ['m'] = "r === undefined ? v : r",
};

static const char TYPED[] = "paPm";   /* whose check looks at the type */
static const char PLACED[] = "paPqm"; /* that may be objects without an address, for which one is made that has one */

/* A template, for argument `i`. */
static void put(FILE *out, const char *template, size_t i)
{
	for (; *template; template ++) {
		if (*template == '@')
			fprintf(out, "a%zu", i);
		else if (*template == '#')
			fprintf(out, "%zu", i);
		else if (*template == '~')
			put(out, OF_TYPE, i);
		else
			putc(*template, out);
	}
}

/* A template for each argument with one of these codes (NULL: for all), and something between them. */
static void put_each(FILE *out, const char *shape, size_t count, const char *codes, const char *template,
		     const char *between)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (codes && !strchr(codes, shape[i]))
			continue;
		if (any)
			fputs(between, out);
		put(out, template, i);
		any = true;
	}
}

/* When an argument gets a place in memory, the wrapper calls itself with it. */
static void put_retry(FILE *out, const char *shape, size_t count)
{
	fprintf(out, "if (arguments.length === %zu) { const ", count);
	put_each(out, shape, count, PLACED, "p# = state.place(#, @)", ", ");
	fputs(";\nif (", out);
	put_each(out, shape, count, PLACED, "p# !== undefined", " || ");
	fputs(")\nreturn self(", out);
	for (size_t i = 0; i < count; i++)
		put(out, strchr(PLACED, shape[i]) ? i ? ", p# ?? @" : "p# ?? @" : i ? ", @" : "@", i);
	fputs("); }\n", out);
}

/*
 * Of doubles alone. The engine peels the first turn off a loop, and then keeps a double that the loop leaves in a
 * variable in a register, not in a new object each turn. But only where all ways out of the loop are the loop's own:
 * what never ran is another one, an index that must be within bounds is not. So these have their rare ways in the
 * latter form. (Integers are compared as they come, which is a way out, so there it would be in vain.)
 */
static bool of_doubles(const char *shape, size_t count)
{
	return strspn(shape, "d") == count + 1;
}

static void put_fast(FILE *out, const char *shape, size_t count, const char *before, const char *after)
{
	const bool stores = shape[count] == 'm', peeled = of_doubles(shape, count);
	const char *first = !stores ? "" : count == 0 ? "v" : "v, ";
	bool placed = false;

	fprintf(out, peeled ? "if (zero[arguments.length - %zu] !== undefined" : "if (arguments.length === %zu", count);
	for (size_t i = 0; i < count; i++) {
		placed |= strchr(PLACED, shape[i]) != NULL;
		if (CHECKS[(unsigned char)shape[i]]) {
			fputs(" && ", out);
			put(out, CHECKS[(unsigned char)shape[i]], i);
		}
	}
	fputs(") {\n", out);
	if (stores)
		fputs("const v = (R === undefined ? (R = state.type(-1).valueConstructor[FRESH]) : R)();\n", out);
	fprintf(out, "let r = state.call(%s", first);
	put_each(out, shape, count, NULL, "@", ", ");
	fprintf(out, ");\nif (%s) { refused[0] = 0;\nr = (slow ?\?= state.raw())(%s",
		peeled ? "zero[refused[0]] === undefined" : "refused[0] !== 0", first);
	put_each(out, shape, count, NULL, "@", ", ");
	fprintf(out, "); }\n%s%s%s }\n", before, RESULTS[(unsigned char)shape[count]], after);
	if (placed)
		put_retry(out, shape, count);
	fprintf(out, "%sstate.generic(state.record, ...arguments)%s", before, after);
}

static void put_plain(FILE *out, const char *shape, size_t count, const char *before, const char *after)
{
	fprintf(out, "if (arguments.length === %zu) %sstate.call(", count, before);
	put_each(out, shape, count, NULL, "@", ", ");
	fprintf(out, ")%s\n%sstate.call(...arguments)%s", after, before, after);
}

char *bf_v8_text(const char *shape, size_t *length)
{
	size_t end = strcspn(shape, ":");
	bool plain = isdigit((unsigned char)shape[0]), with_errno = strchr(shape + end, 'e') != NULL;
	size_t count = plain ? strtoul(shape, NULL, 10) : end - 1;
	const char *before = with_errno ? "return { value: " : "return ";
	const char *after = with_errno ? ", errno: errno[0] };" : ";";
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	if (!out)
		return NULL;
	/* A statement a line, as Node.js prints the line of an error that nobody catches. Declared with `var`: with
	 * `let`, every use would look whether they are initialised. */
	fputs(
	    "(function (state, name, TYPE, FRESH, isView, isArray, signed, unsigned, errno, refused, zero) { 'use strict';\n"
	    "var slow, R",
	    out);
	if (!plain)
		put_each(out, shape, count, TYPED, ", F# = state, L# = state", "");
	fputs(!plain && shape[count] == 'm' ? "; state.stores = true;\n" : ";\n", out);
	fputs("var self = ({ __proto__: null, [name](", out);
	put_each(out, shape, count, NULL, "@", ", ");
	fputs(") {\n", out);
	(plain ? put_plain : put_fast)(out, shape, count, before, after);
	fputs(" } })[name];\nreturn self; })\n//# sourceURL=biffi", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
