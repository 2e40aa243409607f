'use strict';
/*
 * The arguments that commands about headers share: headers, the command's own
 * options, and everything else with a dash, which is the preprocessor's.
 * (node:util's parseArgs can't hand unknown options on.)
 */
const fs = require('node:fs');
const path = require('node:path');
const { UsageError } = require('./usage');

/* Preprocessor options whose value may be the next argument. */
const WITH_VALUE = new Set(['-I', '-D', '-U', '-isystem', '-iquote', '-idirafter', '-include', '-imacros']);

/**
 * @param {string[]} args
 * @param {Record<string, 'value' | 'flag'>} own the command's own options, with their dashes
 * @returns {{ headers: string[], preprocess: string[], options: Record<string, string | boolean> }}
 */
function headerArguments(args, own) {
  const headers = [];
  const preprocess = [];
  const options = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    const [name, inline] = arg.startsWith('--') ? splitOnce(arg) : [arg, undefined];
    const value = () => {
      if (inline !== undefined) return inline;
      if (++i === args.length) throw new UsageError(`${name} needs a value`);
      return args[i];
    };
    if (own[name] === 'value') options[name] = value();
    else if (own[name] === 'flag') options[name] = true;
    else if (own[arg.slice(0, 2)] === 'value' && arg.length > 2 && !arg.startsWith('--'))
      options[arg.slice(0, 2)] = arg.slice(2);
    else if (WITH_VALUE.has(arg)) preprocess.push(arg, value());
    else if (arg.startsWith('-') && arg !== '-') preprocess.push(arg);
    else headers.push(fs.existsSync(arg) && fs.statSync(arg).isFile() ? path.resolve(arg) : arg);
  }
  if (headers.length === 0) throw new UsageError('a header is missing');
  return { headers, preprocess, options };
}

function splitOnce(arg) {
  const at = arg.indexOf('=');
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

module.exports = { headerArguments };
