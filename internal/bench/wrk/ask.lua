-- Asks over and over what the bench wrote into the file named by BENCH_BODIES: one body a line, in turn or (BENCH_RANDOM) any of them.
-- A body of many variants has @name:from-to@ in it, for which each request gets a number of its own from that range.
local bodies = {}
for line in io.lines(os.getenv("BENCH_BODIES")) do
  bodies[#bodies + 1] = line
end
local varied = bodies[1]:find("@%a+:%d+-%d+@") ~= nil

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Auth-Token"] = os.getenv("BENCH_TOKEN")

local next, ready = 0, {}

function init()
  math.randomseed(tonumber(os.getenv("BENCH_SEED")))
  if not varied then
    for i, body in ipairs(bodies) do
      ready[i] = wrk.format(nil, nil, nil, body)
    end
  end
end

local function number(from, to)
  return tostring(math.random(tonumber(from), tonumber(to)))
end

function request()
  next = next % #bodies + 1
  if not varied then
    return ready[next]
  end
  return wrk.format(nil, nil, nil, (bodies[next]:gsub("@%a+:(%d+)-(%d+)@", number)))
end

function done(summary, latency)
  local all = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.status
  io.write(string.format('\n{"requests": %d, "micros": %d, "p50": %d, "p99": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), all))
end
