/*
 * The Node-API tier: machine code makes the call, Node-API converts. It needs
 * nothing of the engine but Node-API, and carries every function whose plan the
 * emitter carries.
 */
#ifndef BF_NODE_NAPI_TIER_H
#define BF_NODE_NAPI_TIER_H

#include "tier.h"

extern const bf_tier bf_tier_napi;

#endif
