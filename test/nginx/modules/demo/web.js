'use strict';
// Handlers for the directives node_content and node_access.
const { Readable } = require('node:stream');

exports.text = (request) => `${request.method} ${request.path} ${request.config}`;
exports.facts = (request) => ({
  method: request.method,
  path: request.path,
  args: request.args,
  query: Object.fromEntries(request.query),
  protocol: request.protocol,
  address: request.address,
  uri: request.uri,
  connection: { ...request.connection },
  headers: { ...request.headers },
  body: request.text(),
});
exports.echo = async (request) => ({
  headers: { 'content-type': 'application/x-echo', 'X-Length': request.body.length },
  body: request.body,
});
exports.full = () => ({
  status: 418,
  headers: { 'X-One': 'one', 'Set-Cookie': ['a=1', 'b=2'], Connection: 'close', 'Content-Length': '99999' },
  body: 'short and stout',
});
exports.nothing = () => null;
/** Takes a millisecond of nginx's thread, inline. */
exports.spins = ({ path }) => {
  const end = performance.now() + 1;
  while (performance.now() < end);
  return `spun ${path} `;
};
exports.stream = () => ({ headers: { 'x-stream': 'yes' }, body: Readable.from(['one ', 'two ', 'three']) });
exports.redirect = () => ({ status: 302, headers: { Location: 'https://example.org/' } });
exports.later = async (request) => {
  await new Promise((resolve) => setTimeout(resolve, Number(request.args)));
  return 'later';
};
exports.never = ({ signal }) =>
  new Promise(() => signal.addEventListener('abort', () => console.warn('nobody waits')));
exports.fails = () => {
  throw new Error('a handler that fails');
};
exports.denies = async () => {
  throw Object.assign(new Error('not for you'), { status: 403 });
};
exports.splits = () => ({ headers: { 'X-Bad': 'a\r\nX-Injected: yes' } });
exports.odd = () => ({ status: 99, body: '' });
exports.exits = () => process.exit(1);
// By verb, for one runtime that does several things.
exports.TEXT = (request) => exports.text(request);
exports.FAILS = () => exports.fails();
exports.NEVER = (request) => exports.never(request);
exports.LOOPS = () => {
  for (;;);
};
exports.DIES = () => process.kill(process.pid, 'SIGKILL');
exports.gate = async ({ headers, query }) => {
  await null;
  if (headers.authorization === 'yes') return undefined;
  if (query.get('syncly')) return true;
  return { status: 401, headers: { 'WWW-Authenticate': 'Basic' }, body: 'who are you?' };
};
exports.syncGate = ({ headers }) => (headers.authorization === 'yes' ? undefined : { status: 403 });
exports.verbs = Object.assign({}, { GET: () => 'got' });
