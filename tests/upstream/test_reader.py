"""The reader is the writer's other end: whatever the gateway says comes back the same, and what it would never say is refused."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.headers import ValueRefused, decode_value, encode_value
from gateway.core.identity import Session as GatewaySession
from gateway.core.identity import User
from gateway.core.identity_headers import PRESETS, IdentityHeaders
from gateway.upstream import IdentityReader, IdentityRefused, Session
from tests.people import ADA, BOB, MALLORY, session_of

CUSTOM = {
    "X-User-Id": "{user.id}",
    "X-User-Roles": "{user.roles}",
    "X-User-Image": "{user.image}",
    "X-Department": "{user.department}",
    "X-Tags": "{user.tags:|}",
    "X-Provider": "{session.provider}",
}


def scope_of(*lines: tuple[str, str], peer: str | None = "127.0.0.1") -> dict[str, object]:
    """An ASGI scope with these header lines."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in lines]
    return {"type": "http", "headers": headers, "client": None if peer is None else (peer, 1234)}


def told_by_the_gateway(session: GatewaySession, presets: tuple[str, ...] = ("x-forwarded",)) -> dict[str, object]:
    return scope_of(*IdentityHeaders.of(presets, CUSTOM).render(session))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("user", [ADA, BOB, MALLORY], ids=lambda user: user.id)
def test_everybody_comes_back_as_they_went(preset, user):
    read = IdentityReader([preset], CUSTOM).read(told_by_the_gateway(session_of(user), (preset,)))
    assert read == Session(user=user, provider="credentials")


ANY_TEXT = st.text(min_size=1, max_size=40)
LISTS = st.lists(ANY_TEXT, max_size=5).map(tuple)


@settings(max_examples=300)
@given(id=ANY_TEXT, name=ANY_TEXT, roles=LISTS, groups=LISTS, tags=LISTS, department=ANY_TEXT)
def test_any_text_comes_back_as_it_went(id, name, roles, groups, tags, department):
    """Commas, bars, percent signs, spaces at the ends, line breaks, every script: one encoding, one decoding."""
    claims = {"department": department} | ({"tags": tags} if tags else {})
    user = User(id=id, name=name, roles=roles, groups=groups, claims=claims)
    read = IdentityReader(["x-forwarded", "authentik"], CUSTOM).read(told_by_the_gateway(session_of(user), ("x-forwarded", "authentik")))
    assert read == Session(user=user, provider="credentials")


@given(st.text(max_size=60))
def test_decoding_undoes_encoding(text):
    assert decode_value(encode_value(text)) == text


@pytest.mark.parametrize("text", ["%", "%4", "%zz", "%2c", "é", "\t", "a\x7f", "%FF", "%ED%A0%80", "100% sure"])
def test_what_the_gateway_never_writes_is_not_decoded(text):
    with pytest.raises(ValueRefused):
        decode_value(text)


USER = ("X-Forwarded-User", "ada")
REFUSED = [
    pytest.param((USER, USER), "came twice", id="twice-the-same"),
    pytest.param((USER, ("x-forwarded-user", "mallory")), "came twice", id="twice"),
    pytest.param((USER, ("X-User-Id", "mallory")), "contradict", id="two-headers-that-disagree"),
    pytest.param((USER, ("X_Forwarded_User", "mallory")), "spelt like", id="underscores"),
    pytest.param((("XForwardedUser", "mallory"),), "spelt like", id="another-spelling-alone"),
    pytest.param((("X-Forwarded-User", "gr\xfc\xdfe"),), "not percent-encoded", id="raw-8-bit"),
    pytest.param((("X-Forwarded-User", "50%"),), "not percent-encoded", id="a-bare-percent-sign"),
    pytest.param((("X-Forwarded-User", "%FF"),), "no UTF-8", id="no-utf-8"),
    pytest.param(
        (
            USER,
            ("X-Forwarded-Groups", "staff,%"),
        ),
        "X-Forwarded-Groups",
        id="a-bad-item-of-a-list",
    ),
    pytest.param((("X-Forwarded-Email", "ada@example.com"),), "none with the user's id", id="no-id"),
    pytest.param((("X-Forwarded-User", ""), ("X-User-Roles", "admin")), "none with the user's id", id="an-empty-id"),
]


@pytest.mark.parametrize(("lines", "why"), REFUSED)
def test_what_the_gateway_would_never_say_is_refused(lines, why):
    with pytest.raises(IdentityRefused, match=why) as caught:
        IdentityReader().read(scope_of(*lines))
    assert "mallory" not in str(caught.value)


def test_nobody_is_nobody():
    assert IdentityReader().read(scope_of(("Accept", "*/*"), ("X-Forwarded-For", "10.0.0.1"))) is None
    assert IdentityReader().read(scope_of(("X-Forwarded-User", ""))) is None


