'use strict';
// Reloaded again and again while its calls are under way.
exports.slowly = (request) =>
  new Promise((resolve) => setTimeout(() => resolve(request), request.length % 5));
