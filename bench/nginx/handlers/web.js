'use strict';
/* A handler of node_content: GET /N answers N bytes, as the server beside nginx does. */
const { page } = require('../payload.js');

module.exports = (request) => page(request.path.slice(1)).bytes;
