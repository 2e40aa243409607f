'use strict';
/*
 * The `biffi` command: one module a subcommand. Results go to stdout, errors to
 * stderr; exit code 0: done, 1: it failed, 2: the command line can't be understood.
 */
require('../index');
const { UsageError } = require('./usage');

const COMMANDS = ['bind', 'layout', 'call', 'symbols', 'info'];

const HELP = `Usage: biffi COMMAND ...

Commands:
  bind HEADER... -l LIB [-o FILE]   write a module that binds a library, and its .d.ts
  layout HEADER...                  print sizes, offsets and members of a header's types as JSON
  call LIB DECLARATION ARG...       call a C function: biffi call libm.so.6 'double cos(double)' 0.5
  symbols LIB                       print the functions and variables that a library exports
  info                              print which way calls go here, and why

biffi COMMAND --help tells more. Exit code: 0 done, 1 failed, 2 wrong usage.
`;

/**
 * Runs the command and sets process.exitCode.
 * @param {string[]} args without the program's name
 */
function main(args) {
  const [name, ...rest] = args;
  /* A reader that closes early (| head) is no failure. */
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  try {
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      if (name === undefined) throw new UsageError('a command is missing');
      process.stdout.write(HELP);
    } else if (name === '--version') {
      process.stdout.write(`${require('../../package.json').version}\n`);
    } else if (!COMMANDS.includes(name)) {
      throw new UsageError(`there is no command '${name}'`);
    } else {
      const command = require(`./${name}`);
      if (rest.includes('--help') || (rest.includes('-h') && name !== 'call'))
        process.stdout.write(command.HELP);
      else command.run(rest);
    }
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`biffi: ${error.message}; see biffi --help\n`);
      process.exitCode = 2;
    } else if (typeof error?.code === 'string') {
      process.stderr.write(`biffi: ${error.message}\n`);
      process.exitCode = 1;
    } else {
      throw error;
    }
  }
}

module.exports = { main };
