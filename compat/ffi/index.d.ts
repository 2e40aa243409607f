export * from '../ffi-napi/lib/ffi.js';
