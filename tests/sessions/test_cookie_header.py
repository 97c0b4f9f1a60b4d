from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.lifetime import Lifetime
from gateway.sessions.cookie_header import CookieHeader, decode, encode, set_cookie_line
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.keys import KeyRing

owns = SessionCookies(KeyRing.of(["0123456789abcdef" * 4]), secure=False, lifetime=Lifetime()).owns


@pytest.mark.parametrize(
    ("lines", "name", "value"),
    [
        pytest.param(["a=1; b=2"], "b", "2", id="one-of-two"),
        pytest.param(["a=1", "b=2"], "b", "2", id="on-the-second-line"),
        pytest.param(["a=1; a=2"], "a", "1", id="the-first-of-two"),
        pytest.param(["a=1", "a=2"], "a", "1", id="the-first-of-two-lines"),
        pytest.param([b"a=1; b=2"], "b", "2", id="bytes"),
        pytest.param([b"a=\xc3\xa9"], "a", "é", id="utf-8-bytes"),
        pytest.param(["a=1"], "A", None, id="case-counts"),
        pytest.param(["a=x=y=="], "a", "x=y==", id="equals-signs-in-the-value"),
        pytest.param(["a =\t1 ;b= 2"], "a", "1", id="space-around"),
        pytest.param(["a; b=2; =3; ; ;;"], "b", "2", id="malformed-pairs-are-skipped"),
        pytest.param(["a"], "a", None, id="no-equals-sign"),
        pytest.param(["=1"], "", None, id="no-name"),
        pytest.param(["a="], "a", "", id="empty"),
        pytest.param(["a=%7Cx%2Fy"], "a", "|x/y", id="percent-encoded"),
        pytest.param(["a=100%"], "a", "100%", id="bad-percent-is-literal"),
        pytest.param(["a=%41%zz"], "a", "%41%zz", id="one-bad-percent-leaves-all-literal"),
        pytest.param(["a=%ff"], "a", "%ff", id="bad-utf-8-is-literal"),
        pytest.param(["a=%C0%AF"], "a", "%C0%AF", id="overlong-utf-8-is-literal"),
        pytest.param(["a=%ED%A0%80"], "a", "%ED%A0%80", id="half-a-character-is-literal"),
        pytest.param(['a="q"'], "a", '"q"', id="quotes-are-part-of-it"),
        pytest.param(["a=x+y"], "a", "x+y", id="plus-is-no-space"),
        pytest.param([], "a", None, id="no-header"),
    ],
)
def test_reading_one_cookie(lines, name, value):  # promise 42
    assert CookieHeader.parse(lines).first(name) == value


def test_cookies_with_a_prefix_come_in_the_order_of_the_browser():
    header = CookieHeader.parse(["s.1=b; x=0", "s.0=%61; s.1=late; s=c"])
    assert list(header.starting_with("s").items()) == [("s.1", "b"), ("s.0", "a"), ("s", "c")]
    assert header.names == ("s.1", "x", "s.0", "s")


