-- What wrk sends: the same requests as shape.py makes.
-- Arguments: rotating (1 or 0), areas, fresh (1 or 0), upload in bytes, path, a file of Cookie values, one a line and taken in turn,
-- asks (1 or 0).
local rotating, areas, fresh, upload, path, asks = true, 0, false, 0, "/app/items", false
local cookies, count, number, run = {}, 0, 0, 0
local method, common, body = "GET", "", ""
local browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" ..
  "Accept: application/json, text/plain, */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n" ..
  "Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n"
local forged, asked = "X-Forwarded-User: mallory\r\n", "/.gateway/auth/caddy"
local once = {}

function init(arguments)
  rotating, areas, fresh = arguments[1] == "1", tonumber(arguments[2]), arguments[3] == "1"
  upload, path, asks = tonumber(arguments[4]), arguments[5], arguments[7] == "1"
  common = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n" .. browser
  if not asks then common = common .. forged end
  if fresh then common = common .. "Connection: close\r\n" end
  if upload > 0 then
    method, body = "POST", string.rep("u", upload)
    common = common .. "Content-Length: " .. upload .. "\r\n"
  end
  for cookie in io.lines(arguments[6]) do
    count = count + 1
    cookies[count] = "Cookie: theme=dark; " .. cookie .. "\r\n"
  end
  if not rotating and areas == 0 and not asks then
    for each = 1, count do once[each] = method .. " " .. path .. common .. cookies[each] .. "\r\n" .. body end
  end
  math.randomseed(os.time())
  run = math.random(0, 2^31 - 1)
end

function request()
  number = number + 1
  local turn = (number - 1) % count + 1
  if once[turn] then return once[turn] end
  local area, item, trace = "", "", ""
  if areas > 0 then area = "/area" .. math.floor((number % 1000) * areas / 1000) end
  if rotating then
    item = "/" .. (number % 1000)
    trace = string.format("traceparent: 00-4bf92f3577b34da6%08x%08x-00f067aa0ba902b7-01\r\n", run, number)
  end
  local target, about = area .. path .. item, ""
  if asks then
    about = "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: " .. target .. "\r\nX-Forwarded-Host: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
    target = asked
  end
  return method .. " " .. target .. common .. about .. cookies[turn] .. trace .. "\r\n" .. body
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "bytes": %d, "p50_ms": %.4f, "p99_ms": %.4f, "bad": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
