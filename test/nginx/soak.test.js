'use strict';
// Everything at once, for a while: all modes, clients that leave, reloads of nginx and
// of modules, children that are killed. Each request is answered once, with its own
// bytes. BIFFI_LONG=1 makes it minutes.
const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { Nginx, build, pause } = require('./nginx.js');

const long = Boolean(process.env.BIFFI_LONG);
const ROUNDS = long ? 40 : 4; // of disturbance
const CLIENTS = 24;
const PER_ROUND = long ? 60 : 20; // requests a client

const lua = (cfg, mode, method) => `
  ngx.req.read_body()
  local demo, why = ngx.load_ffi("ffi_nodejs", "${cfg}", {is_global = true, buffer = true, mode = "${mode}"})
  -- The child may be killed while it loads the module.
  if not demo then ngx.status = 502 ngx.print("-3 ", why) return end
  local ok, res, err = demo:${method}(ngx.req.get_body_data())
  if not ok then ngx.status = 502 ngx.print(res, " ", err) return end
  ngx.print(res)`;

const server = `
  location = /thread { content_by_lua_block { ${lua('demo/handlers', 'thread', 'echo')} } }
  location = /inline { content_by_lua_block { ${lua('demo/handlers', 'inline', 'echo')} } }
  location = /process { content_by_lua_block { ${lua('demo/handlers', 'process', 'echo')} } }
  location = /skeleton { content_by_lua_block { ${lua('demo/raw,init', 'thread', 'echo')} } }
  location = /promise { content_by_lua_block { ${lua('demo/soak?', 'thread', 'slowly')} } }
  location = /directive { node_content demo/web#echo; }
  location = /directive-inline { node_mode inline; node_content demo/web#echo; }
  location = /directive-process { node_mode process; node_content demo/web#echo; }
  location = /streamed { node_content demo/streams#echo; }
  location = /unload {
    content_by_lua_block {
      for _, cfg in ipairs({"demo/soak?", "demo/raw,init"}) do
        ngx.load_ffi("ffi_nodejs", cfg, {is_global = true, buffer = true, mode = "thread"}):__unload()
      end
    }
  }`;
const PLACES = [
  ...['/thread', '/inline', '/process', '/skeleton', '/promise'],
  ...['/directive', '/directive-inline', '/directive-process', '/streamed'],
];

/** A sequence that is the same each time. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One client's requests: what went wrong, and how many were fine. */
async function client(nginx, seed, count, tally) {
  const next = random(seed);
  for (let i = 0; i < count; i++) {
    const place = PLACES[next(PLACES.length)];
    const body = Buffer.alloc(1 + next(next(20) === 0 ? 200000 : 2000), `${seed}:${i}:\0\xff`, 'latin1');
    const controller = new AbortController();
    const leaves = next(20) === 0;
    if (leaves) setTimeout(() => controller.abort(), next(4));
    try {
      const answer = await nginx.get(place, { method: 'POST', body, signal: controller.signal });
      if (answer.status === 200 && answer.body.equals(body)) tally.fine++;
      else if (place.endsWith('process') && answer.status === 502) tally.killed++;
      else tally.wrong.push(`${place} ${answer.status} ${answer.text.slice(0, 100)}`);
    } catch (error) {
      if (leaves && error.name === 'AbortError') tally.left++;
      else tally.wrong.push(`${place} ${error.message}`);
    }
  }
}

const round = (nginx, number, tally) =>
  Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(nginx, number * 1000 + i, PER_ROUND, tally)));

/** New workers, every other time; modules that are unloaded and come back; a child process that is killed. */
async function disturb(nginx, number) {
  await pause(30);
  if (number % 2 === 0) nginx.reload();
  await pause(100);
  await nginx.get('/unload');
  const children = childrenOf(nginx);
  if (children.length) unlessGone(() => process.kill(children[number % children.length], 'SIGKILL'));
  await nginx.get('/unload');
}

/** What is done with a process, or seen of it; nothing when it has ended in between. */
function unlessGone(at) {
  try {
    return at();
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    return [];
  }
}

