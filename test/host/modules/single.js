'use strict';
module.exports = (request, { method }) => `${method}:${request}`;
