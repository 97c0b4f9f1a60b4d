"""nginx in the foreground, one worker, everything that it writes inside one folder."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench.installed import NotInstalled
from tests.servers import nginx as binary

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def command(folder: Path, name: str, servers: str) -> list[str]:
    """Write a configuration and give the command that runs it. `servers` is what goes into its `http` block.

    Raises:
        NotInstalled: There is no nginx.
    """
    if (found := binary()) is None:
        raise NotInstalled("nginx is not installed (pip install -e '.[servers]')")
    temporary = " ".join(f"{kind}_temp_path {folder}/{name}-{kind};" for kind in _TEMPORARY)
    file = folder / f"{name}.conf"
    file.write_text(
        f"daemon off; pid {folder}/{name}.pid; worker_processes 1; {'user root;' if os.geteuid() == 0 else ''}\n"
        "events { worker_connections 16384; accept_mutex off; }\n"
        f"http {{ access_log off; server_tokens off; {temporary}\n"
        "sendfile on; tcp_nodelay on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 3600s;\n"
        f"{servers}\n}}\n"
    )
    return [found, "-p", str(folder), "-c", str(file), "-e", str(folder / f"{name}.err")]
