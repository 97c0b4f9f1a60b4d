"""The inspector of gateways that run: several workers, a stream of news, and the first request after a sign-in."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway_process import PASSWORDS, GatewayProcess, configuration
from tests.recorder import Recorder
from tests.wire import Answer, Connection

INSPECTOR = '[inspector]\nenabled = true\nroles = ["admin"]\n'
BROWSER = ("Accept: text/html", "Sec-Fetch-Mode: navigate")
PATIENCE_S = 10.0


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    running = Recorder()
    yield running
    running.stop()


@pytest.fixture(scope="module", params=[1, 3], ids=["one-process", "three-workers"])
def gateway(request, recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    config = configuration(
        {"app": recorder.port, "other": recorder.port},
        server=f"workers = {request.param}",
        extra=INSPECTOR,
        limits={"failed_sign_ins_per_address": 1000},
    )
    running = GatewayProcess(tmp_path_factory.mktemp("inspected"), config)
    yield running
    assert running.stop() == 0  # and looks through the log for every secret (promise 63)


def page(gateway: GatewayProcess, path: str, cookie: str) -> str:
    answer = gateway.get(path, f"Cookie: {cookie}", *BROWSER)
    assert answer.status == 200, answer
    return answer.body.decode()


def until(gateway: GatewayProcess, cookie: str, path: str, *words: str) -> str:
    """The page once it says all of that; news takes a moment to get around."""
    end = time.monotonic() + PATIENCE_S
    while True:
        text = page(gateway, path, cookie)
        if all(word in text for word in words):
            return text
        assert time.monotonic() < end, (words, re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)[-6000:])
        time.sleep(0.05)


def logged(gateway: GatewayProcess, pattern: str) -> None:
    """Wait until the log says so; nothing waits for the log to be written."""
    end = time.monotonic() + PATIENCE_S
    while not re.search(pattern, gateway.log):
        assert time.monotonic() < end, gateway.log[-3000:]
        time.sleep(0.05)


def test_every_worker_shows_what_one_of_them_did(gateway: GatewayProcess) -> None:
    operator = gateway.sign_in("ada")
    gateway.post_sign_in({"username": "bob", "password": "not-the-password-of-bob"}, *BROWSER)
    for _ in range(12):  # each a connection of its own, taken by whichever worker is free
        until(gateway, operator, "/api/auth/inspector", "wrong name or password", "wrong-password")


def test_an_operator_finds_a_flow_by_the_id_that_the_page_and_the_log_have(gateway: GatewayProcess) -> None:
    operator = gateway.sign_in("ada")
    failed = gateway.post_sign_in({"username": "bob", "password": "not-the-password-of-bob"}, *BROWSER)
    code = failed.one("x-request-id")
    logged(gateway, rf"sign-in-failed reason=credentials-wrong .*request={code}")
    gateway.sign_in("ada")  # so that it is not the newest
    end = time.monotonic() + PATIENCE_S
    while (answer := gateway.get(f"/api/auth/inspector?code={code}", f"Cookie: {operator}", *BROWSER)).status != 200:
        assert time.monotonic() < end, answer
    assert f"<code>{code}</code>" in answer.body.decode()
    assert "could not sign in: wrong name or password</h1>" in answer.body.decode()
    assert gateway.get("/api/auth/inspector?code=ffffffffffffffff", f"Cookie: {operator}", *BROWSER).status == 404


def test_the_first_request_after_a_sign_in_is_part_of_it(gateway: GatewayProcess) -> None:
    cookie = gateway.sign_in("ada")
    assert gateway.get("/private/first?token=secret-query-90125", f"Cookie: {cookie}", *BROWSER).status == 200
    text = until(gateway, cookie, "/api/auth/why", "GET /private/first?token=…", "headers set", "X-User-Id")
    assert "sent authjs.session-token back with its next request" in text.replace("\u00a0", " ")
    assert "secret-query-90125" not in text
    for _ in range(8):  # until all workers know
        until(gateway, cookie, "/api/auth/why", "GET /private/first?token=…")
    for _ in range(6):
        gateway.get("/private/second", f"Cookie: {cookie}", *BROWSER)
    assert "/private/second" not in page(gateway, "/api/auth/why", cookie)


def test_a_refusal_after_a_sign_in_is_part_of_it(gateway: GatewayProcess) -> None:
    cookie = gateway.sign_in("bob")
    refused = gateway.get("/admin/users", f"Cookie: {cookie}", *BROWSER)
    assert refused.status == 403
    link = re.search(rb'href="(/api/auth/why\?code=[0-9a-f]{16})"', refused.body)
    noted = "; ".join(line.partition(";")[0] for line in refused.all("set-cookie"))  # the note, and the csrf cookie that it is good beside
    assert link is not None and "auth-gateway.note=" in noted
    words = ("No access", "GET /admin/users", "role-missing", "You signed in as Bob")
    text = until(gateway, f"{cookie}; {noted}", link[1].decode(), *words)
    end = time.monotonic() + PATIENCE_S
    while text.count("GET /admin/users") <= 4:  # the note of its own, and the sign-in that it came after: workers hear of it later
        assert time.monotonic() < end, text
        text = until(gateway, f"{cookie}; {noted}", link[1].decode(), *words)
    assert "sets authjs.csrf-token" in text.replace("\u00a0", " "), "with the note, as the answer did"
    operator = gateway.sign_in("ada")
    code = link[1].decode().partition("=")[2]
    listed = until(gateway, operator, "/api/auth/inspector", '<span class="whom">Bob</span>').split("<li><a ")
    flow = next(re.search(r'href="([^"]+)"', entry)[1] for entry in listed if '<span class="whom">Bob</span>' in entry)
    told = until(gateway, operator, flow, "the rules say", "needs one of admin")
    assert "the rules say" not in text  # which role it is, is for those who run the site
    # The same ids everywhere (promise 65).
    logged(gateway, rf"denied reason=role-missing status=403 .*request={code}")
    assert refused.one("x-gateway-reason") == "role-missing" and "role-missing" in told
    assert "Nothing to tell yet" in gateway.get(link[1].decode(), *BROWSER).body.decode()


class Jar:
    """The cookies of one browser, which signs in by its form."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway
        self.cookies: dict[str, str] = {}

    @property
    def line(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def ask(self, path: str, body: str | None = None) -> Answer:
        """GET, or POST a form."""
        posted = () if body is None else ("Content-Type: application/x-www-form-urlencoded",)
        method = "GET" if body is None else "POST"
        answer = self.gateway.get(path, f"Cookie: {self.line}", *posted, *BROWSER, method=method, body=(body or "").encode())
        for line in answer.all("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies.pop(name, None)
            if "Max-Age=0;" not in line:
                self.cookies[name] = value
        return answer

    def sign_in(self, path: str) -> Answer:
        """Ask for a page, follow to the sign-in, and send its form as ADA."""
        form = self.ask(self.ask(path).one("location") or "")
        fields = dict(re.findall(r'name="(csrfToken|returnTo)" value="([^"]+)"', form.body.decode()))
        posted = {**fields, "username": "ada", "password": PASSWORDS["ada"]}
        answer = self.ask("/api/auth/callback/credentials", "&".join(f"{name}={value}" for name, value in posted.items()))
        self.gateway.secrets |= {*fields.values(), *(value for value in self.cookies.values() if len(value) > 20)}
        return answer


def test_a_redirect_to_the_sign_in_is_where_the_story_begins(gateway: GatewayProcess) -> None:
    jar = Jar(gateway)
    jar.sign_in("/private/report?x=1")
    text = until(gateway, jar.line, "/api/auth/why", "session-missing")
    order = [
        "GET /private/report?x=…", "302 → /api/auth/signin", "GET /api/auth/signin", "200 the sign-in page", "POST /api/auth/callback/credentials",
    ]  # fmt: skip
    steps = text[text.index('<ol class="steps">') :]
    places = [steps.index(title) for title in order]
    assert places == sorted(places)
    assert not [secret for secret in gateway.secrets if secret in text]


def test_a_session_cookie_that_does_not_come_back_is_told(gateway: GatewayProcess) -> None:
    """The loop that people see most: the sign-in is good, and the browser shows it again."""
    jar = Jar(gateway)
    jar.sign_in("/private/report")
    for _ in range(12):  # until all workers know of the sign-in: who does not can't add to it
        until(gateway, jar.line, "/api/auth/why", "You signed in as Ada Lovelace")
    del jar.cookies["authjs.session-token"]
    again = jar.ask("/private/report")
    assert again.status == 302
    jar.ask(again.one("location") or "")
    text = until(gateway, jar.line, "/api/auth/why", "You signed in as Ada Lovelace, and the session cookie did not come back")
    assert text.count("session-missing") >= 2  # where the story began, and where it was again
    assert "did not send authjs.session-token back" in text
    assert "did not come" in text[text.index('<ol class="steps">') :]
    assert '<header class="verdict bad">' in text  # nobody is helped by a green page that says that all is well
    of_all = until(gateway, gateway.sign_in("ada"), "/api/auth/inspector", "signed in, cookie lost")
    assert not [secret for secret in gateway.secrets if secret in text + of_all]


def test_a_tab_that_was_overtaken_by_the_sign_in_of_another_has_lost_nothing(gateway: GatewayProcess) -> None:
    """Its request went out before the cookie was there, and the redirect that it follows brings the cookie along."""
    jar = Jar(gateway)
    jar.sign_in("/private/report")
    session = jar.cookies.pop("authjs.session-token")
    late = jar.ask("/private/other")
    jar.cookies["authjs.session-token"] = session
    jar.ask(late.one("location") or "")
    jar.ask("/private/report")
    text = until(gateway, jar.line, "/api/auth/why", "back with its next request")
    assert "The browser sent authjs.session-token back" in text
    assert "and were sent to /private/report" in text
    assert "/private/other" not in text


class TestNews:
    def stream(self, gateway: GatewayProcess, cookie: str) -> Connection:
        connection = gateway.connect()
        connection.send(
            f"GET /api/auth/inspector/live HTTP/1.1\r\nHost: {gateway.host}\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        answer = connection.head()
        assert answer.status == 200
        assert answer.one("content-type") == "text/event-stream"
        assert "no-store" in answer.one("cache-control")
        connection.reader.until(b"event: hello\ndata: 1\n\n")
        return connection

    def test_a_page_that_watches_hears_of_each_sign_in_and_of_nothing_else(self, gateway: GatewayProcess) -> None:
        with self.stream(gateway, gateway.sign_in("ada")) as connection:
            gateway.sign_in("bob")
            heard = connection.reader.until(b"event: changed\ndata: 1\n\n")
        assert not [secret for secret in gateway.secrets if secret.encode() in heard]
        assert not {b"bob", b"Bob"} & set(heard.split())

    def test_the_news_ends_with_the_session_that_listens(self, gateway: GatewayProcess) -> None:
        cookie = gateway.sign_in("ada")
        with self.stream(gateway, cookie) as connection:
            token, csrf = gateway.csrf()
            gateway.get(
                "/api/auth/signout",
                *("Content-Type: application/x-www-form-urlencoded", f"Cookie: {csrf}; {cookie}"),
                method="POST",
                body=f"csrfToken={token}".encode(),
            )
            assert b"event: ended" in connection.reader.to_the_end()

    def test_who_may_not_look_hears_nothing(self, gateway: GatewayProcess) -> None:
        for cookie, status in ((gateway.sign_in("bob"), 403), ("", 401)):
            answer = gateway.get("/api/auth/inspector/live", f"Cookie: {cookie}")
            assert (answer.status, answer.one("content-type")) == (status, "application/json")


def test_a_page_that_watches_does_not_hold_up_the_end(recorder: Recorder, tmp_path: Path) -> None:
    gateway = GatewayProcess(
        tmp_path, configuration({"app": recorder.port, "other": recorder.port}, extra=INSPECTOR, limits={"drain": "40s"})
    )
    with TestNews().stream(gateway, gateway.sign_in("ada")) as connection:
        began = time.monotonic()
        gateway.signal()
        connection.reader.to_the_end()
        assert gateway.wait() == 0
    assert time.monotonic() - began < 30  # it would be the drain limit
    gateway.check_log()


def test_a_worker_that_starts_later_knows_what_was_before(recorder: Recorder, tmp_path: Path) -> None:
    config = configuration({"app": recorder.port, "other": recorder.port}, server="workers = 2", extra=INSPECTOR)
    gateway = GatewayProcess(tmp_path, config)
    cookie = gateway.sign_in("ada")
    until(gateway, cookie, "/api/auth/inspector", "Ada Lovelace signed in")
    for slot in range(2):
        pids = re.findall(rf"worker-ready slot={slot} pid=(\d+)", gateway.log)
        os.kill(int(pids[-1]), signal.SIGKILL)
        logged(gateway, rf"worker-ready slot={slot} pid=(?!{pids[-1]}\b)\d+")
    for _ in range(6):
        until(gateway, cookie, "/api/auth/inspector", "Ada Lovelace signed in")
    assert gateway.stop() == 0


def test_a_reload_that_switches_it_off_forgets_everything(recorder: Recorder, tmp_path: Path) -> None:
    on = configuration({"app": recorder.port, "other": recorder.port}, server="workers = 2", extra=INSPECTOR)
    gateway = GatewayProcess(tmp_path, on)
    cookie = gateway.sign_in("ada")
    until(gateway, cookie, "/api/auth/inspector", "Ada Lovelace")
    (tmp_path / "gateway.toml").write_text(on.replace(INSPECTOR, ""))
    gateway.signal(1)
    end = time.monotonic() + PATIENCE_S
    while {gateway.get("/api/auth/inspector", f"Cookie: {cookie}", *BROWSER).status for _ in range(4)} != {404}:
        assert time.monotonic() < end, gateway.log
        time.sleep(0.1)
    (tmp_path / "gateway.toml").write_text(on)
    gateway.signal(1)
    end = time.monotonic() + PATIENCE_S
    while {gateway.get("/api/auth/inspector", f"Cookie: {cookie}", *BROWSER).status for _ in range(6)} != {200}:
        assert time.monotonic() < end, gateway.log
        time.sleep(0.1)
    assert "No sign-in yet" in page(gateway, "/api/auth/inspector", cookie)
    assert gateway.stop() == 0


@pytest.mark.parametrize("name", ["authjs.session-token", "authjs.session-token.0", "authjs.csrf-token", "authjs.callback-url"])
def test_a_cookie_that_is_no_text_is_as_good_as_none(name: str, gateway: GatewayProcess) -> None:
    """Promise 41: a sibling domain can put any bytes there, and nobody could sign in or out any more."""
    for start in (
        "GET /private/x",
        "GET /api/auth/signin",
        "GET /api/auth/why",
        "POST /api/auth/callback/credentials",
        "POST /api/auth/signout",
    ):
        head = f"{start} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nAccept: text/html\r\nContent-Length: 0\r\nCookie: {name}="
        answer = gateway.raw(head.encode() + b"\xff\xfe%ff\r\n\r\n")
        assert b"200" <= answer[9:12] < b"500", (start, answer[:300])
