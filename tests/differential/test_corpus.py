"""Every corpus, through both lanes: what holds for one was tested elsewhere, so here only that the other says and does the same."""

from __future__ import annotations

import tomllib

import pytest

from tests.differential.lanes import Pair
from tests.recorder import Script, plainly
from tests.web.raw.cases import CORPUS, Case, lines_of, toml_cases
from tests.web.raw.test_corpus import _kept, script_of
from tests.web.raw.test_upstream_faults import player
from tests.wire import unescape

FAULTS = tomllib.loads((CORPUS / "upstream_faults.toml").read_text())["case"]
PLAIN = b"GET %b HTTP/1.1\r\nHost: gateway.test\r\nX-Number: 1\r\n\r\n"

#: The body looks like a request, which it must not become when the answer breaks.
UPLOAD = (
    b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nX-Number: 1\r\nContent-Length: 56\r\n\r\n"
    b"GET /public/inner HTTP/1.1\r\nHost: gateway.test\r\nX: y\r\n\r\n"
)


def same(both: Pair, data: bytes, script: Script | None = None) -> None:
    """Both lanes come to the same, whether the input comes in one packet or in two."""
    for pieces in ([data], [data[: len(data) // 2], data[len(data) // 2 :]]):
        express, general = both.compare(pieces, lambda: script or plainly())
        assert express == general


@pytest.mark.parametrize("case", toml_cases(), ids=lambda case: f"{case.file}/{case.id}")
def test_a_hostile_input(case: Case, both: Pair) -> None:
    same(both, case.sent(TRIPWIRE="1", **both.cookies), script_of(case, "1"))


@pytest.mark.parametrize("target", [*lines_of("paths_refused.txt"), *lines_of("paths_passed.txt")])
@pytest.mark.parametrize("who", ["nobody", "ADA"])
def test_a_target(target: str, who: str, both: Pair) -> None:
    cookie = f"Cookie: {both.cookies[who]}\r\n".encode() if who in both.cookies else b""
    raw = unescape(_kept(target))
    same(both, b"GET " + raw + b" HTTP/1.1\r\nHost: gateway.test\r\n" + cookie + b"\r\n")


@pytest.mark.parametrize("name", lines_of("identity_names.txt"))
@pytest.mark.parametrize("where", ["public", "optional", "private"])
def test_a_forged_identity_header(name: str, where: str, both: Pair) -> None:
    lines = f"GET /{where}/x HTTP/1.1\r\nHost: gateway.test\r\n{name}: mallory\r\nCookie: {both.cookies['ADA']}\r\n{name.upper()}: mallory\r\n\r\n"
    same(both, lines.encode())


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case["id"])
@pytest.mark.parametrize("request_", [pytest.param(PLAIN % b"/public/x", id="read"), pytest.param(UPLOAD, id="upload")])
def test_a_fault_of_the_upstream(request_: bytes, case: dict[str, list[str]], both: Pair) -> None:
    player_of_first = player(case["play"])

    def script(exchange) -> None:
        (player_of_first if exchange.request.one("x-number") else plainly())(exchange)

    express, general = both.compare([request_], lambda: script)
    assert express == general
    asked = [data for requests in express.requests.values() for data in requests]
    assert not any(data.startswith(b"GET /public/inner") for data in asked)
