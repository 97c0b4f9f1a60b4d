"""An app behind a gateway, for what happens to pages, forms and scripts around a sign-in: it serves a few pages and records what it is sent."""

from __future__ import annotations

from tests.recorder import Exchange

FORM = """<!DOCTYPE html><html lang=en><title>Notes</title><link rel=icon href=/favicon.ico>
<form method=post action="/notes?to=all"><label>Title <input name=title></label>
<label>Text <textarea name=text></textarea></label><input type=checkbox name=tag value="a&b" checked><button>Save</button></form>"""
WORKER = """self.addEventListener('install', event => event.waitUntil(self.skipWaiting()));
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', event => {
  if (new URL(event.request.url).pathname === '/public/ask')
    event.respondWith(fetch('/data').then(async answer => new Response(JSON.stringify(
      [answer.status, answer.redirected, answer.headers.get('x-gateway-reason'), await answer.json()]))));
  else event.respondWith(fetch(event.request));
});"""
ABOUT = """<!DOCTYPE html><html lang=en><title>About</title><h1>About</h1>"""
PAGE = """<!DOCTYPE html><html lang=en><title>Page</title><h1 id=top>{}</h1><div style="height:3000px"></div><h2 id=end>End</h2>"""


def serve(exchange: Exchange) -> None:
    """Answer one request."""
    request = exchange.request
    exchange.read_body()
    path = request.target.partition("?")[0]
    if request.method == "POST":
        exchange.send(b"HTTP/1.1 303 See Other\r\nLocation: saved\r\nContent-Length: 0\r\n\r\n")
        return
    kind, body = {
        "/notes": ("text/html", FORM),
        "/public/about": ("text/html", ABOUT),
        "/public/worker.js": ("text/javascript", WORKER),
    }.get(path, ("text/html", PAGE.format(path)))
    data = body.encode()
    scope = "Service-Worker-Allowed: /\r\n" if path.endswith("worker.js") else ""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\n{scope}Cache-Control: no-store\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    exchange.send(head.encode() + data)
