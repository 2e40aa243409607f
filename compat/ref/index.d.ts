export * from '../ref-napi/lib/ref.js';
