'use strict';
/*
 * What a handler of node_content or node_access sees of nginx: a request, and what
 * it may answer.
 *
 *     module.exports = async (request) => ({ status: 200, headers: {}, body: 'text' });
 *
 * A string, a Buffer or null answers with status 200 (null: 204); an object with other
 * properties than status, headers and body is sent as JSON. `exports.GET` serves GET only, and so on.
 * A body may be a stream, an async iterable or a generator: its pieces are sent as they come.
 * An error with a `status` between 400 and 599 answers with it.
 * node_access lets the request pass when the answer is undefined, null or true.
 */
const streams = require('./ngx_http_node_streams.js');

/* node:http takes a while to load. It is asked for what is out of the ordinary only. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function validate(name, value) {
  if (!NAME.test(name)) require('node:http').validateHeaderName(name);
  if (!VALUE.test(value)) require('node:http').validateHeaderValue(name, value);
}

/** Set by nginx itself, which knows how long the body is and what becomes of the connection. */
const OWN = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'date',
  'server',
]);

/** An object that has these, and nothing else, is a response; any other is its JSON body. */
const PARTS = new Set(['status', 'headers', 'body']);

/** What of a head is before its lines: a letter, and the facts of the connection. */
const FACTS = 1;
const LINES = FACTS + 38;

/** One of the first lines of a head. */
function lineOf(head, number) {
  let start = LINES;
  for (let i = 0; i < number; i++) start = head.indexOf('\n', start) + 1;
  return head.slice(start, head.indexOf('\n', start));
}

/** Where a request came from, and where to. */
class Connection {
  /** @param {string} head see struct facts in message.c */
  constructor(head) {
    const facts = Buffer.from(head.slice(FACTS, LINES), 'latin1');
    const family = facts[21];
    const at = facts.subarray(22, family === 4 ? 26 : 38);
    /** No other connection of this nginx has the same. @type {number} */
    this.number = facts.readUIntLE(0, 6);
    /** How many requests it has brought, with this one. @type {number} */
    this.requests = facts.readUIntLE(8, 6);
    /** The client's. @type {string} */
    this.address = lineOf(head, 4);
    /** The client's; 0 where there is none, as with Unix sockets. @type {number} */
    this.port = facts.readUInt16BE(16);
    /** null with Unix sockets. @type {string|null} */
    this.serverAddress = family === 4 ? at.join('.') : family === 6 ? textOfIPv6(at) : null;
    /** @type {number} */
    this.serverPort = facts.readUInt16BE(18);
    /** The first server_name of the server that answers. @type {string} */
    this.serverName = lineOf(head, 6);
    /** Whether it is encrypted. @type {boolean} */
    this.secure = facts[20] === 1;
  }
}

function textOfIPv6(bytes) {
  const groups = bytes.toString('hex').match(/.{4}/g).join(':');
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}

/** The letter before the lines, see message.c. */
const isAccess = (head) => head[0] === 'a';
const isUnbuffered = (head) => head[0] === 'u';

