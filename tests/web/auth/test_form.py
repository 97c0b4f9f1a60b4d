from __future__ import annotations

import logging

import pytest

from gateway.providers.base import Field
from gateway.web.auth.field_attributes import input_type, read_attributes
from gateway.web.auth.form import form_of, warn_of_dropped
from tests.web.auth.conftest import People


def provider(*fields: Field) -> People:
    return People(fields=fields)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param({"placeholder": "jsmith"}, {"placeholder": "jsmith"}, id="text"),
        pytest.param({"maxlength": 40}, {"maxlength": "40"}, id="number"),
        pytest.param({"required": True, "readonly": False}, {"required": ""}, id="booleans"),
        pytest.param({"spellcheck": False, "aria-hidden": True}, {"spellcheck": "false", "aria-hidden": "true"}, id="words"),
        pytest.param({"autocomplete": False}, {"autocomplete": "off"}, id="autocomplete-off"),
        pytest.param({"className": "big", "autoComplete": "email"}, {"class": "big", "autocomplete": "email"}, id="reacts-spelling"),
        pytest.param(
            {"data-test": "x", "pattern": "[a-z]+", "title": '"<x>'}, {"data-test": "x", "pattern": "[a-z]+", "title": '"<x>'}, id="any"
        ),
    ],
)
def test_attributes_are_taken(written, kept):
    assert read_attributes(written) == (kept, ())


@pytest.mark.parametrize(
    "name",
    [
        "onclick",
        "onFocus",
        "formaction",
        "formMethod",
        "src",
        "id",
        "name",
        "form",
        "nonce",
        "a b",
        "x=y",
        "x>",
        "x/",
        "",
        "1x",
        "autofocus",
    ],
)
def test_attributes_that_cannot_be_meant_are_left_out(name):
    assert read_attributes({name: "x"}) == ({}, (name,))


@pytest.mark.parametrize(
    ("written", "expected"),
    [("password", "password"), ("EMAIL", "email"), ("file", "text"), ("submit", "text"), ("image", "text"), ("nonsense", "text")],
)
def test_the_type_stays_one_to_type_into(written, expected):
    assert input_type(written) == expected


def test_a_form_helps_password_managers_unless_told_otherwise():
    form = form_of(
        provider(
            Field(key="mail", label="Mail", type="email"),
            Field(key="password", label="Password", type="password"),
            Field(key="otp", label="Code", attributes={"autocomplete": "one-time-code"}),
        )
    )
    assert [entry.attributes["autocomplete"] for entry in form.inputs] == ["username", "current-password", "one-time-code"]
    assert form.inputs[0].id == "input-mail-for-credentials-provider"
    assert form.account == "mail"


def test_only_the_name_is_ever_filled_again():
    fields = (
        Field(key="pin", label="PIN", type="password", attributes={"value": "1234"}),
        Field(key="code", label="Code", attributes={"autocomplete": "one-time-code"}),
        Field(key="user", label="User"),
        Field(key="tenant", label="Tenant"),
    )
    form = form_of(provider(*fields), filled="ada")
    assert {entry.key: entry.attributes.get("value") for entry in form.inputs} == {"pin": None, "code": None, "user": "ada", "tenant": None}


def test_the_focus_goes_to_the_first_empty_input():
    fields = (
        Field(key="secret", label="", type="hidden"),
        Field(key="user", label="User"),
        Field(key="password", label="P", type="password"),
    )
    assert [entry.key for entry in form_of(provider(*fields), focus=True).inputs if entry.autofocus] == ["user"]
    assert [entry.key for entry in form_of(provider(*fields), focus=True, filled="ada").inputs if entry.autofocus] == ["password"]
    assert [entry.key for entry in form_of(provider(*fields)).inputs if entry.autofocus] == []


def test_what_is_left_out_is_said_in_the_log(caplog):
    caplog.set_level(logging.WARNING)
    field = Field(key="user", label="User", type="file", attributes={"onclick": "x()", "style": "color: red; background: url(x)"})
    warn_of_dropped(form_of(provider(field)))
    text = caplog.text
    assert "user.onclick" in text
    assert "user.type=file" in text
    assert "background: url(x)" in text
    assert "color: red" not in text
