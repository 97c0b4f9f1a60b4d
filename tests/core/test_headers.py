"""Promises 16 to 18: what a client may not say, and what the upstream is told."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.headers import Stripper, ValueRefused, decode_value, encode_value, fold
from gateway.core.identity_headers import MAX_VALUE, PRESETS, HeaderTemplate, IdentityHeaders, TemplateError
from tests.people import ADA, BOB, MALLORY, session_of

STRIPPER = Stripper(["X-Staff-Id"])


@pytest.mark.parametrize(
    "name",
    ["x-staff-id", "X_Staff_Id", "x.staff.id", "X-STAFF_ID", "xstaffid", "x-forwarded-user", "X_Forwarded_User", "Remote-User", "remote_user",
     "X-Auth-Request-Anything", "x-authentik-meta-app", "X-Original-URL", "x_rewrite_url", "X-HTTP-Method-Override", "X-Gateway-Assertion", "X-Client-IP", "CF_Connecting_IP"],
)  # fmt: skip
def test_identity_names_are_stripped_in_every_spelling(name: str) -> None:
    assert STRIPPER.strips(name)
    assert STRIPPER.strips(name)  # the second time from memory


@pytest.mark.parametrize("name", ["accept", "authorization", "x-request-id", "x-staff-idx", "content-type", "x-my-header"])
def test_other_names_pass(name: str) -> None:
    assert not STRIPPER.strips(name)


def test_the_memory_of_names_is_bounded() -> None:
    stripper = Stripper([])
    for number in range(3000):
        stripper.strips(f"x-{number}")
    assert len(stripper._memo) <= 1024


def test_fold_forgets_case_and_separators() -> None:
    assert fold("X_Auth-User") == fold("x.auth.user") == "xauthuser"


@given(st.text(max_size=60).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
def test_a_value_adds_no_line_and_no_item_and_reads_back(text: str) -> None:
    encoded = encode_value(text, separator=",")
    assert encoded.isascii()
    assert not set(encoded) & {"\r", "\n", "\0", ","}
    assert encoded == encoded.strip()
    assert unquote(encoded) == text


@pytest.mark.parametrize(
    ("value", "encoded"), [(True, "true"), (False, "false"), (7, "7"), ("  a ", "%20%20a%20"), ("50%", "50%25"), ("   ", "%20%20%20")]
)
def test_values_of_other_kinds(value: object, encoded: str) -> None:
    assert encode_value(value) == encoded


@pytest.mark.parametrize("value", ["\ud800", {"a": 1}, None, [1]])
def test_a_value_without_encoding_is_refused(value: object) -> None:
    with pytest.raises(ValueRefused):
        encode_value(value)


def test_presets_say_who_it_is() -> None:
    lines = dict(IdentityHeaders.of(["x-forwarded", "authentik"], {}).render(session_of(ADA)))
    assert lines["X-Forwarded-User"] == "ada"
    assert lines["X-Forwarded-Preferred-Username"] == "Ada Lovelace"
    assert lines["X-Forwarded-Groups"] == "staff,maths"
    assert lines["X-authentik-groups"] == "staff|maths"


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_compiles_and_its_names_are_owned(preset: str) -> None:
    identity = IdentityHeaders.of([preset], {})
    assert list(identity.names) == list(PRESETS[preset])


def test_nothing_to_say_is_not_said() -> None:
    assert IdentityHeaders.of(["remote"], {}).render(session_of(BOB)) == (("Remote-User", "bob"), ("Remote-Name", "Bob"))


def test_a_hostile_name_stays_one_value() -> None:
    (line,) = IdentityHeaders.of([], {"X-Name": "{user.name}"}).render(session_of(MALLORY))
    assert line == ("X-Name", "Mallory%0D%0AX-Forwarded-User: ada")


def test_a_group_can_not_add_a_group() -> None:
    user = replace(BOB, groups=("a,admin", "b"))
    (line,) = IdentityHeaders.of([], {"X-Groups": "{user.groups}"}).render(session_of(user))
    assert line == ("X-Groups", "a%2Cadmin,b")


def test_templates_mix_text_and_claims() -> None:
    custom = {"X-Who": "{user.id} of {user.department} by {session.provider}", "X-Plain": "gateway", "X-Gone": "{user.nothing}"}
    lines = dict(IdentityHeaders.of([], custom).render(session_of(ADA)))
    assert lines == {"X-Who": "ada of engines by credentials", "X-Plain": "gateway"}
    assert dict(IdentityHeaders.of([], {"X-D": "{user.claims.department}"}).render(session_of(ADA))) == {"X-D": "engines"}


def test_a_custom_header_replaces_a_presets() -> None:
    identity = IdentityHeaders.of(["remote"], {"remote-user": "{user.email}"})
    assert dict(identity.render(session_of(ADA)))["remote-user"] == "ada@example.com"
    assert "Remote-User" not in identity.names


def test_a_value_that_is_too_long_is_refused() -> None:
    user = replace(BOB, groups=tuple("g" * 100 for _ in range(MAX_VALUE // 100 + 1)))
    with pytest.raises(ValueRefused, match="longer than"):
        IdentityHeaders.of([], {"X-Groups": "{user.groups}"}).render(session_of(user))


@pytest.mark.parametrize("separator", [mark for mark in map(chr, range(0x20, 0x7F)) if not (mark.isalnum() or mark in "%{}")])
def test_whatever_joins_a_list_whoever_splits_first_and_decodes_then_has_it_whole(separator: str) -> None:
    """Promise 18."""
    groups = ("staff", f"a{separator}b", separator, "50%", "%2C", "café", " sp ", f"{separator}25")
    joined = HeaderTemplate.parse("X-Groups", f"{{user.groups:{separator}}}").render(session_of(replace(BOB, groups=groups)))
    assert tuple(map(decode_value, joined.split(separator))) == groups


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("X User", "a"),
        ("X-A", "{user}"),
        ("X-A", "{nobody.id}"),
        ("X-A", "{user.id"),
        ("X-A", "a}"),
        ("X-A", "é"),
        ("X-A", "a\r\nb"),
        ("X-A", "{session.id}"),
        *(("X-A", f"{{user.groups:{separator}}}") for separator in "%2Caé\x7f\n"),
    ],
)
def test_a_template_that_can_not_work_is_refused(name: str, template: str) -> None:
    with pytest.raises(TemplateError):
        HeaderTemplate.parse(name, template)


@given(
    name=st.none()
    | st.text(max_size=12)
    | st.sampled_from(["x" * MAX_VALUE, "x" * (MAX_VALUE + 1), " x", "x ", "50%", "a\tb", "a\n", "é"]),
    roles=st.lists(st.text(max_size=4), max_size=3).map(tuple),
)
def test_all_headers_together_say_what_each_says_alone(name: str | None, roles: tuple[str, ...]) -> None:
    """Promise 18: the short way for plain values lets nothing else through."""
    headers = IdentityHeaders.of(["token"], {"X-Who": "<{user.name}>", "X-Roles": "{user.roles:|}", "X-Fixed": "yes"})
    session = session_of(replace(BOB, name=name, roles=roles))
    try:
        alone = [(template.name, value) for template in headers.templates if (value := template.render(session))]
    except ValueRefused:
        with pytest.raises(ValueRefused):
            headers.render(session)
    else:
        assert list(headers.render(session)) == alone


def test_a_list_of_anything_that_is_a_claim_is_rendered_or_refused() -> None:
    headers = IdentityHeaders.of([], {"X-List": "{user.claims.list}"})
    assert headers.render(session_of(replace(BOB, claims={"list": (True, 1, "a")}))) == (("X-List", "true,1,a"),)
    with pytest.raises(ValueRefused):
        headers.render(session_of(replace(BOB, claims={"list": ({},)})))