/** The processes in which the workers of now run Node.js; LeakSanitizer's, when a worker ends, are nobody's to kill. */
function childrenOf(nginx) {
  const isNode = (pid) =>
    unlessGone(() => fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')).includes('--eval');
  const tasks = (pid) => unlessGone(() => fs.readdirSync(`/proc/${pid}/task`));
  const children = (pid, task) =>
    unlessGone(() => fs.readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '));
  return nginx
    .workers()
    .flatMap((pid) => tasks(pid).flatMap((task) => children(pid, task)))
    .filter((pid) => pid && isNode(pid))
    .map(Number);
}

/** wrk for some seconds, with what soak.lua counts. */
function wrk(nginx, seconds) {
  const args = ['-t2', '-c24', `-d${seconds}s`, '--timeout', '20s', '-s', path.join(__dirname, 'soak.lua')];
  const child = spawn('wrk', [...args, `http://127.0.0.1:${nginx.port}`, '--', ...PLACES]);
  const load = { running: true };
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  load.result = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      load.running = false;
      const line = output.split('\n').findLast((text) => text.startsWith('{'));
      if (line) resolve(JSON.parse(line));
      else reject(new Error(`wrk counted nothing: ${output}`));
    });
  });
  return load;
}

/** Open descriptors of all workers. */
const opened = (nginx) =>
  nginx.workers().reduce((sum, pid) => sum + fs.readdirSync(`/proc/${pid}/fd`).length, 0);

/** Resident kilobytes of all workers. */
const resident = (nginx) =>
  nginx
    .workers()
    .reduce(
      (sum, pid) => sum + Number(/VmRSS:\s*(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]),
      0,
    );

const start = () =>
  Nginx.start({
    main: `load_module ${path.join(build, 'ngx_http_node_module.so')};`,
    http: 'node_mode thread;',
    server,
    workers: 2,
  });

describe('soak', () => {
  it('loses nothing while nginx and modules are reloaded and children are killed', async () => {
    const nginx = await start();
    const tally = { fine: 0, killed: 0, left: 0, wrong: [] };
    for (let i = 0; i < ROUNDS; i++) {
      const requests = round(nginx, i, tally);
      await disturb(nginx, i);
      await requests;
    }
    assert.deepStrictEqual(tally.wrong, []);
    assert.strictEqual(tally.fine + tally.killed + tally.left, ROUNDS * CLIENTS * PER_ROUND);
    await nginx.stop();
  });

  it('answers all that wrk can ask meanwhile', async () => {
    const nginx = await start();
    const load = wrk(nginx, long ? 150 : 8);
    const tally = { fine: 0, killed: 0, left: 0, wrong: [] };
    for (let i = 0; load.running; i++) {
      await disturb(nginx, i);
      await client(nginx, i, PER_ROUND, tally); // some of these leave early
      await pause(500);
    }
    const counted = await load.result;
    const { answers, fine, killed, ...bad } = counted;
    assert.deepStrictEqual(bad, { wrong: 0, connect: 0, read: 0, write: 0, timeout: 0, example: '' });
    assert.deepStrictEqual(tally.wrong, []);
    assert.strictEqual(fine + killed, answers);
    assert.ok(fine > 1000, `only ${fine} answers`);
    await nginx.stop();
  });

  it('keeps its memory and its descriptors', async () => {
    const nginx = await start();
    const tally = { fine: 0, killed: 0, left: 0, wrong: [] };
    const sizes = [];
    const descriptors = [];
    for (let i = 0; i < (long ? 60 : 8); i++) {
      await (long ? wrk(nginx, 2).result : round(nginx, i, tally));
      await nginx.get('/unload'); // what was unloaded is loaded again by the next round
      sizes.push(resident(nginx));
      descriptors.push(opened(nginx));
    }
    assert.deepStrictEqual(tally.wrong, []);
    // JavaScript's heaps grow for some 25 long rounds (libnode 24: to 550 MB): the second half is compared with the first.
    const half = sizes.length / 2;
    const most = (list) => Math.max(...list);
    assert.ok(
      most(sizes.slice(half)) < most(sizes.slice(0, half)) + 100000,
      `kilobytes after each round: ${sizes.join(' ')}`,
    );
    assert.ok(
      most(descriptors.slice(half)) < most(descriptors.slice(0, half)) + 20,
      `descriptors after each round: ${descriptors.join(' ')}`,
    );
    await nginx.stop();
  });
});
