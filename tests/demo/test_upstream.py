from __future__ import annotations

import base64
import hashlib
import re

import pytest

from gateway.demo.upstream import build_upstream, end_streams

TOLD = {"Via": "1.1 gateway", "X-Forwarded-User": "ada", "X-Forwarded-Preferred-Username": "Ada Lovelace"}


@pytest.fixture
async def client(aiohttp_client):
    return await aiohttp_client(build_upstream(["X-Forwarded-User", "X-Forwarded-Preferred-Username"]))


async def test_a_page_greets_the_person_and_shows_the_headers(client):
    response = await client.get("/reports?x=1&y=2", headers=TOLD)
    page = await response.text()
    assert response.status == 200
    assert "Hello, Ada Lovelace" in page
    assert "gateway explain --demo &#39;/reports?x=1&amp;y=2&#39; --as ada" in page
    assert "What the gateway says about you" in page


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        pytest.param({"Via": "1.1 gateway"}, "Hello, whoever you are", id="public"),
        pytest.param({}, "This request came directly", id="round-the-gateway"),
        pytest.param(TOLD | {"Cookie": "authjs.session-token=x"}, "Something is wrong", id="a-leak"),
    ],
)
async def test_a_page_says_what_is_odd(client, headers, words):
    response = await client.get("/", headers=headers)
    assert response.status == 200
    assert words in await response.text()


async def test_what_a_request_says_can_not_become_markup(client):
    evil = "<script>alert(1)</script>\"'"
    response = await client.get("/%3Cscript%3Ealert(1)%3C/script%3E?<b>=%22", headers=TOLD | {"X-Forwarded-User": evil, "X-Odd": evil})
    page = await response.text()
    assert response.status == 200
    assert page.count("<script>") == 1, "the page's own"
    assert "<b>=" not in page


async def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else(client):
    response = await client.get("/", headers=TOLD)
    page, policy = await response.text(), response.headers["Content-Security-Policy"]
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        inline = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
        assert len(inline) == 1
        assert f"{directive} 'sha256-{base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()}'" in policy
    assert not re.search(r"\sstyle=|\son[a-z]+=", page), "no inline attribute, which the policy would block"
    assert policy.startswith("default-src 'none'; ")


async def test_programs_get_json(client):
    response = await client.post("/x?y=1", headers=TOLD | {"Accept": "application/json"}, data=b"12345")
    told = await response.json()
    assert (told["method"], told["target"], told["body_bytes"], told["identity"]["X-Forwarded-User"]) == ("POST", "/x?y=1", 5, "ada")


async def test_a_socket_echoes_until_the_end(client):
    async with client.ws_connect("/live/echo") as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
        await socket.send_bytes(b"\x00")
        assert await socket.receive_bytes() == b"\x00"
        end_streams(client.app)
        assert (await socket.receive()).data == 1001


async def test_the_echo_speaks_websocket_only(client):
    assert (await client.get("/live/echo")).status == 426


async def test_the_clock_ticks_until_the_end(client):
    response = await client.get("/live/clock")
    assert response.status == 200
    assert response.content_type == "text/event-stream"
    assert re.fullmatch(rb"data: \d\d:\d\d:\d\d UTC\n", await response.content.readline())
    end_streams(client.app)
    await response.content.read()
