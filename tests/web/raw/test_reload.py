"""SIGHUP and changed files reload: all of a valid configuration or nothing, and no request and no session is lost (promise 61)."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.gateway_process import ORIGIN, ROUTES, GatewayProcess
from tests.recorder import OK, Exchange, Recorder, plainly
from tests.web.raw.conftest import Start
from tests.web.raw.test_websocket import Server

WAIT_S = 30.0
OLD, NEW = "the-older-secret-2718281828459045-is-this-one", "the-newer-secret-3141592653589793-is-this-one"
NEW_ROUTE = '[[routes]]\npath = "/new/**"\naccess = "public"\nupstream = "app"\n'
GET_PUBLIC = b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


class Reloaded:
    """A gateway with its files at hand: `edit` and `secrets` write them as careful tools do, by a rename."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway
        self.folder = gateway.log_file.parent
        self.file = self.folder / "gateway.toml"
        self.heard: dict[str, int] = {}

    def put(self, name: str, text: str, *, mode: int = 0o600) -> None:
        draft = self.folder / f".{name}.draft"
        draft.write_text(text)
        draft.chmod(mode)
        draft.replace(self.folder / name)

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.put("gateway.toml", text.replace(old, new, 1))

    def says(self, event: str, *, times: int = 1) -> list[str]:
        """The lines of an event, once there are so many."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            if len(lines := [line for line in self.gateway.log.splitlines() if f" {event} " in line]) >= times:
                return lines
            time.sleep(0.02)
        raise AssertionError(f"no {event}:\n{self.gateway.log[-4000:]}")

    def hup(self, event: str = "reloaded") -> str:
        """SIGHUP; the lines that say what became of it, and those since the last one: the files are watched as well."""
        before = self.gateway.log.count(f" {event} ")
        self.gateway.signal(signal.SIGHUP)
        lines = self.says(event, times=before + 1)
        new, self.heard[event] = lines[self.heard.get(event, 0) :], len(lines)
        return "\n".join(new)


@pytest.fixture(params=["express", "general"])
def reloaded(request: pytest.FixtureRequest, start: Start, upstream: Recorder) -> Reloaded:
    server = "express = false" if request.param == "general" else ""
    return with_secrets_file(start, server=server)


def with_secrets_file(start: Start, **how: str) -> Reloaded:
    made = Reloaded(start(limits={"failed_sign_ins_per_address": 1000}, **how))
    made.put("keys", f"{OLD}\n")
    made.edit('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', 'secrets_file = "keys"')
    assert "session.secrets_file" in made.hup()
    made.gateway.secrets |= {OLD, NEW}
    return made


@contextmanager
def steady_load(gateway: GatewayProcess, *, cookie: str) -> Iterator[list[tuple[int, str | None]]]:
    """Requests all the while, on connections that are kept: plain ones, private ones, and with a body. Gives what is no 200."""
    stop, failed, sent = threading.Event(), [], [0, 0, 0]
    bodies = (
        GET_PUBLIC,
        f"GET /private/x HTTP/1.1\r\nHost: gateway.test\r\nCookie: {cookie}\r\n\r\n".encode(),
        b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 5\r\n\r\nhello",
    )

    def ask(number: int) -> None:
        try:
            with gateway.connect() as connection:
                while not stop.is_set():
                    answer = connection.request(bodies[number])
                    sent[number] += 1
                    if answer.status != 200:
                        failed.append((answer.status, answer.reason))
        except Exception as error:
            failed.append((0, repr(error)))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield failed
    finally:
        stop.set()
        for thread in threads:
            thread.join(WAIT_S)
    assert all(sent), sent


def test_good_bad_and_missing_files_under_load_fail_no_request(reloaded: Reloaded, upstream: Recorder) -> None:  # promise 61
    gateway = reloaded.gateway
    cookie = gateway.sign_in("ada")
    assert gateway.get("/new/x").status == 404
    with steady_load(gateway, cookie=cookie) as failed:
        reloaded.edit('[[routes]]\npath = "/public/**"', f'{NEW_ROUTE}[[routes]]\npath = "/public/**"')
        assert "changed=routes" in reloaded.hup()
        assert gateway.get("/new/x").status == 200

        good = reloaded.file.read_text()
        reloaded.put(
            "gateway.toml", good.replace('access = "public"', 'access = "everybody"', 1).replace("[limits]", "[limits]\nnonsense = 1", 1)
        )  # at once: the files are watched
        reloaded.hup("reload-refused")
        refused = reloaded.says("reload-refused", times=2)
        assert "key=limits.nonsense" in refused[0]
        assert "key=routes[1].access" in refused[1], "one line for each problem"
        assert all("gateway.toml:" in line for line in refused)
        reloaded.put("gateway.toml", good)

        (reloaded.folder / "keys").unlink()
        assert "key=session.secrets_file" in reloaded.hup("reload-refused")
        assert not (reloaded.folder / "keys").exists(), "a new secret would sign everybody out"
        reloaded.put("keys", f"{NEW}\n{OLD}\n")
        assert "changed=session.secrets_file" in reloaded.hup()
        assert gateway.get("/private/x", f"Cookie: {cookie}").status == 200
    assert not failed


def test_a_removed_key_signs_out_exactly_its_sessions(reloaded: Reloaded) -> None:
    gateway = reloaded.gateway
    older = gateway.sign_in("ada")
    reloaded.put("keys", f"{NEW}\n{OLD}\n")
    reloaded.hup()
    newer = gateway.sign_in("bob")
    for cookie in (older, newer, older, newer):  # remembered by whoever remembers
        assert gateway.get("/private/x", f"Cookie: {cookie}").status == 200
    with gateway.connect() as connection:
        request = f"GET /private/x HTTP/1.1\r\nHost: gateway.test\r\nAccept: application/json\r\nCookie: {older}\r\n\r\n".encode()
        assert connection.request(request).status == 200
        reloaded.put("keys", f"{NEW}\n")
        reloaded.hup()
        assert connection.request(request).reason == "session-unreadable", "also on a connection that was open"
    assert gateway.get("/private/x", f"Cookie: {newer}").status == 200


def test_a_slow_request_ends_with_what_it_began_with(reloaded: Reloaded, upstream: Recorder, upstreams: dict[str, Recorder]) -> None:
    go_on = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        if exchange.request.target == "/public/slow":
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            assert go_on.wait(WAIT_S)
            exchange.send(b"world")
        else:
            exchange.send(OK)

    upstream.script = script
    upstreams["other"].script = plainly(OK)
    gateway = reloaded.gateway
    with gateway.connect() as slow, gateway.connect() as upload:
        slow.send(b"GET /public/slow HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        answer = slow.head()
        upload.send(b"POST /public/up HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10\r\n\r\nhello")
        upstream.wait_for(2)
        # From now on `app` is elsewhere, and the very route is closed.
        reloaded.edit(f"http://127.0.0.1:{upstream.port}", f"http://127.0.0.1:{upstreams['other'].port}")
        reloaded.edit('path = "/public/**"\naccess = "public"', 'path = "/public/**"\naccess = "deny"')
        reloaded.hup()
        assert gateway.get("/public/x").status == 403
        assert gateway.get("/optional/x").status == 200
        assert upstreams["other"].forwarded() == ["GET /optional/x"]
        upload.send(b"world")
        assert upload.answer("POST").status == 200
        go_on.set()
        slow.body(answer)
        assert answer.body == b"helloworld"
        assert slow.request(GET_PUBLIC).status == 403, "the next request of the connection begins with the new one"


def test_connections_to_an_old_upstream_close_once_nobody_uses_them(reloaded: Reloaded, upstream: Recorder) -> None:
    left = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(OK)
        if exchange.left(WAIT_S):
            left.set()
        exchange.open = False

    upstream.script = script
    assert reloaded.gateway.get("/public/x").status == 200
    reloaded.hup()
    assert left.wait(WAIT_S)


def test_a_websocket_stays_open(start: Start, upstream: Recorder) -> None:
    server = Server()
    try:
        routes = '[[routes]]\npath = "/ws"\naccess = "signed-in"\nupstream = "ws"\n' + ROUTES
        reloaded = with_secrets_file(start, routes=routes, extra=f'[[upstreams]]\nname = "ws"\nurl = "http://127.0.0.1:{server.port}"\n')
        gateway = reloaded.gateway
        cookie = gateway.sign_in("ada")
        sock, headers = gateway.connect().sock, {"Cookie": cookie}
        with connect(f"ws://{gateway.host}/ws", sock=sock, origin=ORIGIN, additional_headers=headers) as socket:
            socket.send("before")
            assert socket.recv(WAIT_S) == "before"
            reloaded.edit('path = "/ws"\naccess = "signed-in"', 'path = "/ws"\naccess = "signed-in"\nroles = ["nobody"]')
            reloaded.hup()
            reloaded.hup()
            time.sleep(1.5)  # longer than it takes to close what nobody uses
            socket.send("after")
            assert socket.recv(WAIT_S) == "after"
        assert gateway.get("/ws", f"Cookie: {cookie}").status == 403
    finally:
        server.stop()


def test_another_address_to_listen_on_needs_a_restart(reloaded: Reloaded) -> None:
    reloaded.edit('listen = "127.0.0.1:0"', 'listen = "127.0.0.1:1"')
    reloaded.edit('[[routes]]\npath = "/public/**"', f'{NEW_ROUTE}[[routes]]\npath = "/public/**"')
    line = reloaded.hup("reload-refused")
    assert "key=server.listen" in line
    assert "restart" in line
    assert reloaded.gateway.get("/new/x").status == 404, "all or nothing"


def test_whatever_is_wrong_leaves_everything_as_it_was(start: Start, upstream: Recorder) -> None:
    reloaded = with_secrets_file(start)
    good, users = reloaded.file.read_text(), (reloaded.folder / "users.toml").read_text()
    cookie = reloaded.gateway.sign_in("ada")
    ca = f'url = "http://127.0.0.1:{upstream.port}"', 'url = "https://127.0.0.1:1"\nca_file = "users.toml"'
    new = good.replace("[[routes]]", f"{NEW_ROUTE}[[routes]]", 1)
    for config, people, mode, said in (
        (new + "\n[[", users, 0o600, "gateway.toml:"),
        (new.replace("[limits]", '[limits]\n"two\\nlines\\u0007" = 1'), users, 0o600, "lines"),
        (new.replace(*ca), users, 0o600, "key=upstreams.app.ca_file"),
        (new, "[users.ada]\npassword = 5\n", 0o600, "users.toml"),
        (new, users, 0o622, "key=session.secrets_file"),
    ):
        reloaded.put("users.toml", people)
        (reloaded.folder / "keys").chmod(mode)
        reloaded.put("gateway.toml", config)
        assert said in reloaded.hup("reload-refused")
        assert reloaded.gateway.get("/new/x").status == 404
        assert reloaded.gateway.get("/private/x", f"Cookie: {cookie}").status == 200
    reloaded.file.unlink()
    assert "gateway.toml" in reloaded.hup("reload-refused")
    reloaded.put("gateway.toml", good)
    (reloaded.folder / "keys").chmod(0o600)
    reloaded.hup()
    assert reloaded.gateway.get("/private/x", f"Cookie: {cookie}").status == 200


def test_limits_and_the_express_lane_itself_change(reloaded: Reloaded) -> None:
    gateway = reloaded.gateway
    assert gateway.get("/public/" + "x" * 9000).status == 414
    assert gateway.get("/public/" + "x" * 5000).status == 200
    text = reloaded.file.read_text()
    other = "express = true" if "express = false" in text else "express = false"
    reloaded.put("gateway.toml", text.replace("express = false\n", "").replace("[server]\n", f"[server]\n{other}\n"))
    reloaded.edit("[limits]", "[limits]\nrequest_line = 20000\nrequest_head = 40000")
    line = reloaded.hup()
    for key in ("server.express", "limits.request_line", "limits.request_head"):
        assert key in line
    assert gateway.get("/public/" + "x" * 15000).status == 200
    assert gateway.get("/public/" + "x" * 15000, method="POST").status == 200


def by_rename(folder: Path, name: str, text: str) -> None:
    (folder / ".draft").write_text(text)
    (folder / ".draft").replace(folder / name)


def in_place(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def by_a_link(folder: Path, name: str, text: str) -> None:
    """As Kubernetes does it: the file is a link through `..data`, which is swapped to another folder."""
    (folder / "..2").mkdir()
    (folder / "..2" / name).write_text(text)
    (folder / "..tmp").symlink_to("..2")
    (folder / "..tmp").replace(folder / "..data")


def linked(folder: Path, name: str) -> None:
    """The same content by another name: the file becomes a link through `..data`."""
    (folder / "..1").mkdir()
    (folder / "..1" / name).write_text((folder / name).read_text())
    (folder / "..data").symlink_to("..1")
    (folder / ".link").symlink_to(f"..data/{name}")
    (folder / ".link").replace(folder / name)


@pytest.mark.parametrize("change", [by_rename, in_place, by_a_link])
def test_a_changed_file_is_noticed(start: Start, upstream: Recorder, change: Callable[[Path, str, str], None]) -> None:
    gateway = start()
    watched = Reloaded(gateway)
    old, times = watched.file.read_text(), 1
    if change is by_a_link:
        linked(watched.folder, "gateway.toml")
        assert "changed=nothing" in watched.says("reloaded")[-1]
        times += 1
    change(watched.folder, "gateway.toml", old.replace("[[routes]]", f"{NEW_ROUTE}[[routes]]", 1))
    assert "changed=routes" in watched.says("reloaded", times=times)[-1]
    assert gateway.get("/new/x").status == 200
    by_rename(watched.folder, "gateway.toml", old)
    watched.says("reloaded", times=times + 1)
    assert gateway.get("/new/x").status == 404


def test_a_changed_file_of_secrets_is_noticed(start: Start) -> None:
    reloaded = with_secrets_file(start)
    reloaded.put("keys", "too short\n")
    assert "key=session.secrets_file" in reloaded.says("reload-refused")[0]
    reloaded.put("keys", f"{NEW}\n")
    assert "changed=session.secrets_file" in reloaded.says("reloaded", times=2)[-1]


def test_a_file_that_rests_is_read_once(start: Start) -> None:
    watched = Reloaded(start())
    os.utime(watched.file)
    watched.says("reloaded")
    time.sleep(2.5)
    assert len(watched.says("reloaded")) == 1
    assert "changed=nothing" in watched.says("reloaded")[0]
