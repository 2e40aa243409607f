'use strict';
// Both doors: nginx calls JavaScript, which calls C in the same process.
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx, root } = require('./nginx.js');

for (const mode of ['thread', 'inline', 'process']) {
  for (const isGlobal of [true, false]) {
    describe(`a handler that calls C, ${mode}, symbols ${isGlobal ? 'global' : 'local'}`, () => {
      /** @type {Nginx} */
      let nginx;
      before(async () => {
        nginx = await Nginx.start();
        fs.writeFileSync(
          path.join(nginx.prefix, 'c.js'),
          `const { load } = require(${JSON.stringify(root)});
           const c = load(null, 'int getpid(void); unsigned long strlen(const char *s);' +
             'void qsort(void *base, unsigned long n, unsigned long size, int (*compare)(const int *, const int *));');
           exports.pid = () => String(c.getpid());
           exports.length = (text) => String(c.strlen(text));
           exports.sort = (text) => {
             const numbers = Int32Array.from(JSON.parse(text));
             c.qsort(numbers, numbers.length, 4, (a, b) => a.value - b.value);
             return Array.from(numbers);
           };
           exports.wrong = () => c.strlen(12);`,
        );
      });
      after(() => nginx.stop());

      it('calls functions, and is called back', async () => {
        const text = await nginx.lua(`
          local c = assert(ngx.load_ffi("ffi_nodejs", "c", {is_global = ${isGlobal}, mode = "${mode}"}))
          ngx.say(select(2, c:pid()) == tostring(ngx.worker.pid()), " ", select(2, c:length("four")))
          for i = 1, 100 do
            local ok, res, err = c:sort("[3,1,2,-7]")
            assert(res == "[-7,1,2,3]", tostring(err))
          end
          ngx.say(tostring(c:wrong()), " ", select(3, c:wrong()))`);
        const lines = text.split('\n');
        assert.strictEqual(lines[0], `${mode !== 'process'} 4`);
        assert.match(lines[1], /^false .*strlen/);
      });
    });
  }
}
