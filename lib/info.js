'use strict';
/*
 * Which way calls go, and why: for people who wonder about speed, and for `biffi info`.
 */
const native = require('./native');
const { expected } = require('./errors');

const forced = process.env.BIFFI_TIER;

/**
 * Without an argument: how biffi runs in this process.
 *   v8: the engine's version; tier: the fastest way that functions get ('v8', 'napi', 'ffi'); why: why it is this one;
 *   code: how executable memory is had ('dual', 'protect', 'denied').
 * With a function that biffi made: its tier, and whether optimised code calls it directly (fast).
 * @param {Function} [bound]
 * @returns {{ v8: string, tier: string, why: string, code: string } | { tier: string, fast: boolean }}
 */
function info(bound) {
  if (bound !== undefined) {
    const tier = typeof bound === 'function' ? native.functionTier(bound) : undefined;
    if (tier === undefined) throw expected('info()', 'a function that biffi made', bound);
    return { tier, fast: native.functionFast(bound) };
  }
  const { v8, fast, why, code } = native.engine();
  const tier = fast ? 'v8' : code === 'denied' ? 'ffi' : 'napi';
  if (forced === 'napi' || forced === 'ffi') return { v8, tier: forced, why: `BIFFI_TIER=${forced}`, code };
  return { v8, tier, why, code };
}

module.exports = { info };
