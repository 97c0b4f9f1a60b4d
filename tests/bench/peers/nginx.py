"""nginx: a bare `proxy_pass`, and one that asks a service about each request (`auth_request`), whose own cost is not charged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.bench import nginx
from tests.bench.peers.peer import Peer, Target, unchecked
from tests.bench.place import Place
from tests.e2e.app_process import running
from tests.servers import free_port

# Bodies are streamed, as the others do it; nginx's own default is to spool them to the disk first.
_COMMON = """
client_max_body_size 0; proxy_max_temp_file_size 0; proxy_request_buffering off;
upstream app {{ server 127.0.0.1:{upstream}; keepalive 8192; keepalive_requests 1000000000; }}
map $http_upgrade $connection_up {{ default upgrade; "" ""; }}
server {{
  listen 127.0.0.1:{port} backlog=16384;
  proxy_http_version 1.1;
  {locations}
}}
"""
_HEADERS = """
  proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
"""
_PLAIN = f"""
location / {{
  proxy_pass http://app; {_HEADERS} proxy_set_header Connection $connection_up; proxy_set_header Upgrade $http_upgrade;
  proxy_set_header X-Forwarded-User ada; proxy_set_header X-Forwarded-Email ada@example.com;
}}
"""
_ASKING = f"""
location = /_verify {{
  internal; proxy_pass http://app/verify; proxy_set_header Connection ""; proxy_pass_request_body off; proxy_set_header Content-Length "";
}}
location / {{
  auth_request /_verify; auth_request_set $user $upstream_http_x_forwarded_user; auth_request_set $email $upstream_http_x_forwarded_email;
  proxy_pass http://app; {_HEADERS} proxy_set_header Connection "";
  proxy_set_header X-Forwarded-User $user; proxy_set_header X-Forwarded-Email $email;
}}
"""


@contextlib.contextmanager
def _target(at: Place, name: str, words: str, locations: str) -> Iterator[Target]:
    port = free_port()
    servers = _COMMON.format(port=port, upstream=at.upstream, locations=locations)
    command = at.cores.for_proxy(*nginx.command(at.folder, name, servers))
    with running(command, port=port, log=at.folder / f"{name}.log") as process:
        yield Target(name, words, port, process.pid, unchecked(), checks=False)


NGINX = Peer("nginx", lambda at: _target(at, "nginx", "nginx, bare `proxy_pass`, checks nothing", _PLAIN))
ASKING = Peer("nginx-auth", lambda at: _target(at, "nginx-auth", "nginx + `auth_request` (the service it asks not charged)", _ASKING))