def test_headers_that_were_not_asked_for_are_not_believed():
    read = IdentityReader(["x-forwarded"], {}).read(scope_of(USER, ("Remote-User", "mallory"), ("X-User-Roles", "admin")))
    assert read == Session(user=User(id="ada"))


PEERS = [
    ((), "203.0.113.9", True),
    ((), None, True),
    (("127.0.0.1",), "127.0.0.1", True),
    (("127.0.0.1",), "::ffff:127.0.0.1", True),
    (("127.0.0.1",), "127.0.0.2", False),
    (("10.0.0.0/8", "fd00::/8"), "10.255.0.1", True),
    (("10.0.0.0/8", "fd00::/8"), "fd12::1", True),
    (("fe80::/10",), "fe80::1%eth0", True),
    (("10.0.0.0/8",), "11.0.0.1", False),
    (("10.0.0.0/8",), "testclient", False),
    (("10.0.0.0/8",), None, False),
    (("unix",), None, True),
    (("unix",), "127.0.0.1", False),
]


@pytest.mark.parametrize(("trusted", "peer", "good"), PEERS)
def test_only_listed_peers_are_believed(trusted, peer, good):
    reader = IdentityReader(trusted=trusted)
    if good:
        assert reader.read(scope_of(USER, peer=peer)) == Session(user=User(id="ada"))
    else:
        with pytest.raises(IdentityRefused, match="trusted"):
            reader.read(scope_of(USER, peer=peer))
    assert reader.read(scope_of(peer=peer)) is None  # who says nothing may come from anywhere


MISTAKES = [
    pytest.param({"presets": ["x-forwardd"]}, "no preset 'x-forwardd'", id="preset"),
    pytest.param({"set": {"X-User": "Bearer {user.id}"}}, "can't be read back", id="text-around-it"),
    pytest.param({"set": {"X-User": "{user.id}{user.name}"}}, "can't be read back", id="two-in-one"),
    pytest.param({"set": {"X User": "{user.id}"}}, "no header name", id="name"),
    pytest.param({"presets": [], "set": {"X-Mail": "{user.email}"}}, "id", id="nothing-tells-the-id"),
    pytest.param({"trusted": ["localhost"]}, "localhost", id="no-address"),
    pytest.param({"trusted": "127.0.0.1"}, "a list", id="no-list"),
]


@pytest.mark.parametrize(("how", "why"), MISTAKES)
def test_a_mistake_is_told_when_the_app_starts(how, why):
    with pytest.raises(ValueError, match=why):
        IdentityReader(**how)


def test_the_file_of_the_gateway_says_which_headers_there_are(tmp_path):
    file = tmp_path / "gateway.toml"
    file.write_text('[headers]\npresets = ["remote"]\n[headers.set]\n"X-Department" = "{user.department}"\n')
    reader = IdentityReader.of_file(file, trusted=["127.0.0.1"])
    read = reader.read(scope_of(("Remote-User", "ada"), ("X-Department", "engines")))
    assert read == Session(user=User(id="ada", claims={"department": "engines"}))
    file.write_text("")
    assert IdentityReader.of_file(file).read(scope_of(USER)) == Session(user=User(id="ada"))


def test_templates_of_the_file_that_say_two_things_at_once_are_passed_over(tmp_path):
    file = tmp_path / "gateway.toml"
    file.write_text('[headers.set]\n"X-Mail-From" = "{user.name} <{user.email}>"\n"X-Department" = "{user.department}"\n')
    read = IdentityReader.of_file(file).read(scope_of(USER, ("X-Department", "engines"), ("X-Mail-From", "Mallory <m@example.com>")))
    assert read == Session(user=User(id="ada", claims={"department": "engines"}))


@pytest.mark.parametrize(
    "text",
    [
        "headers = 1",
        "[headers]\npresets = 'remote'",
        "[headers]\nset = 1",
        "[headers.set]\nX-A = 1",
        "[headers",
        "[headers.set]\nX-A = '{user'",
    ],
)
def test_a_file_that_the_gateway_would_refuse_is_refused_here_too(tmp_path, text):
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    with pytest.raises(ValueError):  # tomllib's own words, or ours
        IdentityReader.of_file(file)


@dataclasses.dataclass
class Sealed:
    """A verifier that takes one assertion for good."""

    header: str = "X-Gateway-Assertion"

    def verify(self, assertion: str) -> Session:
        if assertion != "good":
            raise IdentityRefused("its seal is broken")
        return Session(user=User(id="ada"))


def test_where_there_is_a_verifier_only_the_assertion_counts():
    reader = IdentityReader(assertion=Sealed())
    assert reader.read(scope_of(("X-Forwarded-User", "mallory"))) is None
    assert reader.read(scope_of(("X-Forwarded-User", "mallory"), ("X-Gateway-Assertion", "good"))) == Session(user=User(id="ada"))
    for lines in ([("X-Gateway-Assertion", "forged")], [("X-Gateway-Assertion", "good")] * 2):
        with pytest.raises(IdentityRefused):
            reader.read(scope_of(*lines))
