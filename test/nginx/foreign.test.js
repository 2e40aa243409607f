'use strict';
// Runtimes that were not written here: lua-resty-ffi's own examples, built from their
// sources as its Makefiles do and loaded as its nginx.conf does, by our core.
//
// The sources are not part of this repository. LUA_RESTY_FFI names a folder that has
// them; without it they are cloned, once, into .deps. A toolchain that is missing comes with
// `scripts/install all`.
const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Nginx, build, root } = require('./nginx.js');

const REPOSITORY = 'https://github.com/kingluo/lua-resty-ffi';
const COMMIT = '33b66308a006a8d2461a7186949255a7c5375428'; // what was read and tried when this was written

/** The folder of the sources. Throws an error that says how to get them. */
function sources() {
  const given = process.env.LUA_RESTY_FFI;
  if (given) {
    if (!fs.existsSync(path.join(given, 'examples/go/echo.go')))
      throw new Error(`LUA_RESTY_FFI=${given} has no examples/go/echo.go`);
    return path.resolve(given);
  }
  const folder = path.join(root, '.deps/lua-resty-ffi');
  if (fs.existsSync(folder)) return folder;
  const work = `${folder}.${process.pid}`;
  const git = (...args) =>
    execFileSync('git', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60000,
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
    });
  try {
    git('init', '-q', work);
    git('-C', work, 'fetch', '-q', '--depth', '1', REPOSITORY, COMMIT);
    git('-C', work, 'checkout', '-q', COMMIT);
    fs.renameSync(work, folder);
  } catch (error) {
    fs.rmSync(work, { recursive: true, force: true });
    const reason = String(error.stderr || error.message).trim();
    throw new Error(`${REPOSITORY} cannot be cloned (${reason}); give a folder with it in LUA_RESTY_FFI`);
  }
  return folder;
}

let home, absent;
try {
  home = sources();
} catch (error) {
  // A folder that was named and is not it is a mistake; no network is not.
  if (process.env.LUA_RESTY_FFI) throw error;
  absent = error.message;
}

/** Why a runtime cannot be tried here; false: it can. @param {string[]} needs shell commands that have to succeed */
function lacking(needs) {
  if (absent) return absent;
  const failed = needs.find((command) => spawnSync('sh', ['-c', command]).status !== 0);
  return failed ? `${failed} fails here; scripts/install all installs what it needs` : false;
}

const output = path.join(build, 'nginx-tests/foreign');

/** A copy of an example's folder, so that nothing is written beside the sources. */
function copy(name) {
  const folder = path.join(output, name);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.cpSync(path.join(home, 'examples', name), folder, { recursive: true });
  return folder;
}

const run = (command, args, options) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', ...options });

/**
 * The languages. `lua` opens a runtime; `own` is the folder whose nginx.conf has the location /echo.
 * `binary`: it takes the length of a request, where the others end it at a NUL.
 */
const runtimes = [
  {
    name: 'Go',
    needs: ['go version'],
    folder: 'go',
    binary: true,
    lua: 'ngx.load_ffi("ffi_go_echo")',
    make(folder) {
      // Offline, and with the Go that is there.
      const env = { ...process.env, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOTOOLCHAIN: 'local' };
      const args = ['build', '-buildmode=c-shared', '-o', 'libffi_go_echo.so', 'echo.go'];
      run('go', args, { cwd: folder, env });
      return folder;
    },
  },
  {
    name: 'Python',
    needs: ['/usr/bin/python3-config --embed --libs', "/usr/bin/python3 -c 'import cffi'"],
    folder: 'python',
    lua: 'ngx.load_ffi("resty_ffi_python", "ffi.echo?,init", {is_global = true, unpin = true})',
    refused: 'ngx.load_ffi("resty_ffi_python", "ffi.absent,init", {is_global = true})',
    make(folder) {
      const flags = run('/usr/bin/python3-config', ['--embed', '--includes', '--ldflags'])
        .trim()
        .split(/\s+/);
      const args = [
        '-shared',
        '-fPIC',
        '-O2',
        '-o',
        'libresty_ffi_python.so',
        'loader.c',
        ...flags,
        '-pthread',
      ];
      run('gcc', args, { cwd: folder });
      process.env.PYTHONPATH = folder;
      return folder;
    },
  },
  {
    name: 'Rust',
    // 1.64 is the first with std::ffi::c_char. Debian's packages are what its crates come from.
    needs: [
      `printf '1.64\\n%s\\n' "$(rustc --version | cut -d' ' -f2)" | sort -CV && cargo --version`,
      'ls -d /usr/share/cargo/registry/libc-0.2* /usr/share/cargo/registry/serde_json-1*',
    ],
    folder: 'rust',
    lua: `ngx.load_ffi("echo", '{"name":"hello","flag":200}', {unpin = true})`,
    refused: 'ngx.load_ffi("echo", "no JSON")',
    make(folder) {
      const crate = path.join(folder, 'echo');
      fs.mkdirSync(path.join(crate, '.cargo'), { recursive: true });
      fs.writeFileSync(
        path.join(crate, '.cargo/config.toml'),
        `[source.crates-io]
         replace-with = "debian"
         [source.debian]
         directory = "/usr/share/cargo/registry"
         [net]
         offline = true`,
      );
      const target = path.join(output, 'rust-target'); // stays: its crates are compiled once
      const env = { ...process.env, CARGO_HOME: path.join(folder, 'cargo'), CARGO_TARGET_DIR: target };
      run('cargo', ['build', '--release', '--quiet'], { cwd: crate, env });
      return path.join(target, 'release');
    },
  },
];

