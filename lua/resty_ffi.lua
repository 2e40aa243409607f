--- Functions of other languages for nginx's Lua.
--
--     require("resty_ffi")
--     local demo = ngx.load_ffi("ffi_nodejs", "demo/echo,init", {is_global = true})
--     local ok, res = demo:echo("hello")        -- or false, code, message
--     demo:__unload()
--
-- load_ffi(library, configuration, options) answers a runtime, or nil and a
-- message, which is in nginx's error log as well. Any method of the runtime is a
-- call with one request, a string or nil; the coroutine waits for the answer while
-- nginx goes on. The second argument of a call is the time it may take, in
-- milliseconds, or a table with `timeout`.
--
-- Options: is_global (make the library's symbols global, which Node.js's addons
-- need; default false), max_queue (calls that may wait, 65536), timeout
-- (milliseconds a call may take, 60000), folder (where modules are looked up;
-- nginx's prefix). For Node.js also: mode ("thread", "inline", "process"), threads
-- (how many threads or processes, 1), buffer (handlers get Buffers, false), watchdog
-- (milliseconds after which JavaScript that never comes back is interrupted, off),
-- program (what mode process runs, node), load_timeout (milliseconds, 10000).
--
-- A library is looked up as lib<name>.so in lua_package_cpath, then as the dynamic
-- linker does; a name with a slash is a path.

local ffi = require("ffi")
local base = require("resty.core.base")
require("ngx.semaphore") -- declares the functions of the lua module used below

local C = ffi.C
local NULL = ffi.null
local get_request = base.get_request
local yield = coroutine._yield
local type, rawset, setmetatable, tonumber, tostring = type, rawset, setmetatable, tonumber, tostring

ffi.cdef([[
typedef struct { int state; int rc; char *rsp; size_t rsp_len; ngx_http_lua_sema_t *sema; } resty_ffi_task;
typedef struct {
    uint64_t calls, answers, errors, timeouts, aborts, full;
    uint64_t in_flight, waiting;
    uint64_t latency[24];
} resty_ffi_stats;

const char *resty_ffi_worker_start(void);
void resty_ffi_pin(void *address);
void *resty_ffi_queue_new(int max);
int resty_ffi_queue_set(void *queue, const char *name, const char *value);
const char *resty_ffi_queue_refusal(void *queue);
void resty_ffi_queue_finish(void *queue);
void resty_ffi_queue_stats(void *queue, resty_ffi_stats *stats);
int resty_ffi_queue_extra(void *queue, const char **names, double *values, int most);
const char *resty_ffi_queue_method(void *queue, const char *name);
resty_ffi_task *resty_ffi_task_new(void *queue, const char *method, size_t length, int *code);
resty_ffi_task *resty_ffi_task_ask(void *queue, const char *method, const char *request, size_t length,
    void *r, int *code);
void resty_ffi_task_post(resty_ffi_task *task, const char *request, void *r);
int resty_ffi_task_send(resty_ffi_task *task, void *r);
void resty_ffi_task_release(resty_ffi_task *task);
void resty_ffi_task_abandon(resty_ffi_task *task, int late);
int libffi_init(char *cfg, void *tq);
]])

local DONE = 2 -- the state of a task whose answer is there
local AGAIN = -2 -- nginx's NGX_AGAIN: the semaphore's waiter is registered
local DECLINED = -5 -- nginx's NGX_DECLINED: it is Lua that has to print
local ETIMEOUT, EABORTED, ESTOPPED, EMEMORY, EFULL, EPHASE = -1, -2, -3, -4, -6, -7

-- Where a response can be written.
local sends = { content = true, access = true, rewrite = true, server_rewrite = true }

local messages = {
    [ETIMEOUT] = "timeout",
    [EABORTED] = "aborted",
    [ESTOPPED] = "the runtime is unloaded",
    [EMEMORY] = "out of memory",
    [EFULL] = "queue full",
}
local cannot_send = "the response cannot be written in phase "

local core -- libresty_ffi.so
local runtimes = {} -- key -> runtime
local preloaded = {} -- libraries that stay
local code = ffi.new("int[1]")
local why, why_size = ffi.new("unsigned char[256]"), ffi.new("size_t[1]")

local _M = { version = "0.1.0" }

--- What a task has been answered, or with `send` true once that is the response. Releases it.
local function result(task, send)
    local rc, res = task.rc, nil
    if send and rc == 0 then
        rc = core.resty_ffi_task_send(task, get_request())
        if rc == DECLINED then
            rc = ngx.print(ffi.string(task.rsp, task.rsp_len)) and 0 or EABORTED
        elseif rc ~= 0 then
            rc = EABORTED
        end
    elseif task.rsp ~= NULL then
        res = ffi.string(task.rsp, task.rsp_len)
    end
    core.resty_ffi_task_release(task)
    if rc == 0 then
        return true, res
    end
    return false, rc, res or messages[rc]
end

--- Registers the coroutine as the task's waiter; nil and a message where nginx forbids to wait.
local function register(task, timeout)
    local request = get_request()
    if not request then
        return nil, "no request found"
    end
    why_size[0] = 256
    local rc = C.ngx_http_lua_ffi_sema_wait(request, task.sema, timeout, why, why_size)
    if rc == AGAIN then
        return true
    end
    return nil, ffi.string(why, why_size[0])
end

local function wait(task, send)
    local ok, err = yield()
    if ok then
        return result(task, send)
    end
    local late = err == "timeout"
    core.resty_ffi_task_abandon(task, late and 1 or 0)
    return false, late and ETIMEOUT or EABORTED, err
end

--- One call. `state` is what belongs to a runtime and is not a method of it.
local function call(state, method, req, timeout)
    local queue = state.queue
    if not queue then
        return false, ESTOPPED, messages[ESTOPPED]
    end
    local send
    if type(timeout) == "table" then
        timeout, send = timeout.timeout, timeout.send
        if send and not sends[ngx.get_phase()] then
            return false, EPHASE, cannot_send .. ngx.get_phase()
        end
    end
    if req ~= nil and type(req) ~= "string" then
        if type(req) ~= "number" then
            return error("a request has to be a string or nil, got " .. type(req), 3)
        end
        req = tostring(req)
    end
    timeout = tonumber(timeout) or state.timeout
    local task
    if state.immediate then
        -- Most answers are there at once; only the others need a phase that can wait.
        task = core.resty_ffi_task_ask(queue, method, req, req and #req or 0, get_request(), code)
        if task == NULL then
            return false, code[0], messages[code[0]]
        end
        if task.state == DONE then
            return result(task, send)
        end
        local ok, err = register(task, timeout)
        if not ok then
            core.resty_ffi_task_abandon(task, 0)
            return false, EPHASE, err
        end
    else
        task = core.resty_ffi_task_new(queue, method, req and #req or 0, code)
        if task == NULL then
            return false, code[0], messages[code[0]]
        end
        local ok, err = register(task, timeout)
        if not ok then
            core.resty_ffi_task_release(task)
            return false, EPHASE, err
        end
        core.resty_ffi_task_post(task, req, get_request())
    end
    return wait(task, send)
end

--- No more calls. Those that wait are still answered, then the runtime ends.
local function unload(state)
    local queue = state.queue
    if queue then
        state.queue = nil
        runtimes[state.key] = nil
        core.resty_ffi_queue_finish(queue)
    end
    return true
end

--- Numbers about the runtime: calls, answers, errors, timeouts, aborts, full,
-- in_flight, waiting, latency (a list of {us = upper bound, count = n}), and what
-- the runtime itself counts; Node.js for handlers: waiting (until JavaScript takes
-- it; otherwise until the runtime polls it), wakeups, restarts, heap_used,
-- heap_total, heap_external, resident.
local function stats(state)
    if not state.queue then
        return nil, messages[ESTOPPED]
    end
    local numbers = ffi.new("resty_ffi_stats")
    core.resty_ffi_queue_stats(state.queue, numbers)
    local answer = { latency = {} }
    for _, name in ipairs({ "calls", "answers", "errors", "timeouts", "aborts", "full", "in_flight", "waiting" }) do
        answer[name] = tonumber(numbers[name])
    end
    for i = 0, 23 do
        answer.latency[i + 1] = { us = 2 ^ (i + 1), count = tonumber(numbers.latency[i]) }
    end
    local names, values = ffi.new("const char *[16]"), ffi.new("double[16]")
    for i = 0, core.resty_ffi_queue_extra(state.queue, names, values, 16) - 1 do
        answer[ffi.string(names[i])] = values[i]
    end
    return answer
end

--- The table that Lua calls methods of. Names that begin with two underscores, and
-- `stats`, are the runtime's own; every other one is the module's.
local function new_runtime(state)
    local own = {
        stats = function()
            return stats(state)
        end,
        __unload = function()
            return unload(state)
        end,
    }
    return setmetatable(own, {
        __index = function(self, name)
            local method = state.queue and core.resty_ffi_queue_method(state.queue, tostring(name)) or NULL
            local function named(_, req, timeout)
                return call(state, method, req, timeout)
            end
            if method ~= NULL then
                rawset(self, name, named)
            end
            return named
        end,
        __call = function(_, req, timeout)
            return call(state, NULL, req, timeout)
        end,
    })
end

--- Opens lib<name>.so where Lua's C modules are, or where the linker finds it.
local function open(name, is_global)
    local path = name
    if not name:find("/", 1, true) then
        path = package.searchpath("lib" .. name, package.cpath) or name
    end
    local ok, library = pcall(ffi.load, path, is_global)
    if not ok then
        return nil, tostring(library)
    end
    return library
end

--- Loads the core's library.
local function open_core()
    local err
    if not core then
        core, err = open("resty_ffi", true)
    end
    return core, err
end

--- Makes this worker ready, once.
local function start()
    local ok, err = open_core()
    if not ok then
        return nil, err
    end
    local problem = core.resty_ffi_worker_start()
    if problem ~= NULL then
        return nil, ffi.string(problem)
    end
    return true
end

local function new_queue(options)
    local queue = core.resty_ffi_queue_new(options.max_queue or 65536)
    if queue == NULL then
        return nil, messages[EMEMORY]
    end
    core.resty_ffi_queue_set(queue, "folder", options.folder or ngx.config.prefix())
    for name, value in pairs(options) do
        if type(value) ~= "table" and type(value) ~= "function" then
            core.resty_ffi_queue_set(queue, tostring(name), tostring(value))
        end
    end
    return queue
end

local function load(name, cfg, options)
    if ngx.get_phase() == "init" then
        return nil, "load_ffi works in a worker only: use it from init_worker_by_lua* on"
    end
    local ok, err = start()
    if not ok then
        return nil, err
    end
    local key = name .. "&" .. (cfg or "") .. (options.mode and "&" .. options.mode or "")
    if runtimes[key] then
        return runtimes[key]
    end
    local library
    library, err = open(name, options.is_global or false)
    if not library then
        return nil, err
    end
    local queue
    queue, err = new_queue(options)
    if not queue then
        return nil, err
    end
    local found, rc = pcall(function()
        core.resty_ffi_pin(ffi.cast("void *", library.libffi_init))
        -- A runtime may write into it (lua-resty-ffi's loader for Python splits it at commas), and
        -- Lua's own string would change for all who have it.
        return library.libffi_init(cfg and ffi.new("char[?]", #cfg + 1, cfg), queue)
    end)
    if not found or rc ~= 0 then
        local reason = core.resty_ffi_queue_refusal(queue)
        reason = reason ~= NULL and ffi.string(reason) or "libffi_init answered " .. tostring(rc)
        -- Something that was started before the refusal may be polling it already.
        core.resty_ffi_queue_finish(queue)
        return nil, reason
    end
    local state = { key = key, queue = queue, timeout = options.timeout or 60000, immediate = options.mode == "inline" }
    local runtime = new_runtime(state)
    runtimes[key] = runtime
    return runtime
end

--- Loads a runtime, or finds the one of the same library and configuration.
-- @param library its name
-- @param configuration a string that the library understands, or nil
-- @param options a table, or nil
-- @return a runtime, or nil and a message
function _M.load_ffi(library, configuration, options)
    local runtime, err
    if type(library) ~= "string" or library == "" then
        err = "the library has to be a name, got " .. type(library)
    elseif configuration ~= nil and type(configuration) ~= "string" then
        err = "the configuration has to be a string, got " .. type(configuration)
    elseif configuration and configuration:find("%z") then
        err = "the configuration has a NUL in it"
    elseif options ~= nil and type(options) ~= "table" then
        err = "the options have to be a table, got " .. type(options)
    else
        runtime, err = load(library, configuration, options or {})
    end
    if not runtime then
        ngx.log(ngx.ERR, "load_ffi(", tostring(library), ", ", tostring(configuration):sub(1, 200), "): ", err)
        return nil, err
    end
    return runtime
end

--- Maps a library, and what it needs, before nginx makes its workers: for init_by_lua*,
-- and libraries that start nothing by themselves, as ffi_nodejs. A worker's load_ffi
-- then finds it, and all workers share the memory.
-- @param library its name
-- @param is_global as in load_ffi's options; true unless it is false
-- @return true, or nil and a message
function _M.preload(library, is_global)
    local found, err = open_core()
    if found then
        found, err = open(library, is_global ~= false)
    end
    if not found then
        ngx.log(ngx.ERR, "preload(", tostring(library), "): ", err)
        return nil, err
    end
    preloaded[#preloaded + 1] = found
    return true
end

--- What all runtimes of this worker count, as Prometheus reads it.
-- @return text for a location of its own
function _M.metrics()
    local lines = {}
    local function line(name, label, value)
        lines[#lines + 1] = ("resty_ffi_%s{%s} %.0f"):format(name, label, value)
    end
    for key, runtime in pairs(runtimes) do
        local name = key:gsub('[\\"]', "\\%0"):gsub("\n", "\\n")
        local label = ('worker="%d",runtime="%s"'):format(ngx.worker.id() or 0, name)
        local numbers = runtime:stats()
        local count = 0
        for _, bucket in ipairs(numbers.latency) do
            count = count + bucket.count
            line("latency_us_bucket", ('%s,le="%d"'):format(label, bucket.us), count)
        end
        line("latency_us_count", label, count)
        for what, value in pairs(numbers) do
            if type(value) == "number" then
                line(what, label, value)
            end
        end
    end
    table.sort(lines)
    return table.concat(lines, "\n") .. "\n"
end

ngx.load_ffi = _M.load_ffi

return _M
