"""The operators' listener: alive, ready, numbers; apart from the public one, and served until the very end."""

from __future__ import annotations

import re
import signal
import time

import pytest

from gateway.web.admin.samples import FAMILIES
from tests.gateway_process import GatewayProcess
from tests.recorder import Exchange, Recorder
from tests.servers import free_port
from tests.web.raw.conftest import Start
from tests.wire import Answer, Connection, Ended

WAIT_S = 15.0
GET = b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"
LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? -?[0-9.e+-]+')


def ask(port: int, path: str, method: str = "GET") -> Answer:
    with Connection(("127.0.0.1", port)) as connection:
        return connection.request(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())


def numbers(port: int) -> dict[str, float]:
    lines = [line for line in ask(port, "/metrics").body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def with_admin(start: Start, server: str = "", **more: object) -> tuple[GatewayProcess, int]:
    port = free_port()
    return start(server=f'admin_listen = "127.0.0.1:{port}"\n{server}', **more), port


@pytest.mark.parametrize("workers", [1, 2])
def test_readiness_fails_first_then_what_is_in_flight_is_finished(workers: int, start: Start, upstream: Recorder) -> None:
    """Promise 60, in its order; and the pre-stop delay, in which new requests are still served."""
    gateway, admin = with_admin(start, f"workers = {workers}", limits={"pre_stop_delay": "60s"})
    assert (ask(admin, "/healthz").status, ask(admin, "/healthz").body) == (200, b"alive\n")
    assert (ask(admin, "/readyz").status, ask(admin, "/readyz").body) == (200, b"ready\n")
    with gateway.connect() as upload:
        upload.send(b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10\r\n\r\nhello")
        upstream.wait_for()
        gateway.signal(signal.SIGTERM)
        end = time.monotonic() + WAIT_S
        while ask(admin, "/readyz").status == 200:
            assert time.monotonic() < end
        assert (ask(admin, "/readyz").status, ask(admin, "/readyz").body) == (503, b"draining\n")
        assert ask(admin, "/healthz").status == 200
        assert numbers(admin)["gateway_ready"] == 0
        assert gateway.request(GET).status == 200, "for the load balancer that has not noticed yet"
        upload.send(b"world")
        assert upload.answer("POST").status == 200
    gateway.signal(signal.SIGTERM)  # no more waiting
    assert gateway.wait(WAIT_S) == 0


def test_the_public_listener_knows_none_of_it(start: Start, upstream: Recorder) -> None:
    gateway, admin = with_admin(start)
    for path in ("/healthz", "/readyz", "/metrics"):
        assert gateway.get(path).reason == "route-missing"
        assert ask(admin, path, "POST").status == 405
    for path in ("/", "/public/x", "/api/auth/signin", "/metrics/"):
        answer = ask(admin, path)
        assert answer.status == 404
        assert "aiohttp" not in str(answer.lines)
    assert not upstream.requests


def test_metrics_have_the_form_that_prometheus_reads(start: Start, upstream: Recorder) -> None:
    gateway, admin = with_admin(start)
    gateway.sign_in("ada")
    gateway.get("/public/x", method="POST")
    text = ask(admin, "/metrics").body.decode()
    seen: list[str] = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            seen.append(line.split()[2])
        if not line.startswith("#"):
            assert LINE.fullmatch(line), line
            assert line.partition("{")[0].partition(" ")[0] == seen[-1], "all of one name stand together"
    assert seen == [name for name in FAMILIES if name in seen]
    assert ask(admin, "/metrics").one("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"


def test_what_happens_is_counted(start: Start, upstream: Recorder) -> None:
    gateway, admin = with_admin(start, limits={"failed_sign_ins_per_address": 2})
    gateway.sign_in("ada")
    for _ in range(3):
        gateway.post_sign_in({"username": "ada", "password": "wrong"})
    gateway.get("/private/x")
    gateway.get("/public/x", method="POST")
    gateway.get("/public/%78", method="POST")  # not plain, so it is the general lane's
    gateway.raw(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    upstream.script = lambda exchange: exchange.reset()
    gateway.get("/public/%78", method="POST")
    found = numbers(admin)
    for name, value in {
        'gateway_sign_ins_total{result="accepted"}': 1,
        'gateway_sign_ins_total{result="refused"}': 2,
        'gateway_sign_ins_total{result="limited"}': 1,
        'gateway_requests_total{lane="express",status="2xx",reason=""}': 1,
        'gateway_requests_total{lane="general",status="2xx",reason=""}': 1,
        'gateway_decisions_total{reason="session-missing"}': 1,
        'gateway_decisions_total{reason="route-public"}': 2,
        "gateway_configuration_valid": 1,
        "gateway_workers": 1,
        "gateway_ready": 1,
    }.items():
        assert found.get(name) == value, f"{name} is {found.get(name)}"
    assert sum(value for name, value in found.items() if name.startswith("gateway_refusals_total")) == 1
    assert sum(value for name, value in found.items() if 'status="5xx"' in name) == 1


def test_gauges_follow_connections_and_upstreams(start: Start, upstream: Recorder) -> None:
    def script(exchange: Exchange) -> None:
        exchange.left(WAIT_S)
        exchange.close()

    gateway, admin = with_admin(start)
    upstream.script = script
    with gateway.connect() as connection:
        connection.send(GET.replace(b"/public", b"/stream"))
        upstream.wait_for()
        found = numbers(admin)
        assert found["gateway_client_connections"] == 1
        assert found['gateway_upstream_connections{upstream="app",state="in_use"}'] == 1
    end = time.monotonic() + WAIT_S
    while numbers(admin)["gateway_client_connections"] or numbers(admin)['gateway_upstream_connections{upstream="app",state="in_use"}']:
        assert time.monotonic() < end


def test_reloads_are_counted_and_a_bad_file_shows(start: Start, upstream: Recorder) -> None:
    """Fault matrix: a bad configuration at reload is logged, and a metric is set."""
    gateway, admin = with_admin(start)
    file = gateway.log_file.parent / "gateway.toml"
    good = file.read_text()
    for text, valid in ((good + "nonsense = 1\n", 0), (good, 1)):
        file.write_text(text)
        gateway.signal(signal.SIGHUP)
        end = time.monotonic() + WAIT_S
        while numbers(admin)["gateway_configuration_valid"] != valid:
            assert time.monotonic() < end
            time.sleep(0.02)
    found = numbers(admin)
    assert found['gateway_reloads_total{result="success"}'] >= 1
    assert found['gateway_reloads_total{result="refused"}'] >= 1
    assert found["gateway_reload_last_timestamp_seconds"] > 1e9
    assert gateway.request(GET).status == 200


def test_an_admin_address_that_is_taken_is_said(start: Start, gateway: GatewayProcess) -> None:
    with pytest.raises(AssertionError, match=r"exit status 78") as told:
        start(server=f'admin_listen = "127.0.0.1:{gateway.address[1]}"')
    assert "server.admin_listen" in str(told.value)


def test_nobody_answers_there_in_the_end(start: Start, upstream: Recorder) -> None:
    gateway, admin = with_admin(start)
    gateway.signal()
    assert gateway.wait() == 0
    with pytest.raises((ConnectionRefusedError, Ended)):
        ask(admin, "/healthz")