/** The Lua of the example's own location /echo. */
function ownChunk(folder) {
  const conf = fs.readFileSync(path.join(home, 'examples', folder, 'nginx.conf'), 'utf8');
  const start = conf.indexOf('content_by_lua_block {', conf.indexOf('location /echo {'));
  let depth = 0;
  for (let i = conf.indexOf('{', start); ; i++) {
    if (conf[i] === '{') depth++;
    else if (conf[i] === '}' && --depth === 0) return conf.slice(conf.indexOf('{', start) + 1, i);
  }
}

for (const runtime of runtimes) {
  const skip = lacking(runtime.needs);
  if (skip) {
    it(`lua-resty-ffi's runtime in ${runtime.name}`, { skip });
    continue;
  }
  describe(`lua-resty-ffi's runtime in ${runtime.name}`, () => {
    /** @type {Nginx} */
    let nginx;
    const before_ = { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH, PYTHONPATH: process.env.PYTHONPATH };
    before(
      async () => {
        // The linker looks there for what load_ffi names, as in the examples' Makefiles.
        process.env.LD_LIBRARY_PATH = runtime.make(copy(runtime.folder));
        nginx = await Nginx.start({ main: 'env PYTHONPATH;', workers: 1 });
      },
      { timeout: 300000 },
    );
    after(async () => {
      for (const [name, value] of Object.entries(before_)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      await nginx?.stop(); // throws when a worker crashed, or did not end by itself
    });

    it('runs its own example, again and again', async (t) => {
      const chunk = ownChunk(runtime.folder);
      if (
        chunk.includes('cjson') &&
        (await nginx.lua('ngx.print(tostring(pcall(require, "cjson")))')) !== 'true'
      )
        return t.skip('its Lua needs lua-cjson, which scripts/install all installs');
      for (let i = 0; i < 5; i++) assert.strictEqual(await nginx.lua(chunk), 'ok\n');
    });

    it('answers what it was asked, of every size', async () => {
      const text = await nginx.lua(`
        local demo = assert(${runtime.lua})
        for _, size in ipairs({1, 16, 1000, 65536, 1048577}) do
          local request = ("0123456789abcdef"):rep(math.ceil(size / 16)):sub(1, size)
          local ok, res = demo:echo(request)
          assert(ok and res == request, size)
        end
        ${runtime.binary ? 'assert(select(2, demo:echo("a\\0b\\255\\0")) == "a\\0b\\255\\0")' : ''}
        ngx.print("fine ", demo:stats().calls >= 5 and demo:stats().in_flight == 0)`);
      assert.strictEqual(text, 'fine true');
    });

    it('answers many at once, each its own', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          nginx.lua(`
            local demo = assert(${runtime.lua})
            local threads = {}
            for n = 1, 50 do
              threads[n] = ngx.thread.spawn(function()
                local request = "${i} of " .. n
                local ok, res = demo:whatever(request)
                return ok and res == request
              end)
            end
            for n = 1, 50 do assert(select(2, ngx.thread.wait(threads[n]))) end
            ngx.print("fine")`),
        ),
      );
      assert.ok(answers.every((text) => text === 'fine'));
    });

    it('is unloaded, and loaded anew', async () => {
      const text = await nginx.lua(`
        local first = assert(${runtime.lua})
        local call = ngx.thread.spawn(function() return first:echo("before") end)
        first:__unload()
        local _, ok, res = ngx.thread.wait(call)
        ngx.say(tostring(ok), " ", res)
        ngx.say(select(3, first:echo("after")))
        local second = assert(${runtime.lua})
        ngx.say(first ~= second, " ", select(2, second:echo("anew")))
        ${runtime.refused ? `ngx.say(tostring(${runtime.refused}), " ", select(2, ${runtime.refused}))` : ''}`);
      const refused = runtime.refused ? 'nil libffi_init answered 1\n' : '';
      assert.strictEqual(text, `true before\nthe runtime is unloaded\ntrue anew\n${refused}`);
    });

    it('lives beside Node.js, and through a reload', async () => {
      const both = `
        local demo = assert(${runtime.lua})
        local node = assert(ngx.load_ffi("ffi_nodejs", "demo/handlers", {is_global = true}))
        ngx.print(select(2, demo:echo("one")), " ", select(2, node:upper("two")), " ", ngx.worker.pid())`;
      const [old] = nginx.workers();
      assert.strictEqual(await nginx.lua(both), `one TWO ${old}`);
      nginx.reload();
      let text;
      do text = await nginx.lua(both);
      while (text.endsWith(` ${old}`));
      assert.match(text, /^one TWO \d+$/);
    });
  });
}
