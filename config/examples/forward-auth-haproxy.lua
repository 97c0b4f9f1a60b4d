-- Asks the gateway about a request, for HAProxy. What is not a clear yes is a no.

local ENDPOINT = "http://127.0.0.1:8080/.gateway/auth/haproxy"
local REMOVE, RENEWED = "x-gateway-remove", "set-cookie"
-- Of an answer, what is not for the app: it is about the answer itself.
local OWN = { ["cache-control"] = true, ["connection"] = true, ["content-length"] = true, ["content-type"] = true, ["date"] = true,
  ["server"] = true, ["transfer-encoding"] = true, ["x-gateway-reason"] = true, ["x-request-id"] = true, [REMOVE] = true, [RENEWED] = true }
-- Of a request, what is about the connection or the body, and what the question says itself.
local NOT_ASKED = { ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["expect"] = true, ["host"] = true,
  ["x-forwarded-for"] = true, ["x-forwarded-host"] = true, ["x-forwarded-method"] = true, ["x-forwarded-uri"] = true }

local function values(list) -- HAProxy counts them from 0
  local found = {}
  for index = 0, #list do found[#found + 1] = list[index] end
  return found
end

local function question(txn)
  local headers = {}
  for name, list in pairs(txn.http:req_get_headers()) do
    if not NOT_ASKED[name] then headers[name] = values(list) end
  end
  headers["host"] = { txn.sf:req_hdr("host") }
  headers["x-forwarded-for"] = { txn.sf:src() }
  headers["x-forwarded-host"] = { txn.sf:req_hdr("host") }
  headers["x-forwarded-method"] = { txn.sf:method() }
  headers["x-forwarded-uri"] = { txn.sf:url() }
  return headers
end

local function refuse(txn, answer)
  local reply = txn:reply()
  reply:set_status(answer and answer.status >= 300 and answer.status < 600 and answer.status or 503)
  for name, list in pairs(answer and answer.headers or {}) do
    if name ~= "connection" and name ~= "content-length" and name ~= "transfer-encoding" then
      for _, value in ipairs(values(list)) do reply:add_header(name, value) end
    end
  end
  if answer and answer.body then reply:set_body(answer.body) end
  txn:done(reply)
end

core.register_action("ask_gateway", { "http-req" }, function(txn)
  local answer = core.httpclient():get({ url = ENDPOINT, headers = question(txn), timeout = 5000 })
  if not answer or answer.status ~= 200 then return refuse(txn, answer) end
  for name in table.concat(values(answer.headers[REMOVE] or {}), ","):gmatch("[^, ]+") do txn.http:req_del_header(name) end
  for name, list in pairs(answer.headers) do
    if not OWN[name] then
      txn.http:req_del_header(name)
      for _, value in ipairs(values(list)) do txn.http:req_add_header(name, value) end
    end
  end
  txn:set_priv(values(answer.headers[RENEWED] or {}))
end)

core.register_action("renew_session", { "http-res" }, function(txn)
  for _, line in ipairs(txn:get_priv() or {}) do txn.http:res_add_header("set-cookie", line) end
end)
