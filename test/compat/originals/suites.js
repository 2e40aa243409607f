'use strict';
/**
 * The test suites of the packages that compat/ replaces: where they come from, how many cases they have, and what
 * their native fixtures need. The suites run as published; only fixtures are patched, each patch with its reason.
 */

const KEEP_ADDRESS =
  'V8 of Node.js 18 and 20 forgets the address of an empty external Buffer, with any implementation';
const OLD_V8 = 'an interface that V8 has removed since the suite was written';

module.exports = [
  {
    name: 'ref-napi',
    version: '3.0.3',
    cases: 150,
    skipped: 0,
  },
  {
    name: 'ref-array-di',
    version: '1.2.2',
    cases: 19,
    skipped: 0,
    fixture: {
      source: 'native_tests.cc',
      output: 'native_tests.node',
      include: ['nan'],
      patches: [
        { why: OLD_V8, from: /v8::Handle</g, to: 'v8::Local<' },
        {
          why: OLD_V8,
          from: /info\[1\]->Uint32Value\(\)/g,
          to: 'Nan::To<uint32_t>(info[1]).FromJust()',
        },
      ],
    },
  },
  {
    name: 'ref-union-di',
    version: '1.0.1',
    cases: 42,
    skipped: 0,
    fixture: {
      source: 'native_tests.cc',
      output: 'native_tests.node',
      include: ['nan'],
      patches: [{ why: OLD_V8, from: /v8::Handle</g, to: 'v8::Local<' }],
    },
  },
  {
    name: 'ref-wchar-napi',
    version: '1.0.3',
    cases: 3,
    skipped: 0,
    fixture: {
      source: 'test.cc',
      output: 'test.node',
      include: ['nan'],
      patches: [
        {
          why: 'NewBuffer() takes ownership and frees what is static here',
          from: /Nan::NewBuffer\(reinterpret_cast<char \*>/g,
          to: 'Nan::CopyBuffer(reinterpret_cast<char *>',
        },
      ],
    },
  },
  {
    name: 'ffi-napi',
    version: '4.0.3',
    cases: 85,
    skipped: 1,
    fixture: {
      source: 'ffi_tests.cc',
      output: 'ffi_tests.node',
      include: [
        'node-addon-api',
        'get-uv-event-loop-napi-h/include',
        'get-symbol-from-current-process-h/include',
      ],
      define: ['NAPI_CPP_EXCEPTIONS'],
      patches: [
        {
          why: KEEP_ADDRESS,
          from: /size_t length = 0\)/,
          to: 'size_t length = 1)',
        },
      ],
    },
  },
];

/** What the suites require besides the package under test, from the registry, without install scripts. */
module.exports.tools = {
  bindings: '1.5.0',
  'fs-extra': '9.1.0',
  'get-symbol-from-current-process-h': '1.0.2',
  'get-uv-event-loop-napi-h': '1.0.6',
  mocha: '7.2.0',
  nan: '2.30.0',
  'node-addon-api': '3.2.1',
  'node-gyp-build': '4.8.4',
  'weak-napi': '2.0.2',
};
