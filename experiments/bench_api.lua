-- What wrk sends: wrk … -s bench_api.lua URL -- METHOD FILE KEY
-- FILE has one path a line for GET; for POST the path stands in its first line and one body in each other.
local requests = {}

function init(arguments)
  local method, file, key = arguments[1], arguments[2], arguments[3]
  local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
  local path = nil
  for line in io.lines(file) do
    if method == "GET" then
      requests[#requests + 1] = wrk.format("GET", line, headers)
    elseif path == nil then
      path = line
    else
      requests[#requests + 1] = wrk.format("POST", path, headers, line)
    end
  end
  math.randomseed(1)
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    'MEASURED {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
