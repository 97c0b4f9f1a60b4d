"""A gateway that proxies may ask, the app behind them, and each real proxy in front of both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway_process import HOST, ROUTES, USERS, GatewayProcess, configuration
from tests.recorder import Recorder
from tests.web.forward_auth.fronts import FRONTS, front
from tests.wire import Answer, Connection

DIALECTS = tuple(FRONTS)
#: BOB, the last of the file, has a claim that makes his session need two cookies.
DROP = '[[routes]]\npath = "/drop/**"\naccess = "optional"\nclient_authorization = "drop"\nupstream = "app"\n'
MACHINES = '[[routes]]\npath = "/hooks/**"\naccess = "signed-in"\naccepts = ["session", "bearer", "basic"]\nupstream = "app"\n'
LONG = f'story = "{"x" * 4000}"\n'


class Front:
    """A proxy in front of an app, which asks the gateway."""

    def __init__(self, name: str, port: int, gateway: GatewayProcess, app: Recorder) -> None:
        self.name = name
        self.gateway = gateway
        self.app = app
        self._address = ("127.0.0.1", port)

    def connect(self) -> Connection:
        """A raw connection to the proxy."""
        return Connection(self._address, timeout=15.0)

    def request(self, data: bytes) -> Answer:
        """One raw request on a connection of its own."""
        with self.connect() as connection:
            return connection.request(data)

    def get(self, target: str, *headers: str, method: str = "GET") -> Answer:
        """One well-formed request."""
        return self.request("\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {HOST}", *headers, "", ""]).encode("latin-1"))


@pytest.fixture(scope="session")
def behind_proxies() -> Iterator[Recorder]:
    """The app. Nothing is known of the proxies' manners, so it holds them to none of ours."""
    recorder = Recorder()
    yield recorder
    recorder.stop()


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory, behind_proxies: Recorder) -> Iterator[GatewayProcess]:
    """A gateway that all dialects are spoken with, by 127.0.0.1."""
    config = configuration(
        {"app": behind_proxies.port, "other": behind_proxies.port},
        routes=ROUTES + DROP + MACHINES,
        server='trusted_proxies = ["127.0.0.1"]',
        session='update_age = "0s"',  # each yes carries a renewed session
        extra=f"[forward_auth]\ndialects = {list(DIALECTS)}".replace("'", '"'),
    )
    gateway = GatewayProcess(tmp_path_factory.mktemp("asked"), config, users=USERS + LONG)
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture(scope="session", params=DIALECTS)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, asked: GatewayProcess, behind_proxies: Recorder
) -> Iterator[Front]:
    """Each proxy in turn."""
    folder = tmp_path_factory.mktemp(request.param)
    with front(request.param, folder, gateway=asked.address[1], app=behind_proxies.port) as port:
        yield Front(request.param, port, asked, behind_proxies)


@pytest.fixture
def proxy(running: Front) -> Front:
    """The proxy, and an app that has seen nothing yet."""
    running.app.reset()
    return running


@pytest.fixture(scope="session")
def ada(asked: GatewayProcess) -> str:
    """ADA's session cookie."""
    return asked.sign_in("ada")


@pytest.fixture(scope="session")
def bob(asked: GatewayProcess) -> str:
    """BOB's session cookie."""
    return asked.sign_in("bob")
