-- Sends the bodies of the file BENCH_BODIES, one a line, in turn. A body with variants has @name:from-to@ in it, which each request replaces by a
-- random number of that range. As behind an ingress, every request has an X-Request-Id and a traceparent of its own.
local bodies = {}
for line in io.lines(os.getenv("BENCH_BODIES")) do
  bodies[#bodies + 1] = line
end
local varied = bodies[1]:find("@%a+:%d+-%d+@") ~= nil

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Auth-Token"] = os.getenv("BENCH_TOKEN")
wrk.headers["X-Request-Id"] = "@REQUEST@"
wrk.headers["traceparent"] = "@TRACE@"

local seed = tonumber(os.getenv("BENCH_SEED"))
local count, ready = 0, {}

-- split cuts a request at the two places that differ between requests. The order of headers is not defined.
local function split(text)
  local request, trace = text:find("@REQUEST@", 1, true), text:find("@TRACE@", 1, true)
  if request < trace then
    return { text:sub(1, request - 1), text:sub(request + 9, trace - 1), text:sub(trace + 7), false }
  end
  return { text:sub(1, trace - 1), text:sub(trace + 7, request - 1), text:sub(request + 9), true }
end

local function number(from, to)
  return tostring(math.random(tonumber(from), tonumber(to)))
end

local function join(parts)
  local id = string.format("%08x%08x", seed, count)
  local trace = "00-" .. id .. id .. "-" .. id .. "-00"
  if parts[4] then
    return parts[1] .. trace .. parts[2] .. id .. parts[3]
  end
  return parts[1] .. id .. parts[2] .. trace .. parts[3]
end

function init()
  math.randomseed(seed)
  for i, body in ipairs(bodies) do
    ready[i] = varied and body or split(wrk.format(nil, nil, nil, body))
  end
end

function request()
  count = count + 1
  local next = ready[count % #ready + 1]
  if varied then
    next = split(wrk.format(nil, nil, nil, (next:gsub("@%a+:(%d+)-(%d+)@", number))))
  end
  return join(next)
end

function done(summary, latency)
  local all = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.status
  io.write(string.format('\n{"requests": %d, "micros": %d, "p50": %d, "p99": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), all))
end
