'use strict';
/*
 * Worker threads of modules: loaded into each of them before anything else (as
 * biffi_worker.js, beside the library), and by boot.js when they are near.
 *
 * What their console says reaches the log with its level: it goes through the Worker's
 * streams, each line with the level and the module before it; boot.js takes that off
 * again. And programs that they start inherit as little as those of boot.js's thread.
 */
const threads = require('node:worker_threads');
const { format } = require('node:util');

/** Before the level, and behind the module's name. */
const MARK = '\x01';
const SPEAKER = 'biffi speaker';
const SEALS = 'biffi seals';

/** Workers to come seal what they start. */
exports.sealWorkers = () => threads.setEnvironmentData(SEALS, true);

/**
 * Workers that are started here are loaded with this file.
 * @param {() => string|null} speaker the module that runs
 */
exports.install = (speaker) => {
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(filename, options = {}) {
      // Who reads the streams gets what was written to them.
      const own = !options.stdout && !options.stderr;
      if (own) threads.setEnvironmentData(SPEAKER, speaker() ?? '');
      // The process of a module is started with a script of its own.
      const inherited = process.execArgv.includes('--eval') ? [] : process.execArgv;
      const execArgv = [...(options.execArgv ?? inherited), '--require', __filename];
      super(filename, own ? { ...options, execArgv } : options);
    }
  };
  // What ES modules import of node:worker_threads is that class, too.
  require('node:module').syncBuiltinESMExports();
};

/** What a line says of its level and module. @param {string} line @returns {{level: number, label: string, text: string}|null} */
exports.parse = (line) => {
  if (line[0] !== MARK) return null;
  const end = line.indexOf(MARK, 2);
  return { level: Number(line[1]), label: line.slice(2, end), text: line.slice(end + 1) };
};

if (!threads.isMainThread) {
  const label = threads.getEnvironmentData(SPEAKER) ?? '';
  // biffi.h: BIFFI_DEBUG to BIFFI_ERROR
  const say = (level, stream, text) => {
    for (const line of text.split('\n')) process[stream].write(`${MARK}${level}${label}${MARK}${line}\n`);
  };
  const methods = { debug: 0, log: 1, info: 1, warn: 2, error: 3 };
  for (const [name, level] of Object.entries(methods)) {
    console[name] = (...values) => say(level, level > 1 ? 'stderr' : 'stdout', format(...values));
  }
  console.trace = function trace(...values) {
    const error = { name: 'Trace', message: format(...values) };
    Error.captureStackTrace(error, trace);
    say(0, 'stderr', error.stack);
  };
  exports.install(() => label);
  if (threads.getEnvironmentData(SEALS)) {
    try {
      process._linkedBinding('biffi_host').seal();
    } catch {
      // The process of a module is a host of nothing.
    }
  }
}
