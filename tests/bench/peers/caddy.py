"""Caddy: a bare `reverse_proxy`, and one with `forward_auth`, where the service it asks is not charged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.bench.installed import NotInstalled
from tests.bench.peers.peer import Peer, Target, unchecked
from tests.bench.place import Place
from tests.e2e.app_process import running
from tests.servers import caddy, free_port

_COMMON = """
{{
  admin off
  auto_https off
  persist_config off
}}
http://127.0.0.1:{port} {{
  bind 127.0.0.1
  {sites}
}}
"""
_KEEP = "transport http {{\n keepalive_idle_conns_per_host 8192\n }}"
_PLAIN = f"""
reverse_proxy 127.0.0.1:{{upstream}} {{{{
  header_up X-Forwarded-User ada
  header_up X-Forwarded-Email ada@example.com
  {_KEEP}
}}}}
"""
_ASKING = f"""
forward_auth 127.0.0.1:{{upstream}} {{{{
  uri /verify
  copy_headers X-Forwarded-User X-Forwarded-Email
  {_KEEP}
}}}}
reverse_proxy 127.0.0.1:{{upstream}} {{{{
  {_KEEP}
}}}}
"""


@contextlib.contextmanager
def _target(at: Place, name: str, words: str, sites: str) -> Iterator[Target]:
    if (found := caddy()) is None:
        raise NotInstalled("Caddy is not installed (pip install -e '.[servers]')")
    port, file = free_port(), at.folder / f"{name}.caddy"
    file.write_text(_COMMON.format(port=port, sites=sites.format(upstream=at.upstream)))
    command = at.cores.for_proxy(found, "run", "--adapter", "caddyfile", "--config", str(file))
    # Go counts the cores that it may use at start, so it sees the pinning by itself.
    environment = {"XDG_DATA_HOME": str(at.folder), "XDG_CONFIG_HOME": str(at.folder)}
    with running(command, port=port, log=at.folder / f"{name}.log", env=environment) as process:
        yield Target(name, words, port, process.pid, unchecked(), checks=False)


CADDY = Peer("caddy", lambda at: _target(at, "caddy", "Caddy `reverse_proxy`, checks nothing", _PLAIN))
ASKING = Peer("caddy-auth", lambda at: _target(at, "caddy-auth", "Caddy `forward_auth` (the service it asks not charged)", _ASKING))
