"""Programs as clients: tokens that the gateway issued, and name and password; on a running gateway, from the command that issues one on."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import gateway as command
from gateway.tokens.sql_tokens import Issued, SqlTokens
from gateway.tokens.token import digest_of, new_token
from tests.gateway_process import ORIGIN, PASSWORDS, USERS, GatewayProcess, configuration
from tests.recorder import Recorder
from tests.wire import Answer

ROUTES = """
[[routes]]
path = "/public/**"
access = "public"
upstream = "app"
[[routes]]
path = "/kept/**"
access = "signed-in"
upstream = "app"
[[routes]]
path = "/wire/**"
access = "signed-in"
accepts = ["bearer"]
upstream = "app"
[[routes]]
path = "/feed/**"
access = "optional"
accepts = ["session", "bearer"]
upstream = "app"
[[routes]]
path = "/files/**"
access = "signed-in"
accepts = ["basic"]
upstream = "app"
[[routes]]
path = "/admin/**"
access = "signed-in"
accepts = ["session", "bearer", "basic"]
roles = ["admin"]
upstream = "app"
[[routes]]
path = "/**"
access = "signed-in"
accepts = ["session", "bearer", "basic"]
upstream = "app"
"""
CLEO = '[users.cleo]\npassword = "*"\nname = "Cleo"\n'
HANDSHAKE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")


@pytest.fixture(scope="module", params=["express", "general"])
def door(request, tmp_path_factory: pytest.TempPathFactory, upstreams: Mapping[str, Recorder]) -> Iterator[GatewayProcess]:
    """A gateway that takes all there is, with the express lane and without it."""
    config = configuration({"app": upstreams["app"].port}, routes=ROUTES, server=f"express = {str(request.param == 'express').lower()}")
    users = USERS.replace('name = "Bob"', 'name = "Bob"\nid = "b-0b"') + CLEO.replace('"*"', f'"{USERS.split(chr(34))[1]}"')
    gateway = GatewayProcess(tmp_path_factory.mktemp("machines"), config, users=users)
    yield gateway
    assert gateway.stop() == 0


def run(door: GatewayProcess, *arguments: str, code: int = 0) -> dict:
    """A command on the gateway's own configuration."""
    folder = door.log_file.parent
    done = CliRunner().invoke(command, [*arguments, "--json", "-c", str(folder / "gateway.toml")])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def token(door: GatewayProcess, *scopes: str, user: str = "ada") -> str:
    """A fresh one, as a `gateway tokens new` gives it."""
    made = run(door, "tokens", "new", "--user", user, *(part for scope in scopes for part in ("--scope", scope)))["token"]
    door.secrets.add(made)
    return made


def bearer(text: str) -> str:
    return f"Authorization: Bearer {text}"


def basic(name: str, password: str | None = None) -> str:
    return f"Authorization: Basic {base64.b64encode(f'{name}:{PASSWORDS[name] if password is None else password}'.encode()).decode()}"


@pytest.fixture(scope="module")
def adas(door: GatewayProcess) -> str:
    return token(door)


def test_a_token_says_who_it_is_as_a_session_does_and_nothing_comes_back(door: GatewayProcess, upstream: Recorder, adas: str) -> None:
    cookie = f"Cookie: {door.sign_in('ada')}"
    told = []
    for line in (cookie, bearer(adas), bearer(adas).replace("Bearer", "bEARER"), basic("ada")):
        for _ in range(2):
            upstream.reset()
            answer = door.get("/x", line)
            assert answer.status == 200, answer
            assert (answer.one("set-cookie"), "private" in (answer.one("cache-control") or "")) == (None, True)
            request = upstream.only()
            assert request.all("authorization") == request.all("cookie") == []
            told.append(
                {
                    name: request.all(name)
                    for name in ("x-user-id", "x-user-roles", "x-department", "x-forwarded-user", "x-forwarded-groups")
                }
            )
    assert (told[0]["x-user-id"], told[0]["x-department"]) == (["ada"], ["engines"])
    assert all(each == told[0] for each in told)


#: Scopes, method and target, and what comes of it.
SCOPES = [
    ((), "GET /x", 200),
    (("/**",), "DELETE /x", 200),
    (("/reports/**",), "GET /reports", 200),
    (("/reports/**",), "POST /reports/7", 200),
    (("/reports/**",), "GET /reports-old", 403),
    (("/reports/**",), "GET /x", 403),
    (("GET /reports/**",), "GET /reports/7", 200),
    (("GET /reports/**",), "HEAD /reports/7", 403),
    (("GET,HEAD /reports/**",), "HEAD /reports/7", 200),
    (("GET /reports/**", "POST /jobs"), "POST /jobs", 200),
    (("GET /reports/**", "POST /jobs"), "POST /reports/7", 403),
    (("gateway.test/reports/**",), "GET /reports/7", 200),
    (("other.test/reports/**",), "GET /reports/7", 403),
    (("/admin/**",), "GET /%61dmin/x", 200),
    (("/reports/**",), "GET /feed/x", 403),
]


