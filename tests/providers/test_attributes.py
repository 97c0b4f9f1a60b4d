from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.identity import User
from gateway.providers.attributes import RESERVED, AttributesRefused, user_of


def test_further_keys_become_claims():
    user = user_of({"id": "ada", "plan": "gold", "seats": 3, "address": {"city": "London"}, "tags": ["a"]})
    assert user == User(id="ada", claims={"plan": "gold", "seats": 3, "address": {"city": "London"}, "tags": ["a"]})


def test_claims_are_a_copy():
    given = {"id": "ada", "tags": ["a"]}
    user = user_of(given)
    given["tags"].append("admin")
    assert user.claims["tags"] == ["a"]


@pytest.mark.parametrize(
    ("value", "identifier"),
    [pytest.param("ada", "ada", id="text"), pytest.param(7, "7", id="number"), pytest.param(None, "name", id="default")],
)
def test_an_id_is_text_in_the_end(value: object, identifier: str):
    assert user_of({"id": value}, default_id="name").id == identifier


@pytest.mark.parametrize(
    "value", [None, "", True, 1.5, ["ada"], b"ada", "\ud800", pytest.param(1 << 20_000, id="no-number-to-write")], ids=repr
)
def test_what_is_no_id_is_refused(value: object):
    with pytest.raises(AttributesRefused) as caught:
        user_of({"id": value})
    assert list(caught.value.problems) == ["id"]


@pytest.mark.parametrize("key", ["roles", "groups"])
def test_a_list_may_be_a_tuple_or_a_set_but_never_text(key: str):
    for value in (["a", "b"], ("a", "b"), {"b", "a"}):
        assert getattr(user_of({"id": "x", key: value}), key) == ("a", "b")
    for value in ("admin", {"admin": True}, [1], [None], 7, ["\ud800"]):
        with pytest.raises(AttributesRefused):
            user_of({"id": "x", key: value})


@pytest.mark.parametrize("key", sorted(RESERVED))
def test_claims_of_the_gateway_cannot_be_set(key: str):
    with pytest.raises(AttributesRefused, match=key):
        user_of({"id": "x", key: "y"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), ..., b"x", {1, 2}, "\ud800", {"a": "\ud800"}], ids=repr)
def test_a_claim_that_json_cannot_say_is_refused(value: object):
    with pytest.raises(AttributesRefused):
        user_of({"id": "x", "claim": value})


def test_a_claim_without_end_is_refused():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(AttributesRefused):
        user_of({"id": "x", "claim": endless})


@pytest.mark.parametrize(("levels", "accepted"), [(64, True), (65, False), (500, False)])
def test_a_claim_is_nested_no_deeper_than_copies_of_a_token_can_bear(levels: int, accepted: bool):
    claim: object = "x"
    for level in range(levels):
        claim = {"in": claim} if level % 2 else [claim]
    if accepted:
        assert user_of({"id": "x", "claim": claim}).claims["claim"] == claim
        return
    with pytest.raises(AttributesRefused, match="claim"):
        user_of({"id": "x", "claim": claim})


def test_no_value_is_quoted():
    with pytest.raises(AttributesRefused) as caught:
        user_of({"id": "x", "email": 12345, "roles": "s3cret", 7: "z"})
    assert set(caught.value.problems) == {"email", "roles", "7"}
    assert "s3cret" not in str(caught.value)
    assert "12345" not in str(caught.value)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.text() | st.floats() | st.binary(), st.lists)))
def test_any_mapping_makes_a_user_or_a_refusal(attributes: dict[str, object]):
    try:
        user = user_of(attributes, default_id="x")
    except AttributesRefused as refused:
        assert refused.problems
    else:
        assert user.id
        assert not RESERVED & user.claims.keys()
