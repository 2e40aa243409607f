'use strict';
/*
 * Bodies that come in pieces.
 *
 * Of answers: nginx asks for the next piece once the one before has gone to the client;
 * what a source gives in the meantime waits here, up to a limit, and the source waits
 * behind it. Of requests: nginx brings a piece, and reads on when it has been taken.
 */
// --- answers --------------------------------------------------------------------------

/** So many bytes may wait for nginx; a piece counts as a kilobyte at least. */
const AHEAD = 65536;
const LEAST = 1024;

/** Those that nginx knows of, by the name it has for them. @type {Map<string, Outgoing>} */
const open = new Map();
/** Another process, or thread, has other names: none of its streams is taken for one of these. */
const OWN_NAMES = `${process.pid}.${process.hrtime.bigint().toString(36)}.`;
let last = 0;

/**
 * Whether a body comes in pieces: a stream of Node.js or of the web, an async iterable, a generator.
 * @param {unknown} value
 * @returns {boolean}
 */
const isStream = (value) =>
  value !== null &&
  typeof value === 'object' &&
  (typeof value[Symbol.asyncIterator] === 'function' ||
    typeof value.getReader === 'function' ||
    (typeof value.next === 'function' && typeof value[Symbol.iterator] === 'function'));

/**
 * How to get a source's pieces, how to end it before it ends itself, and whether a piece
 * stays as it is when the next one is asked for: generators may fill one buffer again and again.
 */
function opened(source) {
  if (typeof source.getReader === 'function') {
    const reader = source.getReader();
    return { next: () => reader.read(), stop: () => reader.cancel(), lasting: true };
  }
  const asynchronous = source[Symbol.asyncIterator];
  const iterator = (asynchronous ?? source[Symbol.iterator]).call(source);
  if (typeof source.destroy === 'function') {
    return { next: () => iterator.next(), stop: () => source.destroy(), lasting: true };
  }
  const stop = () => iterator.return?.();
  if (asynchronous) return { next: () => iterator.next(), stop, lasting: false };
  const next = async () => {
    const { done, value } = iterator.next();
    return { done, value: await value };
  };
  return { next, stop, lasting: false };
}

/** The body of an answer on its way to nginx. */
class Outgoing {
  /** What nginx asks for it by. @type {string} */
  name = `${OWN_NAMES}${++last}`;
  #source;
  #toBytes;
  #pieces = [];
  #weight = 0;
  #reading = false;
  #ended = false;
  #failure = null; // [what was thrown]
  #asked = null; // nginx waits: how to answer it
  #looking = null; // begin() waits
  #after;

  /**
   * @param {object} source
   * @param {(piece: unknown) => Buffer} toBytes
   * @param {object} context of its call
   * @param {() => void} [after] is called at the end
   */
  constructor(source, toBytes, context, after) {
    this.#after = after;
    this.context = context;
    this.#source = opened(source);
    this.#toBytes = toBytes;
  }

  #read() {
    if (this.#reading || this.#ended || this.#weight >= AHEAD) return;
    this.#reading = true;
    Promise.resolve(this.#source.next()).then(
      (result) => this.#got(result),
      (error) => this.#end([error]),
    );
  }

