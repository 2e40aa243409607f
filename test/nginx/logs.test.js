'use strict';
// What JavaScript says is in nginx's error log, with its level, its module and, where they are known, its client and request.
const assert = require('node:assert');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx, build } = require('./nginx.js');

const main = `load_module ${path.join(build, 'ngx_http_node_module.so')};`;

/** A second log with the levels that the other one leaves out. */
const debug = 'error_log error.log debug;';

/** What `say` of demo/logs says, as [level, text]. */
const said = (when) => [
  ['debug', `${when} debug`],
  ['info', `${when} log`],
  ['info', `${when} info`],
  ['warn', `${when} warn`],
  ['warn', 'in two lines'],
  ['error', `${when} error \\{"an":"object"\\}`],
  ['debug', `Trace: ${when} trace`],
  ['info', `${when} stdout`],
  ['error', `${when} stderr`],
];

for (const mode of ['thread', 'inline', 'process']) {
  describe(`logs, ${mode}`, () => {
    /** @type {Nginx} */
    let nginx;
    before(async () => {
      nginx = await Nginx.start({
        main: main + debug,
        http: `node_mode ${mode};`,
        server: `
          location = /now { node_content demo/logs#now; }
          location = /later { node_content demo/logs#later; }
          location = /worker { node_content demo/logs#worker; }
          location = /warning { node_content demo/logs#warning; }
          location = /quiet { error_log error.log error; node_content demo/logs#now quiet; }`,
      });
    });
    after(() => nginx.stop());

    it('of a directive have the level, the module and the request', async () => {
      await nginx.get('/now?x');
      for (const [level, text] of said('now')) {
        // nginx puts nothing behind debug lines but the connection's number before them.
        const where = level === 'debug' ? '\n' : ', client: 127.0.0.1, [^\\n]*request: "GET /now\\?x';
        await nginx.logged(new RegExp(`\\[${level}\\] [^\\n]*\\*\\d+ node: demo/logs#now: ${text}${where}`));
      }
      assert.doesNotMatch(nginx.log(), /request: "GET \/quiet/);
      await nginx.get('/quiet');
      await nginx.logged(/\[error\][^\n]*now error[^\n]*GET \/quiet/);
      assert.doesNotMatch(nginx.log(), /\[warn\][^\n]*node: [^\n]*GET \/quiet/);
    });

    it('of a directive that speaks later have the level and the module', async () => {
      await nginx.get('/later');
      for (const [level, text] of said('later')) {
        await nginx.logged(new RegExp(`\\[${level}\\] [^\\n]*node: demo/logs: ${text}\\n`));
      }
    });

    it('of Workers have the level', async () => {
      await nginx.get('/worker');
      for (const [level, text] of said('worker')) {
        await nginx.logged(new RegExp(`\\[${level}\\] [^\\n]*node: [^\\n]*${text}\\n`));
      }
      await nginx.logged(/\[warn\] [^\n]*worker ends/);
    });

    it('have the warnings of Node.js', async () => {
      await nginx.get('/warning');
      await nginx.logged(/\[warn\] [^\n]*node: demo\/logs: Warning: take care/);
      await nginx.logged(/\[warn\] [^\n]*node: demo\/logs: DeprecationWarning: it is old/);
    });

    it('of a runtime of Lua have the level and the module', async () => {
      const other = await Nginx.start({ main: debug });
      const load = `local demo = assert(ngx.load_ffi("ffi_nodejs", "demo/logs", {is_global = true, mode = "${mode}"}))`;
      await other.lua(`${load} demo:now() demo:later() demo:worker() demo:warning()`);
      await other.logged(/\[info\] [^\n]*node: demo\/logs: now log, client: [^\n]*request: "POST \/lua/);
      await other.lua(`${load} ngx.timer.at(0, function() demo:now() end)`);
      await other.logged(/node: demo\/logs: now log, context: ngx.timer/);
      for (const when of ['now', 'later', 'worker']) {
        for (const [level, text] of said(when)) {
          await other.logged(new RegExp(`\\[${level}\\] [^\\n]*node: demo/logs: ${text}`));
        }
      }
      await other.logged(/\[warn\] [^\n]*node: demo\/logs: Warning: take care/);
      await other.stop();
    });

    it('of two modules are told apart', async () => {
      const other = await Nginx.start({
        main: main + debug,
        http: `node_mode ${mode};`,
        server: 'location = /now { node_content demo/logs#now; }',
      });
      await other.lua(
        `assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {is_global = true, mode = "${mode}"})):logs("x")`,
      );
      await other.get('/now');
      await other.logged(/node: demo\/handlers: log x/);
      await other.logged(/node: demo\/logs#now: now log, client: [^\n]*request: "GET \/now/);
      await other.stop();
    });
  });
}