@pytest.fixture(scope="module")
def scoped(door: GatewayProcess) -> dict[tuple[str, ...], str]:
    return {scopes: token(door, *scopes) for scopes in {row[0] for row in SCOPES}}


@pytest.mark.parametrize(("scopes", "request_line", "status"), SCOPES, ids=str)
def test_a_token_is_good_for_what_its_scopes_say(scopes, request_line, status, door, upstream, scoped) -> None:
    method, _, target = request_line.partition(" ")
    answer = door.get(target, bearer(scoped[scopes]), method=method) if method != "HEAD" else head(door, target, bearer(scoped[scopes]))
    assert answer.status == status, answer
    if status == 403:
        assert answer.reason == "scope-missing"
        assert 'error="insufficient_scope"' in answer.one("www-authenticate")
        assert upstream.requests == []


def head(door: GatewayProcess, target: str, *lines: str) -> Answer:
    with door.connect() as connection:
        connection.send("\r\n".join([f"HEAD {target} HTTP/1.1", f"Host: {door.host}", *lines, "", ""]).encode())
        return connection.answer("HEAD")


def test_a_role_that_its_user_lacks_is_not_in_a_token(door: GatewayProcess, upstream: Recorder) -> None:
    assert door.get("/admin/x", bearer(token(door))).status == 200
    answer = door.get("/admin/x", bearer(token(door, "/**", user="b-0b")))
    assert (answer.status, answer.reason) == (403, "role-missing")


def broken(door: GatewayProcess, adas: str) -> dict[str, str]:
    now = datetime.now(UTC).replace(microsecond=0)
    expired = new_token()
    issued = Issued(
        digest=digest_of(expired), user_id="ada", provider="credentials", attributes={}, name="", scopes=(), created_at=now,
        expires_at=now - timedelta(seconds=1),
    )  # fmt: skip
    gone = new_token()
    nobody = Issued(
        digest=digest_of(gone), user_id="nobody", provider="credentials", attributes={}, name="", scopes=(), created_at=now,
        expires_at=now + timedelta(days=1),
    )  # fmt: skip

    async def add() -> None:
        store = SqlTokens(f"sqlite:///{door.log_file.parent}/gateway.db", time_limit_s=5)
        await store.add(issued)
        await store.add(nobody)
        await store.close()

    asyncio.run(add())
    return {
        "token-malformed": adas[:-1] + ("A" if adas[-1] != "A" else "B"),
        "token-unknown": new_token(),
        "token-expired": expired,
        "token-user-missing": gone,
    }


@pytest.mark.parametrize("target", ["/x", "/wire/x", "/feed/x"])
def test_a_bad_token_is_a_401_that_says_why_whatever_the_cookie_says(
    target: str, door: GatewayProcess, upstream: Recorder, adas: str
) -> None:
    """Who shows a token means it: a good cookie beside it helps nobody, and on a route that is open to everybody it is an error, too."""
    cookie = f"Cookie: {door.sign_in('ada')}"
    for reason, text in broken(door, adas).items():
        for lines in ((), (cookie,), ("Accept: text/html",)):
            answer = door.get(target, bearer(text), *lines)
            assert (answer.status, answer.reason) == (401, reason), answer
            assert f'error="invalid_token", error_description="{reason}"' in answer.all("www-authenticate")[0]
    assert upstream.requests == []


def test_with_a_session_and_a_token_the_token_decides(door: GatewayProcess, upstream: Recorder, adas: str) -> None:
    cookie = f"Cookie: {door.sign_in('bob')}; theme=dark"
    assert door.get("/x", cookie, bearer(adas)).status == 200
    assert (upstream.requests[-1].all("x-user-id"), upstream.requests[-1].all("cookie")) == (["ada"], ["theme=dark"])
    assert door.get("/kept/x", cookie, bearer(adas)).status == 200, "a route for sessions alone looks at no token"
    assert upstream.requests[-1].all("x-user-id") == ["b-0b"]


def as_passwords(token: str) -> list[str]:
    """As git and other programs send a token that is put into an address."""
    return [basic(*login).partition(": ")[2] for login in (("x", token), (token, "x-oauth-basic"), (token, ""))]


