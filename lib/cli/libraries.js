'use strict';
/*
 * Libraries as a command line names them: a path, a file name as dlopen(3) finds it
 * ('libz.so.1'), or what comes after the linker's -l ('z').
 */
const { spawnSync } = require('node:child_process');

/** @param {string} name @returns {string} for dlopen(3) */
function libraryName(name) {
  if (name.includes('/') || name.includes('.so')) return name;
  const prefix = `lib${name}.so.`;
  const { stdout } = spawnSync('ldconfig', ['-p'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/sbin:/usr/sbin` },
  });
  const found = (stdout ?? '')
    .split('\n')
    .map((line) => line.trim().split(' ')[0])
    .filter((file) => file.startsWith(prefix))
    .sort((a, b) => b.localeCompare(a, undefined, { numeric: true }));
  return found[0] ?? `lib${name}.so`;
}

module.exports = { libraryName };
