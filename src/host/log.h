/*
 * Where lines of the log go: the functions that modules were opened with. JavaScript
 * and children name them by number, since modules of several hosts share a thread.
 */
#ifndef BF_HOST_LOG_H
#define BF_HOST_LOG_H

#include "biffi.h"

#include <stdbool.h>

/* The number of the options' function: above 0; BF_NO_LOG: it has none; 0: out of memory. They are never forgotten. */
int bf_log_add(const biffi_options *options);

enum { BF_NO_LOG = -1 };

/* Any thread. Number 0 is the first of them, for lines of which nobody knows whose they are. False: there is none. */
bool bf_log_write(int number, const biffi_origin *origin, int level, const char *text, size_t length);

#endif