def test_a_token_never_reaches_an_app_on_any_route_and_another_makers_does(door: GatewayProcess, upstream: Recorder, adas: str) -> None:
    cookie = f"Cookie: {door.sign_in('ada')}"
    for target in ("/public/x", "/kept/x", "/feed/x", "/x"):
        assert door.get(target, cookie, bearer(adas)).status == 200
        assert upstream.requests[-1].all("authorization") == [], target
        for form in (f"Token {adas}", f"Bearer\t{adas}", f"Bearer x,{adas}", f"Digest username={adas}", *as_passwords(adas)):
            assert door.get("/public/x", f"Authorization: {form}").status == 200
            assert upstream.requests[-1].all("authorization") == [], form
        assert door.get(target, cookie, "Authorization: Bearer of-the-app").status == 200
        assert upstream.requests[-1].all("authorization") == ["Bearer of-the-app"], target
    for target in ("/public/x", "/kept/x", "/feed/x"):
        assert door.get(target, cookie, basic("ada")).status == 200
        assert upstream.requests[-1].all("authorization") == [basic("ada").partition(": ")[2]], "a password that the route does not take"


def test_two_credentials_are_none(door: GatewayProcess, upstream: Recorder, adas: str) -> None:
    for lines in ((bearer(adas), bearer(adas)), (bearer(adas), "Authorization: Digest x"), (basic("ada"), bearer(adas))):
        answer = door.get("/x", *lines)
        assert (answer.status, answer.reason) == (401, "authorization-malformed"), answer
    assert upstream.requests == []


def test_a_revoked_token_is_refused_within_five_seconds(door: GatewayProcess, upstream: Recorder) -> None:
    """Promise 38."""
    made = run(door, "tokens", "new", "--user", "ada", "--name", "to be revoked")
    door.secrets.add(made["token"])
    assert door.get("/x", bearer(made["token"])).status == 200
    assert run(door, "tokens", "revoke", made["id"]) == {"revoked": [made["id"]], "ended": 1, "missing": [], "store_not_told": None}
    revoked = time.monotonic()
    while (answer := door.get("/x", bearer(made["token"]))).status == 200 and time.monotonic() - revoked < 10:
        time.sleep(0.1)
    assert (answer.status, answer.reason) == (401, "token-revoked")
    assert {row["id"]: row["state"] for row in run(door, "tokens", "list")}[made["id"]] == "revoked"


def test_a_token_of_a_disabled_user_is_no_good(door: GatewayProcess, upstream: Recorder) -> None:
    cleos = token(door, user="cleo")
    folder = door.log_file.parent
    disabled = CliRunner().invoke(command, ["users", "disable", "cleo", "-c", str(folder / "gateway.toml")])
    assert disabled.exit_code == 0, disabled.output
    assert door.get("/x", bearer(cleos)).reason == "token-user-missing"


MALFORMED = ["Basic", "Basic ", "Basic !!!", "Basic YWRh", f"Basic {base64.b64encode(bytes([0xFF, 0x3A])).decode()}", "Basic YWRh OmI="]


@pytest.mark.parametrize("value", MALFORMED)
def test_a_password_that_can_not_be_read_is_a_401(value: str, door: GatewayProcess, upstream: Recorder) -> None:
    answer = door.get("/files/x", f"Authorization: {value}")
    assert (answer.status, answer.reason) in ((401, "authorization-malformed"), (401, "authorization-missing")), answer
    assert answer.all("www-authenticate") == ['Basic realm="gateway.test", charset="UTF-8"']
    assert upstream.requests == []


PAGE, SCRIPT = "Accept: text/html", "Sec-Fetch-Mode: cors"
BEARER, BASIC = 'Bearer realm="gateway.test"', 'Basic realm="gateway.test", charset="UTF-8"'


@pytest.mark.parametrize(
    ("target", "lines", "status", "challenges"),
    [
        ("/kept/x", (SCRIPT,), 401, []),
        ("/wire/x", (), 401, [BEARER]),
        ("/wire/x", (PAGE,), 401, [BEARER]),
        ("/files/x", (PAGE,), 401, [BASIC]),
        ("/files/x", (SCRIPT,), 401, [BASIC]),
        ("/x", (), 401, [BEARER, BASIC]),
        ("/x", (PAGE,), 302, []),
        ("/x", (SCRIPT,), 401, [BEARER]),
    ],
    ids=str,
)
def test_a_401_says_what_the_route_takes(target, lines, status, challenges, door, upstream) -> None:
    """No browser opens its own password dialog over a page that has a sign-in form."""
    answer = door.get(target, *lines)
    assert (answer.status, answer.all("www-authenticate")) == (status, challenges), answer


