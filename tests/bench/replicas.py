"""Two gateways behind a balancer, as one runs them to restart them one by one: nginx, or Caddy."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import nginx
from tests.bench.installed import NotInstalled
from tests.bench.peers.gateway import LIMITS, configuration
from tests.e2e.app_process import running
from tests.gateway_process import GatewayProcess
from tests.servers import caddy, free_port

# A replica that refused counts as down for `fail_timeout`, ten seconds by default: whoever restarts the other one sooner has none.
_NGINX = """
upstream gateway {{ server 127.0.0.1:{one} fail_timeout=1s; server 127.0.0.1:{two} fail_timeout=1s; keepalive 64; }}
server {{
  listen 127.0.0.1:{port} backlog=4096;
  location / {{
    proxy_pass http://gateway; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
  }}
}}
"""
# Caddy asks another replica only if it is told how long it may try; without it, each restart is a row of 502.
_CADDY = """
{{
  admin off
  auto_https off
  persist_config off
}}
http://127.0.0.1:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{one} 127.0.0.1:{two} {{
    lb_policy round_robin
    lb_try_duration 5s
    fail_duration 1s
  }}
}}
"""
_RELOAD_S = 15.0
_NOTICED_S = 2.0  # until the balancer believes in a replica again


class Replica:
    """One gateway that can be restarted on its port and be told to reload."""

    def __init__(self, folder: Path, port: int, *, upstream: int, public: int) -> None:
        self._folder, self._port, self._upstream, self._public = folder, port, upstream, public
        self._edits = 0
        self.start()

    def start(self) -> None:
        """Start, and wait until it listens."""
        command = (sys.executable, "-m", "gateway", "run", "-c", str(self._folder / "gateway.toml"))
        self._gateway = GatewayProcess(self._folder, self._configuration(), command=command)

    def stop(self) -> None:
        """SIGTERM, the drain, and a look into its log."""
        self._gateway.stop()

    def reload(self) -> None:
        """Change the configuration, send SIGHUP, and wait until it says that it serves with the new one."""
        self._edits += 1
        before = self._gateway.log.count(" reloaded ")
        draft = self._folder / "draft"
        draft.write_text(self._configuration())
        draft.replace(self._folder / "gateway.toml")
        self._gateway.signal(signal.SIGHUP)
        until = time.monotonic() + _RELOAD_S
        while self._gateway.log.count(" reloaded ") <= before:
            assert time.monotonic() < until, self._gateway.log[-4000:]
            time.sleep(0.05)

    def _configuration(self) -> str:
        edited = {**LIMITS, "password": 1024 + self._edits}
        return configuration(self._port, {"app": self._upstream}, public=self._public, limits=edited)


@dataclass(frozen=True, slots=True)
class Replicas:
    """Both, and the port that clients know."""

    port: int
    pair: tuple[Replica, Replica]

    def reload(self) -> None:
        """All at once."""
        for replica in self.pair:
            replica.reload()

    def roll(self) -> None:
        """One after the other: stop, start, wait until it listens and the balancer has noticed."""
        for replica in self.pair:
            replica.stop()
            replica.start()
            time.sleep(_NOTICED_S)


def _by_nginx(folder: Path, port: int, one: int, two: int) -> list[str]:
    return nginx.command(folder, "front", _NGINX.format(port=port, one=one, two=two))


def _by_caddy(folder: Path, port: int, one: int, two: int) -> list[str]:
    if (found := caddy()) is None:
        raise NotInstalled("Caddy is not installed (pip install -e '.[servers]')")
    (folder / "front.caddy").write_text(_CADDY.format(port=port, one=one, two=two))
    return [found, "run", "--adapter", "caddyfile", "--config", str(folder / "front.caddy")]


FRONTS: dict[str, Callable[[Path, int, int, int], list[str]]] = {"nginx": _by_nginx, "caddy": _by_caddy}


@contextlib.contextmanager
def replicas(folder: Path, upstream: int, front: str) -> Iterator[Replicas]:
    """Start them.

    Raises:
        NotInstalled: The balancer can't be had here.
    """
    port, one, two = free_port(), free_port(), free_port()
    command = FRONTS[front](folder, port, one, two)
    environment = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "PATH": os.environ["PATH"]}
    with contextlib.ExitStack() as stack:
        pair = []
        for number, at in enumerate((one, two)):
            replica = Replica(folder / f"replica-{number}", at, upstream=upstream, public=port)
            stack.callback(replica.stop)
            pair.append(replica)
        stack.enter_context(running(command, port=port, log=folder / "front.log", env=environment))
        yield Replicas(port, (pair[0], pair[1]))
