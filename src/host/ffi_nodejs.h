/*
 * libffi_nodejs.so, the runtime library that nginx loads: Node.js for
 * ngx.load_ffi. A configuration with a function in its second part starts a module
 * that polls tasks itself (ffi_nodejs_tasks.c is what it requires as `resty_ffi`);
 * one without names a module whose exports are handlers.
 */
#ifndef BF_HOST_FFI_NODEJS_H
#define BF_HOST_FFI_NODEJS_H

/* A number for JavaScript to name the queue by, from 1; 0: out of memory. Any thread. */
int bf_queue_number(void *tq);

/* Node.js ends: who waits in poll_task returns. */
void bf_queues_end(void *data);

/* The directory that this library was loaded from, without a slash at the end. NULL: unknown. */
const char *bf_library_folder(void);

#endif
