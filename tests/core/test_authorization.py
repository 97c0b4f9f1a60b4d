"""`Authorization: Basic` towards an upstream (RFC 7617)."""

from __future__ import annotations

import base64

import pytest

from gateway.core.authorization import Basic
from gateway.core.headers import ValueRefused
from gateway.core.identity import User


@pytest.mark.parametrize(("user", "password"), [("ada", "s3cret"), ("ada", ""), ("zoë", "pass:word"), ("a b", "ü")])
def test_it_holds_the_id_and_the_password(user, password):
    scheme, _, value = Basic(password).value(User(id=user)).partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value).decode() == f"{user}:{password}"


@pytest.mark.parametrize("user", ["ada:admin", "ada\n", "\x00", "ada\ud800"])
def test_an_id_that_would_be_another_one_there_is_refused(user):
    with pytest.raises(ValueRefused):
        Basic("x").value(User(id=user))


def test_it_shows_no_password():
    assert "s3cret" not in repr(Basic("s3cret"))
