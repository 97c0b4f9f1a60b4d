from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.providers.users_document import CannotEdit, place_of, with_user, with_value, without_user

TEXT = """\
# who may sign in

# the first programmer
[users.ada]  # not the language
password = "old"  # changed in May
roles = ["admin",
  "staff"]

# bob has a dot
[users."b.ob"]
password = 'old'
address = { city = "London", zip = 1 }

[users."b.ob".extra]
since = 1843
# the end
"""


def test_only_the_value_changes():
    assert with_value(TEXT, "ada", "password", "new") == TEXT.replace('"old"  # changed', '"new"  # changed')


def test_a_quoted_name_and_a_literal_string_are_found():
    assert with_value(TEXT, "b.ob", "password", "new") == TEXT.replace("'old'", '"new"')


def test_a_missing_key_is_written_below_the_header():
    assert with_value(TEXT, "ada", "disabled", True) == TEXT.replace("language\n", "language\ndisabled = true\n")


def test_a_value_keeps_what_toml_would_misread():
    hostile = 'quote " backslash \\ newline \n tab \t delete \x7f horse \U0001f40e'
    assert tomllib.loads(with_value(TEXT, "ada", "password", hostile))["users"]["ada"]["password"] == hostile


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('users.ada.password = "old"\n', id="dotted"),
        pytest.param('[users]\nada.password = "old"\n', id="dotted-in-a-table"),
        pytest.param('[users]\nada = { password = "old" }\n', id="inline"),
        pytest.param('users = { ada = { password = "old" } }', id="inline-in-inline"),
        pytest.param('[users.ada]\r\npassword = "old"\r\n', id="crlf"),
        pytest.param('[users.ada]\npassword = """old"""', id="no-newline-at-the-end"),
        pytest.param('[ "users" . ada ]\n"password"="old"\n', id="spaces-and-quotes"),
    ],
)
def test_every_way_of_writing_a_password_can_be_changed(text: str):
    changed = with_value(text, "ada", "password", "new")
    assert tomllib.loads(changed) == {"users": {"ada": {"password": "new"}}}
    assert len(changed) <= len(text)


def test_what_has_no_place_is_left_to_a_person():
    with pytest.raises(CannotEdit, match="by hand"):
        with_value('[users]\nada = { password = "old" }\n', "ada", "disabled", True)
    with pytest.raises(CannotEdit):
        with_user('users = { ada = { password = "old" } }\n', "bob", {"password": "x"})
    with pytest.raises(CannotEdit):
        without_user('[users]\nada = { password = "old" }\n', "ada")


def test_an_unknown_user_is_a_key_error():
    for change in (lambda: with_value(TEXT, "eve", "password", "x"), lambda: without_user(TEXT, "eve")):
        with pytest.raises(KeyError):
            change()
    with pytest.raises(KeyError):
        with_user(TEXT, "ada", {})


def test_a_user_is_added_at_the_end():
    assert with_user(TEXT, "eve", {"password": "x", "roles": ["a", "b"]}) == TEXT + '\n[users.eve]\npassword = "x"\nroles = ["a", "b"]\n'
    assert with_user("", "eve", {"password": "x"}) == '[users.eve]\npassword = "x"\n'


def test_a_user_goes_with_its_comment_and_the_tables_below_it():
    assert without_user(TEXT, "b.ob") == TEXT[: TEXT.index("# bob")] + "# the end\n"
    assert without_user(TEXT, "ada") == "# who may sign in\n\n" + TEXT[TEXT.index("# bob") :]


def test_places_are_those_of_the_value_or_its_table():
    assert place_of(TEXT, ("users", "ada", "password")) == (5, 12)
    assert place_of(TEXT, ("users", "b.ob", "address", "zip"))[0] == 12
    assert place_of(TEXT, ("users", "ada", "missing")) == (4, 1)
    assert place_of("", ("users", "ada")) == (0, 0)


NAMES = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable())


@settings(max_examples=100)
@given(NAMES, st.text(max_size=30), st.text(max_size=30))
def test_any_user_can_be_added_changed_and_removed_again(name: str, first: str, second: str):
    if name in ("ada", "b.ob"):
        return
    try:
        first.encode()
        second.encode()
    except UnicodeEncodeError:
        return
    added = with_user(TEXT, name, {"password": first})
    changed = with_value(added, name, "password", second)
    assert tomllib.loads(changed)["users"][name] == {"password": second}
    assert changed.startswith(TEXT)
    assert tomllib.loads(without_user(changed, name)) == tomllib.loads(TEXT)
