/*
 * A C program that uses a package from npm. Needs libbiffi and a folder with
 * node_modules in it:
 *
 *     npm install semver
 *     cc npm.c -o npm $(pkg-config --cflags --libs biffi)
 *     ./npm semver#valid v1.2.3          prints 1.2.3
 */
#include <biffi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	biffi *module;
	char why[512], *answer;
	size_t length;
	int code;

	if (argc != 3) {
		fprintf(stderr, "usage: %s PACKAGE[#FUNCTION] REQUEST\n", argv[0]);
		return 2;
	}
	if (biffi_open(&module, argv[1], NULL, why, sizeof(why)) != 0) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}

	/* Bytes go in, bytes come back. 5000 milliseconds at most. */
	code = biffi_call_wait(module, NULL, argv[2], strlen(argv[2]), 5000, &answer, &length);
	if (answer) {
		fprintf(code == 0 ? stdout : stderr, "%.*s\n", (int)length, answer);
	}
	free(answer);

	biffi_close(module);
	biffi_shutdown();
	return code == 0 ? 0 : 1;
}
