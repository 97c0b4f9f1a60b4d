"""The table of decisions, asked of running gateways: with the express lane and without it, every case comes to what the table says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.decisions import CONFIGURATION, FOLDER, Case, cases, now
from tests.gateway_process import GatewayProcess
from tests.recorder import Recorder

CASES = [case for case in cases() if not case.exactly]  # a running gateway has no clock to set


@pytest.fixture(scope="module", params=["express", "general"])
def asked(request, tmp_path_factory: pytest.TempPathFactory, upstreams) -> Iterator[GatewayProcess]:
    config = CONFIGURATION.replace("http://127.0.0.1:3000", f"http://127.0.0.1:{upstreams['app'].port}")
    config = config.replace("[server]", f"[server]\nexpress = {str(request.param == 'express').lower()}", 1)
    users = (FOLDER / "users.toml").read_text("utf-8")
    gateway = GatewayProcess(tmp_path_factory.mktemp("decisions"), config, users=users)
    yield gateway
    assert gateway.stop() == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_running_gateway_does_what_the_table_says(case: Case, asked: GatewayProcess, upstream: Recorder) -> None:
    if case.decision == "allow" and case.reason != "own-endpoint":
        passes(case, asked, upstream)
        return
    answer = asked.request(case.head(now()) + b"\r\n\r\n")
    assert answer.status == (case.status or 200), answer
    assert (answer.reason, answer.one("location")) == (case.reason, case.location)
    assert "no-store" in (answer.one("cache-control") or ""), "promise 50"
    assert not [name for name, _ in answer.lines if name.lower().startswith(b"access-control-")], "promise 34"
    assert upstream.requests == []
    if answer.status == 401 and answer.body and (answer.one("content-type") or "").startswith("application/json"):
        told = json.loads(answer.body)
        assert (told["reason"], told["error"]) == (case.reason, case.reason)
        assert told["login_url"] == f"http://{case.host}/api/auth/signin"


def passes(case: Case, asked: GatewayProcess, upstream: Recorder) -> None:
    """Twice: what the express lane does the first time, it does not do by memory."""
    for _ in range(2):
        upstream.reset()
        answer = asked.request(case.head(now()) + b"\r\n\r\n")
        assert (answer.status, answer.reason) == (200, None), answer
        request = upstream.only()
        assert request.target == case.target.removeprefix("http://app.example.com")
        assert request.method == case.method
        assert request.all("x-user-id") == ([case.told] if case.told else [])
