'use strict';
/*
 * `node -r biffi/register app.js`, or `--import`: whoever in the program asks for ffi-napi, ref-napi or one of their
 * family gets biffi's, also the copies nested in node_modules.
 */
const Module = require('node:module');
const { pathToFileURL } = require('node:url');
const { redirect } = require('./redirect.js');

const plain = Module._resolveFilename;

/** For require(), which all versions of Node.js resolve here. */
Module._resolveFilename = function (request, ...rest) {
  const file = typeof request === 'string' ? redirect(request) : undefined;
  return file === undefined ? plain.call(this, request, ...rest) : file;
};

/** For import: hooks on this thread where Node.js has them, else on the loader's thread. */
if (typeof Module.registerHooks === 'function') {
  Module.registerHooks({
    resolve(specifier, context, next) {
      const file = redirect(specifier);
      if (file === undefined) return next(specifier, context);
      return { url: pathToFileURL(file).href, format: 'commonjs', shortCircuit: true };
    },
  });
} else if (typeof Module.register === 'function') {
  Module.register('./register-hooks.mjs', pathToFileURL(__filename));
}
