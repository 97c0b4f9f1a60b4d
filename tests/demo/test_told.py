from __future__ import annotations

import pytest

from gateway.demo.told import told_of

IDENTITY = ("X-Forwarded-User", "X-Forwarded-Preferred-Username", "X-User-Id")
THROUGH = ("Via", "1.1 gateway")


def test_headers_are_sorted_by_who_says_them():
    told = told_of("GET", "/", [("Host", "a"), THROUGH, ("X-Forwarded-For", "::1"), ("x-forwarded-user", "ada")], IDENTITY)
    assert [(line.name, line.said_by) for line in told.lines] == [
        ("Host", "client"),
        ("Via", "forwarding"),
        ("X-Forwarded-For", "forwarding"),
        ("x-forwarded-user", "identity"),
    ]


def test_the_name_of_a_person_is_the_friendliest_there_is():
    told = told_of("GET", "/", [("X-Forwarded-User", "ada"), ("X-Forwarded-Preferred-Username", "Ada %C3%84")], IDENTITY)
    assert (told.user, told.user_id) == ("Ada Ä", "ada")


def test_without_identity_headers_nobody_is_there():
    told = told_of("GET", "/", [("X-Whatever-User", "root")], IDENTITY)
    assert (told.user, told.user_id, told.identity) == (None, None, ())


@pytest.mark.parametrize(("headers", "through"), [([THROUGH], True), ([], False)], ids=["by-the-gateway", "directly"])
def test_a_request_that_went_round_the_gateway_is_known(headers, through):
    assert told_of("GET", "/", headers, IDENTITY).through_gateway is through


@pytest.mark.parametrize(
    ("cookie", "leaked"),
    [
        pytest.param("theme=dark", (), id="the-apps-own"),
        pytest.param("a=1; __Secure-authjs.session-token.0=x", ("__Secure-authjs.session-token.0",), id="a-chunk-of-ours"),
        pytest.param("authjs.csrf-token=x", ("authjs.csrf-token",), id="csrf"),
    ],
)
def test_a_cookie_of_the_gateway_is_noticed(cookie, leaked):
    assert told_of("GET", "/", [("Cookie", cookie)], IDENTITY).leaked == leaked


def test_path_and_query_are_shown_decoded_and_the_target_as_it_came():
    told = told_of("GET", "/caf%C3%A9?x=1&y=a+b&z", [], IDENTITY)
    assert (told.path, told.query, told.target) == ("/café", (("x", "1"), ("y", "a b"), ("z", "")), "/caf%C3%A9?x=1&y=a+b&z")


def test_bytes_that_are_no_text_can_be_shown_all_the_same() -> None:
    told = told_of("GET", "/", [("X-A", "caf\udce9")], [])
    assert told.lines[0].value == "caf\ufffd"
