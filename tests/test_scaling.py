"""Three replicas behind nginx, on one PostgreSQL and one Valkey, started with the files of config/examples that say so."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.app_process import running
from tests.gateway_process import PASSWORDS, GatewayProcess
from tests.recorder import Recorder
from tests.servers import PostgreSQL, Valkey, free_port, missing, nginx, postgresql, valkey
from tests.wire import Answer, Connection, Ended, Malformed

EXAMPLES = Path(__file__).parent.parent / "config/examples"
CLIENTS = 6


@dataclass
class Fleet:
    """What runs."""

    front: int
    replicas: list[GatewayProcess]
    database: PostgreSQL
    store: Valkey
    config: Path
    app: Recorder = field(repr=False)

    def ask(self, cookie: str, *, at: GatewayProcess | None = None, path: str = "/x", more: str = "") -> int:
        """The status of one request, through nginx or straight to a replica."""
        host = self.replicas[0].host
        with Connection(("127.0.0.1", self.front) if at is None else at.address) as connection:
            request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nAccept: application/json\r\n{more}\r\n"
            return connection.request(request.encode()).status

    def everywhere(self, cookie: str) -> set[int]:
        """What the replicas say that run."""
        return {self.ask(cookie, at=replica) for replica in self.replicas if replica.process.poll() is None}

    def command(self, *arguments: str, stdin: str = "") -> str:
        """What a command of `gateway` prints, with the configuration of the replicas."""
        line = (sys.executable, "-m", "gateway", *arguments, "-c", str(self.config))
        return subprocess.run(line, input=stdin, text=True, check=True, capture_output=True).stdout


def _example(name: str, places: dict[str, str]) -> str:
    text = (EXAMPLES / name).read_text("utf-8")
    for there, here in places.items():
        assert there in text, f"{name} does not say {there}"
        text = text.replace(there, here)
    return text


@contextlib.contextmanager
def _balanced(folder: Path, places: dict[str, str], port: int) -> Iterator[None]:
    found = nginx()
    if found is None:
        missing("nginx is not installed (pip install -e '.[servers]')")
        return
    (folder / "front.conf").write_text(_example("replicas-nginx.conf", places))
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; worker_processes 1; {'user root;' if os.geteuid() == 0 else ''}\n"
        f"events {{ worker_connections 256; }}\nhttp {{ access_log off; {temporary}\ninclude {folder}/front.conf;\n}}\n"
    )
    command = [found, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running(command, port=port, log=folder / "front.log", env={"PATH": os.environ["PATH"]}):
        yield


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    tmp_path = tmp_path_factory.mktemp("fleet")
    with contextlib.ExitStack() as stack:
        (tmp_path / "postgresql").mkdir()
        (tmp_path / "valkey").mkdir()
        database = stack.enter_context(postgresql(tmp_path / "postgresql"))
        store = stack.enter_context(valkey(tmp_path / "valkey"))
        app = Recorder()
        stack.callback(app.stop)
        front, *ports = (free_port() for _ in range(4))
        (tmp_path / "database-url").write_text(asyncio.run(database.new_database()))
        (tmp_path / "secret").write_text(secrets.token_urlsafe(32))
        (tmp_path / "secret").chmod(0o600)
        at = {f":{port}": f":{here}" for port, here in zip((8000, 8081), (front, ports[0]), strict=True)}
        config = _example(
            "replicas.toml", at | {"/run/secrets/session": str(tmp_path / "secret"), ":6379": f":{store.port}", ":3000": f":{app.port}"}
        )
        (tmp_path / "gateway.toml").write_text(config)
        fleet = Fleet(front, [], database, store, tmp_path / "gateway.toml", app)
        for name in ("ada", "bob"):
            fleet.command("users", "add", name, "--password-stdin", stdin=PASSWORDS[name] + "\n")
        for port in ports:
            folder = tmp_path / f"replica-{port}"
            folder.mkdir()
            (folder / "database-url").write_text((tmp_path / "database-url").read_text())
            fleet.replicas.append(GatewayProcess(folder, config, environment={"GATEWAY_SERVER__LISTEN": f"127.0.0.1:{port}"}))
        balanced = {f":{port}": f":{here}" for port, here in zip((8000, 8081, 8082, 8083), (front, *ports), strict=True)}
        stack.enter_context(_balanced(tmp_path, balanced, front))
        yield fleet
        for replica in fleet.replicas:
            if replica.process.poll() is None:
                assert replica.stop() == 0
            replica.check_log()


def eventually(holds: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.05)


def post_sign_in(at: GatewayProcess, name: str, password: str, *headers: str) -> Answer:
    """To the provider of the example."""
    token, csrf = at.csrf()
    body = f"csrfToken={token}&username={name}&password={password}".encode()
    lines = ("Content-Type: application/x-www-form-urlencoded", f"Cookie: {csrf}", f"Origin: {at.origin}", *headers)
    return at.get("/api/auth/callback/accounts", *lines, method="POST", body=body)


def sign_in(fleet: Fleet, at: GatewayProcess, name: str = "ada") -> str:
    """Sign in."""
    answer = post_sign_in(at, name, PASSWORDS[name])
    assert answer.status == 302, answer
    kept = [line.partition(";")[0] for line in answer.all("set-cookie") if "session-token" in line and "Max-Age=0" not in line]
    for replica in fleet.replicas:
        replica.secrets |= {value.partition("=")[2] for value in kept}
    return "; ".join(kept)


def sign_out(at: GatewayProcess, cookie: str) -> None:
    token, csrf = at.csrf()
    lines = ("Content-Type: application/x-www-form-urlencoded", f"Cookie: {csrf}; {cookie}", f"Origin: {at.origin}")
    assert at.get("/api/auth/signout", *lines, method="POST", body=f"csrfToken={token}".encode()).status == 302


def test_signed_in_at_one_used_at_another_ended_at_the_third_and_known_everywhere(fleet: Fleet):
    """Promise 38: within five seconds, by a sign-out and by an operator."""
    one, two, three = fleet.replicas
    ada, other_ada, bob = sign_in(fleet, one), sign_in(fleet, two), sign_in(fleet, one, "bob")
    assert fleet.everywhere(ada) == fleet.everywhere(bob) == {200}
    sign_out(three, ada)
    eventually(lambda: fleet.everywhere(ada) == {401}, 5)
    assert fleet.everywhere(other_ada) == {200}
    assert '"user": "bob"' in fleet.command("sessions", "list", "--json")
    fleet.command("sessions", "revoke", "--user", "ada")
    eventually(lambda: fleet.everywhere(other_ada) == {401}, 5)
    assert fleet.everywhere(bob) == {200}


def test_a_guesser_has_as_many_tries_at_three_replicas_as_at_one(fleet: Fleet):
    """Promise 46: ten per address, whichever replica is asked."""
    from_afar = "X-Forwarded-For: 203.0.113.9"
    statuses = [post_sign_in(fleet.replicas[number % 3], f"nobody{number}", "wrong", from_afar).status for number in range(12)]
    assert statuses == [302] * 10 + [429] * 2
    assert post_sign_in(fleet.replicas[0], "ada", PASSWORDS["ada"]).status == 302  # from elsewhere


def test_the_stores_gone_and_back(fleet: Fleet):
    """The fault matrix, with each of the two: the users' database stops sign-ins, the store of sessions stops sessions; nothing opens."""
    one, two, three = fleet.replicas
    ada, bob = sign_in(fleet, one), sign_in(fleet, two, "bob")
    assert fleet.everywhere(ada) == fleet.everywhere(bob) == {200}

    fleet.database.stop()
    assert post_sign_in(one, "ada", PASSWORDS["ada"]).status == 503
    assert fleet.everywhere(ada) == {200}
    fleet.database.start()

    fleet.store.stop()
    eventually(lambda: fleet.everywhere(ada) == {503}, 6)
    sign_out(three, bob)
    fleet.store.start()  # empty: it was never told to persist
    eventually(lambda: fleet.everywhere(ada) == {200}, 15)
    eventually(lambda: fleet.everywhere(bob) == {401}, 5)
    assert fleet.everywhere(sign_in(fleet, one, "bob")) == {200}


