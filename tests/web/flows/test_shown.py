"""Redaction by type: a flow holds text that a constructor made for showing, and there is none for a secret."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import gateway.web.flows
from gateway.core.reason import Reason
from gateway.providers.base import Rejected
from gateway.web.flows import shown
from gateway.web.flows.shown import Shown, words
from gateway.web.flows.steps import CookieNote, Did, Fact, Lane, Step
from tests.people import ADA

FOLDER = Path(gateway.web.flows.__file__).parent
SECRET = "correct-horse-battery"


def calls_of(name: str) -> list[tuple[str, ast.Call]]:
    """Every call of a function in the room, with the file that it is in."""
    found = []
    for module in sorted(FOLDER.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (getattr(node.func, "id", None) == name or getattr(node.func, "attr", None) == name):
                found.append((module.name, node))
    return found


def test_nobody_makes_shown_text_by_themselves():
    with pytest.raises(TypeError, match="constructors"):
        Shown(SECRET)


@pytest.mark.parametrize("part", [SECRET, SECRET.encode(), {"password": SECRET}, None, 1.5, True])
def test_sentences_take_nothing_but_shown_text_numbers_and_reasons(part):
    with pytest.raises(TypeError, match="is not shown"):
        words("{}", part)


def test_sentences_are_written_in_the_source():
    """`words` takes text as it is, so what it is given must stand there, letter by letter."""
    calls = calls_of("words")
    assert len(calls) > 40
    bad = [
        (name, call.lineno) for name, call in calls if not (isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str))
    ]
    assert not bad


@pytest.mark.parametrize(("name", "files"), [("Shown", {"shown.py"}), ("read_back", {"shown.py", "flow_json.py"})])
def test_the_ways_in_are_where_they_are_thought_to_be(name, files):
    assert {file for file, _ in calls_of(name)} <= files


@pytest.mark.parametrize("place", ["title", "text", "fact", "private", "cookie"])
def test_a_step_refuses_text_that_was_not_made_to_be_shown(place):
    good = {"at": 0.0, "source": Lane.BROWSER, "target": Lane.GATEWAY, "title": words("a"), "text": words("b")}
    fact = Fact(words("label"), SECRET)
    bad = {
        "title": {"title": SECRET},
        "text": {"text": SECRET},
        "fact": {"facts": (fact,)},
        "private": {"private": (fact,)},
        "cookie": {"cookies": (CookieNote(did=Did.SENT, name=SECRET, size=1),)},
    }[place]
    with pytest.raises(TypeError, match="nothing but text"):
        Step(**{**good, **bad})


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("/reports?x=1&y=2", "/reports?x=…&y=…"),
        (f"/reset?token={SECRET}#{SECRET}", "/reset?token=…"),
        ("/a?flag", "/a?flag"),
        (f"https://{SECRET}:{SECRET}@docs.example.com:8443/p?q={SECRET}", "https://docs.example.com:8443/p?q=…"),
        (f"/api/auth/signin?filled={SECRET}&returnTo={SECRET}", "/api/auth/signin"),
        (f"http://app.example.com/api/auth/error?error={SECRET}", "/api/auth/error"),
        ("http://app.example.com/reports", "/reports"),
        ("http://app.example.com.evil.example/x", "http://app.example.com.evil.example/x"),
        ("http://[", "an address that can't be read"),
        ("/a\r\nSet-Cookie: x", "/a\ufffd\ufffdSet-Cookie: x"),
    ],
)
def test_addresses_lose_what_their_query_says(location, seen):
    assert str(shown.address(location, own_origin="http://app.example.com")) in (seen, seen.replace("\ufffd", ""))


def test_of_further_claims_only_the_names_are_seen():
    user = replace(ADA, claims={"access_token": SECRET, "odd name": SECRET})
    assert [str(name) for name in shown.further_claims(user)] == ["access_token", "?"]
    assert SECRET not in str(shown.user_facts(user))


def test_of_an_exception_the_kind_and_the_places_are_seen_and_no_message():
    def callback(password: str) -> None:
        raise ValueError(f"bad password {password}")

    with pytest.raises(ValueError, match="bad password") as caught:
        callback(SECRET)
    assert str(shown.exception_kind(caught.value)) == "ValueError"
    places = [str(frame) for frame in shown.frames(caught.value)]
    assert places[-1].startswith("test_shown.py:") and places[-1].endswith("in callback")
    assert SECRET not in "".join(places)


def test_why_a_provider_refused_is_a_word_or_nothing():
    assert str(shown.rejection(Rejected("wrong-password"))) == "wrong-password"
    assert str(shown.rejection(Rejected(f"ldap said no to {SECRET}"))) == "refused"


def test_text_is_short_and_holds_no_character_that_turns_others_round():
    long = replace(ADA, name="A\u202e" + "x" * 1000)
    text = str(shown.user_label(long))
    assert len(text) == 240
    assert "\u202e" not in text


def test_reasons_are_shown_by_their_ids():
    assert str(words("{}", Reason.SIGNED_IN)) == "signed-in"
