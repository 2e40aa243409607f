'use strict';
// A body in pieces, each of which goes to the client as it comes: `node_content demo/ticker`.
const { setTimeout: pause } = require('node:timers/promises');

module.exports = async function* ticker({ query }) {
  const count = Number(query.get('count') ?? 5);
  for (let i = 1; i <= count; i++) {
    yield `${i} of ${count}\n`;
    await pause(Number(query.get('ms') ?? 300));
  }
};
