'use strict';
// Handlers that read the request's body as it comes.
const { createHash } = require('node:crypto');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const state = { taken: 0, ended: 0, failed: 0 };

exports.text = async (request) => `${typeof request.body} ${await request.text()}`;
exports.json = async (request) => ({ twice: (await request.json()).number * 2 });
exports.digest = async (request) => {
  const hash = createHash('sha1');
  let pieces = 0;
  for await (const piece of request) {
    hash.update(piece);
    pieces++;
  }
  return { sha1: hash.digest('hex'), several: pieces > 1 };
};
exports.stream = async (request) => {
  const hash = createHash('sha1');
  for await (const piece of request.stream()) hash.update(piece);
  return hash.digest('hex');
};
/** Answers while it reads. */
exports.echo = async function* echo(request) {
  yield 'begin ';
  for await (const piece of request) yield piece;
  yield ' end';
};
/** Takes a piece each time somebody calls `more`. */
let more;
exports.slowly = async (request) => {
  try {
    for await (const piece of request) {
      state.taken += piece.length;
      await new Promise((resolve) => (more = resolve));
    }
    state.ended++;
  } catch (error) {
    state.failed++;
    throw error;
  }
  return 'done';
};
exports.more = () => {
  more?.();
  return null;
};
exports.first = async (request) => {
  for await (const piece of request) return String(piece.subarray(0, 5));
  return 'nothing';
};
exports.ignores = async () => {
  await pause(20);
  return 'not read';
};
exports.atOnce = () => 'not read';
exports.throws = async (request) => {
  for await (const piece of request) throw new Error(`after ${piece.length > 0}`);
};
exports.crashes = async (request) => {
  for await (const piece of request) if (piece) process.kill(process.pid, 'SIGKILL');
};
exports.state = () => state;
exports.all = (request) => exports[request.path.slice(1)](request);
