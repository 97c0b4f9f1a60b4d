"""Promise 20, the other half: what is believed of a proxy that is listed, and how far."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway_process import GatewayProcess
from tests.recorder import Recorder
from tests.web.raw.conftest import QUICK, Start


@pytest.fixture(scope="module")
def behind(start: Start) -> Iterator[GatewayProcess]:
    """A gateway that is told to believe 127.0.0.1, which is us, and 10.0.0.0/8."""
    yield start(limits=QUICK, server='trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]')


@pytest.mark.parametrize(
    ("said", "told", "real"),
    [
        pytest.param(["192.0.2.7"], "192.0.2.7, 127.0.0.1", "192.0.2.7", id="one-client"),
        pytest.param(["192.0.2.7, 10.1.1.1"], "192.0.2.7, 10.1.1.1, 127.0.0.1", "192.0.2.7", id="two-proxies"),
        pytest.param(["192.0.2.7", "10.1.1.1"], "192.0.2.7, 10.1.1.1, 127.0.0.1", "192.0.2.7", id="two-fields"),
        pytest.param(["203.0.113.9, 192.0.2.7"], "192.0.2.7, 127.0.0.1", "192.0.2.7", id="the-client-lied-to-the-proxy"),
        pytest.param(["evil, 192.0.2.7"], "192.0.2.7, 127.0.0.1", "192.0.2.7", id="garbage-on-the-left"),
        pytest.param(["192.0.2.7, evil"], "127.0.0.1", "127.0.0.1", id="garbage-on-the-right"),
        pytest.param(["2001:db8::7"], "2001:db8::7, 127.0.0.1", "2001:db8::7", id="ipv6"),
        pytest.param([], "127.0.0.1", "127.0.0.1", id="nothing-said"),
    ],
)
def test_the_chain_is_read_from_the_right(said: list[str], told: str, real: str, behind: GatewayProcess, upstream: Recorder) -> None:
    answer = behind.get("/public/x", *(f"X-Forwarded-For: {value}" for value in said))
    assert answer.status == 200
    assert upstream.only().one("x-forwarded-for") == told
    assert upstream.only().one("x-real-ip") == real


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("gateway.test", 200, id="ours"),
        pytest.param("GATEWAY.test:80", 200, id="ours-written-otherwise"),
        pytest.param("evil.test", 421, id="foreign"),
        pytest.param("gateway.test, evil.test", 400, id="two"),
        pytest.param("a/b", 400, id="no-host"),
        pytest.param("", 400, id="empty"),
    ],
)
def test_its_host_is_believed_and_judged_like_any_other(host: str, status: int, behind: GatewayProcess, upstream: Recorder) -> None:
    answer = behind.request(f"GET /public/x HTTP/1.1\r\nHost: internal.test\r\nX-Forwarded-Host: {host}\r\n\r\n".encode())
    assert answer.status == status, answer
    if status == 200:
        assert upstream.only().one("host") == "gateway.test"


def test_identity_is_believed_of_nobody(behind: GatewayProcess, upstream: Recorder) -> None:
    """Promise 16 has no exception for proxies."""
    answer = behind.get("/public/x", "X-Forwarded-User: mallory", "X-User-Id: mallory", "X-Forwarded-For: 192.0.2.7")
    assert answer.status == 200
    assert b"mallory" not in upstream.only().head


def test_failed_sign_ins_are_counted_by_the_client_behind_the_proxy(start: Start) -> None:
    """Promise 46: one client's failures are not those of everybody behind the same proxy."""
    gateway = start(limits={**QUICK, "failed_sign_ins_per_address": 2}, server='trusted_proxies = ["127.0.0.1"]')
    statuses = [gateway.post_sign_in({"username": "ada", "password": "no"}, "X-Forwarded-For: 192.0.2.7").status for _ in range(3)]
    assert statuses[-1] == 429
    assert gateway.post_sign_in({"username": "ada", "password": "no"}, "X-Forwarded-For: 192.0.2.8").status != 429
    assert gateway.post_sign_in({"username": "ada", "password": "no"}, "X-Forwarded-For: 192.0.2.8, 192.0.2.7").status == 429
