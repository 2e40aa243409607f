'use strict';
/*
 * The first script of every environment that libbiffi makes: opens modules, calls
 * their handlers, and keeps JavaScript from ending the process it is a guest in.
 * It runs as the body of a function of (process, require, ...), where `require`
 * knows Node.js's own modules only.
 */
const binding = process._linkedBinding('biffi_host');
const fs = require('fs');
const Module = require('module');
const path = require('path');

/* What most runtimes never need is required by who needs it: start-up is a caller's wait. */
const format = (...values) => require('util').format(...values);

// binding.h: enum bf_kind, and the levels of biffi.h
const [OPEN, CLOSE, ABORT, STATS, HEAP] = [0, 2, 3, 4, 100];
const [DEBUG, INFO, WARN, ERROR] = [0, 1, 2, 3];

/** Methods' names by their numbers; the binding adds to it. @type {string[]} */
const { names } = binding;

/** @type {Map<number, {handler: Function|null, methods: object|null, name: string, config: string|null, speaker: object}>} */
const modules = new Map();
/** Modules on their way: number -> promise. Their calls wait. */
const opening = new Map();
/** Calls whose promise is not settled: token -> their context, which has a signal when somebody asked. */
const pending = new Map();

// --- talking ------------------------------------------------------------------------

/**
 * Who may say something: label -> its name, the number of its log, the file it was
 * loaded from. Modules that serve themselves, from Workers, stay when they are closed.
 * @type {Map<string, {label: string, log: number, file: string}>}
 */
const speakers = new Map();
/** The module whose handler runs, and its call's token; null between calls. */
let running = null;
let runningToken = -1;

/** The module that code belongs to which runs between calls: that of the first known file on its stack. */
function ownerOf(stack) {
  let owner = null;
  let first = Infinity;
  for (const speaker of speakers.values()) {
    const at = stack.indexOf(speaker.file);
    if (at >= 0 && at < first) [first, owner] = [at, speaker];
  }
  // What only one can have said needs no stack. (The library's own file says nothing.)
  const others = [...speakers.values()].filter(({ file }) => !file.endsWith('/resty_ffi.js'));
  return owner ?? (others.every(({ file }) => file === others[0].file) ? (others[0] ?? null) : null);
}

function stackNow() {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  return String(stack);
}

