#define _GNU_SOURCE
#include "spawn.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ABOVE = 10 };

/* What `node` runs: the addon finds its memory, boot.js its binding. */
static char *script(void)
{
	static const char text[] = "const addon = { exports: {} };"
				   "process.dlopen(addon, '%s/biffi_child.node');"
				   "const host = addon.exports;"
				   "process._linkedBinding = () => host;"
				   "host.child = true;"
				   "new Function('process', 'require', host.boot)(process, require);"
				   "host.start(%d, () => process.exit(0));";
	Dl_info info;
	char *file = NULL, *slash, *source = NULL;

	if (dladdr((void *)bf_spawn, &info) && info.dli_fname) {
		file = realpath(info.dli_fname, NULL);
	}
	if (file && (slash = strrchr(file, '/')) != NULL) {
		*slash = '\0';
		if (asprintf(&source, text, file, (int)getpid()) < 0) {
			source = NULL;
		}
	}
	free(file);
	return source;
}

int bf_spawn(pid_t *pid, const char *program, const int descriptors[BF_SPAWN_FDS])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	char *source = script();
	char *argv[] = {(char *)program, (char *)"--eval", source, NULL};
	int status;

	if (!source) {
		return ENOMEM;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 2, 1);
	for (int i = 0; i < BF_SPAWN_FDS; i++) {
		posix_spawn_file_actions_adddup2(&actions, descriptors[i], BF_SPAWN_FIRST + i);
	}
	posix_spawn_file_actions_addclosefrom_np(&actions, BF_SPAWN_FIRST + BF_SPAWN_FDS);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	status = posix_spawnp(pid, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	free(source);
	return status;
}

int bf_spawn_lift(int fd)
{
	int lifted = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ABOVE);

	if (fd >= 0) {
		close(fd);
	}
	return lifted;
}
