"""Every answer of the gateway's own has a reason, and it is the same in the header, in the metrics, and, if something is wrong, in the log."""

from __future__ import annotations

import re
import time
import urllib.request

import pytest

from tests.gateway_process import ROUTES
from tests.servers import free_port

FORM = "Content-Type: application/x-www-form-urlencoded"
CALLBACK = "/api/auth/callback/credentials"
CASES = [
    # method, target, headers, body, status, reason
    pytest.param("GET", "/nowhere", (), b"", 404, "route-missing", id="no-route"),
    pytest.param("GET", "/closed/x", (), b"", 403, "route-denied", id="closed"),
    pytest.param("GET", "/private/x", ("Accept: text/html",), b"", 302, "session-missing", id="sent-to-the-sign-in"),
    pytest.param("GET", "/private/x", ("Accept: application/json",), b"", 401, "session-missing", id="a-script"),
    pytest.param("TRACE", "/public/x", (), b"", 405, "method-refused", id="trace"),
    pytest.param("GET", "/%zz", (), b"", 400, "target-malformed", id="a-bad-percent"),
    pytest.param("GET", "/public/x", (f"Via: {', '.join(['1.1 auth-gateway'] * 6)}",), b"", 508, "loop-detected", id="round-and-round"),
    pytest.param("POST", "/small/x", (), b"x" * 1001, 413, "request-body-too-large", id="too-large"),
    pytest.param("GET", "/dead/x", (), b"", 502, "upstream-unreachable", id="nobody-there"),
    pytest.param("GET", "/api/auth/nothing", (), b"", 404, "action-unknown", id="no-such-action"),
    pytest.param("GET", CALLBACK, (), b"", 405, "method-refused", id="not-for-get"),
    pytest.param("POST", "/api/auth/callback/nobody", (FORM,), b"a=1", 404, "provider-unknown", id="no-such-provider"),
    pytest.param("POST", "/api/auth/signin/credentials", (FORM,), b"csrfToken=x", 302, "csrf-mismatch", id="csrf"),
    pytest.param("POST", CALLBACK, ("Content-Type: text/plain",), b"a=1", 415, "content-type-refused", id="no-form"),
    pytest.param("POST", CALLBACK, (FORM, "Origin: http://evil.test"), b"a=1", 403, "cross-site", id="another-site"),
    pytest.param("POST", "/api/auth/session", ("Content-Type: application/json",), b"{}", 400, "csrf-mismatch", id="an-update"),
    pytest.param("GET", "/api/auth/kept-form", (), b"", 410, "kept-form-gone", id="no-form-kept"),
]


@pytest.fixture(scope="module")
def admin():
    return free_port()


@pytest.fixture(scope="module")
def gateway(start, admin):
    dead = f'[[upstreams]]\nname = "dead"\nurl = "http://127.0.0.1:{free_port()}"\n'
    routes = dead + ROUTES + '[[routes]]\npath = "/dead/**"\naccess = "public"\nupstream = "dead"\n'
    return start(routes=routes, server=f'admin_listen = "127.0.0.1:{admin}"')


def counted(admin: int, reason: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics") as answer:
        text = answer.read().decode()
    found = re.findall(rf'^gateway_requests_total\{{[^}}]*reason="{reason}"[^}}]*\}} ([\d.]+)$', text, re.MULTILINE)
    return sum(map(float, found))


@pytest.mark.parametrize(("method", "target", "headers", "body", "status", "reason"), CASES)
def test_the_reason_is_the_same_everywhere(gateway, admin, method, target, headers, body, status, reason):
    before, logged = counted(admin, reason), len(gateway.log)
    answer = gateway.get(target, *headers, method=method, body=body)
    assert (answer.status, answer.one("x-gateway-reason")) == (status, reason)
    assert counted(admin, reason) == before + 1
    until = time.monotonic() + 10
    while time.monotonic() < until and f"reason={reason}" not in gateway.log[logged:]:
        time.sleep(0.02)
    lines = [line for line in gateway.log[logged:].splitlines() if f"reason={reason}" in line]
    assert len(lines) == 1, gateway.log[logged:]
    assert answer.one("x-request-id") in lines[0]


def test_what_goes_well_is_counted_and_not_logged(gateway, admin):
    before, logged = counted(admin, "own-endpoint"), len(gateway.log)
    assert gateway.get("/api/auth/session").one("x-gateway-reason") == "own-endpoint"
    assert counted(admin, "own-endpoint") == before + 1
    assert "own-endpoint" not in gateway.log[logged:]
