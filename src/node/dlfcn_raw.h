/*
 * dlopen(3) and its sisters as they are, for programs that hold handles and
 * flags themselves. Addresses travel as in rawmem.h; NULL is 0.
 */
#ifndef BF_NODE_DLFCN_RAW_H
#define BF_NODE_DLFCN_RAW_H

#include <node_api.h>

/*
 * Adds to `room`: dlopen(path | null, mode), dlsym(handle, name), dlclose(handle), dlerror() -> string | null,
 * isLoaded(address): whether it lies in an object that is loaded now, RTLD: flags and special handles.
 */
napi_status bf_dlfcn_raw_init(napi_env env, napi_value room);

#endif
