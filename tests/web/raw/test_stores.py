"""Sessions in stores, from outside: what the browser holds, replicas, and a store that is slow, gone, and back. Both strategies, both lanes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway_process import GatewayProcess, configuration
from tests.recorder import Recorder
from tests.servers import Valkey, valkey
from tests.web.raw.test_authjs import ask, eventually, reason, sign_out

STRATEGIES = ("jwt", "server")


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(params=STRATEGIES)
def strategy(request) -> str:
    return str(request.param)


@pytest.fixture
def make(tmp_path: Path, upstreams, strategy: str) -> Iterator[Callable[..., GatewayProcess]]:
    """Start a gateway of the strategy on a store."""
    running: list[GatewayProcess] = []

    def started(store: str, *, session: str = "", server: str = "", extra: str = "") -> GatewayProcess:
        config = configuration(
            {"app": upstreams["app"].port, "other": upstreams["other"].port},
            session=f'strategy = "{strategy}"\n{session}',
            server=server,
            extra=f'[store]\nsessions_url = "{store}"\n{extra}',
        )
        running.append(GatewayProcess(tmp_path / f"gateway-{len(running)}", config))
        return running[-1]

    yield started
    for gateway in running:
        assert gateway.stop() == 0


def statuses(gateway: GatewayProcess, cookie: str, count: int = 4) -> set[int]:
    return {ask(gateway, cookie).status for _ in range(count)}


@pytest.mark.parametrize("kind", ["sqlite", "valkey"])
def test_apps_and_clients_are_told_the_same_wherever_the_session_lives(make, strategy, kind, tmp_path, shared, upstream: Recorder):
    gateway = make(shared.url if kind == "valkey" else f"sqlite:///{tmp_path}/sessions.db")
    ada = gateway.sign_in("ada")
    assert (len(ada.partition("=")[2]) == 64) is (strategy == "server")
    for _ in range(3):  # the first by the general lane, then by what is remembered
        assert ask(gateway, f"theme=dark; {ada}").status == 200
    for request in upstream.requests:
        assert [request.one(name) for name in ("x-user-id", "x-user-roles", "cookie")] == ["ada", "admin", "theme=dark"]
    shown = json.loads(gateway.get("/api/auth/session", f"Cookie: {ada}").body)
    assert (shown["user"]["email"], "expires" in shown) == ("ada@example.com", True)
    assert statuses(gateway, ada.replace("=", "=x", 1)) == {401}
    assert sign_out(gateway, ada).status == 302
    answer = ask(gateway, ada)
    assert (answer.status, reason(answer)) == (401, "session-revoked")


def test_replicas_share_sign_ins_and_sign_outs_and_a_restart_forgets_neither(make, shared):
    """Promise 38, over Valkey; the second had the session in its express lane."""
    one, two = make(shared.url), make(shared.url)
    ada, bob = one.sign_in("ada"), one.sign_in("bob")
    assert statuses(two, ada) == {200}
    sign_out(one, ada)
    eventually(lambda: ask(two, ada).status == 401, 5)
    three = make(shared.url)
    assert (statuses(three, bob), statuses(three, ada)) == ({200}, {401})


def test_several_workers_are_one_gateway(make, shared):
    gateway = make(shared.url, server="workers = 2")
    ada = gateway.sign_in("ada")
    assert statuses(gateway, ada, 12) == {200}
    sign_out(gateway, ada)
    eventually(lambda: statuses(gateway, ada, 12) == {401}, 5)


def test_a_renewed_session_lives_on_everywhere(make, strategy, shared):
    one, two = make(shared.url, session='update_age = "1s"'), make(shared.url)

    def expires(cookie: str) -> str:
        """What the replica says that renews nothing by itself."""
        return str(json.loads(two.get("/api/auth/session", f"Cookie: {cookie}").body)["expires"])

    cookie = one.sign_in("ada")
    before = expires(cookie)
    time.sleep(1.1)
    (renewed,) = [line.partition(";")[0] for line in ask(one, cookie).all("set-cookie")]
    one.secrets.add(renewed.partition("=")[2])
    assert (renewed == cookie) is (strategy == "server")
    eventually(lambda: expires(renewed) > before, 6)


@pytest.mark.parametrize("how", ["slow", "gone"])
def test_a_store_that_is_away_is_a_503_and_it_recovers_alone(make, how, strategy, tmp_path, upstream: Recorder):
    """The fault matrix: 503, not a sign-in loop; public routes and health work; no sign-out is lost, and nobody is let in by the way."""
    with valkey(tmp_path) as server:
        gateway = make(server.url)
        ada, bob = gateway.sign_in("ada"), gateway.sign_in("bob")
        assert statuses(gateway, ada) == statuses(gateway, bob) == {200}
        (server.freeze if how == "slow" else server.stop)()
        eventually(lambda: ask(gateway, ada).status == 503, 6)
        answer = ask(gateway, ada)
        assert (answer.status, reason(answer)) == (503, "session-store-unavailable")
        assert ask(gateway, ada, "/public/x").status == 200
        assert (ask(gateway, "theme=dark").status, gateway.get("/api/auth/csrf").status) == (401, 200)
        assert sign_out(gateway, bob).status == 302
        signing_in = gateway.post_sign_in({"username": "ada", "password": "lovelace-1815-difference"})
        assert signing_in.status == (503 if strategy == "server" else 302)
        (server.thaw if how == "slow" else server.start)()
        eventually(lambda: ask(gateway, ada).status != 503, 15)
        # A server that comes back empty has no sessions any more; sealed in cookies, they outlive it.
        eventually(lambda: ask(gateway, ada).status == (401 if (strategy, how) == ("server", "gone") else 200))
        assert ask(gateway, bob).status == 401
        assert ask(make(server.url), bob).status == 401
    for line in ("revocations-unavailable", "revocations-available"):
        assert f"{line} database=redis://127.0.0.1:{server.port}/0" in gateway.log


def test_nobody_is_told_that_a_session_has_ended_which_lives_on_when_the_store_is_back(make, strategy, tmp_path):
    """The sign-out gets to a replica that never read the session from the store, and can't now (promise 38)."""
    with valkey(tmp_path) as server:
        one, two = make(server.url), make(server.url)
        ada = one.sign_in("ada")
        server.freeze()
        eventually(lambda: ask(two, ada).status == 503, 6)
        answer = sign_out(two, ada)
        if strategy == "server":
            assert (answer.status, reason(answer), answer.all("set-cookie")) == (503, "session-store-unavailable", [])
        server.thaw()
        if strategy == "server":
            eventually(lambda: sign_out(two, ada).status == 302, 15)
        eventually(lambda: {ask(gateway, ada).status for gateway in (one, two)} == {401}, 15)


def test_an_operator_ends_whatever_a_user_is_signed_in_to(make, shared):
    """Promise 38: by the command line, at both replicas, and nobody else's."""
    one, two = make(shared.url), make(shared.url)
    cookies = [one.sign_in("ada"), two.sign_in("ada")]
    bob = one.sign_in("bob")
    assert {ask(gateway, cookie).status for gateway in (one, two) for cookie in (*cookies, bob)} == {200}
    file = one.log_file.with_name("gateway.toml")
    listed = json.loads(subprocess.check_output((sys.executable, "-m", "gateway", "sessions", "list", "--json", "-c", file)))
    assert {"ada", "bob"} <= {entry["user"] for entry in listed}
    subprocess.check_call((sys.executable, "-m", "gateway", "sessions", "revoke", "--user", "ada", "-c", file))
    eventually(lambda: {ask(gateway, cookie).status for gateway in (one, two) for cookie in cookies} == {401}, 5)
    assert {ask(gateway, bob).status for gateway in (one, two)} == {200}
    time.sleep(1.1)  # sign-ins tell whole seconds, and one in the same second was before
    assert ask(one, two.sign_in("ada")).status == 200
