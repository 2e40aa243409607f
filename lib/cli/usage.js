'use strict';

/** The command line can't be understood. */
class UsageError extends Error {}

module.exports = { UsageError };
