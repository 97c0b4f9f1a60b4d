"""The express lane's judge: its yes is the policy's, for as long as it lasts, and it remembers within bounds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.decision import Allow
from gateway.core.identity import Session
from gateway.core.policy import decide
from gateway.proxy.client.head import HeadLimits
from gateway.proxy.client.plain import PlainReader
from gateway.proxy.express.ports import Pass
from gateway.sessions import base64url
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.keys import KeyRing
from gateway.settings.load import load
from gateway.web.app import build_gateway
from gateway.web.facts import Received, TrustedProxies, facts_of, is_own_endpoint
from gateway.web.judge import PolicyJudge
from gateway.web.state import Gateway
from tests.differential.inputs import COOKIES, HOSTS, ODD_TARGETS, TARGETS
from tests.gateway_process import ROUTES, USERS, configuration
from tests.people import ADA, BOB, NOW, session_of

SECRET = "a-test-secret-that-is-long-enough-for-anybody"
STAFF = """
[[routes]]
path = "/staff/**"
access = "signed-in"
groups = ["staff"]
upstream = "app"
"""
LIFETIMES = 'max_age = "24h"\nabsolute_max_age = "7d"\nupdate_age = "5m"'
SECOND = timedelta(seconds=1)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[..., Gateway]


@pytest.fixture
async def make(tmp_path: Path, clock: Clock) -> AsyncIterator[Make]:
    """A gateway that is not served: only its parts are asked. Async, since pools belong to an event loop."""

    def made(*, session: str = LIFETIMES, secrets: tuple[str, ...] = (SECRET,), extra: str = "") -> Gateway:
        text = configuration({"app": 1, "other": 2}, routes=STAFF + ROUTES, session=session, extra=extra)
        (tmp_path / "gateway.toml").write_text(text)
        (tmp_path / "users.toml").write_text(USERS)
        return build_gateway(load(tmp_path / "gateway.toml").settings, clock=clock, keys=KeyRing.of(secrets))

    yield made


@pytest.fixture
async def gateway(make: Make) -> Gateway:
    return make()


@pytest.fixture
async def judge(gateway: Gateway) -> PolicyJudge:
    return judge_of(gateway)


def judge_of(gateway: Gateway) -> PolicyJudge:
    return PolicyJudge(gateway.policy, gateway.sessions, gateway.pools, clock=gateway.clock)


def cookie_of(gateway: Gateway, session: Session) -> bytes:
    """The Cookie line of a browser that holds a session."""
    sealed = gateway.sessions.write(session, now=session.issued_at, carried=CookieHeader.parse([]))
    return "; ".join(line.partition(";")[0] for line in sealed).encode()


READER = PlainReader(lambda name: False, HeadLimits())


def asked(judge: PolicyJudge, target: str, cookie: bytes | None = None, host: str = "gateway.test", method: str = "GET") -> Pass | None:
    """What reader and judge together say of a request, as the lane asks them."""
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: " + host.encode(), *([] if cookie is None else [b"Cookie: " + cookie])]
    data = b"\r\n".join(lines) + b"\r\n\r\n"
    plain = READER.read(data)
    if plain is None:
        return None
    read_method, path, _, ahead, behind, read_cookie = plain
    assert (ahead.host or behind.host, read_cookie) == (host.encode(), cookie)
    return judge.judge(read_method, path, host.encode(), read_cookie, data)


async def test_a_yes_holds_all_that_the_upstream_is_told(gateway: Gateway, judge: PolicyJudge):
    passed = asked(judge, "/private/x", b"theme=dark; " + cookie_of(gateway, session_of(ADA)), "GATEWAY.test:80")
    assert passed is not None
    assert passed.terms.pool is gateway.pools["app"]
    assert (passed.terms.host, passed.cookie, passed.terms.private, passed.terms.streaming) == (
        "gateway.test",
        b"Cookie: theme=dark\r\n",
        True,
        False,
    )
    assert (passed.terms.opening, passed.terms.max_body) == (b"Host: gateway.test\r\n", 100 * 1024 * 1024)
    assert passed.identity.endswith(b"\r\n")
    told = dict(line.split(b": ", 1) for line in passed.identity.removesuffix(b"\r\n").split(b"\r\n"))
    assert (told[b"X-Forwarded-User"], told[b"X-User-Roles"], told[b"X-Department"]) == (b"ada", b"admin", b"engines")


@pytest.mark.parametrize(
    ("target", "who", "host", "private"),
    [
        pytest.param("/public/x", None, "gateway.test", False, id="public"),
        pytest.param("/public/x", ADA, "gateway.test", False, id="public-and-signed-in"),
        pytest.param("/optional/x", None, "gateway.test", False, id="optional-and-nobody"),
        pytest.param("/optional/x", ADA, "gateway.test", True, id="optional-and-signed-in"),
        pytest.param("/admin/x", ADA, "gateway.test", True, id="role"),
        pytest.param("/staff/x", ADA, "gateway.test", True, id="group"),
        pytest.param("/get-only/x", None, "gateway.test", False, id="method"),
        pytest.param("/x", None, "other.test", False, id="host"),
        pytest.param("/stream/x", None, "gateway.test", False, id="streaming"),
    ],
)
async def test_who_may_pass(gateway: Gateway, judge: PolicyJudge, target, who, host, private):
    passed = asked(judge, target, None if who is None else cookie_of(gateway, session_of(who)), host)
    assert passed is not None
    assert passed.terms.private is private
    assert bool(passed.identity) is private
    assert passed.terms.streaming is target.startswith("/stream")


@pytest.mark.parametrize(
    ("target", "who", "host"),
    [
        pytest.param("/private/x", None, "gateway.test", id="nobody"),
        pytest.param("/admin/x", BOB, "gateway.test", id="no-role"),
        pytest.param("/staff/x", BOB, "gateway.test", id="no-group"),
        pytest.param("/closed/x", ADA, "gateway.test", id="deny"),
        pytest.param("/nowhere", ADA, "gateway.test", id="no-route"),
        pytest.param("/public/x", None, "evil.test", id="host-unknown"),
        pytest.param("/public/x", None, "gateway.test:8080", id="port-unknown"),
        pytest.param("/public/x", None, "a b", id="no-host"),
        pytest.param("/public/x", None, "", id="empty-host"),
        *(pytest.param(target, ADA, "gateway.test", id=f"own-{target}") for target in ("/api/auth", "/api/auth/", "/api/auth/session", "/api/auth/x?y")),
        *(
            pytest.param(target, ADA, "gateway.test", id=f"not-plain-{target}")
            for target in ("/public//x", "/public/./x", "/public/../admin/x", "/public/%78", "/public/a%2fb", "/public/a;b/../c", "/public/\\x", "//public")
        ),
    ],
)  # fmt: skip
async def test_who_is_left_to_the_general_lane(gateway: Gateway, judge: PolicyJudge, target, who, host):
    for _ in range(2):  # what was once left is left again
        assert asked(judge, target, None if who is None else cookie_of(gateway, session_of(who)), host) is None


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_yes_to_one_method_is_none_to_another(judge: PolicyJudge, method):
    """Promise 25."""
    for _ in range(2):
        assert asked(judge, "/get-only/x") is not None
        assert asked(judge, "/get-only/x", method=method) is None
        assert asked(judge, "/public/x", method=method) is not None


@pytest.mark.parametrize("cookie", [b"a\x00", b"a\x7f", b"a\xe9", b"a\nb", b"a\rb", b" a", b"a ", b"a\t"])
async def test_a_cookie_that_is_not_plain_is_left_and_not_kept(judge: PolicyJudge, cookie):
    """The reader does not look into a cookie: who meets it for the first time does."""
    for _ in range(3):
        assert asked(judge, "/public/x", cookie) is None
    assert judge.remembered == (0, 0)


async def test_an_empty_cookie_is_none_at_all(judge: PolicyJudge):
    """As in the general lane, whichever of the two comes first."""
    before = asked(judge, "/public/x", b"")
    assert before is not None
    assert before.cookie == b""
    assert asked(judge, "/public/x") == asked(judge, "/public/x", b"") == before
    assert asked(judge, "/private/x", b"") is None


@pytest.mark.parametrize(
    ("session", "end"),
    [
        pytest.param(session_of(ADA), timedelta(minutes=5), id="renewal-is-due"),
        pytest.param(replace(session_of(ADA), expires_at=NOW + timedelta(minutes=1)), timedelta(minutes=1), id="its-own-end"),
        pytest.param(
            replace(session_of(ADA), signed_in_at=NOW - timedelta(days=7) + timedelta(minutes=2), expires_at=NOW + timedelta(days=1)),
            timedelta(minutes=2),
            id="the-absolute-end-though-the-token-says-later",
        ),
    ],
)
async def test_the_end_is_looked_at_each_time(gateway: Gateway, judge: PolicyJudge, clock: Clock, session, end):
    """Promise 39: n-1, n, n+1; and a clock that was set back opens nothing that had ended."""
    cookie = cookie_of(gateway, session)
    for moment, passes in ((timedelta(0), True), (end - SECOND, True), (end, False), (end + SECOND, False), (timedelta(0), True)):
        clock.now = NOW + moment
        assert (asked(judge, "/private/x", cookie) is not None) is passes, moment
    clock.now = NOW - SECOND  # from the future: the general lane knows the tolerance
    assert asked(judge, "/private/x", cookie) is None


async def test_a_session_ends_by_the_sliding_limit_where_the_token_says_later(make: Make, clock: Clock):
    gateway = make(session='max_age = "3m"\nabsolute_max_age = "7d"\nupdate_age = "2m"')
    judge, cookie = judge_of(gateway), cookie_of(gateway, session_of(ADA))
    clock.now = NOW + timedelta(minutes=3)
    assert asked(judge, "/private/x", cookie) is None


async def test_an_assertion_that_is_told_has_a_quarter_of_its_life_left_whoever_remembers_it(make: Make, clock: Clock):
    """Promise 19: the judge lets go of an answer before the assertion in it is old, and asks the policy for another one."""
    gateway = make(extra="[headers.assertion]\n")
    judge, cookie, told = gateway.judge, cookie_of(gateway, session_of(ADA)), set()
    for second in range(150):
        clock.now = NOW + timedelta(seconds=second)
        passed = asked(judge, "/private/x", cookie)
        assert passed is not None, "the session lives, so the express lane goes on"
        assertion = passed.identity.partition(b"X-Gateway-Assertion: ")[2].partition(b"\r\n")[0].decode()
        claims = json.loads(base64url.decode(assertion.split(".")[1]) or b"")
        assert claims["nbf"] <= clock.now.timestamp() <= claims["exp"] - 15
        told.add(claims["jti"])
    assert 3 <= len(told) <= 8, "it is neither made each time nor kept too long"
    clock.now = NOW + timedelta(minutes=5)
    assert asked(judge, "/private/x", cookie) is None, "its token is due for renewal: that is the guard's"
    assert judge.remembered == (0, 0)


@pytest.mark.parametrize("cookie", [b"authjs.session-token=bad", b"a=b; authjs.session-token=x.y.z.a.b", b"authjs.session-token.0=bad"])
@pytest.mark.parametrize("target", ["/public/x", "/optional/x", "/private/x"])
async def test_a_cookie_that_cannot_be_read_is_left_and_not_kept(judge: PolicyJudge, cookie, target):
    """Promise 41."""
    for _ in range(3):
        assert asked(judge, target, cookie) is None
    assert judge.remembered == (0, 0)


async def test_after_a_key_was_removed_nobody_is_remembered(make: Make):
    """Promise 43: with other keys there is another judge, and what it finds is what the keys say."""
    before = make()
    cookie = cookie_of(before, session_of(ADA))
    assert asked(judge_of(before), "/private/x", cookie) is not None
    assert asked(judge_of(make(secrets=("another-secret-that-is-long-enough-too",))), "/private/x", cookie) is None


async def test_who_signs_out_is_forgotten_and_nobody_else(gateway: Gateway, judge: PolicyJudge):
    """Promise 38: by the id of the sign-in, whatever other cookies came along."""
    ada = session_of(ADA)
    bob = replace(session_of(BOB), token_id="another")
    mine = cookie_of(gateway, ada)
    for cookie in (mine, b"theme=dark; " + mine, cookie_of(gateway, bob), b"theme=dark", None):
        asked(judge, "/optional/x", cookie)
    assert judge.remembered[0] == 5
    judge.forget({ada.sign_in_id})
    assert judge.remembered[0] == 3
    judge.forget({ada.sign_in_id})
    judge.forget({bob.sign_in_id})
    assert judge.remembered[0] == 2


async def test_what_is_remembered_has_an_end_in_number(judge: PolicyJudge):
    for number in range(20_000):
        assert asked(judge, "/public/x", b"n=%d" % number) is not None
    assert 2048 < judge.remembered[0] <= 4096


async def test_what_is_remembered_has_an_end_in_bytes(gateway: Gateway, judge: PolicyJudge):
    """Here of somebody who is signed in: of others fewer are remembered."""
    mine = cookie_of(gateway, session_of(ADA))
    for number in range(10_000):
        assert asked(judge, "/public/x", b"n=%07300d; " % number + mine) is not None
    count, size = judge.remembered
    assert 5000 < count < 9000
    assert size <= 128 * 1024 * 1024


async def test_nobody_pushes_out_who_is_signed_in(gateway: Gateway, judge: PolicyJudge):
    assert asked(judge, "/private/x", cookie_of(gateway, session_of(ADA))) is not None
    for number in range(10_000):
        asked(judge, "/public/x", b"n=%d" % number)
    assert len(judge._known) == 1


async def test_another_host_takes_no_more_room_each_time(gateway: Gateway, judge: PolicyJudge):
    cookie = cookie_of(gateway, session_of(ADA))
    ways = [(target, host) for host in ("other.test", "gateway.test") for target in ("/optional/x", "/private/x", "/admin/x")]
    sizes = []
    for _ in range(100):
        for target, host in ways:
            assert asked(judge, target, cookie, host) is not None
        sizes.append(judge.remembered)
    assert set(sizes) == {sizes[0]}


async def test_what_is_forgotten_takes_no_room(gateway: Gateway, judge: PolicyJudge, clock: Clock):
    cookie = cookie_of(gateway, session_of(ADA))
    for target in ("/private/x", "/optional/x", "/admin/x", "/private/x"):
        assert asked(judge, target, cookie) is not None
    clock.now = NOW + timedelta(hours=1)
    assert asked(judge, "/private/x", cookie) is None
    assert judge.remembered == (0, 0)


async def test_hosts_that_clients_make_up_fill_no_memory(judge: PolicyJudge):
    for number in range(5000):
        asked(judge, "/public/x", None, f"h{number}.test")
    for number in range(2000):  # our own host, in ever other spellings
        spelling = "".join(letter.upper() if number >> place & 1 else letter for place, letter in enumerate("gateway.test"))
        assert asked(judge, "/public/x", None, spelling) is not None
    assert len(judge._hosts) <= 1024


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    target=st.one_of(st.sampled_from(TARGETS + ODD_TARGETS), st.lists(st.sampled_from(["/", "public", "private", "admin", ".", "%2e", ";", "?", "//", "~", "api/auth", "x"]), max_size=6).map(lambda parts: "/" + "".join(parts))),
    host=st.sampled_from(HOSTS),
    cookie=st.sampled_from(COOKIES),
    age=st.sampled_from([timedelta(0), timedelta(minutes=4), timedelta(minutes=5), timedelta(hours=25), timedelta(days=8), -timedelta(seconds=10), -timedelta(hours=1)]),
)  # fmt: skip
async def test_a_yes_is_always_the_policys_yes(gateway: Gateway, judge: PolicyJudge, clock: Clock, method, target, host, cookie, age):
    """Promises 16 to 18, 23 to 29, 39, 44: the same answer, on the same route, with the same identity and the same cookies."""
    clock.now = NOW
    for name, who in (("ADA", ADA), ("BOB", BOB)):
        cookie = cookie.replace(name, cookie_of(gateway, session_of(who, age=age)).decode())
    if not all(text.isascii() and "\n" not in text for text in (target, cookie)) or " " in target or "\t" in target:
        return  # no plain head
    line = cookie.encode() or None
    passed = asked(judge, target, line, host, method)
    if passed is None:
        return
    received = facts_of(
        method=method,
        target=target,
        headers=[(b"Host", host.encode())],
        peer="192.0.2.1",
        hosts=gateway.policy.hosts,
        trusted=TrustedProxies(),
    )
    assert isinstance(received, Received)
    assert not is_own_endpoint(received.facts.target)
    cookies = CookieHeader.parse([line] if line else [])
    session = gateway.sessions.read(cookies)
    decision = decide(received.facts, session, gateway.policy, now=NOW)
    assert isinstance(decision, Allow)
    assert (passed.terms.host, passed.terms.opening) == (received.facts.host, f"Host: {received.facts.host}\r\n".encode())
    assert passed.identity == "".join(f"{name}: {value}\r\n" for name, value in decision.set_headers).encode()
    rest = cookies.without(gateway.sessions.owns)
    assert passed.cookie == (f"Cookie: {rest}\r\n".encode() if rest else b"")
    assert passed.terms.pool is gateway.pools[decision.route.upstream or ""]
    assert (passed.terms.streaming, passed.terms.max_body) == (decision.route.streaming, decision.route.max_body)
    assert passed.terms.private is (decision.reason == "session-accepted")
    if decision.reason == "session-accepted":
        assert isinstance(session, Session)
        assert gateway.sessions.renewal(session, now=NOW, carried=cookies) == []
