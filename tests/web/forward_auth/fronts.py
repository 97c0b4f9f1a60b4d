"""The real proxies, each started with the very file of `config/examples`: only the ports of the machine are put in."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests import servers
from tests.servers import free_port, missing
from tests.wire import Connection, Ended

EXAMPLES = Path(__file__).parents[3] / "config/examples"
_READY_S = 60.0
_STOP_S = 10.0
_PORTS = {"8000": "front", "8080": "gateway", "3000": "app"}  # as the examples name them
_PORT = re.compile(r"(?<![0-9.])(?:8000|8080|3000)(?![0-9])")
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

Ports = Mapping[str, int]


def _example(name: str, folder: Path, ports: Ports) -> Path:
    """A copy of the example with this machine's ports."""
    text = (EXAMPLES / name).read_text("utf-8")
    for port, who in _PORTS.items():
        assert port in text or who not in ports, f"{name} does not name port {port}"
    file = folder / name
    # All at once: the port of one may have another's figures in it.
    file.write_text(_PORT.sub(lambda found: str(ports.get(_PORTS[found[0]], found[0])), text), "utf-8")
    return file


def _beside(name: str) -> str | None:
    """A program that a wheel put beside this Python, or that the system has."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else shutil.which(name)


def _nginx(folder: Path, ports: Ports, name: str = "forward-auth-nginx.conf", change: Sequence[str] = ()) -> list[str] | None:
    if (found := servers.nginx()) is None:
        return None
    example = _example(name, folder, ports)
    if change:
        assert change[0] in example.read_text("utf-8")
        example.write_text(example.read_text("utf-8").replace(*change), "utf-8")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in _TEMPORARY)
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; pid {folder}/pid; worker_processes 1; {'user root;' if os.geteuid() == 0 else ''}\n"
        f"events {{ worker_connections 256; }}\nhttp {{ access_log off; {temporary}\ninclude {example};\n}}\n"
    )
    return [found, "-p", str(folder), "-c", str(main), "-e", str(folder / "error.log")]


def _caddy(folder: Path, ports: Ports) -> list[str] | None:
    if (found := servers.caddy()) is None:
        return None
    example = _example("forward-auth.Caddyfile", folder, ports)
    main = folder / "Caddyfile"
    main.write_text(f"{{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n}}\nimport {example}\n")
    return [found, "run", "--config", str(main), "--adapter", "caddyfile"]


def _traefik(folder: Path, ports: Ports) -> list[str] | None:
    if (found := _beside("traefik")) is None:
        return None
    file = _example("forward-auth-traefik.yaml", folder, {name: port for name, port in ports.items() if name != "front"})
    return [
        found,
        f"--entrypoints.web.address=127.0.0.1:{ports['front']}",
        f"--providers.file.filename={file}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]


def _envoy(folder: Path, ports: Ports) -> list[str] | None:
    if (found := _beside("envoy")) is None:
        return None
    file = _example("forward-auth-envoy.yaml", folder, ports)
    return [found, "-c", str(file), "--concurrency", "1", "--disable-hot-restart", "-l", "warn"]


def _haproxy(folder: Path, ports: Ports) -> list[str] | None:
    found = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        return None
    file = _example("forward-auth-haproxy.cfg", folder, ports)
    _example("forward-auth-haproxy.lua", folder, {"gateway": ports["gateway"]})
    return [found, "-db", "-f", str(file)]


#: The dialect → how its proxy is started; None where it is not installed.
FRONTS: Mapping[str, Callable[[Path, Ports], list[str] | None]] = {
    "nginx": _nginx,
    "caddy": _caddy,
    "traefik": _traefik,
    "envoy": _envoy,
    "haproxy": _haproxy,
}


@contextlib.contextmanager
def front(name: str, folder: Path, *, gateway: int, app: int, change: Sequence[str] = ()) -> Iterator[int]:
    """Run a proxy; its port. Skips, or fails if servers are required, where it is not installed.

    Args:
        name: A dialect, or an example for nginx.
        change: What in the example to put something else in the place of, and that.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    ports = {"front": port, "gateway": gateway, "app": app}
    command = FRONTS[name](folder, ports) if name in FRONTS else _nginx(folder, ports, f"{name}.conf", change)
    if command is None:
        missing(f"{name} is not installed (pip install -e '.[servers]'; HAProxy: apt-get install haproxy)")
        return
    log = folder / "log"
    leash = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*leash, *command], cwd=folder, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env={**os.environ, "HOME": str(folder)}
        )
    try:
        _wait(process, port, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_S)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        # Traefik listens before it has read its routes, and answers 404 until then.
        with contextlib.suppress(OSError, Ended), Connection(("127.0.0.1", port), timeout=10.0) as connection:
            if connection.request(b"GET /public/ready HTTP/1.1\r\nHost: gateway.test\r\n\r\n").status != 404:
                return
        time.sleep(0.05)
    raise AssertionError(f"the proxy did not start (exit status {process.poll()}):\n{log.read_text(errors='replace')[-4000:]}")