/** What a handler reads is taken from the lines when it is read. */
class Request {
  #head;
  #body; // a Buffer or null, or a streams.Incoming
  #headers;
  #connection;
  #context;
  /** @param {string} head lines, see message.c @param {Buffer|null} body @param {object} context */
  constructor(head, body, context) {
    this.#head = head;
    this.#body = isUnbuffered(head)
      ? new streams.Incoming(body.readUIntLE(0, 6), body.subarray(8), context.signal)
      : body;
    this.#context = context;
  }
  /** What is left of an unbuffered body is not wanted any more. */
  static close(request) {
    request.#body.close();
  }
  /** @type {string} */
  get method() {
    return lineOf(this.#head, 0);
  }
  /** The path, decoded and normalised by nginx, in UTF-8. @type {string} */
  get path() {
    const line = lineOf(this.#head, 1);
    return /[\x80-\xff]/.test(line) ? Buffer.from(line, 'latin1').toString() : line;
  }
  /** What stands behind the question mark. @type {string} */
  get args() {
    return lineOf(this.#head, 2);
  }
  /** @type {URLSearchParams} */
  get query() {
    return new URLSearchParams(this.args);
  }
  /** @type {string} */
  get protocol() {
    return lineOf(this.#head, 3);
  }
  /** The client's address. @type {string} */
  get address() {
    return lineOf(this.#head, 4);
  }
  /** As the client sent it, with the question mark and what is behind it. @type {string} */
  get uri() {
    return lineOf(this.#head, 5);
  }
  /** @type {Connection} */
  get connection() {
    return (this.#connection ??= new Connection(this.#head));
  }
  /** Names in lower case; what came more than once is joined with ", ". @type {Record<string, string>} */
  get headers() {
    if (!this.#headers) {
      const lines = this.#head.slice(LINES).split('\n');
      this.#headers = Object.create(null);
      for (let i = 7; i < lines.length - 1; i++) {
        const line = lines[i];
        const colon = line.indexOf(': ');
        const name = line.slice(0, colon).toLowerCase();
        const value = line.slice(colon + 2);
        this.#headers[name] = name in this.#headers ? `${this.#headers[name]}, ${value}` : value;
      }
    }
    return this.#headers;
  }
  /** undefined when it comes in pieces (node_request_buffering off) @type {Buffer|undefined} */
  get body() {
    if (this.#body instanceof streams.Incoming) return undefined;
    return (this.#body ??= Buffer.alloc(0));
  }
  /** A string; a promise of one when it comes in pieces. */
  text() {
    return this.#body instanceof streams.Incoming ? this.#body.whole().then(String) : this.body.toString();
  }
  /** Likewise. */
  json() {
    const text = this.text();
    return typeof text === 'string' ? JSON.parse(text) : text.then(JSON.parse);
  }
  /** The body's pieces as they come: `for await (const piece of request)`. */
  [Symbol.asyncIterator]() {
    return (this.body ? this.stream() : this.#body)[Symbol.asyncIterator]();
  }
  /** The same as a stream. @returns {import('node:stream').Readable} */
  stream() {
    return streams.readable(this.body ? [this.body] : this.#body);
  }
  /** The word behind the module's name in nginx's configuration. @type {string} */
  get config() {
    return this.#context.configuration;
  }
  /** Fires when the client has left. @type {AbortSignal} */
  get signal() {
    return this.#context.signal;
  }
}

const closeBody = Request.close;
delete Request.close;

/** A body as text or bytes, and the type that goes with it when nobody says another. */
function bodyOf(value) {
  if (value === null || value === undefined) return [null, undefined];
  if (typeof value === 'string') return [value, 'text/plain; charset=utf-8'];
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return [value, 'application/octet-stream'];
  return [JSON.stringify(value) ?? String(value), 'application/json'];
}

/** What a body's text or bytes are as a Buffer. */
function bufferOf(value) {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return Buffer.from(value ?? '');
}

/** boot.js's class for answers of two parts, and what it takes for a head that many have. */
let Framed;
let keepHead;

/** Of the four characters that say how long the lines of an answer are, in the last. */
const IS_STREAM = 0x80;

/** Lines behind their length, as message.c reads them: four characters, each of which is a byte. */
const framed = (lines, flag = 0) =>
  String.fromCharCode(lines.length & 255, (lines.length >> 8) & 255, (lines.length >> 16) & 255, flag) +
  lines;

/** The heads of answers without headers of their own: type -> head. */
const plain = new Map();

function plainHead(type) {
  let head = plain.get(type);
  if (head === undefined) plain.set(type, (head = keepHead(framed(`200\ncontent-type: ${type}\n`))));
  return head;
}

/** The lines of an answer; `type` is for those who say none themselves. */
function linesOf(status, headers, type) {
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError(`status ${status}`);
  let head = `${status}\n`;
  let typed = false;
  for (const [name, values] of Object.entries(headers ?? {})) {
    const lower = name.toLowerCase();
    if (OWN.has(lower) || values === undefined) continue;
    typed ||= lower === 'content-type';
    for (const value of Array.isArray(values) ? values : [values]) {
      validate(name, String(value));
      head += `${name}: ${value}\n`;
    }
  }
  return typed || !type ? head : `${head}content-type: ${type}\n`;
}

/** @param {number} status @param {object} headers @param {[unknown, string|undefined]} body of bodyOf() */
function encode(status, headers, [body, type]) {
  if (status === 200 && headers === undefined && type) return new Framed(plainHead(type), body);
  return new Framed(framed(linesOf(status, headers, type)), body);
}

/** The length that a handler has given with a stream, as a number. */
function lengthOf(headers) {
  const name = Object.keys(headers ?? {}).find((one) => one.toLowerCase() === 'content-length');
  const length = name === undefined ? undefined : headers[name];
  if (length === undefined) return undefined;
  if (!/^\d{1,15}$/.test(length)) throw new RangeError(`content-length: ${length}`);
  return Number(length);
}

/** A stream's first bytes, and the name by which nginx asks for the others; none: there are none. */
function encodeStream(status, headers, length, name, first) {
  let lines = linesOf(status, headers, 'application/octet-stream');
  if (length !== undefined) lines += `content-length: ${length}\n`;
  return new Framed(framed(lines, IS_STREAM) + String.fromCharCode(name.length) + name, first);
}

async function answerOfStream(status, headers, body, context) {
  const { method, signal, ended } = context;
  const length = lengthOf(headers);
  context.streams = true;
  const outgoing = new streams.Outgoing(body, (piece) => bufferOf(bodyOf(piece)[0]), context, ended);
  signal.addEventListener('abort', () => outgoing.close(), { once: true });
  if (method === 'HEAD' || signal.aborted) {
    outgoing.close();
    return encodeStream(status, headers, length, '', null);
  }
  const { bytes, complete } = await outgoing.begin();
  if (!complete) return encodeStream(status, headers, length, outgoing.name, bytes);
  if (length !== undefined && length !== bytes.length) {
    throw new Error(`content-length is ${length}, but the stream had ${bytes.length} bytes`);
  }
  return encode(status, headers, [bytes, 'application/octet-stream']);
}

/** An answer as nginx takes it; a promise of one when its body is a stream. */
function answerOf(value, context) {
  if (value === null || value === undefined) return encode(204, {}, bodyOf(null));
  if (typeof value !== 'object' || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return encode(200, undefined, bodyOf(value));
  }
  if (streams.isStream(value)) return answerOfStream(200, {}, value, context);
  const names = Object.keys(value);
  if (names.length === 0 || !names.every((name) => PARTS.has(name)))
    return encode(200, undefined, bodyOf(value));
  const { status = 200, headers, body } = value;
  if (streams.isStream(body)) return answerOfStream(status, headers, body, context);
  return encode(status, headers, bodyOf(body));
}

/** No bytes at all say that the request passes. */
const passOrAnswer = (value, context) =>
  value === undefined || value === null || value === true ? null : answerOf(value, context);

/** An error that names a status is an answer, any other is nginx's 500 and a line in its log. */
function answerOfError(error) {
  const status = error?.status;
  if (Number.isInteger(status) && status >= 400 && status < 600) {
    return encode(
      status,
      error.headers,
      bodyOf(`${error.message || require('node:http').STATUS_CODES[status]}\n`),
    );
  }
  throw error;
}

/** What a handler answers to a request, as nginx takes it, or a promise of that. */
function answer(serve, request, finish, context) {
  try {
    const value = serve(request);
    const made =
      typeof value?.then === 'function'
        ? value.then((settled) => finish(settled, context))
        : finish(value, context);
    return typeof made?.then === 'function' ? made.catch(answerOfError) : made;
  } catch (error) {
    return answerOfError(error);
  }
}

/** The same for one whose body may still be coming: what is not read of it is not wanted after the answer. */
async function answerUnbuffered(serve, request, context) {
  context.ended = () => closeBody(request);
  try {
    return await answer(serve, request, answerOf, context);
  } finally {
    if (!context.streams) closeBody(request);
  }
}

/**
 * Called by libbiffi when the module is opened.
 * @param {string} config JSON: module, folder and config of the directive
 * @param {number} argument not used
 * @param {{load: Function, serving: Function, abort: Function, Framed: Function, keepHead: Function}} tools boot.js's own
 * @returns {Promise<Function>} the handler
 */
exports.open = async (config, argument, { load, serving, abort, ...answers }) => {
  ({ Framed, keepHead } = answers);
  const wanted = JSON.parse(config);
  const [, name, only] = /^(.*?)(?:#([^#/]*))?$/s.exec(wanted.module);
  const { handler, methods } = serving(await load(name, wanted.folder, false), only, name);
  const handle = (body, context, head) => {
    // nginx's own; a request's methods are in capitals.
    if (context.method === 'next') return streams.next(body.latin1Slice());
    if (context.method === 'piece') return streams.bring(body);
    if (context.method === 'end') return streams.end(body.latin1Slice(), abort);
    const named = methods && Object.hasOwn(methods, context.method) ? methods[context.method] : undefined;
    const serve = typeof named === 'function' ? named : handler;
    if (!serve) return encode(405, {}, bodyOf(`no handler for ${context.method}\n`));
    context.configuration = wanted.config;
    const request = new Request(head, body, context);
    if (isUnbuffered(head)) return answerUnbuffered(serve, request, context);
    return answer(serve, request, isAccess(head) ? passOrAnswer : answerOf, context);
  };
  handle.label = wanted.module; // in the log
  return handle;
};
