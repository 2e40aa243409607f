'use strict';
exports.answer = 42;
Object.defineProperty(exports, 'init', { value: () => 3 });
Object.defineProperty(exports, 'fails', {
  value: async () => {
    throw new Error('no connection to the database');
  },
});
