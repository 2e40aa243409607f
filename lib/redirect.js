'use strict';
/*
 * The names that biffi's drop-in packages answer to, and where each of them is: `ffi-napi`, `ref-napi/lib/ref` ...
 */
const fs = require('node:fs');
const path = require('node:path');

const compat = path.join(__dirname, '../compat');

/** @type {ReadonlySet<string>} */
const names = new Set(
  fs
    .readdirSync(compat, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name),
);

/**
 * @param {string} request as in require(request)
 * @returns {string | undefined} the file to load instead; undefined: none of ours
 */
function redirect(request) {
  const [name, ...rest] = request.split('/');
  if (!names.has(name)) return undefined;
  const home = path.join(compat, name);
  if (rest.length === 0 || (rest.length === 1 && rest[0] === '')) {
    return path.join(home, JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8')).main);
  }
  const file = path.join(home, ...rest);
  if (!file.startsWith(home + path.sep)) return undefined;
  return [file, `${file}.js`, path.join(file, 'index.js')].find(
    (candidate) => fs.existsSync(candidate) && fs.statSync(candidate).isFile(),
  );
}

module.exports = { names, redirect };