/** Which of a file's exports it was, the stack does not say. */
const withoutExport = (label) => label?.replace(/#[^/]*$/, '') ?? null;

/** Writes to the log of whoever says it. False: it has none. */
function write(level, text, stack = undefined) {
  if (running !== null) {
    const { log: number, label } = running.speaker;
    return binding.log(level, text, number, label, runningToken);
  }
  const owner = ownerOf(stack ?? stackNow());
  return binding.log(level, text, owner?.log ?? 0, withoutExport(owner?.label), -1);
}

/** A line of one of the streams, which may be a Worker's. */
function writeLine(level, line) {
  const worker = parse(line);
  if (!worker) return write(level, line);
  const number = speakers.get(worker.label)?.log ?? 0;
  return binding.log(worker.level, worker.text, number, worker.label || null, -1);
}

/** Something that is nobody's answer. */
function log(level, text, stack) {
  if (!write(level, text, stack)) process._rawDebug(text);
}

/** What to print of something that was thrown. */
function describe(error) {
  if (error instanceof Error && typeof error.stack === 'string') return error.stack;
  try {
    return typeof error === 'string' ? error : format('%o', error);
  } catch {
    return 'an error that cannot be printed';
  }
}

function fail(token, error) {
  let code = 1;
  let message;
  try {
    if (error !== null && typeof error === 'object') {
      if (Number.isInteger(error.rc) && error.rc > 0 && error.rc < 2 ** 31) code = error.rc;
      message = typeof error.message === 'string' ? error.message : describe(error);
    } else {
      message = String(error);
    }
  } catch {
    message = 'an error that cannot be printed';
  }
  binding.respond(token, code, message);
}

/** Heads that the binding has as well, so that a number says them. @type {string[]} */
const heads = [];

/** A head that many answers have: what Framed takes for it. */
function keepHead(text) {
  const number = binding.head(text);
  if (number === 0) return text;
  heads[number] = text;
  return number;
}

/**
 * An answer in two parts: a string of one byte a character, or what keepHead() has made of it, goes before the body as
 * it is.
 */
class Framed {
  constructor(head, body) {
    this.head = head;
    this.body = body;
  }
}

const isBytes = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

/** Answers with what a handler returned, or its promise brought. */
function answer(token, value) {
  if (typeof value === 'string' || value === null || value === undefined || isBytes(value)) {
    return void binding.respond(token, 0, value);
  }
  if (value instanceof Framed) {
    const { head, body } = value;
    return void binding.respond(token, 0, body, typeof head === 'number' ? heads[head] : head);
  }
  let text;
  try {
    text = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
    if (typeof text !== 'string')
      throw new TypeError(`the handler answered a ${typeof value}, which has no JSON`);
  } catch (error) {
    return fail(token, error);
  }
  binding.respond(token, 0, text);
}

// --- modules ------------------------------------------------------------------------

let importer;

/** `import()` for this script, which Node.js gives to modules only. */
function importUrl(url) {
  if (!importer) {
    importer = new Module('biffi:import');
    importer._compile('module.exports = (url) => import(url);', path.join(process.cwd(), 'biffi-import.js'));
  }
  return importer.exports(url);
}

/** The file of a module, or the name of one of Node.js's own. */
function locate(name, folder) {
  const require = Module.createRequire(path.join(folder, 'biffi'));
  const relative = /^\.{0,2}\//.test(name);
  const tries = relative ? [name] : [`./${name}`, name];
  for (const attempt of [...tries, ...tries.map((one) => `${one}.mjs`)]) {
    try {
      return require.resolve(attempt);
    } catch (error) {
      // A package that is there but can't be loaded says why itself.
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  const error = new Error(`Cannot find module '${name}' from ${folder}`);
  error.code = 'MODULE_NOT_FOUND';
  throw error;
}

/** Forgets a module and what it required of its own folder, so that it is read again. */
function forget(file) {
  const cached = Module._cache[file];
  const own = path.dirname(file) + path.sep;
  const seen = new Set();
  const visit = (module) => {
    if (seen.has(module)) return;
    seen.add(module);
    for (const child of module.children) {
      if (child.filename && child.filename.startsWith(own) && !child.filename.includes('node_modules'))
        visit(child);
    }
    delete Module._cache[module.filename];
  };
  if (!cached) return;
  visit(cached);
  for (const parent of Object.values(Module._cache)) {
    if (parent) parent.children = parent.children.filter((child) => !seen.has(child));
  }
}

let version = 0;

/**
 * Loads a module, CommonJS or ESM.
 * @param {string} name a path or a package's name
 * @param {string} folder where to look it up
 * @param {boolean} reload whether a copy from before is forgotten
 * @returns {unknown} its exports, or a promise of its namespace
 */
function load(name, folder, reload) {
  const file = locate(name, folder);
  if (!path.isAbsolute(file)) return Module.createRequire(path.join(folder, 'biffi'))(file);
  if (reload) forget(file);
  if (!file.endsWith('.mjs')) {
    try {
      return Module._load(file, null, false);
    } catch (error) {
      if (error.code !== 'ERR_REQUIRE_ESM') throw error;
    }
  }
  const url = require('url').pathToFileURL(file);
  if (reload) url.searchParams.set('reload', String(++version));
  // Loader hooks that cost too much for those who import nothing are set here.
  process.emit('biffi:import');
  return importUrl(url.href);
}

/** Which functions of its exports a module serves. */
function serving(exports, only, name) {
  const inner = exports !== null && typeof exports === 'object' ? exports.default : undefined;
  if (only) {
    const found = exports[only] ?? inner?.[only];
    if (typeof found !== 'function') throw new TypeError(`module '${name}' has no function '${only}'`);
    return { handler: found, methods: null };
  }
  const handler = typeof exports === 'function' ? exports : typeof inner === 'function' ? inner : null;
  const methods =
    handler && inner === undefined ? null : inner && !handler ? { ...inner, ...exports } : exports;
  if (!handler && !(methods && Object.values(methods).some((one) => typeof one === 'function'))) {
    throw new TypeError(`module '${name}' exports no function`);
  }
  return { handler, methods };
}

/** What a module serves once its own start, if it has one, has run. */
async function initialised(exports, { init, config, argument }, name, speaker) {
  const start = exports[init] ?? exports.default?.[init];
  if (typeof start !== 'function') throw new TypeError(`module '${name}' has no function '${init}'`);
  const result = await start(config, argument, {
    /** For a module that serves another one. */
    load: (inner, folder, reload) => {
      speaker.file = locate(inner, folder);
      return load(inner, folder, reload);
    },
    serving,
    abort,
    Framed,
    keepHead,
  });
  if (typeof result === 'function') return { handler: result, methods: null, label: result.label };
  if (result !== 0 && result !== undefined)
    throw new Error(`${init}() of module '${name}' returned ${result}`);
  return { handler: null, methods: null };
}

async function open(token, number, request) {
  const wanted = JSON.parse(request);
  const [, name, only] = /^(.*?)(?:#([^#/]*))?$/s.exec(wanted.module);
  const folder = path.resolve(wanted.folder);
  if (wanted.log > 0) catchStreams();
  if (wanted.seal && !seals) {
    seals = true;
    binding.seal();
  }
  const speaker = { label: name, log: wanted.log, file: locate(name, folder) };
  speakers.set(name, speaker);
  const exports = await load(name, folder, wanted.reload);
  const served = wanted.init
    ? await initialised(exports, wanted, name, speaker)
    : serving(exports, only, name);
  if (served.label) {
    if (speakers.get(name) === speaker) speakers.delete(name);
    speaker.label = served.label;
    speakers.set(served.label, speaker);
  }
  modules.set(number, { ...served, name, config: wanted.config, speaker });
  // Bytes in the answer say that there is a handler.
  binding.respond(token, 0, served.handler || served.methods ? '' : null);
}

// --- calls --------------------------------------------------------------------------

/** The controllers of signals that somebody asked for, or that have fired: context -> controller. */
const controllers = new WeakMap();

function controllerOf(context) {
  let controller = controllers.get(context);
  if (!controller) controllers.set(context, (controller = new AbortController()));
  return controller;
}

/** Nobody waits for the call any more. */
const abort = (context) => controllerOf(context).abort();

/** What a handler learns of its call beside the request. */
class Context {
  constructor(method, config) {
    /** The name the caller used. @type {string|null} */
    this.method = method;
    /** What the module was opened with. @type {string|null} */
    this.config = config;
  }
  /** Fires when nobody waits for the answer any more. @type {AbortSignal} */
  get signal() {
    return controllerOf(this).signal;
  }
}

/** The answer comes later. */
function wait(token, value, context) {
  pending.set(token, context);
  Promise.resolve(value).then(
    (result) => {
      if (pending.delete(token)) answer(token, result);
    },
    (error) => {
      if (pending.delete(token)) fail(token, error);
    },
  );
}

/** A call that came before its module was open, or after it was closed. */
function early(token, number, ...rest) {
  const ready = opening.get(number);
  if (!ready) return fail(token, new Error('the module is closed'));
  ready.then(() => {
    const value = serve(token, number, ...rest);
    if (value !== undefined) answer(token, value);
  });
}

const { hasOwn } = Object;

/**
 * Serves one call. Never throws.
 * @param {number} token
 * @param {number} number the module's
 * @param {string|Buffer|null} request
 * @param {number} method the number of its name, or -1
 * @param {string|null|undefined} name the name where there is no number
 * @param {string|undefined} head
 * @returns {string|ArrayBufferView|ArrayBuffer|Framed|null|undefined} the answer, whose head is a number if it has
 *   one; undefined: it was given, or will be
 */
function serve(token, number, request, method, name, head) {
  try {
    const module = modules.get(number);
    if (module === undefined) return early(token, number, request, method, name, head);
    if (method >= 0) name = names[method];
    let { handler } = module;
    const { methods } = module;
    if (methods !== null && name !== null && hasOwn(methods, name)) {
      const found = methods[name];
      if (typeof found === 'function') handler = found;
    }
    if (handler === null) {
      return fail(token, new Error(`module '${module.name}' has no function '${name}'`));
    }
    const context = new Context(name, module.config);
    running = module;
    runningToken = token;
    const value = handler(request, context, head);
    running = null;
    if (typeof value === 'string' || value === null) return value;
    if (value === undefined) return null;
    if (isBytes(value) || (value instanceof Framed && typeof value.head === 'number')) return value;
    if (typeof value === 'object' && typeof value.then === 'function') wait(token, value, context);
    else answer(token, value);
  } catch (error) {
    running = null;
    fail(token, error);
  }
}

/**
 * The numbers of the call that the binding makes: token, module, method, offset and length of a small Buffer; and, for
 * the binding, whether something was left in the asynchronous context, and the number of the answer's head.
 */
const numbers = new Float64Array(new ArrayBuffer(64));
const [ENTERED, HEAD] = [5, 6];

/** The memory that small Buffers share. @type {ArrayBuffer} */
let memory;

/** As serve(). A request that is undefined is a small Buffer. */
function call(request, name, head) {
  if (request === undefined) request = Buffer.from(memory, numbers[3], numbers[4]);
  return serve(numbers[0], numbers[1], request, numbers[2], name, head);
}

/** The same, when other calls can come before the binding has the answer. */
function callAlone(...values) {
  const token = numbers[0];
  const value = call(...values);
  return value instanceof Framed ? answer(token, value) : value;
}

function close(number) {
  const { handler, methods, speaker } = modules.get(number) ?? {};
  modules.delete(number);
  if ((handler || methods) && speakers.get(speaker.label) === speaker) speakers.delete(speaker.label);
}

/** Any other message: `kind` is of enum bf_kind. Never throws. */
function control(kind, token, number, request) {
  try {
    switch (kind) {
      case OPEN:
        opening.set(
          number,
          open(token, number, request)
            .catch((error) => fail(token, error))
            .finally(() => opening.delete(number)),
        );
        break;
      case CLOSE:
        close(number);
        binding.respond(token, 0, null);
        break;
      case ABORT: {
        const context = pending.get(token);
        pending.delete(token);
        if (context) abort(context);
        break;
      }
      case STATS:
        answer(token, { ...process.memoryUsage(), modules: modules.size, pending: pending.size });
        break;
      case HEAP: {
        const memory = process.memoryUsage();
        binding.heap(memory.heapUsed, memory.heapTotal, memory.external, memory.rss);
        break;
      }
      default:
        fail(token, new Error(`message of unknown kind ${kind}`));
    }
  } catch (error) {
    fail(token, error);
  }
}

// --- a guest's manners --------------------------------------------------------------

function refuse(name) {
  return () => {
    throw new Error(`${name} is not available: it would end the program that Node.js is a part of`);
  };
}
// A process of its own may end as it likes.
if (!binding.child) {
  process.exit = refuse('process.exit()');
  process.reallyExit = refuse('process.reallyExit()');
  process.abort = refuse('process.abort()');
}

const INTERRUPT = new Error('JavaScript was interrupted');
process.setUncaughtExceptionCaptureCallback((error) => {
  numbers[ENTERED] = 1; // Node.js is about to forget in which context it is
  if (error === INTERRUPT) return;
  // Listeners that a module added are served as Node.js would.
  if (process.emit('uncaughtException', error, 'uncaughtException')) return;
  log(ERROR, `uncaught exception: ${describe(error)}`, error?.stack);
});
process.on('unhandledRejection', (error) => {
  log(ERROR, `unhandled rejection: ${describe(error)}`, error?.stack);
});

for (const [name, level] of Object.entries({
  log: INFO,
  info: INFO,
  debug: DEBUG,
  warn: WARN,
  error: ERROR,
})) {
  const original = console[name];
  console[name] = (...values) => {
    if (!write(level, format(...values))) original.apply(console, values);
  };
}
console.trace = function trace(...values) {
  const error = { name: 'Trace', message: format(...values) };
  Error.captureStackTrace(error, trace);
  log(DEBUG, error.stack);
};

/** What takes off what Workers put before their lines. Until one is near nobody does. */
let parse = () => null;

/** Node.js's module for Workers takes milliseconds to load: it is prepared when somebody may ask for it. */
const loadAny = Module._load;
let seals = false;
let prepared = false;
function prepareWorkers() {
  if (prepared) return;
  prepared = true;
  // A library that was taken out of its folder has Workers without levels.
  if (!fs.existsSync(binding.worker)) return;
  const workers = loadAny(binding.worker, null, false);
  ({ parse } = workers);
  workers.install(() => running?.speaker.label ?? withoutExport(ownerOf(stackNow())?.label));
  if (seals) workers.sealWorkers();
}
Module._load = function loadPrepared(request, ...rest) {
  if (!prepared && (request === 'worker_threads' || request === 'node:worker_threads')) prepareWorkers();
  return loadAny.call(this, request, ...rest);
};
process.once('biffi:import', prepareWorkers);

/** What is written to the streams, by Workers too, goes the same way, line by line. */
let catchStreams = () => {
  catchStreams = () => {};
  for (const [name, level] of Object.entries({ stdout: INFO, stderr: ERROR })) {
    const own = Object.getOwnPropertyDescriptor(process, name);
    const original = () => (own.get ? own.get.call(process) : own.value);
    let stream;
    let rest = '';
    const put = (chunk, encoding, done) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) if (!writeLine(level, line)) original().write(`${line}\n`);
      done();
    };
    const get = () => (stream ??= new (require('stream').Writable)({ decodeStrings: false, write: put }));
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get });
  }
};
process.on('warning', (warning) => log(WARN, describe(warning), warning.stack));

