'use strict';
/*
 * Headers: what a C header declares, read through the system's C preprocessor.
 *
 *   const sqlite = load('libsqlite3.so.0', { header: 'sqlite3.h' });
 */
const path = require('node:path');
const { failure, expected } = require('./errors');

const MOST_OUTPUT = 1 << 30;

/** A list of strings from an option that may be one string. */
function strings(options, name) {
  const given = options[name] ?? [];
  const list = Array.isArray(given) ? given : [given];
  for (const item of list) {
    if (typeof item !== 'string')
      throw expected(`load(): option ${name}`, 'a string or an array of strings', item);
  }
  return list;
}

/** The headers' text after preprocessing, with line markers and #defines. */
function preprocess(headers, options) {
  const { spawnSync } = require('node:child_process'); // takes long to load, and most programs have no header to read
  const compiler = options.cc ?? process.env.CC ?? 'cc';
  const flags = [...strings(options, 'include').map((dir) => `-I${dir}`), ...strings(options, 'preprocess')];
  const source = headers
    .map((header) =>
      path.isAbsolute(header) || header.startsWith('.')
        ? `#include "${path.resolve(header)}"`
        : `#include <${header}>`,
    )
    .join('\n');
  const [command, ...words] = compiler.split(/\s+/);
  const result = spawnSync(command, [...words, '-E', '-dD', '-x', 'c', ...flags, '-'], {
    input: `${source}\n`,
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT,
  });
  const what = `the header ${headers.join(', ')}`;
  if (result.error?.code === 'ENOENT') {
    throw failure(
      'BF_ESYSTEM',
      `load(): reading ${what} needs a C compiler, and '${command}' is not installed: install gcc or clang, name one ` +
        'with the option cc, or give the declarations as text',
    );
  }
  if (result.error) throw failure('BF_ESYSTEM', `load(): '${command}' failed: ${result.error.message}`);
  if (result.status !== 0) {
    throw failure(
      'BF_ESYSTEM',
      `load(): ${what} can't be read: ${result.stderr.trim() || `'${command}' failed`}`,
    );
  }
  return result.stdout;
}

/**
 * Which files' declarations are wanted: the headers' own, or as the option files
 * says: 'all', a RegExp on the path, or path endings.
 */
function fileFilter(headers, files) {
  if (files === 'all') return () => true;
  if (files instanceof RegExp) return (file) => file !== null && files.test(file);
  const endings = (files === undefined ? headers : strings({ files }, 'files')).map((name) =>
    name.startsWith('.') ? path.resolve(name) : name,
  );
  return (file) => file !== null && endings.some((name) => file === name || file.endsWith(`/${name}`));
}

/**
 * @param {object} options of load()
 * @returns {{ text: string, wanted: (file: string | null) => boolean }}
 */
function readHeader(options) {
  const headers = strings(options, 'header');
  if (headers.length === 0) throw expected('load(): option header', 'a header', options.header);
  return { text: preprocess(headers, options), wanted: fileFilter(headers, options.files) };
}

module.exports = { readHeader, preprocess, fileFilter };