@pytest.mark.parametrize(
    ("lines", "rest"),
    [
        pytest.param(["a=1; b=2"], "a=1; b=2", id="nothing-of-ours"),
        pytest.param(["authjs.session-token=x"], "", id="only-ours"),
        pytest.param(["authjs.session-token=x; a=1"], "a=1", id="ours-first"),
        pytest.param(["a=1; authjs.session-token=x; b=2"], "a=1; b=2", id="ours-between"),
        pytest.param(["a=1; __Secure-authjs.session-token.0=x"], "a=1", id="a-chunk-last"),
        pytest.param(["a=1; __Host-authjs.csrf-token=x; __Secure-authjs.callback-url=y"], "a=1", id="csrf-and-callback-url"),
        pytest.param(["authjs.csrf-token=x; authjs.callback-url=y; a=1"], "a=1", id="without-prefixes"),
        pytest.param(["a=1", "authjs.session-token=x", "b=2"], "a=1; b=2", id="across-lines"),
        pytest.param(["a=1; a=2"], "a=1; a=2", id="twice-the-same-stays"),
        pytest.param(['a="x y, z"; b=%7B%; c=é'], 'a="x y, z"; b=%7B%; c=é', id="values-as-they-are"),
        pytest.param(["flag; =v; a=1"], "flag; =v; a=1", id="malformed-pairs-stay"),
        pytest.param(["authjs.session-token; a=1"], "a=1", id="ours-without-a-value"),
        pytest.param(["=authjs.session-token=x; = =authjs.session-token=x; a=1; ==b=2"], "a=1; ==b=2", id="behind-an-empty-name"),
        pytest.param(["AUTHJS.Session-Token=x; a=1"], "a=1", id="in-another-case"),
        pytest.param(["authjs%2Esession-token=x; a=1"], "a=1", id="percent-encoded"),
        pytest.param(["\u00a0authjs.session-token\u00a0=x; a=1"], "a=1", id="in-space-that-node-trims"),
        pytest.param(["authjs.session-token-other=x; a=1"], "a=1", id="what-authjs-would-join"),
        pytest.param(["xauthjs.session-token=x; authjs.csrf-tokens=y"], "xauthjs.session-token=x; authjs.csrf-tokens=y", id="like-ours"),
        pytest.param(["a=1;b=2;authjs.session-token=x;c=3"], "a=1; b=2; c=3", id="without-spaces"),
        pytest.param([], "", id="no-header"),
    ],
)
def test_what_is_left_for_the_upstream(lines, rest):  # promise 22
    assert CookieHeader.parse(lines).without(owns) == rest


def test_bytes_that_are_no_utf_8_reach_the_upstream_as_they_came():
    rest = CookieHeader.parse([b"a=\xff\xfe; authjs.session-token=x; b=\xc3\xa9"]).without(owns)
    assert rest.encode("utf-8", "surrogateescape") == b"a=\xff\xfe; b=\xc3\xa9"


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_any_header_is_read_and_nothing_of_ours_is_left(lines):
    header = CookieHeader.parse(lines)
    rest = header.without(owns)
    rest.encode("utf-8", "surrogateescape")
    again = CookieHeader.parse([rest])
    assert not any(owns(name) for name in again.names)
    assert {name: header.first(name) for name in header.names if not owns(name)} == {name: again.first(name) for name in again.names}


def test_its_repr_shows_no_value():
    assert repr(CookieHeader.parse(["a=hush"])) == "CookieHeader(['a'])"


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        pytest.param("a|b", "a%7Cb", id="bar"),
        pytest.param("http://x/y?z=1#q", "http%3A%2F%2Fx%2Fy%3Fz%3D1%23q", id="url"),
        pytest.param("-_.!~*'()", "-_.!~*'()", id="marks-that-stay"),
        pytest.param("ü 山\n", "%C3%BC%20%E5%B1%B1%0A", id="utf-8-space-line-feed"),
        pytest.param("%", "%25", id="percent"),
        pytest.param('";,\\', "%22%3B%2C%5C", id="what-ends-a-cookie"),
    ],
)
def test_values_are_spelled_as_javascript_spells_them(value, spelled):
    assert encode(value) == spelled
    assert decode(spelled) == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_spelled_value_is_read_back_and_can_not_leave_its_cookie(value):
    spelled = encode(value)
    assert decode(spelled) == value
    assert spelled.isascii() and spelled.isprintable() and not set(spelled) & set(' ";,\\=')


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param({"secure": False}, "n=v; Path=/; HttpOnly; SameSite=Lax", id="ends-with-the-browser"),
        pytest.param({"secure": True}, "n=v; Path=/; HttpOnly; Secure; SameSite=Lax", id="https"),
        pytest.param(
            {"secure": True, "expires": datetime(2026, 1, 31, tzinfo=UTC)},
            "n=v; Path=/; Expires=Sat, 31 Jan 2026 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax",
            id="expires",
        ),
        pytest.param({"secure": False, "max_age": 0}, "n=v; Max-Age=0; Path=/; HttpOnly; SameSite=Lax", id="deleted"),
    ],
)
def test_attributes_come_in_the_order_of_authjs(arguments, line):  # promise 36
    assert set_cookie_line("n", "v", **arguments) == line


@pytest.mark.parametrize("name", ["", "a b", "a;b", "a=b", "a\r\nSet-Cookie: x", "ä"])
def test_a_name_that_is_no_token_is_refused(name):
    with pytest.raises(ValueError, match="cookie name"):
        set_cookie_line(name, "v", secure=True)
