"""What sign-outs, callbacks and Auth.js in the app mean for the traffic, from outside: replicas, a store that is away, both lanes."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway_process import GatewayProcess, configuration
from tests.recorder import Recorder
from tests.wire import Answer

STORED = '[store]\nurl = "sqlite:///{file}"\n'
CALLBACKS = '''
from pathlib import Path

HERE = Path(__file__).parent

def jwt(*, token, trigger, session):
    """What the file says."""
    with (HERE / "asked").open("a") as asked:
        asked.write(f"{trigger}\\n")
    said = (HERE / "verdict").read_text() if (HERE / "verdict").exists() else ""
    if said == "raise":
        raise RuntimeError("a secret of the callback")
    if said == "end":
        return None
    token["roles"] = [said] if said else []
    if trigger == "update" and isinstance(session, dict):
        token["department"] = str(session.get("department"))
    return token

def session(*, session, token):
    session["user"]["roles"] = token["roles"]
    return session
'''


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.05)


@pytest.fixture
def make(tmp_path: Path, upstreams) -> Iterator[Callable[..., GatewayProcess]]:
    """Start a gateway; `told` lets the app have the session cookie, `callbacks` is the text of a module."""
    running: list[GatewayProcess] = []

    def started(
        name: str = "gateway", *, told: bool = False, callbacks: str = "", session: str = "", server: str = "", extra: str = ""
    ) -> GatewayProcess:
        folder = tmp_path / name
        folder.mkdir()
        if callbacks:
            (folder / "my_callbacks.py").write_text(callbacks)
            extra += '\n[callbacks]\nmodule = "my_callbacks"\n'
        config = configuration(
            {"app": upstreams["app"].port, "other": upstreams["other"].port}, session=session, server=server, extra=extra
        )
        if told:
            config = config.replace('name = "app"', 'name = "app"\nsession_cookie = true')
        running.append(GatewayProcess(folder, config))
        return running[-1]

    yield started
    for gateway in running:
        assert gateway.stop() == 0


def sign_out(gateway: GatewayProcess, cookie: str) -> Answer:
    token, csrf = gateway.csrf()
    lines = ("Content-Type: application/x-www-form-urlencoded", f"Cookie: {csrf}; {cookie}", f"Origin: {gateway.origin}")
    return gateway.get("/api/auth/signout", *lines, method="POST", body=f"csrfToken={token}".encode())


def ask(gateway: GatewayProcess, cookie: str, path: str = "/private/x") -> Answer:
    return gateway.get(path, f"Cookie: {cookie}", "Accept: application/json")


def reason(answer: Answer) -> str | None:
    return next(iter(answer.all("x-gateway-reason")), None)


def test_a_copied_cookie_is_dead_as_soon_as_its_owner_has_signed_out(make, upstream: Recorder):
    """Promise 38, in both lanes: the express lane had learned the session."""
    gateway = make()
    ada, bob = gateway.sign_in("ada"), gateway.sign_in("bob")
    assert [ask(gateway, ada).status for _ in range(3)] == [200, 200, 200]
    assert sign_out(gateway, ada).status == 302
    for _ in range(3):
        answer = ask(gateway, ada)
        assert (answer.status, reason(answer)) == (401, "session-revoked")
    assert ask(gateway, bob).status == 200


def test_a_late_answer_cannot_bring_the_session_back(make):
    """The race of `GET session` with a sign-out: whatever token that answer carries belongs to the same sign-in."""
    gateway = make(session='update_age = "0s"')
    ada = gateway.sign_in("ada")
    time.sleep(1.1)  # tokens tell whole seconds
    late = gateway.get("/api/auth/session", f"Cookie: {ada}")
    renewed = "; ".join(line.partition(";")[0] for line in late.all("set-cookie") if "Max-Age=0" not in line)
    gateway.secrets.add(renewed.partition("=")[2])
    assert renewed and renewed != ada
    sign_out(gateway, ada)
    again = gateway.get("/api/auth/session", f"Cookie: {renewed}")
    assert (again.status, json.loads(again.body)) == (200, None)
    assert again.all("set-cookie") == []  # it may be late itself, and the browser may have signed in anew
    assert reason(ask(gateway, renewed)) == "session-revoked"


def test_signing_in_anew_ends_the_session_that_the_browser_had(make):
    """Promise 37."""
    gateway = make()
    before = gateway.sign_in("bob")
    token, csrf = gateway.csrf()
    lines = ("Content-Type: application/x-www-form-urlencoded", f"Cookie: {csrf}; {before}")
    body = f"csrfToken={token}&username=ada&password=lovelace-1815-difference".encode()
    answer = gateway.get("/api/auth/callback/credentials", *lines, method="POST", body=body)
    gateway.secrets |= {line.partition(";")[0].partition("=")[2] for line in answer.all("set-cookie") if "Max-Age=0" not in line}
    assert (answer.status, reason(ask(gateway, before))) == (302, "session-revoked")


def test_all_workers_refuse_and_so_does_one_that_starts_later(make):
    """Promise 38, without a store: the workers of one gateway tell each other, and a new one is told all of it."""
    gateway = make(server="workers = 2")
    ada, bob = gateway.sign_in("ada"), gateway.sign_in("bob")
    assert {ask(gateway, ada).status for _ in range(12)} == {200}
    sign_out(gateway, ada)
    eventually(lambda: {ask(gateway, ada).status for _ in range(12)} == {401})
    workers = re.findall(r"worker-ready slot=\d+ pid=(\d+)", gateway.log)
    for count, pid in enumerate(workers, len(workers) + 1):  # one after the other: nobody who heard of it is left
        os.kill(int(pid), signal.SIGKILL)
        eventually(lambda count=count: gateway.log.count("worker-ready") >= count)
    answers = [ask(gateway, ada) for _ in range(12)]
    assert {(answer.status, reason(answer)) for answer in answers} == {(401, "session-revoked")}
    assert ask(gateway, bob).status == 200


def test_another_replica_refuses_within_seconds_and_a_restart_forgets_nothing(make, tmp_path: Path, upstream: Recorder):
    """Promise 38, with two replicas on one store; the second had the session in its express lane."""
    extra = STORED.format(file=tmp_path / "shared.db")
    one, two = make("one", extra=extra), make("two", extra=extra)
    ada, bob = one.sign_in("ada"), one.sign_in("bob")
    assert [ask(two, ada).status for _ in range(3)] == [200, 200, 200]
    sign_out(one, ada)
    eventually(lambda: ask(two, ada).status == 401, 5)
    assert ask(two, bob).status == 200
    assert reason(ask(make("three", extra=extra), ada)) == "session-revoked"


def test_while_the_store_is_away_sessions_are_refused_and_the_rest_goes_on(make, tmp_path: Path, upstream: Recorder):
    """The fault matrix: 503, not a sign-in loop; public routes work; it recovers alone."""
    file = tmp_path / "shared.db"
    gateway = make(extra=STORED.format(file=file))
    ada = gateway.sign_in("ada")
    assert ask(gateway, ada).status == 200
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("begin exclusive")
    eventually(lambda: ask(gateway, ada).status == 503)
    answer = ask(gateway, ada)
    assert (answer.status, reason(answer)) == (503, "session-store-unavailable")
    assert gateway.get("/private/x", f"Cookie: {ada}", "Accept: text/html").status == 503
    assert ask(gateway, ada, "/public/x").status == 200
    assert ask(gateway, "theme=dark").status == 401
    shown = gateway.get("/api/auth/session", f"Cookie: {ada}")
    assert (shown.status, json.loads(shown.body), shown.all("set-cookie")) == (200, None, [])
    other.execute("rollback")
    other.close()
    eventually(lambda: ask(gateway, ada).status == 200)


def test_a_reload_forgets_no_sign_out_and_cannot_change_where_they_are_kept(make, tmp_path: Path):
    gateway = make(extra=STORED.format(file=tmp_path / "one.db"))
    ada = gateway.sign_in("ada")
    sign_out(gateway, ada)
    file = tmp_path / "gateway" / "gateway.toml"
    text = file.read_text()
    file.write_text(text.replace("[limits]", '[limits]\ndrain = "20s"'))
    gateway.signal(signal.SIGHUP)
    eventually(lambda: "reloaded changed=limits.drain" in gateway.log)
    assert reason(ask(gateway, ada)) == "session-revoked"
    file.write_text(text.replace("one.db", "two.db"))
    gateway.signal(signal.SIGHUP)
    eventually(lambda: "reload-refused key=store.url" in gateway.log)
    assert reason(ask(gateway, ada)) == "session-revoked"


def test_an_app_with_authjs_of_its_own_is_handed_the_session_and_nothing_else_of_ours(make, upstream: Recorder):
    gateway = make(told=True)
    ada = gateway.sign_in("ada")
    _, csrf = gateway.csrf()
    sent = f"theme=dark; {csrf}; {ada}; authjs.session-token.7=old; authjs.callback-url=x; tail=1"
    for _ in range(3):
        upstream.reset()
        assert ask(gateway, sent).status == 200
        assert upstream.only().one("cookie") == f"theme=dark; tail=1; {ada}"
    upstream.reset()
    assert ask(gateway, sent, "/public/x").status == 200
    assert upstream.only().one("cookie") == "theme=dark; tail=1"


def test_other_apps_are_not(make, upstream: Recorder):
    gateway = make()
    assert ask(gateway, f"theme=dark; {gateway.sign_in('ada')}").status == 200
    assert upstream.only().one("cookie") == "theme=dark"


class TestRenewal:
    """The `jwt` callback of requests to the app: asked when the token is due, before the app is told anything."""

    @pytest.fixture
    def gateway(self, make) -> GatewayProcess:
        return make(callbacks=CALLBACKS, session='update_age = "1s"')

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "gateway"

    @pytest.fixture
    def ada(self, gateway: GatewayProcess) -> str:
        cookie = gateway.sign_in("ada")
        time.sleep(1.1)
        return cookie

    def test_what_it_gives_is_judged_and_told_at_once(self, gateway, folder, ada, upstream: Recorder):
        (folder / "verdict").write_text("auditor")
        answer = ask(gateway, ada)
        renewed = [line for line in answer.all("set-cookie") if "session-token" in line and "Max-Age=0" not in line]
        gateway.secrets |= {line.partition(";")[0].partition("=")[2] for line in renewed}
        assert (answer.status, len(renewed)) == (200, 1)
        assert upstream.only().one("x-user-roles") == "auditor"

    def test_a_role_that_it_takes_away_is_gone(self, gateway, folder, ada):
        answer = ask(gateway, ada, "/admin/x")
        assert (answer.status, reason(answer)) == (403, "role-missing")

    def test_none_ends_the_session_for_all_its_tokens(self, gateway, folder, ada):
        (folder / "verdict").write_text("end")
        assert reason(ask(gateway, ada)) == "session-ended"
        (folder / "verdict").write_text("auditor")
        assert reason(ask(gateway, ada)) == "session-revoked"

    def test_one_that_raises_is_a_503_and_shows_nothing(self, gateway, folder, ada, upstream: Recorder):
        (folder / "verdict").write_text("raise")
        answer = ask(gateway, ada)
        assert (answer.status, reason(answer)) == (503, "callback-failed")
        assert upstream.requests == []
        assert "a secret of the callback" not in answer.body.decode() + gateway.log
        line = r"callback-failed callback=jwt module=my_callbacks error=RuntimeError where='my_callbacks.py:\d+"
        eventually(lambda: re.search(line, gateway.log) is not None)  # nobody waits for the log to be written
        assert "a secret of the callback" not in gateway.log
        (folder / "verdict").write_text("")
        assert ask(gateway, ada).status == 200

    def test_a_token_that_is_not_due_asks_nobody(self, make, folder):
        gateway = make(callbacks=CALLBACKS)
        cookie = gateway.sign_in("ada")
        assert [ask(gateway, cookie).status for _ in range(2)] == [200, 200]
        assert (folder / "asked").read_text() == "signIn\n"

    def test_an_update_reaches_the_app(self, gateway, folder, upstream: Recorder):
        cookie = gateway.sign_in("ada")
        token, csrf = gateway.csrf()
        body = json.dumps({"csrfToken": token, "data": {"department": "looms"}}).encode()
        answer = gateway.get("/api/auth/session", "Content-Type: application/json", f"Cookie: {csrf}; {cookie}", method="POST", body=body)
        renewed = next(line.partition(";")[0] for line in answer.all("set-cookie") if "Max-Age=0" not in line)
        gateway.secrets.add(renewed.partition("=")[2])
        assert (answer.status, json.loads(answer.body)["user"]["roles"]) == (200, [])
        assert ask(gateway, renewed).status == 200
        assert upstream.only().one("x-department") == "looms"