def test_no_other_site_can_send_a_form_with_a_password_that_a_browser_remembers(
    door: GatewayProcess, upstream: Recorder, adas: str
) -> None:
    """A browser adds Basic to requests of any site, and no SameSite holds it back: only Origin tells. A Bearer is never added."""
    for origin, status in (("https://evil.test", 403), ("null", 403), (ORIGIN, 200), (None, 200)):
        lines = [f"Origin: {origin}"] if origin else []
        assert door.get("/files/x", basic("ada"), *lines, method="POST").status == status, origin
        assert door.get("/files/x", basic("ada"), *lines).status == 200
        assert door.get("/wire/x", bearer(adas), *lines, method="POST").status == 200


@pytest.mark.parametrize(("lines", "status"), [((), 101), ((f"Origin: {ORIGIN}",), 101), (("Origin: https://evil.test",), 403)])
def test_a_program_opens_a_websocket_without_an_origin(lines, status, door: GatewayProcess, upstream: Recorder, adas: str) -> None:
    upstream.script = lambda exchange: exchange.send(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
    )
    with door.connect() as connection:
        connection.send("\r\n".join(["GET /wire/x HTTP/1.1", f"Host: {door.host}", bearer(adas), *HANDSHAKE, *lines, "", ""]).encode())
        assert connection.answer("GET").status == status


def test_explain_says_the_same(door: GatewayProcess, adas: str) -> None:
    told = run(door, "explain", "/x", "--header", bearer(adas))
    assert (told["decision"], told["reason"], told["headers_set"]["X-User-Id"]) == ("allow", "token-accepted", "ada")
    assert "Authorization" in told["headers_removed"]
    assert adas not in json.dumps(told)
    assert run(door, "explain", "/x", "--header", basic("ada"))["reason"] == "password-accepted"
    assert run(door, "explain", "/x", "--header", bearer(new_token()), code=1)["reason"] == "token-unknown"
    assert run(door, "explain", "/wire/x", code=1)["reason"] == "authorization-missing"


def test_failed_passwords_count_as_failed_sign_ins_and_a_remembered_one_is_forgotten_at_a_reload(
    tmp_path: Path, upstreams: Mapping[str, Recorder], upstream: Recorder
) -> None:
    """Promises 45 and 46; what is remembered saves a hash, and not for ever."""
    config = configuration(
        {"app": upstreams["app"].port}, routes=ROUTES, limits={"failed_sign_ins_per_address": 3}
    )  # fmt: skip
    gateway = GatewayProcess(tmp_path, config)
    try:
        assert gateway.get("/files/x", basic("ada")).status == 200
        assert gateway.post_sign_in({"username": "ada", "password": "wrong"}).reason == "credentials-wrong"
        for name in ("ada", "nobody"):
            answer = gateway.get("/files/x", basic(name, "wrong"))
            assert (answer.status, answer.reason) == (401, "credentials-wrong")
        answer = gateway.get("/files/x", basic("bob"))
        assert (answer.status, answer.reason) == (429, "sign-in-limited")
        assert int(answer.one("retry-after")) > 200
        assert gateway.get("/files/x", basic("ada")).status == 200, "remembered: no try, so no limit"
        assert gateway.post_sign_in({"username": "ada", "password": PASSWORDS["ada"]}).status == 429, "the form and Basic share one book"
        (tmp_path / "gateway.toml").write_text(config + "\n")
        until = time.monotonic() + 20
        while "reloaded" not in gateway.log and time.monotonic() < until:
            time.sleep(0.1)
        assert gateway.get("/files/x", basic("ada")).reason == "sign-in-limited", "forgotten: it has to be tried again"
    finally:
        assert gateway.stop() == 0


def test_guessing_tokens_costs_the_store_little_and_those_that_are_known_go_on(
    tmp_path: Path, upstreams: Mapping[str, Recorder], upstream: Recorder
) -> None:
    gateway = GatewayProcess(tmp_path, configuration({"app": upstreams["app"].port}, routes=ROUTES))
    try:
        good = token(gateway)
        assert gateway.get("/wire/x", bearer(good)).status == 200
        answers = [gateway.get("/wire/x", bearer(new_token())) for _ in range(52)]
        assert [answer.reason for answer in answers] == ["token-unknown"] * 50 + ["sign-in-limited"] * 2
        assert answers[-1].status == 429
        assert int(answers[-1].one("retry-after")) > 30
        assert gateway.get("/wire/x", bearer(good)).status == 200
        assert gateway.post_sign_in({"username": "ada", "password": PASSWORDS["ada"]}).status == 302, "people sign in all the same"
    finally:
        assert gateway.stop() == 0
