'use strict';
/*
 * The module `resty_ffi`: poll_task, get_req and respond for modules that serve
 * their tasks themselves. It lies beside libffi_nodejs.so, which is its native half.
 *
 *     exports.init = (cfg, tq) => { ...new Worker(__filename)...postMessage(tq); return 0; };
 *     // in the Worker: const tsk = ffi.poll_task(tq) waits, and is 0 at the end
 *     // anywhere: ffi.respond(tsk, 0, ffi.get_req(tsk));
 */
const { AsyncLocalStorage } = require('node:async_hooks');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const addon = { exports: {} };
process.dlopen(addon, path.join(__dirname, 'libffi_nodejs.so'));
const native = addon.exports;

/** A Worker loads this file with --require, see below. */
const inWorker = module.parent?.id === 'internal/preload';

/** The task that the code which runs is busy with, as far as anyone can tell. */
const busy = new AsyncLocalStorage();

/**
 * Waits for the next task. It blocks its thread: call it in a Worker.
 * @param {number} tq the queue, as `init` was given it
 * @returns {number} the task, or 0 when the runtime was unloaded and no task is left
 */
exports.poll_task = native.poll_task;

/**
 * The request of a task.
 * @param {number} tsk
 * @param {boolean} [asBuffer] a Buffer with the very bytes instead of a string decoded as UTF-8
 * @returns {string|Buffer|null} null when Lua gave none
 */
exports.get_req = (tsk, asBuffer) => {
  const request = native.get_req(tsk, asBuffer);
  busy.enterWith(tsk);
  return request;
};

/**
 * Answers a task, once, from any thread.
 * @param {number} tsk
 * @param {number} rc 0, or a code that Lua gets as `false, rc, rsp`
 * @param {string|Buffer|ArrayBufferView|ArrayBuffer|null} [rsp]
 */
exports.respond = (tsk, rc, rsp) => {
  native.respond(tsk, rc, rsp);
};

// A handler that throws would leave its caller waiting. What was thrown is
// answered to the task that the code had asked the request of.
function answerWith(error) {
  const tsk = busy.getStore();
  if (tsk === undefined) return;
  try {
    native.respond(tsk, 1, error instanceof Error ? error.message : String(error));
  } catch {
    // It was answered before.
  }
}
process.on('uncaughtExceptionMonitor', answerWith);
if (!inWorker) process.on('unhandledRejection', answerWith);

const load = Module._load;

// `require('resty_ffi')` from anywhere, in this thread and in the Workers it starts.
const resolve = Module._resolveFilename;
Module._resolveFilename = function resolveFilename(request, ...rest) {
  return request === 'resty_ffi' ? __filename : resolve.call(this, request, ...rest);
};

let threads;
/** worker_threads, whose Workers load this file first. */
function changeThreads() {
  if (threads) return threads;
  threads = load.call(Module, 'node:worker_threads', null, false);
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(filename, options = {}) {
      const execArgv = [...(options.execArgv ?? process.execArgv), '--require', __filename];
      if (/\.mjs$/.test(filename)) threads.setEnvironmentData(IMPORTS, true);
      super(filename, { ...options, execArgv });
    }
  };
  // What ES modules import of node:worker_threads is that class, too.
  Module.syncBuiltinESMExports();
  return threads;
}

// `import ffi from 'resty_ffi'` is resolved by Node.js's other loader, which has hooks of its own.
const IMPORTS = 'resty_ffi imports';
const here = { url: pathToFileURL(__filename).href, format: 'commonjs', shortCircuit: true };
let hooked = false;
function hook() {
  if (hooked) return;
  hooked = true;
  // These run on a thread that sees nothing of this one: they are handed over as text.
  const text = `export const resolve = (name, context, next) =>
    name === 'resty_ffi' ? ${JSON.stringify(here)} : next(name, context);`;
  Module.register(`data:text/javascript,${encodeURIComponent(text)}`);
  changeThreads().setEnvironmentData(IMPORTS, true);
}
if (Module.registerHooks) {
  Module.registerHooks({
    resolve: (name, context, next) => (name === 'resty_ffi' ? here : next(name, context)),
  });
} else if (Module.register) {
  // That thread costs tens of milliseconds: it is for runtimes that have an ES module.
  if (!inWorker) process.once('biffi:import', hook);
  else if (changeThreads().getEnvironmentData(IMPORTS)) hook();
}

// Loading worker_threads takes a sixth of a runtime's start, which is why it is changed when somebody is about to
// use it: asks for it by require(), or may do so by import(). In Workers it is loaded already, and a Node.js that has
// registerHooks starts from a snapshot.
const compile = Module.prototype._compile;
if (inWorker || Module.registerHooks) {
  changeThreads();
} else {
  process.once('biffi:import', changeThreads);
  Module._load = function loadAndChange(request, ...rest) {
    if (request === 'worker_threads' || request === 'node:worker_threads') changeThreads();
    return load.call(this, request, ...rest);
  };
  Module.prototype._compile = function compileAndChange(content, ...rest) {
    if (/\bimport\s*\(/.test(content)) changeThreads();
    return compile.call(this, content, ...rest);
  };
}
