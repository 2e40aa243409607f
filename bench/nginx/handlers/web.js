'use strict';
/* A handler of node_content: GET /N answers N bytes, as the server beside nginx does. */
const { payload } = require('../payload.js');

const bodies = new Map();

module.exports = (request) => {
  const size = Number(request.path.slice(1));
  let body = bodies.get(size);
  if (body === undefined) bodies.set(size, (body = payload(size)));
  return body;
};
