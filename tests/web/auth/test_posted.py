"""What is read of a posted body, over a socket (promises 7, 33, limits)."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.auth.conftest import PASSWORD

CALLBACK = "/api/auth/callback/credentials"
FORM = "application/x-www-form-urlencoded"


async def post(browser, body: bytes, content_type: str | None = FORM, **headers: str):
    sent = {"Content-Type": content_type, "Accept": "application/json"} | headers
    answer = await browser.send("POST", CALLBACK, headers=sent, data=body)
    return answer.status, answer.headers["X-Gateway-Reason"]


@pytest.mark.parametrize(
    ("content_type", "headers"),
    [
        pytest.param("text/plain", {}, id="plain-text"),
        pytest.param("multipart/form-data; boundary=x", {}, id="multipart"),
        pytest.param("multipart/form-data", {}, id="multipart-without-boundary"),
        pytest.param("application/x-www-form-urlencoded; charset=utf-7", {}, id="odd-charset"),
        pytest.param("application/jsonp", {}, id="nearly-json"),
        pytest.param("", {}, id="empty"),
        pytest.param(None, {}, id="none"),
        pytest.param(FORM, {"Content-Encoding": "gzip"}, id="compressed"),
    ],
)
async def test_only_forms_and_json_are_read(browser, content_type, headers):
    """Promise 33."""
    assert await post(browser, b"csrfToken=x", content_type, **headers) == (415, "content-type-refused")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"username=%ff", FORM, id="form-no-utf8"),
        pytest.param(b"username=\xff", FORM, id="form-raw-no-utf8"),
        pytest.param(b"a=1&a=2", FORM, id="form-field-twice"),
        pytest.param(b"=1", FORM, id="form-no-name"),
        pytest.param(b"&".join(b"f%d=1" % number for number in range(33)), FORM, id="form-33-fields"),
        pytest.param(b"n" * 257 + b"=1", FORM, id="form-long-name"),
        pytest.param(b"", "application/json", id="json-empty"),
        pytest.param(b"[]", "application/json", id="json-list"),
        pytest.param(b'"x"', "application/json", id="json-text"),
        pytest.param(b"null", "application/json", id="json-null"),
        pytest.param(b'{"a":', "application/json", id="json-cut"),
        pytest.param(b'{"a":1,"a":2}', "application/json", id="json-field-twice"),
        pytest.param(b'{"a":{"b":1}}', "application/json", id="json-nested"),
        pytest.param(b'{"a":[1]}', "application/json", id="json-list-inside"),
        pytest.param(b'{"a":NaN}', "application/json", id="json-nan"),
        pytest.param(b'{"a":"\\ud800"}', "application/json", id="json-half-a-character"),
        pytest.param(b"[" * 16_000, "application/json", id="json-deep"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "application/json", id="json-huge-number"),
        pytest.param(b"{%s}" % b",".join(b'"f%d":1' % number for number in range(33)), "application/json", id="json-33-fields"),
        pytest.param('{"a":1}'.encode("utf-16"), "application/json", id="json-utf16"),
    ],
)
async def test_a_body_that_is_not_what_it_says_is_400(browser, body, content_type):
    """Promise 7."""
    assert await post(browser, body, content_type) == (400, "credentials-malformed")


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param(16 * 1024 - 1, (302, "csrf-mismatch"), id="below"),
        pytest.param(16 * 1024, (302, "csrf-mismatch"), id="at-the-limit"),
        pytest.param(16 * 1024 + 1, (413, "request-body-too-large"), id="over-it"),
    ],
)
@pytest.mark.parametrize("chunked", [pytest.param(False, id="length"), pytest.param(True, id="chunked")])
async def test_the_body_has_a_limit(site, browser, size, expected, chunked):
    body = b"f=".ljust(size, b"x")

    async def pieces():
        for start in range(0, len(body), 4096):
            yield body[start : start + 4096]

    headers = {"Host": browser.host, "Content-Type": FORM, "Accept": "application/json"}
    answer = await site.client.post(CALLBACK, data=pieces() if chunked else body, headers=headers, allow_redirects=False)
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == expected


async def test_32_fields_are_read(browser):
    assert await post(browser, b"&".join(b"f%d=1" % number for number in range(32))) == (302, "csrf-mismatch")


async def test_a_body_that_does_not_come_is_408(open_site):
    site = await open_site(settings={"limits": {"sign_in_body_timeout": "50ms"}})
    browser = site.browser()

    async def slowly():
        yield b"username=a"
        await asyncio.sleep(5)

    headers = {"Host": browser.host, "Content-Type": FORM}
    answer = await site.client.post(CALLBACK, data=slowly(), headers=headers)
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == (408, "request-timed-out")


async def test_a_body_that_waits_for_100_is_invited_only_once_its_head_is_good(site, browser):
    """Promise 13."""
    fields = await browser.open_form()
    host, port = site.client.server.host, site.client.server.port
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    body = f"csrfToken={fields['csrfToken']}&username=ada&password={PASSWORD.replace(' ', '+')}".encode()

    async def speak(content_type: str, send_body: bool) -> bytes:
        reader, writer = await asyncio.open_connection(host, port)
        head = f"POST {CALLBACK} HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {cookie}\r\nContent-Type: {content_type}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n".encode())
        seen = await reader.readuntil(b"\r\n\r\n")
        if send_body:
            writer.write(body)
            seen += await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return seen

    good = await speak(FORM, send_body=True)
    assert good.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302")
    assert (await speak("text/plain", send_body=False)).startswith(b"HTTP/1.1 415")
