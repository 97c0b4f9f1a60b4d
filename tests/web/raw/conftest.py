"""One gateway and one recording upstream for all raw tests of a worker; after each test the upstream says whether all was clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.gateway_process import ROUTES, USERS, GatewayProcess, configuration
from tests.recorder import Recorder

#: Waits that a test can sit through; everything else has its default.
QUICK = {
    "upstream_connect": "1s",
    "upstream_response_head": "1s",
    "upstream_body_idle": "1s",
    "upstream_wait": "500ms",
    "request_head_timeout": "2s",
    "request_body_idle": "2s",
    "sign_in_body_timeout": "2s",
    "client_write_idle": "3s",
    "keep_alive": "30s",
}


@pytest.fixture(scope="session")
def upstreams() -> Iterator[dict[str, Recorder]]:
    """`app` and `other` are configured; nobody may ever connect to `tripwire` (promise 28)."""
    recorders = {name: Recorder() for name in ("app", "other", "tripwire")}
    yield recorders
    for recorder in recorders.values():
        recorder.stop()
    assert recorders["tripwire"].connections == 0, "something a client sent chose an upstream"


@pytest.fixture
def upstream(upstreams: Mapping[str, Recorder]) -> Iterator[Recorder]:
    """The upstream of most routes, empty; what it was sent must be clean (promise 8)."""
    recorder = upstreams["app"]
    recorder.reset()
    upstreams["other"].reset()
    yield recorder
    assert not recorder.complaints, "\n".join(recorder.complaints)
    assert not upstreams["other"].complaints, "\n".join(upstreams["other"].complaints)


Start = Callable[..., GatewayProcess]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory, upstreams: Mapping[str, Recorder]) -> Iterator[Start]:
    """Starts gateways in front of the recorders; stops them all at the end and searches their logs."""
    running: list[GatewayProcess] = []

    def started(*, limits: Mapping[str, str | int] | None = None, routes: str = ROUTES, users: str = USERS, **more: str) -> GatewayProcess:
        ports: dict[str, str | int] = {"app": upstreams["app"].port, "other": upstreams["other"].port}
        folder: Path = tmp_path_factory.mktemp("gateway")
        running.append(GatewayProcess(folder, configuration(ports, limits=limits, routes=routes, **more), users=users))
        return running[-1]

    yield started
    problems = []
    for gateway in running:
        try:
            assert gateway.stop() == 0
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="session")
def gateway(start: Start) -> GatewayProcess:
    """The gateway with all the usual routes and short waits. No session becomes due for renewal while the tests run."""
    return start(limits={**QUICK, "failed_sign_ins_per_address": 1000}, session='update_age = "6h"')


@pytest.fixture(scope="session")
def ada(gateway: GatewayProcess) -> str:
    """ADA's session cookie."""
    return gateway.sign_in("ada")


@pytest.fixture(scope="session")
def bob(gateway: GatewayProcess) -> str:
    """BOB's session cookie."""
    return gateway.sign_in("bob")
