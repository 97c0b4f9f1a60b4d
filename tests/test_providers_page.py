"""docs/providers.md is true: its lists are those of the code, its files load, and its function lets in whom it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.providers.accounts import DEFAULT_FIELDS
from gateway.providers.base import Accepted, Credentials, Rejected
from gateway.providers.file_directory import read_accounts
from gateway.providers.passwords import _SCHEMES
from gateway.providers.python_function import PythonFunction
from gateway.providers.sql_table import USERS
from gateway.settings.load import load
from tests.cli.conftest import CONFIG

PAGE = (Path(__file__).parent.parent / "docs/providers.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)[^\n]*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FORM, FILE = (text for kind, text in BLOCKS if kind == "toml")
[FUNCTION] = (text for kind, text in BLOCKS if kind == "python")


def test_every_kind_of_hash_is_named_and_no_other():
    said = PAGE.partition("Hashes of these kinds are taken over")[2].partition("Any other hash")[0]
    assert set(re.findall(r"`(\w+)`", said)) == set(_SCHEMES)


def test_every_column_is_named_and_no_other():
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(USERS.c.keys())


def test_the_form_loads(tmp_path: Path):
    provider = '[[providers]]\nid = "own"\ntype = "python"\nauthorize = "my_auth:authorize"\n'
    (tmp_path / "gateway.toml").write_text(CONFIG + provider + FORM)
    fields = load(tmp_path / "gateway.toml").settings.providers[-1].credentials
    assert list(fields) == ["email", "pin"]


def test_the_users_file_loads(tmp_path: Path):
    (tmp_path / "users.toml").write_text(FILE)
    ada = read_accounts(tmp_path / "users.toml")["ada"]
    assert set(ada.attributes) == {"id", "name", "email", "image", "roles", "groups", "department"}
    assert not ada.disabled


@pytest.mark.parametrize(
    ("email", "pin", "locked", "expected"),
    [
        ("Ada@Example.com", "1815", False, "17"),
        ("ada@example.com", "1", False, ""),
        ("eve", "1815", False, ""),
        ("ada@example.com", "1815", True, "locked"),
    ],
)
async def test_the_function_answers(tmp_path: Path, monkeypatch, email: str, pin: str, locked: bool, expected: str):
    name = f"auth_of_the_page_{locked}"
    (tmp_path / f"{name}.py").write_text(FUNCTION.replace("False", str(locked)))
    monkeypatch.syspath_prepend(tmp_path)
    provider = PythonFunction(id="own", name="Own", fields=DEFAULT_FIELDS, authorize=f"{name}:authorize", folder=tmp_path)
    await provider.start()
    answer = await provider.authorize(Credentials(fields={"email": email, "pin": pin}))
    if expected == "17":
        assert isinstance(answer, Accepted)
        assert (answer.user.id, answer.user.roles, answer.user.claims["department"]) == ("17", ("admin",), "engines")
    else:
        assert isinstance(answer, Rejected)
        assert answer.code == expected
