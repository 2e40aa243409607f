'use strict';
// What handlers say, at every level, at once and later, from Workers, too.
const { Worker } = require('node:worker_threads');
const util = require('node:util');

function say(when) {
  console.debug('%s debug', when);
  console.log('%s log', when);
  console.info('%s info', when);
  console.warn('%s warn\nin two lines', when);
  console.error('%s error %j', when, { an: 'object' });
  console.trace('%s trace', when);
  process.stdout.write(`${when} stdout\n`);
  process.stderr.write(`${when} stderr\n`);
}

exports.now = () => {
  say('now');
  return 'said';
};
exports.later = async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  say('later');
  return 'said';
};
exports.worker = () =>
  new Promise((resolve) => {
    const source = `(${say})('worker'); process.on('exit', () => console.warn('worker ends'));`;
    new Worker(source, { eval: true }).on('exit', () => setTimeout(() => resolve('said'), 20));
  });
exports.warning = () => {
  process.emitWarning('take care');
  util.deprecate(() => {}, 'it is old', 'OLD1')();
  return 'said';
};
