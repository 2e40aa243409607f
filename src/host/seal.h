/*
 * Programs that JavaScript starts inherit none of the process's descriptors but what
 * they are given. A host that is not meant to start programs opens its own without
 * close-on-exec.
 */
#ifndef BF_HOST_SEAL_H
#define BF_HOST_SEAL_H

#include <node_api.h>

/* seal(), for JavaScript: that is so from now on for what this thread starts. */
napi_value bf_seal(napi_env env, napi_callback_info info);

#endif
