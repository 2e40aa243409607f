-- What wrk asks during the soak, and what it makes of the answers: each body says itself what it has to
-- be, "length:letter:" and as many letters. Every request has a connection of its own, so that
-- none meets one that a worker, on its way out, is about to close. done() prints the count as JSON.

local places
local threads = {}

function setup(thread)
    thread:set("number", #threads)
    threads[#threads + 1] = thread
end

function init(args)
    places = args
    asked, fine, killed, wrong, example = number, 0, 0, 0, ""
    math.randomseed(number + 1)
end

function request()
    asked = asked + 1
    local length = math.random(20) == 1 and math.random(200000) or math.random(2000)
    local letter = string.char(97 + asked % 26)
    local body = length .. ":" .. letter .. ":" .. letter:rep(length)
    return wrk.format("POST", places[asked % #places + 1], { Connection = "close" }, body)
end

function response(status, headers, body)
    local length, letter, rest = body:match("^(%d+):(%l):(.*)$")
    if status == 200 and length and #rest == tonumber(length) and rest == letter:rep(#rest) then
        fine = fine + 1
    elseif status == 502 and (body:find("^%-3 .*Node.js process") or body:find("502 Bad Gateway", 1, true)) then
        killed = killed + 1 -- its child process was, under way
    else
        wrong = wrong + 1
        example = status .. " " .. body:sub(1, 100)
    end
end

function done(summary)
    local sum = { fine = 0, killed = 0, wrong = 0 }
    local seen = ""
    for _, thread in ipairs(threads) do
        for name in pairs(sum) do
            sum[name] = sum[name] + thread:get(name)
        end
        seen = seen .. thread:get("example"):gsub("[^%w /.:_-]", "?")
    end
    local errors = summary.errors
    print(('\n{"answers":%d,"fine":%d,"killed":%d,"wrong":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"example":"%s"}')
        :format(summary.requests, sum.fine, sum.killed, sum.wrong, errors.connect, errors.read, errors.write, errors.timeout, seen))
end
