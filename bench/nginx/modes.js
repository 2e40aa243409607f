'use strict';
/*
 * The ways to answer a request. Each has an nginx of its own with one worker. `location(size)` is the content of
 * the location /SIZE; `load` is Lua that answers a runtime, which makes `runtime()` available and the mode one that
 * can be called in sequence.
 */
const path = require('node:path');

/* Small requests are the same as strings and as Buffers. */
const LARGE = { sizes: [10240, 102400] };

const RESTY = 'require "resty_ffi"';
const PRELOAD = 'require("resty_ffi").preload("ffi_nodejs")';

/* The answer as a Lua string, which Lua prints. */
const AS_STRING = {
  location: (size) =>
    `content_by_lua_block { local ok, answer, err = runtime():page("${size}"); if not ok then ngx.log(ngx.ERR, err) return ngx.exit(500) end bench.print(answer) }`,
};
const LARGE_STRING = { ...AS_STRING, ...LARGE, call: undefined };

/** A runtime of ours: load_ffi with a module, the mode in its options. */
function ours(key, title, module, options = '', more = {}) {
  return {
    key,
    title,
    ours: true,
    load: `${RESTY} return ngx.load_ffi("ffi_nodejs", "${module}", { is_global = true, folder = "${__dirname}"${options} })`,
    location: (size) =>
      `content_by_lua_block { local ok, code, err = runtime():page("${size}", bench.send); if not ok then ngx.log(ngx.ERR, err) return ngx.exit(500) end }`,
    call: 'local r = runtime() return function(request) local ok, answer = r:echo(request) return ok and answer end',
    ...more,
  };
}

/** The same mode without Lua: a directive, and a handler that sees the request. */
function directive(mode) {
  return {
    key: `${mode}-directive`,
    title: `biffi ${mode}, no Lua`,
    ours: true,
    native: true,
    main: [`node_mode ${mode};`, `node_folder ${__dirname};`],
    location: () => 'node_content handlers/web;',
  };
}

module.exports = ({ http, echo }) => [
  {
    key: 'return',
    title: 'nginx: return 200',
    sizes: [16, 1024],
    location: (size, payload) => `return 200 "${payload.toString()}";`,
  },
  {
    key: 'lua',
    title: 'Lua: ngx.print',
    lua: true,
    location: (size) => `content_by_lua_block { bench.print(bench.payload(${size})) }`,
  },
  { key: 'njs', title: 'njs: r.return', njs: true, location: () => 'js_content echo.answer;' },
  ours('inline', 'biffi inline', 'handlers/echo', ', mode = "inline"'),
  ours('inline-buffer', 'biffi inline, Buffer', 'handlers/echo', ', mode = "inline", buffer = true', LARGE),
  ours('inline-string', 'biffi inline, Lua string', 'handlers/echo', ', mode = "inline"', LARGE_STRING),
  directive('inline'),
  ours('thread', 'biffi thread', 'handlers/echo', ', mode = "thread"'),
  ours('thread-buffer', 'biffi thread, Buffer', 'handlers/echo', ', mode = "thread", buffer = true', LARGE),
  ours('thread-string', 'biffi thread, Lua string', 'handlers/echo', ', mode = "thread"', LARGE_STRING),
  directive('thread'),
  ours('process', 'biffi process', 'handlers/echo', ', mode = "process"'),
  ours(
    'process-buffer',
    'biffi process, Buffer',
    'handlers/echo',
    ', mode = "process", buffer = true',
    LARGE,
  ),
  ours('process-string', 'biffi process, Lua string', 'handlers/echo', ', mode = "process"', LARGE_STRING),
  directive('process'),
  ours('skeleton', "the original's design", 'handlers/skeleton,init', '', AS_STRING),
  {
    key: 'cosocket',
    title: 'cosocket to Node.js',
    lua: true,
    origin: true,
    location: (size) => `content_by_lua_block { bench.print(bench.cosocket("${echo}", "${size}")) }`,
    call: `return bench.cosocket_client("${echo}")`,
  },
  {
    key: 'proxy',
    title: 'proxy_pass to Node.js',
    origin: true,
    location: () =>
      'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://node; ' +
      'proxy_buffers 16 32k; proxy_buffer_size 32k; proxy_busy_buffers_size 64k;',
    upstream: `upstream node { server unix:${http}; keepalive 128; }`,
  },
];

/** nginx.conf of one mode, in `dir`. */
module.exports.configuration = (mode, { dir, port, sizes, payload, libraries, folder }) => {
  const modules = '/usr/lib/nginx/modules';
  const lua = mode.lua || mode.load || mode.call;
  const native = mode.native ? [`load_module ${libraries.build}/ngx_http_node_module.so;`] : [];
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((t) => `${t}_temp_path ${dir}/${t};`);
  const locations = sizes.map((size) => {
    const content = mode.location(size, payload(size));
    return `location = /${size} { default_type text/plain; ${content} }`;
  });
  return [
    ...(lua
      ? [`load_module ${modules}/ndk_http_module.so;`, `load_module ${modules}/ngx_http_lua_module.so;`]
      : []),
    ...(mode.njs ? [`load_module ${modules}/ngx_http_js_module.so;`] : []),
    ...native,
    ...(process.getuid() === 0 ? ['user root;'] : []),
    'daemon off; worker_processes 1;',
    `pid ${dir}/nginx.pid; error_log ${dir}/error.log warn;`,
    'worker_shutdown_timeout 5s;',
    'events { worker_connections 1024; }',
    'http {',
    `access_log off; keepalive_requests 100000000; ${temp.join(' ')}`,
    ...(mode.main ?? []),
    ...(lua
      ? [
          `lua_package_path "${folder}/?.lua;${libraries.lua}/?.lua;;"; lua_package_cpath "${libraries.build}/?.so;;";`,
          /* As doc/nginx.md has it for those who care about start-up and memory. */
          ...(mode.load ? [`init_by_lua_block { assert(${PRELOAD}) }`] : []),
          'init_worker_by_lua_block {',
          'bench = require "bench"',
          ...(mode.load ? [`runtime = bench.runtime(function() ${mode.load} end)`] : []),
          '}',
        ]
      : []),
    ...(mode.njs ? [`js_path ${folder}; js_import echo from echo.mjs;`] : []),
    ...(mode.upstream ? [mode.upstream] : []),
    `server { listen 127.0.0.1:${port};`,
    ...locations,
    ...(mode.call
      ? [
          'location = /sequential { content_by_lua_block {',
          'local a = ngx.req.get_uri_args()',
          `local function client() ${mode.call} end`,
          'ngx.print(bench.sequential(client(), tonumber(a.size), tonumber(a.n)))',
          '} }',
        ]
      : []),
    ...(mode.load
      ? ['location = /start { content_by_lua_block { local _, ms = runtime() ngx.print(ms) } }']
      : []),
    '}',
    '}',
    '',
  ].join('\n');
};

module.exports.folder = path.join(__dirname);
