/*
 * Starts the `node` program that is a child: with nothing of this process but
 * standard error and the descriptors that child.c knows by their numbers, and with
 * signals as a program from a shell has them.
 */
#ifndef BF_HOST_SPAWN_H
#define BF_HOST_SPAWN_H

#include <sys/types.h>

/* The shared memory, the child's eventfd, the parent's, and the end of a pipe that lives as long as the child does. */
enum { BF_SPAWN_FDS = 4, BF_SPAWN_FIRST = 3 /* what the first of them becomes */ };

/* Descriptors come from bf_spawn_lift. Returns 0 or an errno. */
int bf_spawn(pid_t *pid, const char *program, const int descriptors[BF_SPAWN_FDS]);

/* The same open file above all that descriptors become in a child, closed on exec; `fd` (-1: stays that) is closed. */
int bf_spawn_lift(int fd);

#endif
