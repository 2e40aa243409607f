'use strict';
/* The README's own figures: what stands between <!-- bench:NAME --> and <!-- /bench:NAME --> is from the last full run. */
const fs = require('node:fs');
const path = require('node:path');

const README = path.join(__dirname, '../README.md');

/**
 * Replaces the text between a name's marks.
 * @param {string} name
 * @param {string} text Markdown
 */
function refresh(name, text) {
  const before = fs.readFileSync(README, 'utf8');
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [before.indexOf(open), before.indexOf(close)];
  if (from < 0 || to < from) return;
  const after = `${before.slice(0, from + open.length)}\n\n${text.trim()}\n\n${before.slice(to)}`;
  if (after !== before) fs.writeFileSync(README, after);
}

module.exports = { refresh };
