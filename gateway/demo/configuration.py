"""The configuration of the demo: the commented file of `config/`, which every installation carries, on the addresses of this run."""

from __future__ import annotations

import socket
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings.load import Loaded

#: Who can sign in, as `users.toml` has them, with passwords that everybody may know.
PEOPLE = (("ada", "lovelace", "an admin: a rule sends her to /admin"), ("bob", "builder", "not an admin"))
PORT = 8080


def demo_file() -> Path:
    """The file, beside this module: a link in a checkout, a copy in a wheel."""
    return Path(str(files("gateway.demo").joinpath("gateway.toml")))


def load_demo(*, port: int, upstream: str, secrets_file: Path) -> Loaded:
    """The demo's settings for this run.

    Args:
        port: Where the gateway listens, on this machine only.
        upstream: Where the demo app listens.
        secrets_file: Where the session secret is kept.
    """
    from gateway.settings.load import load

    return load(
        demo_file(),
        env={"GATEWAY_UPSTREAMS__APP__URL": upstream},
        overrides={
            "server.listen": f"127.0.0.1:{port}",
            "server.public_url": f"http://localhost:{port}",
            "session.secrets_file": str(secrets_file),
            "inspector.enabled": True,
            "inspector.roles": ["*"],
        },
    )


def free_port(wanted: int) -> int:
    """The wanted port of 127.0.0.1 if nobody listens there, else one that is free now."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port of 127.0.0.1 is free")
