"""What every provider does alike: the users file, SQLite, PostgreSQL, and a Python function, plain and async."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.core.identity import User
from gateway.providers.accounts import DEFAULT_FIELDS
from gateway.providers.base import Accepted, Credentials, NotMine, Provider, Rejected
from gateway.providers.file_directory import FileDirectory
from gateway.providers.python_function import PythonFunction
from gateway.providers.sql import SqlUsers
from gateway.providers.sql_table import UserTable
from gateway.providers.users_file import UsersFile
from tests.people import ADA, BOB
from tests.providers.counting import BCRYPT, PASSWORD, TODAY_HASH, CountingPasswords, posted

#: Users by the name that they type: ADA, BOB, and EVE who may not sign in.
PEOPLE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ada": (
        TODAY_HASH,
        {
            "name": ADA.name,
            "email": ADA.email,
            "image": ADA.image,
            "roles": list(ADA.roles),
            "groups": list(ADA.groups),
            "department": "engines",
        },
    ),
    "bob": (BCRYPT, {"name": BOB.name}),
    "eve": (TODAY_HASH, {"disabled": True}),
}

FUNCTION = f"""
from gateway.core.identity import User

PEOPLE = {{name: dict(attributes, id=name) for name, (_, attributes) in {dict(PEOPLE)!r}.items()}}

def find(credentials):
    person = PEOPLE.get(credentials["username"])
    if person is None or credentials["password"] != {PASSWORD!r} or person.pop("disabled", False):
        return None
    return person

def plain(credentials, request):
    return find(credentials)

async def coroutine(credentials, request):
    person = find(credentials)
    if person is None:
        return None
    claims = {{key: value for key, value in person.items() if key == "department"}}
    lists = {{key: tuple(person.get(key, ())) for key in ("roles", "groups")}}
    texts = {{key: person.get(key) for key in ("id", "name", "email", "image")}}
    return User(**texts, **lists, claims=claims)
"""


@pytest.fixture(params=["users-file", "sqlite", "postgresql", "python-function", "python-coroutine"])
async def provider(request: pytest.FixtureRequest, tmp_path: Path, counting: CountingPasswords) -> AsyncIterator[Provider]:
    made: Provider
    common = {"id": "it", "name": "It", "fields": DEFAULT_FIELDS}
    if request.param == "users-file":
        file = tmp_path / "users.toml"
        for name, (stored, attributes) in PEOPLE.items():
            await FileDirectory(file).add(name, stored, attributes)
        made = UsersFile(**common, file=file, passwords=counting)
    elif request.param.startswith("python"):
        module = f"contract_{tmp_path.name}_{request.param.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(FUNCTION)
        function = "plain" if request.param == "python-function" else "coroutine"
        made = PythonFunction(**common, authorize=f"{module}:{function}", folder=tmp_path)
    else:
        url = f"sqlite:///{tmp_path}/users.db"
        if request.param == "postgresql":
            url = await request.getfixturevalue("postgres").new_database()
        table = UserTable(url, "it")
        for name, (stored, attributes) in PEOPLE.items():
            await table.add(name, stored, attributes)
        made = SqlUsers(**common, table=table, passwords=counting)
    await made.start()
    yield made
    await made.close()
    if str(tmp_path) in sys.path:
        sys.path.remove(str(tmp_path))


def expected(answer: object) -> None:
    assert isinstance(answer, (Rejected, NotMine)), answer


async def test_the_right_password_is_accepted_with_every_attribute(provider: Provider):
    answer = await provider.authorize(posted("ada"))
    assert answer == Accepted(ADA, "it")


async def test_attributes_that_nobody_gave_are_empty(provider: Provider):
    assert await provider.authorize(posted("bob")) == Accepted(BOB, "it")


async def test_a_second_sign_in_is_as_good_as_the_first(provider: Provider):
    assert await provider.authorize(posted("bob")) == await provider.authorize(posted("bob"))


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param(posted("ada", "wrong"), id="wrong-password"),
        pytest.param(posted("ada", ""), id="empty-password"),
        pytest.param(posted("ada", PASSWORD + " "), id="one-space-more"),
        pytest.param(posted("ada", PASSWORD + "\0"), id="nul-behind"),
        pytest.param(posted("ada", "x" * 2000), id="too-long"),
        pytest.param(posted("ada", "\ud800"), id="half-a-character"),
        pytest.param(posted("Ada"), id="other-case"),
        pytest.param(posted("ada "), id="space-behind-the-name"),
        pytest.param(posted("nobody"), id="unknown"),
        pytest.param(posted(""), id="no-name"),
        pytest.param(posted("ada\0"), id="nul-in-the-name"),
        pytest.param(posted("\ud800"), id="half-a-character-in-the-name"),
        pytest.param(posted("' OR '1'='1"), id="sql-in-the-name"),
        pytest.param(posted("%"), id="sql-pattern-in-the-name"),
        pytest.param(posted("eve"), id="disabled"),
        pytest.param(posted("eve", "wrong"), id="disabled-and-wrong"),
    ],
)
async def test_anything_else_is_not_accepted(provider: Provider, credentials: Credentials):
    expected(await provider.authorize(credentials))


async def test_further_posted_keys_do_no_harm(provider: Provider):
    answer = await provider.authorize(posted("ada", csrfToken="x", callbackUrl="/", redirect="false", json="true", id="eve", roles="admin"))
    assert answer == Accepted(ADA, "it")


async def test_a_user_can_be_looked_up_where_the_provider_can_do_that(provider: Provider):
    expected_user: User | None = None if isinstance(provider, PythonFunction) else ADA
    assert await provider.find("ada") == expected_user
    assert await provider.find("nobody") is None


async def test_closing_twice_is_fine(provider: Provider):
    await provider.close()
    await provider.close()


def test_credentials_show_only_the_names_of_their_fields():
    assert "horse" not in repr(posted())
    assert "horse" not in str(posted())
    assert "password" in repr(posted())