@dataclass
class Load:
    """Clients that ask one request after the other through nginx, each on a connection of its own."""

    fleet: Fleet
    cookie: str
    good: int = 0
    failures: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def client(self) -> None:
        while not self.stop.is_set():
            try:
                status = self.fleet.ask(self.cookie)
                if status == 200:
                    self.good += 1
                else:
                    self.failures.append(str(status))
            except (OSError, Ended, Malformed) as error:
                self.failures.append(type(error).__name__)

    def __enter__(self) -> Load:
        self.threads = [threading.Thread(target=self.client) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(20)

    def more(self, count: int) -> None:
        """Wait until so many more were good."""
        wanted = self.good + count
        eventually(lambda: self.good >= wanted, 30)


def test_a_replica_that_is_killed_under_load_takes_its_own_requests_with_it_and_nothing_else(
    fleet: Fleet,
):  # the last of this file: two are left
    """The fault matrix: what was in flight there may fail, sessions go on, and nobody signs in again."""
    ada = sign_in(fleet, fleet.replicas[0])
    with Load(fleet, ada) as load:
        load.more(200)
        assert not load.failures
        fleet.replicas[0].kill()  # the very one that she signed in at
        load.more(500)
    assert len(load.failures) <= CLIENTS, load.failures
    assert "401" not in load.failures
    assert fleet.everywhere(ada) == {200}
