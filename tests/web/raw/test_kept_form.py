"""A form that meets the sign-in at a running gateway: what is kept and what is not, and that nobody can read it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

BODY = b"title=secret-title-4711&text=two%0D%0Alines"
TYPE = "Content-Type: application/x-www-form-urlencoded"
OURS = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin", "Accept: text/html")


@pytest.fixture(scope="module")
def gateway(start):
    """With a limit that a test can reach; what was typed must never be in its log."""
    running = start(limits={"kept_form": 200, "sign_in_body_timeout": "2s"})
    running.secrets |= {BODY.decode(), "secret-title-4711"}
    return running


def kept(answer):
    return [line for line in answer.all("set-cookie") if "kept-form" in line]


def cookies(answer):
    return "; ".join(line.partition(";")[0] for line in answer.all("set-cookie"))


def test_a_form_of_our_own_page_is_kept(gateway):
    answer = gateway.get("/private/new?x=1", *OURS, TYPE, f"Origin: {gateway.origin}", method="POST", body=BODY)
    assert answer.status == 303
    assert answer.one("x-gateway-reason") == "session-missing"
    location = answer.one("location")
    assert location.startswith("/api/auth/signin?kept=")
    assert len(location) < 60  # an id alone: what was typed is in no address
    (line,) = kept(answer)
    assert line.endswith("; Max-Age=600; Path=/api/auth; HttpOnly; SameSite=Lax")
    assert "secret-title" not in line
    page = gateway.get(location, *OURS, f"Cookie: {cookies(answer)}")
    assert page.status == 200
    assert b"The form that you sent is kept" in page.body


CASES = [
    pytest.param("/private/x", (TYPE, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site"), BODY, 303, id="another-site"),
    pytest.param("/private/x", (TYPE, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-site"), BODY, 303, id="a-sibling-subdomain"),
    pytest.param("/private/x", (TYPE, "Accept: text/html", "Origin: http://evil.test"), BODY, 303, id="another-origin"),
    pytest.param("/private/x", (TYPE, *OURS, "Origin: http://evil.test"), BODY, 303, id="two-stories"),
    pytest.param("/private/x", (TYPE, "Accept: text/html"), BODY, 303, id="a-client-that-does-not-say"),
    pytest.param("/private/x", (TYPE, "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin"), BODY, 401, id="a-script"),
    pytest.param("/api/x", (TYPE, *OURS), BODY, 303, id="a-route-for-programs"),
    pytest.param("/private/x", ("Content-Type: multipart/form-data; boundary=x", *OURS), BODY, 303, id="an-upload"),
    pytest.param("/private/x", (f"{TYPE}; charset=iso-8859-1", *OURS), BODY, 303, id="another-encoding"),
    pytest.param("/private/x", (TYPE, TYPE, *OURS), BODY, 303, id="two-types"),
    pytest.param("/private/x", (TYPE, "Content-Encoding: gzip", *OURS), BODY, 303, id="compressed"),
    pytest.param("/private/x", (TYPE, *OURS), b"a=" + b"x" * 199, 303, id="one-byte-too-many"),
    pytest.param("/private/x", (TYPE, *OURS), b"a=b c", 303, id="no-browser-would-write-it"),
    pytest.param("//evil.test/private/x", (TYPE, *OURS), BODY, 404, id="a-target-that-leads-elsewhere"),
]


@pytest.mark.parametrize(("target", "headers", "body", "status"), CASES)
def test_what_is_not_kept(gateway, target, headers, body, status):
    """Promises 24, 32: nothing of another site's, and nothing that could come out differently."""
    answer = gateway.get(target, *headers, method="POST", body=body)
    assert answer.status == status
    assert kept(answer) == []
    assert "kept=" not in (answer.one("location") or "")


def test_the_largest_form_is_kept(gateway):
    assert kept(gateway.get("/private/x", TYPE, *OURS, method="POST", body=b"a=" + b"x" * 198))


def test_other_methods_than_post_are_not_kept(gateway):
    assert kept(gateway.get("/private/x", TYPE, *OURS, method="PUT", body=BODY)) == []


def test_a_body_that_stops_half_way_is_not_waited_for_without_end(gateway):
    head = f"POST /private/x HTTP/1.1\r\nHost: {gateway.host}\r\n{TYPE}\r\nContent-Length: 50\r\n" + "".join(f"{line}\r\n" for line in OURS)
    with gateway.connect() as connection:
        connection.send(head.encode() + b"\r\na=1")
    assert gateway.get("/public/x").status == 200


def test_where_there_is_no_room_beside_other_cookies_it_is_not_kept(gateway):
    answer = gateway.get("/private/x", TYPE, *OURS, f"Cookie: app={'x' * 7200}", method="POST", body=BODY)
    assert answer.status == 303
    assert kept(answer) == []


def test_from_the_form_to_the_upstream(gateway, upstream):
    """What the offered page's form holds is what was sent; the upstream has seen nothing until somebody presses the button."""
    upstream.reset()
    token, csrf = gateway.csrf()
    first = gateway.get("/private/new?x=1", *OURS, TYPE, f"Cookie: {csrf}", method="POST", body=BODY)
    cookie = cookies(first)
    assert cookie.startswith("authjs.kept-form=")
    page = gateway.get(first.one("location"), *OURS, f"Cookie: {csrf}; {cookie}").body.decode()
    sealed = page.partition('name="returnTo" value="')[2].partition('"')[0]
    form = f"csrfToken={token}&returnTo={sealed}&username=ada&password={quote('lovelace-1815-difference')}"
    signed_in = gateway.get("/api/auth/callback/credentials", *OURS, TYPE, f"Cookie: {csrf}; {cookie}", method="POST", body=form.encode())
    assert signed_in.status == 302
    session = next(line.partition(";")[0] for line in signed_in.all("set-cookie") if "session-token=" in line and "Max-Age=0" not in line)
    offered = gateway.get(signed_in.one("location"), *OURS, f"Cookie: {csrf}; {cookie}; {session}")
    assert offered.status == 200
    assert b'<form method="post" action="/private/new?x=1"' in offered.body
    assert b'name="text" value="two&#13;&#10;lines"' in offered.body
    assert [line for line in offered.all("set-cookie") if "kept-form=;" in line and "Max-Age=0" in line]
    assert upstream.requests == []
    assert gateway.get("/private/new?x=1", *OURS, TYPE, f"Cookie: {session}; {cookie}", method="POST", body=BODY).status == 200
    assert upstream.only().body == BODY
    assert "kept-form" not in " ".join(upstream.only().all("cookie"))
