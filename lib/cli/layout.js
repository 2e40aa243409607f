'use strict';
/* biffi layout: how a compiler lays out a header's types, without one at work. */
const native = require('../native');
const { preprocess } = require('../header');
const { headerArguments } = require('./arguments');

const HELP = `Usage: biffi layout HEADER... [-I DIR] [-D NAME[=VALUE]] [preprocessor options]

Prints a JSON array with an object for every complete struct, union, enum and typedef that the
headers declare, what they include too:
  { "name": "stat", "kind": "struct" | "union" | "enum" | "typedef", "cname": "struct stat",
    "size": 144, "align": 8, "members": [{ "name", "type", "offset", "size", "bitOffset", "bitWidth" }] }
Sizes, alignments and offsets are in bytes; bitWidth is 0 for what is no bit-field.

A HEADER is a file, or a name as in #include <HEADER>. --cc COMMAND names the compiler (cc).
`;

function run(args) {
  const { headers, preprocess: flags, options } = headerArguments(args, { '--cc': 'value' });
  const text = preprocess(headers, { preprocess: flags, cc: options['--cc'] });
  const json = native.declaredLayout(native.declare(undefined, text));
  process.stdout.write(json.endsWith('\n') ? json : `${json}\n`);
}

module.exports = { HELP, run };
