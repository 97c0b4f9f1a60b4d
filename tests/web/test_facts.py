"""The trust boundary: what is believed of a request, and from whom (promises 4, 12, 20, 26, 29)."""

from __future__ import annotations

import ipaddress

import pytest

from gateway.core.host import HostPattern, Hosts
from gateway.core.reason import Reason
from gateway.core.target import Target, read_target
from gateway.web.facts import Received, Refused, TrustedProxies, facts_of, is_own_endpoint

HOSTS = Hosts("https", (HostPattern("app.example.com"),))
PROXIES = TrustedProxies((ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")))


def ask(
    *headers: tuple[bytes, bytes], peer: str = "203.0.113.9", target: str = "/", method: str = "GET", host: bytes = b"app.example.com"
) -> Received | Refused:
    lines = [(b"Host", host), *headers] if host else list(headers)
    return facts_of(method=method, target=target, headers=lines, peer=peer, hosts=HOSTS, trusted=PROXIES)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client", "chain"),
    [
        pytest.param("203.0.113.9", [b"1.1.1.1"], "203.0.113.9", (), id="an-unlisted-peer-is-not-believed"),
        pytest.param("10.0.0.1", [], "10.0.0.1", (), id="a-listed-peer-that-says-nothing"),
        pytest.param("10.0.0.1", [b"198.51.100.7"], "198.51.100.7", ("198.51.100.7",), id="a-listed-peer"),
        pytest.param("10.0.0.1", [b"6.6.6.6, 198.51.100.7"], "198.51.100.7", ("198.51.100.7",), id="read-from-the-right"),
        pytest.param("10.0.0.1", [b"198.51.100.7, 10.0.0.2"], "198.51.100.7", ("198.51.100.7", "10.0.0.2"), id="two-listed-hops"),
        pytest.param("10.0.0.1", [b"6.6.6.6", b"198.51.100.7"], "198.51.100.7", ("198.51.100.7",), id="two-lines-are-one-list"),
        pytest.param("10.0.0.1", [b"unknown, 10.0.0.2"], "10.0.0.2", ("10.0.0.2",), id="a-word-ends-the-chain"),
        pytest.param("::ffff:10.0.0.1", [b"198.51.100.7"], "198.51.100.7", ("198.51.100.7",), id="mapped-address-of-a-listed-peer"),
        pytest.param("fd00::1", [b"2001:db8::7"], "2001:db8::7", ("2001:db8::7",), id="ipv6"),
        pytest.param("", [b"1.1.1.1"], "", (), id="a-unix-socket-has-no-address"),
        pytest.param("no-address", [b"1.1.1.1"], "no-address", (), id="what-is-no-address-is-not-listed"),
    ],
)
def test_the_client_address(peer: str, forwarded: list[bytes], client: str, chain: tuple[str, ...]) -> None:
    received = ask(*((b"X-Forwarded-For", value) for value in forwarded), peer=peer)
    assert isinstance(received, Received)
    assert (received.facts.client, received.chain) == (client, chain)


@pytest.mark.parametrize(
    ("peer", "lines", "host"),
    [
        pytest.param("203.0.113.9", [b"evil.example"], "app.example.com", id="unlisted"),
        pytest.param("10.0.0.1", [b"other.example"], "other.example", id="listed"),
        pytest.param("10.0.0.1", [b"a.example", b"b.example"], "app.example.com", id="said-twice-is-not-believed"),
    ],
)
def test_x_forwarded_host(peer: str, lines: list[bytes], host: str) -> None:
    received = ask(*((b"X-Forwarded-Host", value) for value in lines), peer=peer)
    assert isinstance(received, Received)
    assert received.facts.host == host


def test_nothing_else_is_believed_of_an_unlisted_peer() -> None:
    spoofed = ask((b"Forwarded", b"for=1.1.1.1;host=evil"), (b"X-Real-IP", b"1.1.1.1"), (b"X-Forwarded-Proto", b"http"))
    assert spoofed == ask()


@pytest.mark.parametrize(
    ("asked", "reason", "status"),
    [
        pytest.param({"method": "TRACE"}, Reason.METHOD_REFUSED, 405, id="trace"),
        pytest.param({"method": "CONNECT", "target": "evil.example:443"}, Reason.METHOD_REFUSED, 405, id="connect"),
        pytest.param({"host": b""}, Reason.HOST_INVALID, 400, id="no-host"),
        pytest.param({"host": b"a b"}, Reason.HOST_INVALID, 400, id="bad-host"),
        pytest.param({"target": "https://evil.example/"}, Reason.TARGET_MALFORMED, 400, id="absolute-form-of-another-host"),
        pytest.param({"target": "ftp://app.example.com/"}, Reason.TARGET_MALFORMED, 400, id="absolute-form-of-another-scheme"),
        pytest.param({"target": "app.example.com:443"}, Reason.TARGET_MALFORMED, 400, id="authority-form"),
        pytest.param({"target": "*"}, Reason.TARGET_MALFORMED, 400, id="asterisk-without-options"),
        pytest.param({"target": "/a/../b"}, Reason.PATH_AMBIGUOUS, 400, id="ambiguous-path"),
    ],
)
def test_refused(asked: dict[str, str], reason: Reason, status: int) -> None:
    assert ask(**asked) == Refused(reason, status)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "raw"),
    [("https://app.example.com/a?b", "/a?b"), ("HTTP://APP.example.com", "/"), ("https://app.example.com?x", "/?x"), ("/a", "/a")],
)
def test_absolute_form_of_our_own_host_is_its_origin_form(target: str, raw: str) -> None:
    received = ask(target=target)
    assert isinstance(received, Received)
    assert received.facts.target.raw == raw


def test_two_origins_are_no_origin() -> None:
    received = ask((b"Origin", b"https://app.example.com"), (b"Origin", b"https://evil.example"))
    assert isinstance(received, Received)
    assert received.facts.origin == "https://app.example.com, https://evil.example"


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/api/auth", True),
        ("/api/auth/session", True),
        ("/api/%61uth/x", True),
        ("/api//auth/x", True),
        ("/api;x/auth", True),
        ("/api/authors", False),
    ],
)
def test_own_endpoints_in_every_reading(path: str, own: bool) -> None:
    target = read_target(path)
    assert isinstance(target, Target)
    assert is_own_endpoint(target) is own
