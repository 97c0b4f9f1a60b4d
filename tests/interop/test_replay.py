"""What the real packages answered, asked again of the gateway: the same answer, but for the differences that docs/authjs.md lists by name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from gateway.sessions.cookie_header import CookieHeader
from tests.interop.compare import differing
from tests.interop.differences import DIFFERENCES
from tests.interop.recorded import TRACES, host_of, site_for

PAGE = (Path(__file__).parent.parent.parent / "docs/authjs.md").read_text("utf-8")
LARGE = 65536  # bytes of a header field: all cookies are one


async def replay(trace: dict[str, Any]) -> dict[str, Any]:
    """Send the recorded request, byte for byte; give what came back."""
    calls: list[str] = []
    server = TestServer(site_for(trace, calls).app)
    await server.start_server(max_field_size=LARGE)
    asked = trace["request"]
    async with TestClient(server, cookie_jar=DummyCookieJar()) as client:
        answer = await client.request(
            asked["method"],
            URL(asked["path"], encoded=True),
            headers={"Host": host_of(trace), **asked["headers"]},
            data=asked["body"].encode() if asked.get("body") else None,
            allow_redirects=False,
            skip_auto_headers=[] if "content-type" in asked["headers"] else ["Content-Type"],
            max_field_size=LARGE,
        )
        lines = answer.headers.getall("Set-Cookie", [])
        return {"status": answer.status, "headers": answer.headers, "set_cookie": lines, "body": await answer.text(), "calls": calls}


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["name"])
async def test_the_answer_is_the_recorded_one_but_for_the_differences_that_are_listed(trace):
    ours = await replay(trace)
    listed = frozenset[str]().union(*(difference.aspects for difference in DIFFERENCES if difference.covers(trace)))
    assert differing(trace, ours) <= listed, json.dumps(
        [trace["response"], ours["status"], ours["set_cookie"], ours["body"][:500]], indent=1
    )


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: f"{difference.name}:{difference.exchanges}")
async def test_every_difference_that_is_listed_is_one(difference):
    """A line of the list that nothing needs any more would hide the next mistake."""
    missing = set(difference.aspects)
    for trace in (trace for trace in TRACES if difference.covers(trace)):
        if not missing:
            return
        missing -= differing(trace, await replay(trace))
    assert not missing


@pytest.mark.parametrize("name", sorted({difference.name for difference in DIFFERENCES}))
def test_every_difference_is_in_the_documentation_by_its_name(name):
    assert f"`{name}`" in PAGE


def test_all_that_was_recorded_of_credentials_is_replayed():
    assert len(TRACES) == 328
    assert {trace["family"] for trace in TRACES} == {"v4", "v5", "v4-app-router"}


@pytest.mark.parametrize("family", ["v4", "v5"])
async def test_a_token_that_was_copied_before_the_sign_out_is_dead_after_it(family):
    """`sessions-end-with-the-sign-out`: the recorded server still took it."""
    copied = next(trace for trace in TRACES if trace["name"] == f"{family}/session/replayed_after_signout")
    leaving = next(trace for trace in TRACES if trace["name"] == f"{family}/signout/ok_client")
    cookie = copied["request"]["headers"]["cookie"]
    headers = {"Host": host_of(copied), "Cookie": cookie}
    token = re.search(r"csrf-token=([0-9a-f]{64})", cookie)[1]
    server = TestServer(site_for(copied, []).app)
    async with TestClient(server, cookie_jar=DummyCookieJar()) as client:
        before = await (await client.get("/api/auth/session", headers=headers)).json()
        out = await client.post(leaving["request"]["path"], headers=headers, data={"csrfToken": token}, allow_redirects=False)
        after = await (await client.get("/api/auth/session", headers=headers)).json()
    assert (before["user"]["id"], out.status, after) == ("1", 302, {} if family == "v4" else None)


async def test_the_claims_of_a_recorded_sign_in_are_in_our_token():
    """Ours has more: what rules and headers are made from, and the sign-in's own id."""
    for trace in TRACES:
        if "session_claims_set" not in trace or "/callback/ok" not in trace["name"] or trace["name"].endswith("noid"):
            continue
        calls: list[str] = []
        site = site_for(trace, calls)
        ours = await replay(trace)
        cookies = CookieHeader(line.partition(";")[0] for line in ours["set_cookie"] if "Max-Age=0" not in line)
        token = cookies.first(site.gateway.sessions.names.session)
        claims = site.gateway.sessions._codec.open(token)
        expected = {key: value for key, value in trace["session_claims_set"].items() if key not in ("iat", "exp", "jti")}
        assert expected.items() <= claims.items(), trace["name"]
        assert claims["exp"] - claims["iat"] == trace["session_claims_set"]["exp"] - trace["session_claims_set"]["iat"]
