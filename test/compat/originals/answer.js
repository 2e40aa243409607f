'use strict';
/**
 * Answers the probes with the packages that NODE_PATH finds, as JSON on stdout: { probe: answer }.
 */
const vm = require('node:vm');
const { libc: signatures, plain, mended } = require('./probes.js');

const ffi = require('ffi-napi');
const ref = require('ref-napi');
const Struct = require('ref-struct-di')(ref);
const ArrayType = require('ref-array-di')(ref);
const Union = require('ref-union-di')(ref);

function describe(value) {
  if (value === undefined) return 'undefined';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && !Number.isInteger(value)) return String(value);
  if (typeof value === 'function') return 'function';
  if (Buffer.isBuffer(value)) return { buffer: value.toString('hex'), type: value.type && value.type.name };
  return value;
}

function ask(probe) {
  const scope = {
    ffi,
    ref,
    Struct,
    ArrayType,
    Union,
    libc: ffi.Library('libc', signatures),
    B: (x) => Buffer.from(x),
    hex: (b) => b.toString('hex'),
    buf: Buffer.alloc(16),
    pair: Struct({ x: 'int', y: 'int' }),
  };
  try {
    const value = vm.runInThisContext(`(({ ${Object.keys(scope)} }) => ${probe})`)(scope);
    return { value: describe(value) };
  } catch (error) {
    // Which assert() failed is told by the message alone, whose rest is a diff in colours that Node.js makes.
    const message = String(error.message).split('\n')[0];
    return { error: error.name, message, code: error.code };
  }
}

const answers = {};
for (const probe of [...plain, ...Object.keys(mended)]) answers[probe] = ask(probe);
process.stdout.write(JSON.stringify(answers));
// Some probes leave the process with memory that the original cannot end with.
process.exit(0);