  #got({ done, value }) {
    this.#reading = false;
    if (this.#ended) return;
    if (done) {
      this.#end(null);
      return;
    }
    let piece;
    try {
      piece = this.#toBytes(value);
    } catch (error) {
      this.#stop();
      this.#end([error]);
      return;
    }
    if (this.#asked && piece.length) {
      this.#asked.resolve(piece);
      this.#asked = null;
      // The bytes are copied to nginx before the source goes on.
      queueMicrotask(() => this.#read());
      return;
    }
    if (piece.length) {
      this.#pieces.push(this.#source.lasting || typeof value === 'string' ? piece : Buffer.from(piece));
      this.#weight += Math.max(piece.length, LEAST);
      if (this.#weight >= AHEAD) this.#looking?.();
    }
    this.#read();
  }

  #end(failure) {
    this.#failure ??= failure;
    this.#ended = true;
    this.#after?.();
    if (this.#asked) {
      open.delete(this.name);
      if (this.#failure) this.#asked.reject(this.#failure[0]);
      else this.#asked.resolve(null);
      this.#asked = null;
    }
    this.#looking?.();
  }

  #stop() {
    Promise.resolve()
      .then(() => this.#source.stop())
      .catch((error) => console.error('a stream failed to end before its time:', error));
  }

  #waiting() {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#weight = 0;
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  /**
   * Begins. Most short bodies are complete within a turn of the loop: they need not be sent in pieces.
   * @returns {Promise<{bytes: Buffer, complete: boolean}>} what came in that turn
   */
  async begin() {
    await new Promise((resolve) => {
      this.#looking = resolve;
      setImmediate(resolve);
      this.#read();
    });
    this.#looking = null;
    if (this.#failure) throw this.#failure[0];
    if (!this.#ended) open.set(this.name, this);
    const result = { bytes: this.#waiting(), complete: this.#ended };
    this.#read();
    return result;
  }

  /** The next bytes, null when there are none, or a promise of them. */
  take() {
    if (this.#pieces.length) {
      const bytes = this.#waiting();
      this.#read();
      return bytes;
    }
    if (this.#ended) {
      open.delete(this.name);
      if (this.#failure) throw this.#failure[0];
      return null;
    }
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      this.#read();
    });
  }

  /** Nobody wants the rest. */
  close() {
    open.delete(this.name);
    this.#pieces = [];
    if (this.#ended) return;
    this.#stop();
    this.#end(null);
  }
}

/**
 * nginx asks for the next piece.
 * @param {string} name
 * @returns {Buffer|null|Promise<Buffer|null>}
 */
function next(name) {
  const outgoing = open.get(name);
  if (!outgoing) throw new Error('the process that gave the stream has ended');
  return outgoing.take();
}

/**
 * nginx has ended the request before the stream has ended.
 * @param {string} name
 * @param {(context: object) => void} abort makes the signal of the call fire, which closes the stream
 */
function end(name, abort) {
  const outgoing = open.get(name);
  if (outgoing) abort(outgoing.context);
  return null;
}

// --- requests -------------------------------------------------------------------------

/** Bodies that nginx has not brought to their end, by the number it gave them. @type {Map<number, Incoming>} */
const coming = new Map();

/** Answers to nginx's question whether it may read on. */
const GO_ON = null;
const STOP = '.';

/** The body of a request on its way from nginx. */
class Incoming {
  #number;
  #pieces = []; // one more than nginx waits for to be taken, at most
  #complete;
  #failure = null; // [an error]
  #brought = null; // nginx waits: how to answer it
  #wanted = null; // a reader waits: how to give it a piece

  /** @param {number} number 0: these are all @param {Buffer} bytes @param {AbortSignal} signal */
  constructor(number, bytes, signal) {
    this.#number = number;
    this.#complete = number === 0;
    if (bytes.length) this.#pieces.push(bytes);
    if (this.#complete) return;
    coming.set(number, this);
    signal.addEventListener('abort', () => this.#fail(), { once: true });
  }

  #fail() {
    if (this.#complete) return;
    this.#failure = [
      Object.assign(new Error('the client has left before the end of the body'), { code: 'ECONNRESET' }),
    ];
    this.close();
  }

  #settle() {
    if (!this.#wanted) return;
    const { resolve, reject } = this.#wanted;
    if (this.#pieces.length) resolve({ done: false, value: this.#pieces.shift() });
    else if (this.#failure) reject(this.#failure[0]);
    else if (this.#complete) resolve({ done: true, value: undefined });
    else return;
    this.#wanted = null;
  }

  /** nginx brings a piece. @returns {null|string|Promise<null|string>} whether it may read on */
  bring(bytes, isLast) {
    if (bytes.length) this.#pieces.push(bytes);
    if (isLast) {
      this.#complete = true;
      coming.delete(this.#number);
    }
    this.#settle();
    if (isLast || this.#pieces.length === 0) return GO_ON;
    return new Promise((resolve) => (this.#brought = resolve));
  }

  /** @returns {Promise<IteratorResult<Buffer>>} */
  next() {
    return new Promise((resolve, reject) => {
      this.#wanted = { resolve, reject };
      this.#settle();
      if (this.#pieces.length === 0) this.#answer(GO_ON);
    });
  }

  #answer(value) {
    this.#brought?.(value);
    this.#brought = null;
  }

  /** Nobody reads it any more. */
  close() {
    coming.delete(this.#number);
    this.#complete = true;
    this.#pieces = [];
    this.#answer(STOP);
    this.#settle();
  }

  async return() {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** All of what has not been read. @returns {Promise<Buffer>} */
  async whole() {
    const pieces = [];
    for await (const piece of this) pieces.push(piece);
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }
}

/** @param {AsyncIterable<Buffer>|Iterable<Buffer>} pieces @returns {import('node:stream').Readable} */
const readable = (pieces) => require('node:stream').Readable.from(pieces, { objectMode: false });

/** nginx brings a piece of a request's body: the body's number, whether it is the last, the bytes. */
function bring(message) {
  const body = coming.get(message.readUIntLE(0, 6));
  return body ? body.bring(message.subarray(9), message[8] === 1) : STOP;
}

module.exports = { Outgoing, Incoming, isStream, next, end, bring, readable };
