// A proxy with Auth.js in front, as its documentation leads one to write it. Arguments: PORT UPSTREAM_PORT
import http from "node:http"

import { getToken } from "@auth/core/jwt"
import { ExpressAuth } from "@auth/express"
import credentials from "@auth/express/providers/credentials"
import express from "express"
import httpProxy from "http-proxy"

const [port, upstream] = process.argv.slice(2)
const secret = "a-test-secret-that-is-long-enough-for-anybody"
const Credentials = credentials.default ?? credentials
const people = Credentials({
  credentials: { username: {}, password: {} },
  authorize: async ({ username, password }) =>
    password === "lovelace" ? { id: username, name: username, email: `${username}@example.com` } : null,
})

const app = express()
app.disable("x-powered-by")
app.use("/auth", ExpressAuth({ secret, trustHost: true, basePath: "/auth", session: { strategy: "jwt" }, providers: [people] }))

const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${upstream}`,
  agent: new http.Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 512 }),
  xfwd: true,
})
proxy.on("error", (_error, _request, response) => {
  response.writeHead?.(502)
  response.end?.()
})

app.use(async (request, response) => {
  const token = await getToken({ req: { headers: request.headers }, secret, secureCookie: false })
  if (!token) return response.redirect(302, "/auth/signin")
  proxy.web(request, response, { headers: { "x-forwarded-user": token.name, "x-forwarded-email": token.email } })
})

const server = app.listen(Number(port), "127.0.0.1", 4096)
server.keepAliveTimeout = 3600_000
