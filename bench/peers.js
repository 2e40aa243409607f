'use strict';
/*
 * Who takes part. A column of the results is a peer on a runtime: `koffi@24`. `needs` names npm packages; `from`
 * and `only` bound the Node.js majors.
 */
module.exports = [
  { name: 'c', title: 'C', runtime: 'c' },
  { name: 'biffi', title: 'biffi', adapter: 'peers/biffi.js', runtime: 'node' },
  {
    name: 'biffi-napi',
    title: 'biffi, napi tier',
    adapter: 'peers/biffi.js',
    runtime: 'node',
    env: { BIFFI_TIER: 'napi' },
  },
  {
    name: 'biffi-ffi',
    title: 'biffi, ffi tier',
    adapter: 'peers/biffi.js',
    runtime: 'node',
    env: { BIFFI_TIER: 'ffi' },
  },
  { name: 'compat', title: 'biffi as ffi-napi', adapter: 'peers/compat.js', runtime: 'node' },
  { name: 'napi', title: 'Node-API addon', adapter: 'peers/napi.js', runtime: 'node' },
  { name: 'koffi', title: 'koffi', adapter: 'peers/koffi.js', runtime: 'node', needs: ['koffi'] },
  { name: 'ffi-rs', title: 'ffi-rs', adapter: 'peers/ffi-rs.js', runtime: 'node', needs: ['ffi-rs'] },
  {
    name: 'ffi-napi',
    title: 'ffi-napi',
    adapter: 'peers/ffi-napi.js',
    runtime: 'node',
    needs: ['ffi-napi', 'ref-napi', 'ref-struct-di'],
  },
  {
    name: 'node-ffi',
    title: 'node:ffi',
    adapter: 'peers/node-ffi.js',
    runtime: 'node',
    from: 26,
    args: ['--no-warnings'],
  },
  { name: 'deno', title: 'Deno', adapter: 'peers/deno.js', runtime: 'deno', needs: ['deno'] },
  { name: 'bun', title: 'Bun', adapter: 'peers/bun.js', runtime: 'bun', needs: ['bun'] },
];
