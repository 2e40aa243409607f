'use strict';
/* Handlers as one writes them. echo: what comes in goes out. page: N bytes for N, strings for strings. */
const { page } = require('../payload.js');

exports.echo = (request) => request;
exports.page = (size) => (typeof size === 'string' ? page(size).text : page(size).bytes);