/** New memory for small Buffers. What one handler gives away must not be taken from others. */
function renew(size) {
  memory = new ArrayBuffer(size);
  require('worker_threads').markAsUntransferable(memory);
  return memory;
}

// --- a call as Node.js would make it ---------------------------------------------------

/** Notices what could stay in the asynchronous context after a call. */
function watch(owner, name) {
  const original = owner[name];
  const watched = {
    [name](...values) {
      numbers[ENTERED] = 1;
      return original.apply(this, values);
    },
  };
  Object.defineProperty(owner, name, {
    ...Object.getOwnPropertyDescriptor(owner, name),
    value: watched[name],
  });
}
const hooks = require('async_hooks');
watch(hooks.AsyncLocalStorage.prototype, 'enterWith');
watch(hooks, 'executionAsyncResource');
Module.syncBuiltinESMExports();

/** Node.js's own: runs ticks and microtasks as after a callback; deals with what nobody caught. */
const { _tickCallback: settle, _fatalException: uncaught } = process;

/** Serves and does what was left for later; what is thrown there is nobody's answer. */
const completely = (serves) => (a, b, c, d) => {
  const value = serves(a, b, c, d);
  try {
    settle();
  } catch (error) {
    uncaught(error, false);
  }
  if (!(value instanceof Framed)) return value;
  numbers[HEAD] = value.head;
  return value.body ?? null;
};
const inScope = settle && uncaught ? [completely(call), completely(control)] : [];

/** Called before JavaScript is interrupted: Node.js takes it for an error that nobody caught, and unwinds. */
const unwind = uncaught && (() => uncaught(INTERRUPT, false));

binding.serve(renew, numbers, unwind, callAlone, control, ...inScope);
