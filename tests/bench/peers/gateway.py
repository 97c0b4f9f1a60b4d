"""The gateway itself, with everything that it promises on; and again without its express lane."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping

from tests.bench.peers.peer import PEOPLE, Peer, Target
from tests.bench.place import Place
from tests.bench.sessions import SECRET, minted
from tests.gateway_process import START_S, USERS, GatewayProcess
from tests.servers import free_port

#: One address makes all the load, and at 5,000 connections it waits longer than the default second for its turn at the upstream.
LIMITS: Mapping[str, str | int] = {"connections_per_address": 20_000, "connections": 20_000, "upstream_wait": "30s", "keep_alive": "10m"}
ROUTES = '[[routes]]\npath = "/**"\naccess = "signed-in"\nupstream = "app"\nmax_body = 0\n'


def configuration(
    port: int,
    upstreams: Mapping[str, int],
    *,
    public: int | None = None,
    express: bool = True,
    routes: str = ROUTES,
    limits: Mapping[str, str | int] = LIMITS,
    session: str = 'update_age = "12h"',
    proxies: bool = False,
) -> str:
    """As `gateway init` would have it, but for the limits. Tokens are made once, so by default none is renewed under way.

    Args:
        public: The port that browsers know, if something stands in front.
        proxies: Whoever comes from this machine is a proxy that is believed, and may ask.
    """
    believed, spoken = ('trusted_proxies = ["127.0.0.1"]', '[forward_auth]\ndialects = ["caddy"]') if proxies else ("", "")
    named = "\n".join(f'[[upstreams]]\nname = "{name}"\nurl = "http://127.0.0.1:{to}"' for name, to in upstreams.items())
    limited = "\n".join(f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in limits.items())
    return f"""
[server]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{public or port}"
express = {str(express).lower()}
{believed}
[session]
secrets = ["{SECRET}"]
{session}
[[providers]]
id = "credentials"
type = "users"
file = "users.toml"
[limits]
{limited}
{named}
{routes}
{spoken}
"""


@contextlib.contextmanager
def process(
    at: Place,
    name: str = "gateway",
    *,
    upstreams: Mapping[str, int] | None = None,
    express: bool = True,
    routes: str = ROUTES,
    limits: Mapping[str, str | int] | None = None,
    users: str = USERS,
    proxies: bool = False,
    start_s: float = START_S,
) -> Iterator[GatewayProcess]:
    """A gateway on the core of what is measured."""
    port = free_port()
    folder = at.folder / name
    config = configuration(
        port, upstreams or {"app": at.upstream}, express=express, routes=routes, limits={**LIMITS, **(limits or {})}, proxies=proxies
    )
    command = at.cores.for_proxy(sys.executable, "-m", "gateway", "run", "-c", str(folder / "gateway.toml"))
    gateway = GatewayProcess(folder, config, users=users, command=tuple(command), start_s=start_s)
    try:
        yield gateway
    finally:
        gateway.stop()


@contextlib.contextmanager
def target(at: Place, name: str = "gateway", words: str = "**gateway**, session verified", *, express: bool = True) -> Iterator[Target]:
    """It, with its sessions."""
    with process(at, name, express=express) as gateway:
        yield Target(name, words, gateway.address[1], gateway.process.pid, tuple(minted(PEOPLE)))


GATEWAY = Peer("gateway", target)
GENERAL = Peer("general", lambda at: target(at, "general", "gateway, `server.express = false`", express=False))
