'use strict';

/* A handler as one writes it: what comes in goes out. */
module.exports = (request) => request;
