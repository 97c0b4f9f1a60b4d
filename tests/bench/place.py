"""The place of a measurement: a folder, the cores, and an nginx behind everything that answers as fast as anything can."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import nginx
from tests.bench.load import Load
from tests.bench.machine import Cores
from tests.e2e.app_process import running
from tests.servers import free_port

BIG = 10 * 1000 * 1000  # bytes of /app/big
_ANSWER = '{"data":"' + "x" * 1013 + '"}'  # 1 KiB of JSON

_UPSTREAM = """
server {{
  listen 127.0.0.1:{port} backlog=16384;
  default_type application/json;
  location / {{
    add_header Cache-Control "private, max-age=0, must-revalidate";
    add_header ETag '"5f3c-62a1b7c9d0e40"';
    add_header X-Request-Id 7a0c1f52b1e94a7fb0b5a3d5c9f0a6e1;
    return 200 '{answer}';
  }}
  location = /app/whoami {{ return 200 '{{"user":"$http_x_forwarded_user","email":"$http_x_forwarded_email"}}'; }}
  location = /app/big {{ alias {folder}/big; default_type application/octet-stream; }}
  # The whole body is read, then a small answer is given.
  location = /app/upload {{
    client_max_body_size 0; client_body_buffer_size 16m;
    proxy_pass http://127.0.0.1:{port}/read; proxy_pass_request_body off; proxy_set_header Content-Length "";
  }}
  location = /read {{ return 200 'ok'; }}
  # For proxies that ask somebody else: yes, this is ADA.
  location = /verify {{ add_header X-Forwarded-User ada; add_header X-Forwarded-Email ada@example.com; return 200; }}
}}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where targets are started.

    Attributes:
        folder: For configurations and logs; gone at the end.
        upstream: The port behind the targets.
        ours: Processes that are part of the measurement, not of what is measured.
    """

    folder: Path
    cores: Cores
    load: Load
    upstream: int
    ours: tuple[int, ...]


@contextlib.contextmanager
def place(*, pinned: bool = True) -> Iterator[Place]:
    """Prepare it, with the fast upstream running."""
    cores = Cores.of() if pinned else Cores("", "")
    cores.take_load()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder, port = Path(name), free_port()
        (folder / "big").write_bytes(os.urandom(BIG))
        command = nginx.command(folder, "upstream", _UPSTREAM.format(port=port, answer=_ANSWER, folder=folder))
        with running(cores.for_load(*command), port=port, log=folder / "upstream.log") as process:
            yield Place(folder, cores, Load(cores, folder, wrk=shutil.which("wrk")), port, (process.pid,))


@contextlib.contextmanager
def app(at: Place) -> Iterator[int]:
    """The slower upstream that can do more: sockets, events, delays (`app.py`); its port."""
    port = free_port()
    command = at.cores.for_load(sys.executable, str(Path(__file__).with_name("app.py")), str(port))
    with running(command, port=port, log=at.folder / "app.log"):
        yield port
