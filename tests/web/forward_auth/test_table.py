"""The table of decisions (`tests/corpus/decisions`), asked as proxies ask: in each dialect, every case comes to what it comes to in proxy mode (promise 53)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.core.target import Target, read_target
from gateway.web.facts import is_own_endpoint
from tests.decisions import CONFIGURATION, FOLDER, Case, cases, now
from tests.gateway_process import GatewayProcess
from tests.web.forward_auth.test_decisions import SPOKEN, ask, taken

#: What is refused in the head of a question says nothing of the request that it is about; a claim of an identity has tests of its own, since
#: only some dialects can take it away.
_OF_THE_HEAD = {"request-malformed", "host-invalid", "framing-ambiguous", "expectation-refused", "method-refused"}
_CLAIMS = ("x-user-id", "x_user_id", "x-forwarded-", "x-http-method-override", "authorization", "connection", "host")
CASES = [
    case
    for case in cases()
    if not case.exactly
    and not case.raw
    and case.reason not in _OF_THE_HEAD
    and not [line for line in case.headers if line.lower().startswith(_CLAIMS)]
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    config = CONFIGURATION.replace("[server]", '[server]\ntrusted_proxies = ["127.0.0.1"]', 1)
    dialects = ", ".join(f'"{dialect}"' for dialect in SPOKEN)
    config = config.replace("[headers.set]", f"[forward_auth]\ndialects = [{dialects}]\n[headers.set]", 1)
    gateway = GatewayProcess(tmp_path_factory.mktemp("table"), config, users=(FOLDER / "users.toml").read_text("utf-8"))
    yield gateway
    assert gateway.stop() == 0


@pytest.mark.parametrize("dialect", SPOKEN)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_proxy_is_told_what_the_table_says(case: Case, dialect: str, table: GatewayProcess) -> None:
    lines = [line for line in case.lines(now()) if not line.startswith(("Host:", "Content-Length:"))]
    answer = ask(table, dialect, *lines, method=case.method, target=case.target.encode(), host=case.host)
    read = read_target(case.target)
    if isinstance(read, Target) and is_own_endpoint(read):
        # The proxy hands these on without asking, also what only looks like them; one that asks all the same gets no yes.
        assert (answer.status, answer.reason) == (taken(dialect, 404), "action-unknown")
        return
    assert answer.status == taken(dialect, case.status or 200), answer
    assert answer.reason == case.reason
    assert answer.one("location") == (f"http://{case.host.lower()}{case.location}" if case.location else None)
    assert answer.one("x-user-id") == (case.told or None)
