#!/usr/bin/env node
'use strict';
/**
 * Runs the original suites: `run.js [--originals | --packages DIR] [SUITE...]`. Without an option against compat/,
 * else against the published originals or against the packages of a node_modules directory.
 */
const { spawn } = require('node:child_process');
const path = require('node:path');
const suites = require('./suites.js');
const { originals, ours, prepare, tools } = require('./prepare.js');

/**
 * @param {(typeof suites)[0]} suite
 * @param {string} packages a node_modules directory
 * @returns {Promise<{ passes: number, failures: number, pending: number, ok: boolean, output: string }>}
 */
function run(suite, packages) {
  const directory = prepare(suite);
  const mocha = path.join(tools(), 'mocha/bin/_mocha');
  const args = [
    '--expose-gc',
    mocha,
    '--reporter',
    'json-stream',
    '--timeout',
    '30000',
    '--recursive=false',
    directory,
  ];
  const child = spawn(process.execPath, args, {
    cwd: path.dirname(directory),
    env: {
      ...process.env,
      NODE_PATH: [packages, tools()].join(path.delimiter),
      NODE_OPTIONS: '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let report = '';
  child.stdout.on('data', (data) => (report += data));
  child.stderr.on('data', (data) => (output += data));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      let end;
      for (const line of report.split('\n')) {
        if (!line.startsWith('[')) continue;
        const [event, data] = JSON.parse(line);
        if (event === 'fail') output += `${data.fullTitle}: ${data.err}\n${data.stack}\n`;
        if (event === 'end') end = data;
      }
      if (code !== 0 || !end) output += `exit code ${code}, signal ${signal}\n`;
      const { passes = 0, failures = 0, pending = 0 } = end || {};
      const ok =
        code === 0 && failures === 0 && pending === suite.skipped && passes + pending === suite.cases;
      resolve({ passes, failures, pending, ok, output });
    });
  });
}

module.exports = { run, ours, suites };

async function main() {
  const args = process.argv.slice(2);
  let packages;
  if (args[0] === '--originals') {
    args.shift();
    packages = originals();
  } else if (args[0] === '--packages') {
    args.shift();
    packages = path.resolve(args.shift());
  }
  for (const suite of suites) {
    if (args.length && !args.includes(suite.name)) continue;
    const { passes, failures, pending, ok, output } = await run(suite, packages || ours());
    console.log(
      `${ok ? 'ok' : 'NOT OK'} ${suite.name}: ${passes} passed, ${failures} failed, ${pending} skipped`,
    );
    if (!ok) {
      process.exitCode = 1;
      console.log(output);
    }
  }
}

if (require.main === module) main();
