"""Whose `Authorization` reaches an upstream: the client's, nobody's, or one that the gateway makes. The same in both lanes and for forward-auth."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

import pytest

from tests.gateway_process import GatewayProcess, configuration
from tests.recorder import Recorder

PASSWORD = "the-apps-own-password-4711"
ROUTES = """
[[routes]]
path = "/keep/**"
access = "signed-in"
upstream = "app"
[[routes]]
path = "/drop/**"
access = "optional"
client_authorization = "drop"
upstream = "app"
[[routes]]
path = "/basic/public/**"
access = "public"
upstream = "basic"
[[routes]]
path = "/basic/**"
access = "signed-in"
upstream = "basic"
[[routes]]
path = "/bearer/**"
access = "signed-in"
upstream = "bearer"
"""
CLIENTS = "Authorization: Bearer of-the-client"


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory, upstreams: Mapping[str, Recorder]) -> Iterator[GatewayProcess]:
    """A gateway with upstreams that ask for an Authorization each."""
    port = upstreams["app"].port
    wants = "".join(
        f'[[upstreams]]\nname = "{name}"\nurl = "http://127.0.0.1:{port}"\n{line}\n'
        for name, line in (("basic", f'authorization = "basic"\nbasic_password = "{PASSWORD}"'), ("bearer", 'authorization = "bearer"'))
    )
    config = configuration({"app": port}, routes=wants + ROUTES, extra="[headers.assertion]\n")
    gateway = GatewayProcess(tmp_path_factory.mktemp("telling"), config)
    gateway.secrets.add(PASSWORD)
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture(scope="module")
def signed_in(telling: GatewayProcess) -> str:
    """ADA's session there."""
    return telling.sign_in("ada")


@pytest.fixture(params=[(), ("Cookie: general=lane",)], ids=["plain", "two-cookie-lines"])
def lane(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Header lines that choose a lane."""
    return request.param


def told(gateway: GatewayProcess, upstream: Recorder, target: str, *headers: str) -> list[str]:
    """The Authorization that arrived, of a request that is sent twice: the second time it may be remembered."""
    found = []
    for _ in range(2):
        upstream.reset()
        assert gateway.get(target, *headers).status == 200
        found.append(upstream.only().all("authorization"))
    assert found[0] == found[1]
    return found[0]


def test_the_clients_own_is_kept(telling: GatewayProcess, upstream: Recorder, signed_in: str, lane: tuple[str, ...]) -> None:
    assert told(telling, upstream, "/keep/x", f"Cookie: {signed_in}", CLIENTS, *lane) == ["Bearer of-the-client"]


def test_or_dropped_by_the_routes_word(telling: GatewayProcess, upstream: Recorder, signed_in: str, lane: tuple[str, ...]) -> None:
    for headers in ((CLIENTS,), (f"Cookie: {signed_in}", CLIENTS), (f"Cookie: {signed_in}", CLIENTS.upper())):
        assert told(telling, upstream, "/drop/x", *headers, *lane) == []


def test_basic_is_the_users_id_and_the_password_of_the_app(
    telling: GatewayProcess, upstream: Recorder, signed_in: str, lane: tuple[str, ...]
) -> None:
    value = "Basic " + base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
    for headers in ((), (CLIENTS,), (CLIENTS, "authorization: Basic bWFsbG9yeTp4")):
        assert told(telling, upstream, "/basic/x", f"Cookie: {signed_in}", *headers, *lane) == [value]


def test_an_app_that_is_told_by_us_is_told_by_nobody_else(telling: GatewayProcess, upstream: Recorder, lane: tuple[str, ...]) -> None:
    """On an open route, too: the app could not tell the client's from ours."""
    assert told(telling, upstream, "/basic/public/x", "Authorization: Basic YWRhOng=", *lane) == []


def test_bearer_is_the_assertion(telling: GatewayProcess, upstream: Recorder, signed_in: str, lane: tuple[str, ...]) -> None:
    (value,) = told(telling, upstream, "/bearer/x", f"Cookie: {signed_in}", CLIENTS, *lane)
    assert value == f"Bearer {upstream.only().one('x-gateway-assertion')}"
