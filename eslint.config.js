'use strict';

const js = require('@eslint/js');

/** What Node.js 18 has in every module, and what it has in CommonJS ones only. */
const everywhere =
  'AbortController AbortSignal Blob Buffer BroadcastChannel Event EventTarget FinalizationRegistry MessageChannel ' +
  'SharedArrayBuffer TextDecoder TextEncoder URL URLSearchParams WeakRef Atomics WebAssembly clearImmediate ' +
  'clearInterval clearTimeout console fetch global globalThis performance process queueMicrotask setImmediate ' +
  'setInterval setTimeout structuredClone';
const commonjs = '__dirname __filename exports module require';
const readonly = (names) => Object.fromEntries(names.split(' ').map((name) => [name, 'readonly']));

module.exports = [
  {
    ignores: [
      'build/',
      '.deps/',
      '**/node_modules/',
      'bench/nginx/handlers/skeleton.js',
      'test/nginx/modules/demo/echo.js',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.js', '**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      ecmaVersion: 2022,
      globals: readonly(`${everywhere} ${commonjs}`),
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { sourceType: 'module', ecmaVersion: 2022, globals: readonly(everywhere) },
  },
  {
    rules: {
      'no-unused-vars': ['error', { args: 'after-used', caughtErrors: 'none', ignoreRestSiblings: true }],
      'no-var': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-throw-literal': 'error',
      'no-implicit-globals': 'error',
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
    },
  },
  { files: ['test/**'], rules: { 'no-throw-literal': 'off' } }, // what users may throw
];
