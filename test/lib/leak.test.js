'use strict';
/* Calls of every kind, and all that is made for them, leave no memory behind. */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const long = process.env.BIFFI_LONG === '1';
/* Of the lightest kinds; the sum of all kinds is about 25 times that. */
const CALLS = long ? 1_000_000 : 8000;

for (const tier of long ? ['v8', 'napi', 'ffi'] : ['v8']) {
  test(`${CALLS} calls of every kind, tier ${tier}`, () => {
    const script = path.join(__dirname, 'leak.run.js');
    const output = execFileSync(
      process.execPath,
      ['--expose-gc', script, tier === 'v8' ? CALLS : CALLS / 4],
      {
        encoding: 'utf8',
        env: { ...process.env, BIFFI_TIER: tier },
      },
    );
    const kinds = Object.entries(JSON.parse(output));
    assert.ok(kinds.length > 50);
    for (const [kind, { n, most, resident, malloc, heap, code, rss }] of kinds) {
      for (const [what, grown] of Object.entries({ malloc, heap, code }))
        assert.ok(grown <= most, `${kind}: ${n} times, ${grown} bytes more (${what}), ${most} at most`);
      assert.ok(rss <= resident, `${kind}: ${n} times, the process grew by ${rss} bytes`);
    }
  });
}
