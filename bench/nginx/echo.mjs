/*
 * njs inside nginx, an ES module of its own kind. Its top level runs for every request, so the body is made when it
 * is asked for.
 */
const LINE = 'The quick brown fox jumps over the lazy dog, 0123456789.\n';

function answer(r) {
  const size = Number(r.uri.slice(r.uri.lastIndexOf('/') + 1));
  r.return(200, LINE.repeat(Math.ceil(size / LINE.length)).slice(0, size));
}

export default { answer };
