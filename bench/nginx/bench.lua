-- What the locations of the benchmark share: payloads, a clock, the cosocket client, sequential calls.
local ffi = require "ffi"
local bit = require "bit"

ffi.cdef [[
struct bench_timespec { long tv_sec; long tv_nsec; };
int clock_gettime(int clock, struct bench_timespec *t);
]]

local _M = {}

local line = "The quick brown fox jumps over the lazy dog, 0123456789.\n"
local payloads = {}

function _M.payload(size)
    local p = payloads[size]
    if not p then
        p = line:rep(math.ceil(size / #line)):sub(1, size)
        payloads[size] = p
    end
    return p
end

local t = ffi.new("struct bench_timespec")

-- microseconds
function _M.now()
    ffi.C.clock_gettime(1, t)
    return tonumber(t.tv_sec) * 1e6 + tonumber(t.tv_nsec) / 1e3
end

local function header(n)
    return string.char(bit.band(bit.rshift(n, 24), 255), bit.band(bit.rshift(n, 16), 255),
                       bit.band(bit.rshift(n, 8), 255), bit.band(n, 255))
end

local function connect(path)
    local sock = ngx.socket.tcp()
    sock:settimeout(10000)
    assert(sock:connect("unix:" .. path))
    return sock
end

local function ask(sock, request)
    assert(sock:send({ header(#request), request }))
    local h = assert(sock:receive(4))
    local a, b, c, d = h:byte(1, 4)
    return assert(sock:receive(((a * 256 + b) * 256 + c) * 256 + d))
end

-- A response as the other servers make it: with Content-Length instead of chunks.
function _M.print(text)
    ngx.header.content_length = #text
    ngx.print(text)
end

-- For a call whose answer becomes the response.
_M.send = { send = true }

-- One request to the echo server, over a pooled connection.
function _M.cosocket(path, request)
    local sock = connect(path)
    local answer = ask(sock, request)
    sock:setkeepalive(60000, 256)
    return answer
end

-- A function for many requests over one connection.
function _M.cosocket_client(path)
    local sock = connect(path)
    return function(request) return ask(sock, request) end
end

-- Calls one after the other: microseconds a call.
function _M.sequential(call, size, n)
    local request = _M.payload(size)
    for _ = 1, n / 10 + 1 do
        assert(call(request) == request, "wrong answer")
    end
    local start = _M.now()
    for _ = 1, n do
        call(request)
    end
    return (_M.now() - start) / n
end

-- The runtime of a mode: loaded by its first call, which is timed.
function _M.runtime(load)
    local runtime, milliseconds
    return function()
        if not runtime then
            local start = _M.now()
            local err
            runtime, err = load()
            if not runtime then
                error(err)
            end
            milliseconds = (_M.now() - start) / 1e3
        end
        return runtime, milliseconds
    end
end

return _M
