"""The assertion as an upstream gets it: from both lanes, verified by the code of docs/assertion.md, with keys from the gateway (promise 19)."""

from __future__ import annotations

import json
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.sessions import key_file
from gateway.sessions.keys import new_secret
from tests.gateway_process import ORIGIN, GatewayProcess
from tests.recorder import Recorder
from tests.servers import missing
from tests.web.raw.conftest import QUICK, Start

PAGE = (Path(__file__).parents[3] / "docs/assertion.md").read_text("utf-8")
NAME = "x-gateway-assertion"
Who = Callable[..., dict[str, object]]


@pytest.fixture(scope="module")
def signing(start: Start) -> Iterator[GatewayProcess]:
    """A gateway that signs."""
    yield start(limits=QUICK, extra='[headers.assertion]\nclaims = { email = "email", groups = "groups", department = "department" }')


@pytest.fixture(scope="module")
def signed_in(signing: GatewayProcess) -> str:
    """ADA's session there."""
    return signing.sign_in("ada")


def code(language: str) -> str:
    """The verifier of the page."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def in_python(assertion: str, **expected: str) -> dict[str, object]:
    """Verify as the page does in Python."""
    names: dict[str, Who] = {}
    exec(code("python"), names)  # the page's own code
    return names["who"](assertion, **expected)


def in_node(assertion: str, **expected: str) -> dict[str, object]:
    """Verify as the page does in Node."""
    node = shutil.which("node")
    if node is None:
        missing("node is not installed")
        raise AssertionError
    script = code("js") + f"\nconsole.log(JSON.stringify(await who({json.dumps(assertion)}, {json.dumps(expected)})));\n"
    done = subprocess.run([node, "--input-type=module"], input=script, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise ValueError(done.stderr)
    return dict(json.loads(done.stdout))


def inner(gateway: GatewayProcess) -> str:
    """Where an app behind the gateway reaches it."""
    return f"http://{gateway.address[0]}:{gateway.address[1]}"


def got(gateway: GatewayProcess, upstream: Recorder, cookie: str, *headers: str) -> str:
    upstream.reset()
    assert gateway.get("/private/x", f"Cookie: {cookie}", *headers).status == 200
    value = upstream.only().one(NAME)
    assert value is not None
    return value


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("who", [in_python, in_node])
def test_the_code_of_the_page_accepts_it_and_nothing_else(who: Who, signing: GatewayProcess, upstream: Recorder, signed_in: str) -> None:
    assertion = got(signing, upstream, signed_in)
    expected = {"issuer": ORIGIN, "audience": "app", "gateway": inner(signing)}
    claims = who(assertion, **expected)
    assert (claims["sub"], claims["email"], claims["groups"], claims["department"]) == (
        "ada",
        "ada@example.com",
        ["staff", "maths"],
        "engines",
    )
    assert claims["exp"] - claims["iat"] == 60  # type: ignore[operator]
    head, body, signature = assertion.split(".")
    for wrong in (
        {"audience": "other"},
        {"issuer": "http://evil.test"},
        {"assertion": f"{head}.{body}.{signature[::-1]}"},
        {"assertion": f"{head}.{body[:-4]}AAAA.{signature}"},
    ):
        with pytest.raises(Exception):  # noqa: B017  # each library has its own
            who(**({"assertion": assertion} | expected | wrong))


def test_both_lanes_tell_the_same(signing: GatewayProcess, upstream: Recorder, signed_in: str) -> None:
    """The general lane gets what has two Cookie lines; the express lane gets the rest."""
    plain = {got(signing, upstream, signed_in) for _ in range(3)}
    general = got(signing, upstream, signed_in, "Cookie: a=b")
    assert {general} == plain


def test_a_forged_one_is_replaced_and_a_public_route_has_none(signing: GatewayProcess, upstream: Recorder, signed_in: str) -> None:
    """Promise 16."""
    assert "mallory" not in got(signing, upstream, signed_in, "X-Gateway-Assertion: mallory", "X_Gateway_Assertion: mallory")
    upstream.reset()
    assert signing.get("/public/x", f"Cookie: {signed_in}", "X-Gateway-Assertion: mallory").status == 200
    assert upstream.only().all(NAME) == []


def test_the_keys_are_public_and_can_be_kept(signing: GatewayProcess, upstream: Recorder) -> None:
    answer = signing.get("/.well-known/jwks.json")
    assert answer.status == 200, answer
    assert answer.one("content-type") == "application/json"
    assert answer.one("cache-control") == "public, max-age=300"
    assert [key["kty"] for key in json.loads(answer.body)["keys"]] == ["OKP"]
    assert signing.request(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n").body == answer.body
    assert signing.get("/.well-known/jwks.json", method="POST").status == 405
    assert upstream.requests == []


def test_the_path_of_the_keys_is_the_apps_where_nothing_is_signed(gateway: GatewayProcess, upstream: Recorder) -> None:
    assert gateway.get("/.well-known/jwks.json").reason == "route-missing"


def test_the_file_of_keys_is_its_owners_and_a_new_key_is_taken_without_a_restart(start: Start, upstream: Recorder) -> None:
    gateway = start(limits=QUICK, extra='[headers.assertion]\nalgorithm = "ES256"')
    cookie = gateway.sign_in("ada")
    file = gateway.log_file.with_name("assertion-keys")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    old = got(gateway, upstream, cookie)
    key_file.add(file, new_secret(), limit=5)
    until = time.monotonic() + 30
    while len(json.loads(gateway.get("/.well-known/jwks.json").body)["keys"]) < 2:
        assert time.monotonic() < until, "the new key was not taken"
        time.sleep(0.2)
    new = got(gateway, upstream, cookie)
    assert new.split(".")[0] != old.split(".")[0]
    kids = [key["kid"] for key in json.loads(gateway.get("/.well-known/jwks.json").body)["keys"]]
    assert len(set(kids)) == 2


def test_a_file_of_keys_that_has_gone_is_not_made_anew_by_a_reload(start: Start) -> None:
    gateway = start(limits=QUICK, extra="[headers.assertion]\n")
    before = gateway.get("/.well-known/jwks.json").body
    gateway.log_file.with_name("assertion-keys").unlink()
    gateway.signal(signal.SIGHUP)
    until = time.monotonic() + 30
    while "headers.assertion.keys_file" not in gateway.log:
        assert time.monotonic() < until, "the reload was not refused"
        time.sleep(0.1)
    assert gateway.get("/.well-known/jwks.json").body == before
    assert not gateway.log_file.with_name("assertion-keys").exists()
